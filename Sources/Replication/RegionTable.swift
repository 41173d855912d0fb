package import Primitives

/// What is known of the way between two regions.
package struct RegionLink: Hashable, Sendable {
    /// Median round trip.
    package var roundTrip: Duration
    /// What bulk transfer reaches, in bytes a second.
    package var bytesPerSecond: UInt64
    /// Price of 10^9 bytes in millionths of a US dollar.
    package var microdollarsPerGB: UInt32

    package init(roundTrip: Duration, bytesPerSecond: UInt64 = 125_000_000, microdollarsPerGB: UInt32 = 0) {
        self.roundTrip = roundTrip
        self.bytesPerSecond = max(1, bytesPerSecond)
        self.microdollarsPerGB = microdollarsPerGB
    }

    /// Within a region that nobody measured: 0.5 ms and 1.25 GB/s.
    package static let local = RegionLink(roundTrip: .microseconds(500), bytesPerSecond: 1_250_000_000)
    /// Between regions that nobody measured: 150 ms and 10 MB/s. Pessimistic, so that a measured way is preferred.
    package static let unknown = RegionLink(roundTrip: .milliseconds(150), bytesPerSecond: 10_000_000, microdollarsPerGB: 90_000)

    /// Time until `bytes` asked for have come.
    package func transferTime(bytes: UInt64) -> Duration {
        let span = UInt128(bytes) * 1_000_000_000 / UInt128(bytesPerSecond)
        return roundTrip + .nanoseconds(Int64(min(span, UInt128(Int64.max / 4))))
    }
}

/// Nodes by region, and the way from region to region: the map on which plans, placements and
/// fetches are drawn. Nodes and weights come from the catalog and are the same everywhere; liveness
/// and links are measured, hence advice: they may differ from node to node without harm.
package struct RegionTable: Sendable, Equatable {
    package struct Node: Hashable, Sendable {
        package let id: NodeID
        package let region: RegionID
        /// 1...1,048,576.
        package let weight: UInt32
        /// False for nodes that are being drained: they serve what they have and get nothing new.
        package let acceptsData: Bool
        /// Advice.
        package var isAlive: Bool

        package init(id: NodeID, region: RegionID, weight: UInt32 = 100, acceptsData: Bool = true, isAlive: Bool = true) {
            precondition((1...NodeRecord.maximumWeight).contains(weight), "weight \(weight) of \(id)")
            self.id = id
            self.region = region
            self.weight = weight
            self.acceptsData = acceptsData
            self.isAlive = isAlive
        }
    }

    /// By id.
    package private(set) var nodes: [Node]
    /// By name; every region with a node.
    package let regions: [RegionID]
    /// Row by row, `regions.count` squared; nil where nobody measured.
    private var links: [RegionLink?]

    package init(nodes: [Node]) {
        self.nodes = nodes.sorted { $0.id < $1.id }
        var names: [RegionID] = []
        for region in nodes.map(\.region).sorted() where names.last != region { names.append(region) }
        for (a, b) in zip(self.nodes, self.nodes.dropFirst()) { precondition(a.id < b.id, "\(a.id) is listed twice") }
        regions = names
        links = Array(repeating: nil, count: names.count * names.count)
    }

    /// Sets the way between two regions, both ways. Regions without nodes are ignored.
    package mutating func setLink(_ a: RegionID, _ b: RegionID, _ link: RegionLink) {
        guard let i = index(of: a), let j = index(of: b) else { return }
        links[i * regions.count + j] = link
        links[j * regions.count + i] = link
    }

    /// The same map with these nodes, of the same regions, in place of its own.
    package func replacingNodes(_ nodes: [Node]) -> RegionTable {
        var copy = RegionTable(nodes: nodes)
        precondition(copy.regions == regions, "the nodes are of other regions")
        copy.links = links
        return copy
    }

    package mutating func setAlive(_ id: NodeID, _ isAlive: Bool) {
        guard let slot = slot(of: id) else { return }
        nodes[slot].isAlive = isAlive
    }

    private func index(of region: RegionID) -> Int? {
        var low = 0
        var high = regions.count
        while low < high {
            let middle = (low + high) / 2
            if regions[middle] < region { low = middle + 1 } else { high = middle }
        }
        return low < regions.count && regions[low] == region ? low : nil
    }

    private func slot(of id: NodeID) -> Int? {
        var low = 0
        var high = nodes.count
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < nodes.count && nodes[low].id == id ? low : nil
    }

    package func node(_ id: NodeID) -> Node? { slot(of: id).map { nodes[$0] } }
    package func region(of id: NodeID) -> RegionID? { node(id)?.region }
    package func nodes(in region: RegionID) -> [Node] { nodes.filter { $0.region == region } }
    package func isAlive(_ id: NodeID) -> Bool { node(id)?.isAlive ?? false }

    package func link(_ a: RegionID, _ b: RegionID) -> RegionLink {
        guard let i = index(of: a), let j = index(of: b) else { return a == b ? .local : .unknown }
        return links[i * regions.count + j] ?? (i == j ? .local : .unknown)
    }

    package func roundTrip(_ a: RegionID, _ b: RegionID) -> Duration { link(a, b).roundTrip }

    /// All regions, `home` first, then by round trip from it; equal ones by name.
    package func nearestFirst(from home: RegionID) -> [RegionID] {
        regions.map { (region: $0, time: $0 == home ? -1 : roundTrip(home, $0).inNanoseconds) }
            .sorted { ($0.time, $0.region) < ($1.time, $1.region) }
            .map(\.region)
    }
}
