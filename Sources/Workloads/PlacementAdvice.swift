package import Primitives

/// How many clients there are in which region.
package struct ClientMix: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var region: RegionID
        package var count: Int
        package init(region: RegionID, count: Int) {
            self.region = region
            self.count = count
        }
    }
    package var entries: [Entry]
    package init(_ entries: [Entry]) { self.entries = entries }
    package var total: Int { entries.reduce(0) { $0 + $1.count } }

    /// The mean over all clients of a time by region, in milliseconds.
    package func mean(_ time: (RegionID) -> Double) -> Double {
        total == 0 ? 0 : entries.reduce(0) { $0 + Double($1.count) * time($1.region) } / Double(total)
    }
}

/// Where a volume may live, and what its clients would wait for distance alone: a closed form over the
/// map. Voters are those that the program chooses for a home: it and the regions nearest to it, three of
/// up to four regions, five of more.
package struct Placement: Hashable, Sendable {
    /// One region gets content from another.
    package struct Feed: Hashable, Sendable {
        package var from: RegionID
        package var to: RegionID
        package var roundTrip: Duration
        package var dollarsPerGigabyte: Double
    }

    package let home: RegionID
    /// Home first: the order in which they are to lead.
    package let voters: [RegionID]
    /// From the leader to the nearest majority of voters, in milliseconds.
    package let majority: Double
    /// Where each other region's content comes from: voters from home, the rest from the nearest region that has it.
    package let feeds: [Feed]
    private let distances: [RegionID: Double]  // looked up only
    /// US dollars for 10⁹ bytes on the way to the home; looked up only.
    private let waysHome: [RegionID: Double]

    package init?(home: RegionID, map: RegionMap) {
        guard map.contains(home) else { return nil }
        func ms(_ a: RegionID, _ b: RegionID) -> Double { a == b ? 0 : map.roundTrip(a, b)?.inMilliseconds ?? 0 }
        let near = map.regions.map(\.id).sorted { (ms(home, $0), $0) < (ms(home, $1), $1) }
        let order = [home] + near.filter { $0 != home }
        let count = order.count >= 5 ? 5 : order.count >= 3 ? 3 : order.count
        let voters = Array(order.prefix(count))
        self.home = home
        self.voters = voters
        // With two regions one of them has two of the three voters: the home's, where it has the machines.
        let others = voters.dropFirst().map { ms(home, $0) }.sorted()
        majority = count <= 2 ? others.first ?? 0 : others[count / 2 - 1]
        distances = Dictionary(uniqueKeysWithValues: order.map { ($0, ms(home, $0)) })
        waysHome = Dictionary(
            uniqueKeysWithValues: order.map { ($0, $0 == home ? 0 : map.link(from: $0, to: home)?.dollarsPerGigabyte ?? 0) })
        var fed = [home]
        var feeds: [Feed] = []
        for region in order.dropFirst() {
            let source = voters.contains(region) ? home : fed.min { (ms($0, region), $0) < (ms($1, region), $1) } ?? home
            fed.append(region)
            guard let link = map.link(from: source, to: region) else { continue }
            feeds.append(Feed(from: source, to: region, roundTrip: link.roundTrip, dollarsPerGigabyte: link.dollarsPerGigabyte))
        }
        self.feeds = feeds
    }

    /// Milliseconds of distance in a commit from a region: to the leader, and from there to the majority.
    package func commit(from region: RegionID) -> Double { (distances[region] ?? 0) + majority }
    /// In a reload of the latest version: to the leader. Reads of what is there wait for nothing.
    package func reload(from region: RegionID) -> Double { distances[region] ?? 0 }
    /// US dollars for 10⁹ bytes of content that is committed in a region to reach every other: the way home, and from there
    /// to all who do not have it.
    package func dollarsPerGigabyte(from region: RegionID) -> Double {
        feeds.reduce(waysHome[region] ?? 0) { $0 + ($1.to == region ? 0 : $1.dollarsPerGigabyte) }
    }

    /// All homes of a map, the best for these clients first: least mean of commit and reload, then of price.
    package static func ranked(_ map: RegionMap, for clients: ClientMix) -> [Placement] {
        map.regions.compactMap { Placement(home: $0.id, map: map) }.sorted { a, b in
            func key(_ placement: Placement) -> (Double, Double, RegionID) {
                (
                    clients.mean { placement.commit(from: $0) + placement.reload(from: $0) },
                    clients.mean(placement.dollarsPerGigabyte), placement.home
                )
            }
            return key(a) < key(b)
        }
    }
}
