package import Primitives

/// Which copies make a chunk durable: enough copies in each region that counts, and enough regions.
package struct PlacementRule: Hashable, Sendable {
    package struct Share: Hashable, Sendable {
        package let region: RegionID
        /// Copies on distinct nodes from which on the region holds the chunk.
        package let needed: Int
        package init(region: RegionID, needed: Int) {
            self.region = region
            self.needed = needed
        }
    }

    package let commit: CommitRule
    /// By region name; a region that is not listed needs one copy.
    package let shares: [Share]

    package init(commit: CommitRule, shares: [Share]) {
        self.commit = commit
        self.shares = shares
    }

    /// The regions that hold a chunk of which copies lie in `regions`, one entry for each copy.
    package func holding(copiesIn regions: [RegionID]) -> [RegionID] {
        var out: [RegionID] = []
        for region in regions where !out.contains(region) {
            let needed = shares.first { $0.region == region }?.needed ?? 1
            if regions.count(where: { $0 == region }) >= needed { out.append(region) }
        }
        return out.sorted()
    }

    package func isSatisfied(copiesIn regions: [RegionID]) -> Bool {
        commit.isSatisfied(regionsHolding: holding(copiesIn: regions))
    }
}

/// Where a copy of a chunk goes.
package struct ChunkDestination: Hashable, Sendable, CustomStringConvertible {
    package let node: NodeID
    package let region: RegionID
    package init(node: NodeID, region: RegionID) {
        self.node = node
        self.region = region
    }
    package var description: String { "\(node)@\(region)" }
}

/// Which nodes hold the copies of a chunk of one file system.
///
/// - *nfs*: the nodes of the group's voters, in the primary region; durable on a majority of them,
///   as the metadata is.
/// - *volume*: `copiesPerRegion` nodes of every region, of those that have a replica of the volume and
///   accept data, chosen by weighted rendezvous hashing of the chunk's name (see `Rendezvous`), so that load
///   follows capacity and a node that joins takes only its share. Whoever shall hold a chunk thus knows
///   its name from the volume's own log: it can find out what it lacks, and what nobody needs any more.
///   A volume that is to be spread over more nodes gets more replicas a region. The default is two copies where a region
///   has two nodes, else one. One copy makes a region count as holding the chunk when the rule asks
///   for several regions (the other regions are what covers the loss of a node until the second copy
///   is there); under durability `region` all copies must be there.
///
/// Nodes believed dead are passed over while others are there: the next by lot takes their place.
/// Whoever reads looks in the same order; anti-entropy brings copies back to where they belong.
package struct ChunkPlacement: Sendable {
    struct Candidate: Sendable {
        let node: NodeID
        let salt: UInt64
        let weight: UInt32
        let isAlive: Bool
    }

    struct Share: Sendable {
        let region: RegionID
        let copies: Int
        let candidates: [Candidate]
    }

    package let purpose: GroupPurpose
    package let rule: PlacementRule
    /// Nearest to home first.
    let shares: [Share]

    package init(plan: ReplicaPlan, policy: ReplicationPolicy, table: RegionTable) {
        purpose = plan.purpose
        var shares: [Share] = []
        var needs: [PlacementRule.Share] = []
        for region in table.nearestFirst(from: plan.home) {
            let members = table.nodes(in: region).filter {
                plan.purpose == .nfs ? plan.isVoter($0.id) : $0.acceptsData && plan.contains($0.id)
            }
            guard !members.isEmpty else { continue }
            let copies: Int
            let needed: Int
            let wanted = Int(policy.copiesPerRegion)
            if plan.purpose == .nfs {
                needed = plan.majority
                copies = wanted == 0 ? members.count : min(members.count, max(wanted, needed))
            } else {
                let alive = members.count(where: \.isAlive)
                copies = min(members.count, wanted == 0 ? 2 : wanted)
                needed = policy.durability == .region ? max(1, min(copies, alive)) : 1
            }
            let candidates = members.map { Candidate(node: $0.id, salt: Rendezvous.salt($0.id), weight: $0.weight, isAlive: $0.isAlive) }
            shares.append(Share(region: region, copies: copies, candidates: candidates))
            needs.append(PlacementRule.Share(region: region, needed: needed))
        }
        self.shares = shares
        rule = PlacementRule(
            commit: CommitRule(durability: policy.durability, plan: plan), shares: needs.sorted { $0.region < $1.region })
    }

    /// The regions that get copies, nearest to home first.
    package var regions: [RegionID] { shares.map(\.region) }

    package func copies(in region: RegionID) -> Int { shares.first { $0.region == region }?.copies ?? 0 }

    /// The nodes of a region that shall hold the chunk, best first. With `ignoringLiveness` the
    /// answer is the same on all nodes, whatever gossip says: what anti-entropy compares by.
    package func targets(of chunk: ChunkID, in region: RegionID, ignoringLiveness: Bool = false) -> [NodeID] {
        guard let share = shares.first(where: { $0.region == region }) else { return [] }
        return pick(share.copies, of: share, chunk, ignoringLiveness: ignoringLiveness)
    }

    /// Up to `count` nodes of a region in the order in which a reader asks them.
    package func holders(of chunk: ChunkID, in region: RegionID, count: Int) -> [NodeID] {
        guard let share = shares.first(where: { $0.region == region }) else { return [] }
        return pick(count, of: share, chunk, ignoringLiveness: false)
    }

    /// All nodes that shall hold the chunk, nearest region first.
    package func destinations(of chunk: ChunkID) -> [ChunkDestination] {
        shares.flatMap { share in
            pick(share.copies, of: share, chunk, ignoringLiveness: false).map { ChunkDestination(node: $0, region: share.region) }
        }
    }

    package func isTarget(_ node: NodeID, of chunk: ChunkID, ignoringLiveness: Bool = false) -> Bool {
        guard let share = shares.first(where: { $0.candidates.contains { $0.node == node } }) else { return false }
        return pick(share.copies, of: share, chunk, ignoringLiveness: ignoringLiveness).contains(node)
    }

    /// The lowest lots, by insertion into a short list: few are picked of few.
    private func pick(_ count: Int, of share: Share, _ chunk: ChunkID, ignoringLiveness: Bool) -> [NodeID] {
        let key = Rendezvous.key(chunk)
        var best: [(lot: UInt64, node: NodeID)] = []
        for candidate in share.candidates {
            // The dead come behind all the living.
            let penalty: UInt64 = candidate.isAlive || ignoringLiveness ? 0 : 1 << 63
            let entry = (Rendezvous.lot(key: key, salt: candidate.salt, weight: candidate.weight) | penalty, candidate.node)
            let position = best.firstIndex { entry < $0 } ?? best.count
            guard position < count else { continue }
            best.insert(entry, at: position)
            if best.count > count { best.removeLast() }
        }
        return best.map(\.node)
    }
}
