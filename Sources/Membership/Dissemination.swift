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

    private(set) var entries: [Entry] = []
    private var nextOrder: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }

    func isPending(_ key: MemberUpdate.Key) -> Bool { entries.contains { $0.key == key } }

    /// Takes a piece of news in, in place of what it makes obsolete.
    mutating func enqueue(_ update: MemberUpdate) {
        let key = update.key
        entries.removeAll { $0.key == key || Self.settles(update, $0.update) }
        if entries.count >= Self.capacity, let worst = entries.indices.max(by: { ahead(entries[$0], entries[$1]) }) {
            entries.remove(at: worst)
        }
        entries.append(Entry(key: key, update: update, bytes: update.xdrBytes.count, order: nextOrder))
        nextOrder += 1
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

    private func ahead(_ a: Entry, _ b: Entry) -> Bool {
        a.sent == b.sent ? a.order > b.order : a.sent < b.sent
    }

    /// What fits `budget` bytes and `room` places, each counted as sent; news sent `limit` times is dropped.
    /// News on a matter that `already` speaks of stays behind.
    mutating func take(budget: Int, room: Int, limit: Int, already: [MemberUpdate]) -> [MemberUpdate] {
        guard !entries.isEmpty, budget > 0, room > 0 else { return [] }
        var order = Array(entries.indices)
        if order.count > 1 { order.sort { ahead(entries[$0], entries[$1]) } }
        var left = budget
        var taken: [MemberUpdate] = []
        var isAnyDone = false
        for index in order {
            let entry = entries[index]
            guard entry.bytes <= left, !already.contains(where: { $0.key == entry.key }) else { continue }
            left -= entry.bytes
            taken.append(entry.update)
            entries[index].sent += 1
            isAnyDone = isAnyDone || entries[index].sent >= limit
            if taken.count == room { break }
        }
        if isAnyDone { entries.removeAll { $0.sent >= limit } }
        return taken
    }

    /// Forgets what is pending about a member that is itself forgotten.
    mutating func drop(_ id: NodeID) {
        entries.removeAll {
            switch $0.key {
            case .member(let member): member == id
            case .suspicion(let suspect, _): suspect == id
            case .link(let reporter, _): reporter == id
            }
        }
    }
}
