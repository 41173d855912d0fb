import Primitives

/// The news that this node still has to pass on (SWIM §4.1): each piece goes out a bounded number of
/// times, the least sent first and among those the newest first, so that fresh news overtakes stale.
struct Dissemination: Hashable, Sendable {
    /// News kept at most; beyond that the most sent gives way.
    static let capacity = 512

    struct Entry: Hashable, Sendable {
        let key: MemberUpdate.Key
        let update: MemberUpdate
        /// Its bytes in a packet, as the encoder counts them.
        let bytes: Int
        let order: UInt64
        var sent = 0
    }

    /// By how often they were sent; within that, the newest last. So the next to be sent are found without sorting, and
    /// what was sent moves to the next list.
    private var buckets: [[Entry]] = []
    private(set) var count = 0
    private var nextOrder: UInt64 = 0

    /// The bytes of the shortest piece of news.
    private static let bytesMin = 20

    var isEmpty: Bool { count == 0 }
    /// In order of their coming.
    var entries: [Entry] { buckets.flatMap { $0 }.sorted { $0.order < $1.order } }

    func isPending(_ key: MemberUpdate.Key) -> Bool { buckets.contains { $0.contains { $0.key == key } } }

    /// Takes a piece of news in, in place of what it makes obsolete.
    mutating func enqueue(_ update: MemberUpdate) {
        let key = update.key
        removeAll { $0.key == key || Self.settles(update, $0.update) }
        if count >= Self.capacity, let worst = buckets.lastIndex(where: { !$0.isEmpty }) {
            buckets[worst].removeFirst()
            count -= 1
        }
        if buckets.isEmpty { buckets.append([]) }
        buckets[0].append(Entry(key: key, update: update, bytes: update.xdrBytes.count, order: nextOrder))
        count += 1
        nextOrder += 1
    }

    private mutating func removeAll(where isObsolete: (Entry) -> Bool) {
        for place in buckets.indices where buckets[place].contains(where: isObsolete) {
            let before = buckets[place].count
            buckets[place].removeAll(where: isObsolete)
            count -= before - buckets[place].count
        }
    }

    /// Whether `news` ends the matter that `old`, a suspicion, is about.
    private static func settles(_ news: MemberUpdate, _ old: MemberUpdate) -> Bool {
        guard case .suspect(let suspect, let accused, _) = old else { return false }
        switch news {
        case .alive(let record): return record.id == suspect && record.incarnation > accused
        case .dead(let id, _, _), .left(let id, _): return id == suspect
        case .suspect, .link: return false
        }
    }

    /// What fits `budget` bytes and `room` places, each counted as sent; news sent `limit` times is dropped.
    /// News on a matter that `already` speaks of stays behind.
    /// One sending of a measurement counts as `linkWeight`: what a push/pull brings just as well goes behind the
    /// news of members, and less often.
    mutating func take(budget: Int, room: Int, limit: Int, linkWeight: Int = 1, already: [MemberUpdate]) -> [MemberUpdate] {
        guard count > 0, budget > 0, room > 0 else { return [] }
        let spoken = already.map(\.key)
        var left = budget
        var moved: [Entry] = []
        search: for sent in buckets.indices {
            for place in buckets[sent].indices.reversed() {
                guard left >= Self.bytesMin, moved.count < room else { break search }
                let bytes = buckets[sent][place].bytes
                guard bytes <= left, spoken.isEmpty || !spoken.contains(buckets[sent][place].key) else { continue }
                left -= bytes
                moved.append(buckets[sent].remove(at: place))
            }
        }
        count -= moved.count
        let taken = moved.map(\.update)
        var isAnyDone = false
        for var entry in moved {
            if case .link = entry.key { entry.sent += linkWeight } else { entry.sent += 1 }
            if entry.sent >= limit { isAnyDone = true } else { place(entry) }
        }
        // The limit falls as members leave.
        if isAnyDone, buckets.count > max(1, limit) {
            for bucket in buckets[max(1, limit)...] { count -= bucket.count }
            buckets.removeSubrange(max(1, limit)...)
        }
        return taken
    }

    private mutating func place(_ entry: Entry) {
        while buckets.count <= entry.sent { buckets.append([]) }
        let position = buckets[entry.sent].lastIndex { $0.order < entry.order }.map { $0 + 1 } ?? 0
        buckets[entry.sent].insert(entry, at: position)
        count += 1
    }

    /// Forgets what is pending about a member that is itself forgotten.
    mutating func drop(_ id: NodeID) {
        removeAll {
            switch $0.key {
            case .member(let member): member == id
            case .suspicion(let suspect, _): suspect == id
            case .link(let reporter, _): reporter == id
            }
        }
    }
}
