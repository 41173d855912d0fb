package import Primitives

/// Regions and what lies between them: round trips, jitter, throughput and price. A map is data
/// (files under `simulations/regions/`, with source and date in the file); the same map shapes the
/// links of a local cluster, drives the simulator and prices the comparison.
///
/// A link is symmetric in round trip and jitter, and may differ by direction in capacity and price.
/// Throughput of one TCP flow is its window divided by the round trip (architecture §9); many flows
/// together are limited by the link's capacity.
package struct RegionMap: Hashable, Sendable {
    package struct Region: Hashable, Sendable {
        package var id: RegionID
        package var title: String
        /// Degrees north and east, for drawing only.
        package var latitude: Double
        package var longitude: Double
        package init(id: RegionID, title: String, latitude: Double, longitude: Double) {
            self.id = id
            self.title = title
            self.latitude = latitude
            self.longitude = longitude
        }
    }

    /// What lies between two regions, seen from one of them.
    package struct Link: Hashable, Sendable {
        package var from: RegionID
        package var to: RegionID
        /// Median round trip.
        package var roundTrip: Duration
        /// Mean deviation of a round trip from its median.
        package var jitter: Duration
        /// All flows together, in bytes a second, in this direction.
        package var bytesPerSecond: UInt64
        /// Bytes that one flow has under way at most: its throughput is this per round trip.
        package var flowWindow: UInt64
        /// US dollars for 10⁹ bytes that leave `from` for `to`.
        package var dollarsPerGigabyte: Double
        package init(
            from: RegionID, to: RegionID, roundTrip: Duration, jitter: Duration, bytesPerSecond: UInt64, flowWindow: UInt64,
            dollarsPerGigabyte: Double
        ) {
            self.from = from
            self.to = to
            self.roundTrip = roundTrip
            self.jitter = jitter
            self.bytesPerSecond = bytesPerSecond
            self.flowWindow = flowWindow
            self.dollarsPerGigabyte = dollarsPerGigabyte
        }

        /// Bytes a second of one flow: window ÷ round trip, and never more than the link.
        package var flowBytesPerSecond: UInt64 {
            let nanoseconds = UInt64(max(1, roundTrip.inNanoseconds))
            let (product, overflow) = flowWindow.multipliedReportingOverflow(by: 1_000_000_000)
            return overflow ? bytesPerSecond : min(bytesPerSecond, product / nanoseconds)
        }
    }

    package var name: String
    package var title: String
    package var source: String
    package var date: String
    /// Round trip between two machines of one zone, and between two zones of a region.
    package var sameZone: Duration
    package var betweenZones: Duration
    /// In order of id.
    package private(set) var regions: [Region]
    /// Both directions of each pair, in order of (from, to).
    package private(set) var links: [Link]

    /// Regions and links in any order; every pair must be there in both directions, once.
    /// `RegionMap(settings:)` checks a file for that with clear errors.
    package init(
        name: String, title: String, source: String, date: String, sameZone: Duration, betweenZones: Duration, regions: [Region],
        links: [Link]
    ) {
        self.name = name
        self.title = title
        self.source = source
        self.date = date
        self.sameZone = sameZone
        self.betweenZones = betweenZones
        self.regions = regions.sorted { $0.id < $1.id }
        self.links = links.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        checkInvariants()
    }

    package func checkInvariants() {
        precondition(links.count == regions.count * (regions.count - 1), "map \(name): a pair of regions has no link, or two")
        for (a, b) in zip(links, links.dropFirst()) {
            precondition((a.from, a.to) < (b.from, b.to), "map \(name): \(a.from)–\(a.to) twice")
        }
    }
}

extension RegionMap {
    package func contains(_ region: RegionID) -> Bool { self[region] != nil }

    package subscript(region: RegionID) -> Region? {
        let index = Self.lowerBound(regions.count) { regions[$0].id < region }
        return index < regions.count && regions[index].id == region ? regions[index] : nil
    }

    /// The link of two regions of the map; within a region the figures between two of its zones,
    /// without a price (many clouds do charge for it; the maps have no figure).
    package func link(from: RegionID, to: RegionID) -> Link? {
        if from == to {
            guard contains(from) else { return nil }
            return Link(
                from: from, to: to, roundTrip: betweenZones, jitter: .zero, bytesPerSecond: Self.localBytesPerSecond,
                flowWindow: 16 << 20, dollarsPerGigabyte: 0)
        }
        let index = Self.lowerBound(links.count) { (links[$0].from, links[$0].to) < (from, to) }
        guard index < links.count, links[index].from == from, links[index].to == to else { return nil }
        return links[index]
    }

    package func roundTrip(_ a: RegionID, _ b: RegionID) -> Duration? { link(from: a, to: b)?.roundTrip }

    /// 10 Gbit/s: what an ordinary machine has within its region.
    package static let localBytesPerSecond: UInt64 = 1_250_000_000

    /// The region of that name, or an error that suggests the nearest names.
    package func region(named name: String) throws(UnknownRegion) -> RegionID {
        let id = RegionID(name)
        guard contains(id) else { throw UnknownRegion(name: name, map: self.name, known: regions.map(\.id.name)) }
        return id
    }

    /// The map of some of its regions; unknown names are an error.
    package func restricted(to names: [String]) throws(UnknownRegion) -> RegionMap {
        var kept: [Region] = []
        for name in names {
            let id = try region(named: name)
            if let region = self[id], !kept.contains(region) { kept.append(region) }
        }
        var copy = self
        copy.regions = kept.sorted { $0.id < $1.id }
        copy.links = links.filter { link in copy.contains(link.from) && copy.contains(link.to) }
        return copy
    }

    private static func lowerBound(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// A region that the map does not have.
package struct UnknownRegion: Error, Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let map: String
    package let known: [String]
    package init(name: String, map: String, known: [String]) {
        self.name = name
        self.map = map
        self.known = known
    }
    package var description: String {
        "region \(name): the map \(map) has no such region; \(Suggestion.sentence(for: name, among: known))"
    }
}
