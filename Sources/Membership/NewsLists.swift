/// Numbered places in lists by how often what lies there was sent, each in order of coming. The lists are linked through
/// one table: hundreds of places move with every few packets, mostly from the newest end of one list to the oldest of the
/// next, and a large cluster in a simulation must not keep thirty tables a member.
struct NewsLists: Sendable {
    private struct Link: Sendable {
        let order: UInt64
        /// The next places of the same list; -1 for none.
        var newer: Int16 = -1
        var older: Int16 = -1
        let bytes: UInt16
        var sent: Int16 = 0
    }

    private struct Ends: Sendable {
        var newest: Int16 = -1
        var oldest: Int16 = -1
        /// No piece here is shorter: where less room is left nothing need be looked at.
        var bytesMin = UInt16.max
    }

    private var links: [Link] = []
    private var lists: [Ends] = []

    /// All places, by list.
    var all: [(place: Int, order: UInt64, bytes: Int, sent: Int)] {
        var all: [(place: Int, order: UInt64, bytes: Int, sent: Int)] = []
        for list in lists {
            var place = Int(list.newest)
            while place >= 0 {
                all.append((place, links[place].order, Int(links[place].bytes), Int(links[place].sent)))
                place = Int(links[place].older)
            }
        }
        return all
    }

    var oldestOfMostSent: Int? { lists.last { $0.oldest >= 0 }.map { Int($0.oldest) } }

    /// While `place` is taken out too.
    func timesSent(_ place: Int) -> Int { Int(links[place].sent) }

    /// `place` is one that is in no list, or the next new one.
    mutating func add(_ place: Int, order: UInt64, bytes: Int) {
        let link = Link(order: order, bytes: UInt16(bytes))
        if place == links.count { links.append(link) } else { links[place] = link }
        insert(place)
    }

    /// Puts what was taken out into the list of those that were sent so many times more.
    mutating func putBack(_ place: Int, after times: Int) {
        links[place].sent += Int16(times)
        insert(place)
    }

    private mutating func insert(_ place: Int) {
        let sent = Int(links[place].sent)
        while lists.count <= sent { lists.append(Ends()) }
        let order = links[place].order
        lists[sent].bytesMin = min(lists[sent].bytesMin, links[place].bytes)
        var newer: Int16 = -1
        if lists[sent].newest >= 0, order < links[Int(lists[sent].newest)].order {
            // What moves here is mostly older than what came before it.
            newer = lists[sent].oldest
            while links[Int(newer)].order < order { newer = links[Int(newer)].newer }
        }
        let older = newer >= 0 ? links[Int(newer)].older : lists[sent].newest
        links[place].newer = newer
        links[place].older = older
        if newer >= 0 { links[Int(newer)].older = Int16(place) } else { lists[sent].newest = Int16(place) }
        if older >= 0 { links[Int(older)].newer = Int16(place) } else { lists[sent].oldest = Int16(place) }
    }

    mutating func unlink(_ place: Int) {
        let link = links[place]
        let sent = Int(link.sent)
        if link.newer >= 0 { links[Int(link.newer)].older = link.older } else { lists[sent].newest = link.older }
        if link.older >= 0 { links[Int(link.older)].newer = link.newer } else { lists[sent].oldest = link.newer }
        if lists[sent].newest < 0 { lists[sent].bytesMin = .max }
    }

    /// Takes out what fits, the least sent first and the newest first among those.
    mutating func take(bytes: Int, room: Int, except: [Int]) -> [Int] {
        var left = bytes
        var taken: [Int] = []
        for sent in lists.indices where left >= Int(lists[sent].bytesMin) && taken.count < room {
            let shortest = Int(lists[sent].bytesMin)
            var next = Int(lists[sent].newest)
            var shortestLeft = UInt16.max
            while next >= 0, left >= shortest, taken.count < room {
                let place = next
                next = Int(links[place].older)
                guard Int(links[place].bytes) <= left, except.isEmpty || !except.contains(place) else {
                    shortestLeft = min(shortestLeft, links[place].bytes)
                    continue
                }
                left -= Int(links[place].bytes)
                unlink(place)
                taken.append(place)
            }
            // All were looked at: what was short is gone, and they are not looked at in vain again.
            if next < 0 { lists[sent].bytesMin = shortestLeft }
        }
        return taken
    }

    /// Takes out all that was sent so many times or more.
    mutating func cut(to limit: Int) -> [Int] {
        guard lists.count > limit else { return [] }
        let places = all.filter { $0.sent >= limit }.map(\.place)
        lists.removeSubrange(limit...)
        return places
    }
}
