import Primitives

/// The news that this node still has to pass on (SWIM §4.1): each piece goes out a bounded number of
/// times, the least sent first and among those the newest first, so that fresh news overtakes stale.
struct Dissemination: Sendable {
    /// News kept at most; beyond that the most sent gives way.
    static let capacity = 512

    /// A piece of news, its bytes in a packet, and how often it was sent.
    struct Entry: Sendable {
        let update: MemberUpdate
        let bytes: Int
        let sent: Int
    }

    /// A piece of news in the order of sending. Hundreds of them are looked through for each packet and moved after it,
    /// so they are small and the news lie still beside them.
    private struct Turn: Sendable {
        let order: UInt64
        /// Whom it is about, or who measured.
        let subject: NodeID
        let slot: Int32
        /// In a packet, as the encoder counts them.
        let bytes: Int32
    }

    /// Those that were sent equally often, the newest last.
    private struct List: Sendable {
        var turns: [Turn] = []
        /// No piece here is shorter: where less room is left nothing need be looked at.
        var bytesMin = Int32.max

        mutating func insert(_ turn: Turn) {
            turns.insert(turn, at: position(of: turn.order))
            bytesMin = min(bytesMin, turn.bytes)
        }

        mutating func remove(_ turn: Turn) {
            turns.remove(at: position(of: turn.order))
            if turns.isEmpty { bytesMin = .max }
        }

        /// The first place whose order is not lower.
        private func position(of order: UInt64) -> Int {
            var low = 0
            var high = turns.count
            while low < high {
                let middle = (low + high) / 2
                if turns[middle].order < order { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// By how often they were sent. So the next to be sent are found without sorting, and what was sent moves to the next
    /// list.
    private var lists: [List] = []
    private var news: [MemberUpdate?] = []
    private var free: [Int32] = []
    private(set) var count = 0
    private var nextOrder: UInt64 = 0

    var isEmpty: Bool { count == 0 }
    /// In order of their coming.
    var entries: [Entry] {
        let all = lists.indices.flatMap { sent in lists[sent].turns.map { (turn: $0, sent: sent) } }
        return all.sorted { $0.turn.order < $1.turn.order }.compactMap { turn, sent in
            news[Int(turn.slot)].map { Entry(update: $0, bytes: Int(turn.bytes), sent: sent) }
        }
    }

    func isPending(_ key: MemberUpdate.Key) -> Bool {
        let subject = key.subject
        return lists.contains { $0.turns.contains { $0.subject == subject && news[Int($0.slot)]?.key == key } }
    }

    /// Takes a piece of news in, in place of what it makes obsolete.
    mutating func enqueue(_ update: MemberUpdate) {
        let key = update.key
        removeAll(about: key.subject) { $0.key == key || Self.settles(update, $0) }
        if count >= Self.capacity, let worst = lists.lastIndex(where: { !$0.turns.isEmpty }) {
            let oldest = lists[worst].turns[0]
            lists[worst].remove(oldest)
            release(oldest)
        }
        let slot: Int32
        if let reused = free.popLast() {
            slot = reused
            news[Int(slot)] = update
        } else {
            slot = Int32(news.count)
            news.append(update)
        }
        place(Turn(order: nextOrder, subject: key.subject, slot: slot, bytes: Int32(update.encodedBytes)), 0)
        count += 1
        nextOrder += 1
    }

    private mutating func release(_ turn: Turn) {
        news[Int(turn.slot)] = nil
        free.append(turn.slot)
        count -= 1
    }

    private mutating func removeAll(about subject: NodeID, where isObsolete: (MemberUpdate) -> Bool) {
        for sent in lists.indices where lists[sent].turns.contains(where: { $0.subject == subject }) {
            let obsolete = lists[sent].turns.filter { turn in
                turn.subject == subject && news[Int(turn.slot)].map(isObsolete) ?? false
            }
            for turn in obsolete {
                lists[sent].remove(turn)
                release(turn)
            }
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
        var moved: [(turn: Turn, sent: Int)] = []
        for sent in lists.indices where left >= lists[sent].bytesMin && moved.count < room {
            let before = moved.count
            choose(from: sent, &left, room: room, spoken, &moved)
            for (turn, _) in moved[before...] { lists[sent].remove(turn) }
        }
        var taken: [MemberUpdate] = []
        taken.reserveCapacity(moved.count)
        var isAnyDone = false
        for (turn, sent) in moved {
            guard let update = news[Int(turn.slot)] else { preconditionFailure("news without its place") }
            let times = if case .link = update { sent + linkWeight } else { sent + 1 }
            taken.append(update)
            if times >= limit {
                isAnyDone = true
                release(turn)
            } else {
                place(turn, times)
            }
        }
        // The limit falls as members leave.
        if isAnyDone, lists.count > max(1, limit) {
            for list in lists[max(1, limit)...] { for turn in list.turns { release(turn) } }
            lists.removeSubrange(max(1, limit)...)
        }
        return taken
    }

    /// Those of one list that fit, the newest first.
    private func choose(
        from sent: Int, _ left: inout Int, room: Int, _ spoken: [MemberUpdate.Key], _ moved: inout [(turn: Turn, sent: Int)]
    ) {
        let shortest = lists[sent].bytesMin
        for turn in lists[sent].turns.reversed() where Int(turn.bytes) <= left {
            if !spoken.isEmpty, let key = news[Int(turn.slot)]?.key, spoken.contains(key) { continue }
            left -= Int(turn.bytes)
            moved.append((turn, sent))
            if left < shortest || moved.count >= room { return }
        }
    }

    private mutating func place(_ turn: Turn, _ sent: Int) {
        while lists.count <= sent { lists.append(List()) }
        lists[sent].insert(turn)
    }

    /// Forgets what is pending about a member that is itself forgotten.
    mutating func drop(_ id: NodeID) { removeAll(about: id) { _ in true } }
}
