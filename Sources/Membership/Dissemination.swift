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

    /// By how often they were sent. So the next to be sent are found without sorting, and what was sent moves to the next
    /// list.
    private var lists = NewsLists()
    /// The news by its place in the lists, where it stays while it moves from one to the next.
    private var news: [MemberUpdate?] = []
    private var free: [Int16] = []
    /// Where a chain begins of the news about each member, and any other whose number ends alike; -1 where there is none.
    private var heads: [Int16] = []
    private var chain: [Int16] = []
    private(set) var count = 0
    private var nextOrder: UInt64 = 0

    var isEmpty: Bool { count == 0 }
    /// In order of their coming.
    var entries: [Entry] {
        lists.all.sorted { $0.order < $1.order }.compactMap { place, _, bytes, sent in
            news[place].map { Entry(update: $0, bytes: bytes, sent: sent) }
        }
    }

    func isPending(_ key: MemberUpdate.Key) -> Bool { places(about: key.subject).contains { news[$0]?.key == key } }

    /// Takes a piece of news in, in place of what it makes obsolete.
    mutating func enqueue(_ update: MemberUpdate) {
        let key = update.key
        let subject = update.subject
        for place in places(about: subject) {
            guard let old = news[place], old.key == key || Self.settles(update, old) else { continue }
            remove(place)
        }
        if count >= Self.capacity, let worst = lists.oldestOfMostSent { remove(worst) }
        let place: Int
        if let reused = free.popLast() {
            place = Int(reused)
            news[place] = update
        } else {
            place = news.count
            news.append(update)
            chain.append(-1)
        }
        if heads.isEmpty { heads = Array(repeating: -1, count: Self.headsCount) }
        let head = Self.head(of: subject)
        chain[place] = heads[head]
        heads[head] = Int16(place)
        lists.add(place, order: nextOrder, bytes: update.encodedBytes)
        count += 1
        nextOrder += 1
    }

    /// Members' numbers are given out in order: of twice as many as there is news, few end alike.
    private static let headsCount = 1_024
    private static func head(of subject: NodeID) -> Int { Int(truncatingIfNeeded: subject.rawValue) & (headsCount - 1) }

    private func places(about subject: NodeID) -> [Int] {
        guard !heads.isEmpty else { return [] }
        var found: [Int] = []
        var place = Int(heads[Self.head(of: subject)])
        while place >= 0 {
            if news[place]?.subject == subject { found.append(place) }
            place = Int(chain[place])
        }
        return found
    }

    private mutating func remove(_ place: Int) {
        lists.unlink(place)
        release(place)
    }

    /// Forgets what is in no list any more.
    private mutating func release(_ place: Int) {
        guard let update = news[place] else { preconditionFailure("news without its place") }
        let head = Self.head(of: update.subject)
        if heads[head] == place {
            heads[head] = chain[place]
        } else {
            var before = Int(heads[head])
            while chain[before] != place { before = Int(chain[before]) }
            chain[before] = chain[place]
        }
        news[place] = nil
        free.append(Int16(place))
        count -= 1
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
        var spoken: [Int] = []
        for update in already { spoken += places(about: update.subject).filter { news[$0]?.key == update.key } }
        let moved = lists.take(bytes: budget, room: room, except: spoken)
        var taken: [MemberUpdate] = []
        taken.reserveCapacity(moved.count)
        var isAnyDone = false
        for place in moved {
            guard let update = news[place] else { preconditionFailure("news without its place") }
            let weight = if case .link = update { linkWeight } else { 1 }
            taken.append(update)
            if lists.timesSent(place) + weight >= limit {
                isAnyDone = true
                release(place)
            } else {
                lists.putBack(place, after: weight)
            }
        }
        // The limit falls as members leave.
        if isAnyDone { for place in lists.cut(to: max(1, limit)) { release(place) } }
        return taken
    }

    /// Forgets what is pending about a member that is itself forgotten.
    mutating func drop(_ id: NodeID) { for place in places(about: id) { remove(place) } }
}
