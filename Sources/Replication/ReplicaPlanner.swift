package import Primitives

/// Why no plan can be made.
package enum PlanError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownRegion(RegionID, known: [RegionID])
    /// Nobody is left to hold a replica there.
    case noNode(RegionID?)

    package var description: String {
        switch self {
        case .unknownRegion(let region, let known):
            "unknown region '\(CatalogName.shown(region.name))'; the cluster has \(known.map(\.name).joined(separator: ", "))"
        case .noNode(let region?): "no node of region \(region) is up and accepts data; start one there or choose another region"
        case .noNode(nil): "no node is up and accepts data; start one"
        }
    }
}

/// Chooses the replicas of a group. The same inputs give the same plan everywhere, and a plan made
/// while another is in force keeps as much of it as the rules allow, so making and mending are one.
///
/// - *nfs*: voters on up to `replicasPerRegion` (at most 3) nodes of the primary region, nobody
///   elsewhere. Two nodes give two voters: a write is then on both, and the loss of one stops writes
///   until a third node joins or the lost one is removed. One node gives one voter.
/// - *volume*: one voter a region, home always among them, the others the nearest to it: 3 regions
///   up to four, 5 from five on (`voterRegions` may say fewer). Two regions: two voters at home and
///   one in the other (the other way round where home has one node only). One region, or durability
///   `region`: up to 3 voters at home. Where another region writes most, it votes too, and the others are
///   the nearest to that one, because there the leader is. Learners fill every region up to `replicasPerRegion`, so that
///   each reads locally and outlives the loss of a node.
/// - *catalog*: voters as a volume's; all other nodes learn. Without a home, it is the region from
///   which a majority is nearest.
///
/// Within a region nodes are chosen by weighted rendezvous hashing of the group's number, so many
/// groups spread over all nodes. Dead nodes (advice) get no new replica and keep those they have:
/// who is gone for good is said by `avoiding`.
package struct ReplicaPlanner {
    package let group: GroupID
    package let purpose: GroupPurpose
    package let policy: ReplicationPolicy
    package let table: RegionTable
    /// The plan in force, if there is one.
    package let keeping: ReplicaPlan?
    /// Nodes that shall have no replica of the group: removed, drained, lost for too long.
    package let avoiding: [NodeID]
    /// The region that writes most, where it is not the home.
    package let writers: RegionID?

    package init(
        group: GroupID, purpose: GroupPurpose, policy: ReplicationPolicy, table: RegionTable, keeping: ReplicaPlan? = nil,
        avoiding: [NodeID] = [], writers: RegionID? = nil
    ) {
        self.group = group
        self.purpose = purpose
        self.policy = policy
        self.table = table
        self.keeping = keeping
        self.avoiding = avoiding
        self.writers = writers
    }

    package static let maximumVotersPerRegion = 3

    /// The plan; `home` is needed for file systems. With `keeping`, nil keeps the home.
    package func plan(home wanted: RegionID?) throws(PlanError) -> ReplicaPlan {
        if let wanted, !table.regions.contains(wanted) { throw .unknownRegion(wanted, known: table.regions) }
        let ranked = table.regions.map { (region: $0, nodes: candidates(in: $0)) }.filter { !$0.nodes.isEmpty }
        guard !ranked.isEmpty else { throw .noNode(purpose == .nfs ? wanted ?? keeping?.home : nil) }
        guard let home = wanted ?? keeping?.home ?? central(ranked.map(\.region)) else { throw .noNode(nil) }
        if purpose == .nfs || policy.durability == .region || policy.voterRegions == 1 {
            // These have no voter outside their home, hence no plan without it.
            guard ranked.contains(where: { $0.region == home }) else { throw .noNode(home) }
        }
        var voters: [NodeID] = []
        for (region, count) in voterCounts(home: home, ranked: ranked) {
            voters += (ranked.first { $0.region == region }?.nodes ?? []).prefix(count)
        }
        return ReplicaPlan(
            purpose: purpose, home: home, voters: voters.sorted().map(replica), learners: learners(besides: voters, ranked).map(replica))
    }

    private func replica(_ node: NodeID) -> ReplicaPlan.Replica {
        guard let region = table.region(of: node) else { preconditionFailure("\(node) is not in the table") }
        return ReplicaPlan.Replica(node: node, region: region)
    }

    /// The nodes of a region that may hold a replica: voters first, then living learners, living
    /// others, learners that are down; within each by lot.
    private func candidates(in region: RegionID) -> [NodeID] {
        let key = Rendezvous.key(group)
        var ranked: [(rank: Int, lot: UInt64, id: NodeID)] = []
        for node in table.nodes(in: region) where node.acceptsData && !avoiding.contains(node.id) {
            let rank: Int
            if keeping?.isVoter(node.id) ?? false {
                rank = 0
            } else if keeping?.contains(node.id) ?? false {
                rank = node.isAlive ? 1 : 3
            } else if node.isAlive {
                rank = 2
            } else {
                continue
            }
            ranked.append((rank, Rendezvous.lot(key: key, salt: Rendezvous.salt(node.id), weight: node.weight), node.id))
        }
        return ranked.sorted { ($0.rank, $0.lot, $0.id) < ($1.rank, $1.lot, $1.id) }.map(\.id)
    }

    /// How many voters each region gets; home first.
    private func voterCounts(home: RegionID, ranked: [(region: RegionID, nodes: [NodeID])]) -> [(RegionID, Int)] {
        func nodes(_ region: RegionID) -> Int { ranked.first { $0.region == region }?.nodes.count ?? 0 }
        let atHome = min(nodes(home), Self.maximumVotersPerRegion)
        if purpose == .nfs { return [(home, min(atHome, Int(policy.replicasPerRegion)))] }
        if policy.durability == .region || policy.voterRegions == 1 { return [(home, atHome)] }
        // Home, then where most is written, then regions that vote already, then by distance from the leader.
        let centre = writers.flatMap { nodes($0) > 0 ? $0 : nil } ?? home
        let order = table.nearestFirst(from: centre).filter { nodes($0) > 0 }
        let first = order.filter { $0 == home } + order.filter { $0 == centre && $0 != home }
        let others = order.filter { !first.contains($0) }
        let voting = keeping?.voterRegions ?? []
        let preferred = first + others.filter { voting.contains($0) } + others.filter { !voting.contains($0) }
        switch preferred.count {
        case 1: return [(preferred[0], min(nodes(preferred[0]), Self.maximumVotersPerRegion))]
        case 2:
            let (first, second) = (preferred[0], preferred[1])
            if nodes(first) >= 2 { return [(first, 2), (second, 1)] }
            return [(first, 1), (second, min(2, nodes(second)))]
        case 3, 4: return preferred.prefix(3).map { ($0, 1) }
        default: return preferred.prefix(Int(policy.voterRegions)).map { ($0, 1) }
        }
    }

    private func learners(besides voters: [NodeID], _ ranked: [(region: RegionID, nodes: [NodeID])]) -> [NodeID] {
        switch purpose {
        case .nfs: return []
        case .catalog: return table.nodes.map(\.id).filter { !voters.contains($0) && !avoiding.contains($0) }
        case .volume:
            return ranked.flatMap { entry in
                let voting = entry.nodes.count { voters.contains($0) }
                return entry.nodes.filter { !voters.contains($0) }.prefix(max(0, Int(policy.replicasPerRegion) - voting))
            }
        }
    }

    /// The region from which a majority of the voter regions is nearest: where a leader commits soonest.
    private func central(_ regions: [RegionID]) -> RegionID? {
        let voting = min(regions.count, regions.count >= 5 ? Int(policy.voterRegions) : 3)
        let needed = voting / 2
        let scored = regions.map { region in
            let trips = regions.filter { $0 != region }.map { table.roundTrip(region, $0).inNanoseconds }.sorted()
            return (cost: needed == 0 || trips.isEmpty ? 0 : trips[min(needed, trips.count) - 1], total: trips.reduce(0, +), region: region)
        }
        return scored.min { ($0.cost, $0.total, $0.region) < ($1.cost, $1.total, $1.region) }?.region
    }
}

