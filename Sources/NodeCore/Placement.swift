import Primitives
import Replication

/// Copies of some chunks on their way to where placement wants them. A commit waits until every
/// one of its placements satisfies the volume's rule; the rest goes on behind it.
struct Placement {
    let chunks: [ChunkReference]
    let rule: PlacementRule
    /// For each chunk, the region of every durable copy.
    var copies: [[RegionID]]
    var unsatisfied: Int
    var pushesLeft: Int
    /// Steps that wait for the rule, and for all copies.
    var waiting: [WaitToken] = []
    let started: Instant

    init(chunks: [ChunkReference], rule: PlacementRule, home: RegionID, now: Instant) {
        self.chunks = chunks
        self.rule = rule
        copies = chunks.map { _ in [home] }
        unsatisfied = chunks.count
        pushesLeft = 0
        started = now
        if rule.isSatisfied(copiesIn: [home]) { unsatisfied = 0 }
    }

    var isSatisfied: Bool { unsatisfied == 0 }

    mutating func hold(_ indices: [Int], in region: RegionID) {
        for index in indices {
            let before = rule.isSatisfied(copiesIn: copies[index])
            copies[index].append(region)
            if !before, rule.isSatisfied(copiesIn: copies[index]) { unsatisfied -= 1 }
        }
    }

    /// Regions that hold every chunk.
    func completeRegions(of regions: [RegionID]) -> [RegionID] {
        regions.filter { region in copies.allSatisfy { rule.holding(copiesIn: $0).contains(region) } }
    }
}

/// Chunks on their way to one node.
struct ChunkPush {
    let placement: UInt64
    let node: NodeID
    let region: RegionID
    let indices: [Int]
    var attempts = 1
}

/// What is on its way to one node, and what waits for that.
struct PushOutbox {
    /// Pushes under way to one node.
    static let limit = 8

    /// What does not fit is tried again after a second.
    var waiting = BoundedQueue<ChunkPush>(capacity: 65_536)
    var underWay = 0
}

/// Pushes that travel together.
struct PushFlight {
    let node: NodeID
    let parts: [ChunkPush]
    /// When it is sent again though nothing was heard.
    let timeoutAt: Instant
}
