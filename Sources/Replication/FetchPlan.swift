package import Primitives

/// A node that may have a chunk, as seen from the node that wants it.
package struct FetchSource: Hashable, Sendable {
    package let node: NodeID
    package let link: RegionLink
    /// In another region.
    package let isWideArea: Bool
    package init(node: NodeID, link: RegionLink, isWideArea: Bool) {
        self.node = node
        self.link = link
        self.isWideArea = isWideArea
    }
}

/// Where a node looks for chunks, and in which order: nodes of its own region that hold them by
/// placement, then the other regions by what a typical chunk costs from there in time and money.
///
/// Made once for a file system, a table and a reader; asked for each chunk.
package struct FetchPlan: Sendable {
    /// Time that a millionth of a dollar is worth, in microseconds: default 100, range 0...1,000,000.
    /// At 0.09 USD a GB a chunk of 256 KiB costs 24 millionths, hence 2.4 ms. 0 looks at time only.
    package static let standardMicrosecondsPerMicrodollar: UInt64 = 100
    static let typicalChunk: UInt64 = 256 << 10

    private struct Step: Sendable {
        let region: RegionID
        let link: RegionLink
        let isWideArea: Bool
        let holders: Int
    }

    package let reader: NodeID
    package let maximumSources: Int
    private let placement: ChunkPlacement
    private let table: RegionTable
    private let steps: [Step]

    package init(
        reader: NodeID, placement: ChunkPlacement, table: RegionTable, maximumSources: Int = 8,
        microsecondsPerMicrodollar: UInt64 = Self.standardMicrosecondsPerMicrodollar
    ) {
        self.reader = reader
        self.placement = placement
        self.table = table
        self.maximumSources = maximumSources
        let here = table.region(of: reader)
        func cost(_ region: RegionID) -> Int64 {
            guard let here, region != here else { return -1 }
            let link = table.link(here, region)
            let price = UInt64(link.microdollarsPerGB) * Self.typicalChunk / 1_000 * min(microsecondsPerMicrodollar, 1_000_000) / 1_000
            // Price: microdollars × 10⁻⁹ × bytes × µs × 10³ = nanoseconds.
            return link.transferTime(bytes: Self.typicalChunk).inNanoseconds + Int64(min(price, UInt64(Int64.max / 4)))
        }
        steps = placement.regions.map { (cost: cost($0), region: $0) }.sorted { ($0.cost, $0.region) < ($1.cost, $1.region) }.map { entry in
            Step(
                region: entry.region, link: table.link(here ?? entry.region, entry.region), isWideArea: entry.region != here,
                // At home one more than there should be copies: the place of a dead node's copy.
                holders: placement.copies(in: entry.region) + (entry.region == here ? 1 : 0))
        }
    }

    /// The nodes to ask, best first; `hints` are nodes known to have it, such as the writer's: the
    /// ones here come first, those elsewhere before the other nodes of their region.
    package func sources(of chunk: ChunkID, hints: [NodeID] = []) -> [FetchSource] {
        var out: [FetchSource] = []
        var dead: [FetchSource] = []
        for step in steps {
            let hinted = hints.filter { table.region(of: $0) == step.region }
            for node in hinted + placement.holders(of: chunk, in: step.region, count: step.holders) {
                guard node != reader, !out.contains(where: { $0.node == node }), !dead.contains(where: { $0.node == node }) else {
                    continue
                }
                let source = FetchSource(node: node, link: step.link, isWideArea: step.isWideArea)
                if table.isAlive(node) { out.append(source) } else { dead.append(source) }
            }
        }
        // Liveness is advice: the dead are asked last, not never.
        return Array((out + dead).prefix(maximumSources))
    }
}