/// A step from one plan to the next. Each waits for the one before it.
package enum ReplicaStep: Hashable, Sendable, CustomStringConvertible {
    /// Add them as learners, and wait until they have caught up.
    case addLearners([NodeID])
    /// One change of configuration (joint consensus): these learners become voters, those voters learners.
    case changeVoters(promote: [NodeID], demote: [NodeID])
    /// They hold no replica any more.
    case remove([NodeID])

    package var description: String {
        func list(_ nodes: [NodeID]) -> String { nodes.isEmpty ? "-" : nodes.map(\.description).joined(separator: " ") }
        return switch self {
        case .addLearners(let nodes): "add \(list(nodes))"
        case .changeVoters(let promote, let demote): "promote \(list(promote)) demote \(list(demote))"
        case .remove(let nodes): "remove \(list(nodes))"
        }
    }
}

extension ReplicaPlan {
    /// How to get from this plan to `next`. Voters are only ever replaced by learners that have
    /// caught up, in one joint change, so no step lowers the number of copies of a committed entry.
    package func steps(to next: ReplicaPlan) -> [ReplicaStep] {
        var steps: [ReplicaStep] = []
        let added = next.replicas.map(\.node).filter { !contains($0) }
        let promoted = next.voters.map(\.node).filter { !isVoter($0) }
        let demoted = voters.map(\.node).filter { !next.isVoter($0) }
        let removed = replicas.map(\.node).filter { !next.contains($0) }
        if !added.isEmpty { steps.append(.addLearners(added)) }
        if !promoted.isEmpty || !demoted.isEmpty { steps.append(.changeVoters(promote: promoted, demote: demoted)) }
        if !removed.isEmpty { steps.append(.remove(removed)) }
        return steps
    }
}
