import Consensus
import Membership
import Primitives
import Replication

/// What the leader of the catalog remembers of the nodes between two looks.
struct Mover {
    /// Nodes that do not answer, and since when as seen here: a new leader counts from its beginning.
    var lostSince = OrderedTable<NodeID, Instant>()
    /// The group that was looked at last.
    var cursor = GroupID.catalog
    var wasLeader = false
    /// What the last whole look that changed nothing was taken at; while that is so, the next finds nothing either.
    var quiet: Outlook?

    /// All that a plan depends on, beside round trips: those alone move nothing.
    struct Outlook: Equatable {
        let applied: UInt64
        let lost: [NodeID]
        let absent: [NodeID]
    }
}

// Where replicas shall be. The leader of the catalog looks once a second, at a bounded rate, and gives a
// group another plan where the one in force names a node that is dead for too long, that drains or was
// removed, or where the nodes as they are allow a better one: a region without a replica, too few of
// them. `ReplicaPlanner` keeps what it can, so nothing moves for the sake of order alone. A group that
// is on its way to a plan gets another one only where that plan cannot be reached any more.

extension NodeState {
    /// Groups looked at in a second.
    private static let lookedAt = 512

    mutating func planMoves(into effects: inout [Effect]) {
        // An entry under way is no reason to forget since when nodes are lost, or to wait: the catalog of a large cluster is never
        // quiet. A plan that was made from an older one is refused by its revision.
        guard groups.with(.catalog, { $0.isLeader }) == true, catalog.cluster != nil else {
            if mover.wasLeader { mover = Mover() }
            return
        }
        mover.wasLeader = true
        noteLost()
        let state = catalog
        let lost = mover.lostSince.filter { $0.value + settings.replicaGrace <= now }.map(\.key)
        let outlook = Mover.Outlook(
            applied: groups.with(.catalog) { $0.applied } ?? 0, lost: lost, absent: swim.absentMembers)
        guard mover.quiet != outlook else { return }
        let table = regionTable()
        var left = settings.movesPerSecond
        if let plan = state.catalogPlan, state.catalogSettledPlan > 0 {
            let isSettled = state.catalogSettledPlan == state.catalogPlanRevision
            let next = nextPlan(.catalog, plan, .volume, isSettled: isSettled, lost: lost, table, state)
            if let next { change(.catalog, to: next, state.catalogPlanRevision, &left, into: &effects) }
        }
        var looked = 0
        var place = mover.cursor
        for (id, _) in state.groupTable(after: mover.cursor) where left > 0 && looked < Self.lookedAt {
            looked += 1
            place = id
            guard let record = state.filesystem(of: id), record.isActive, record.settledPlan > 0 else { continue }
            let next = nextPlan(
                id, record.plan, record.policy, writers: record.writers, isSettled: record.isSettled, lost: lost, table, state)
            if let next { change(id, to: next, record.planRevision, &left, into: &effects) }
        }
        let isWhole = looked < Self.lookedAt && left > 0
        // A look that began in the middle has seen the end of the table only.
        mover.quiet = isWhole && left == settings.movesPerSecond && mover.cursor == .catalog ? outlook : nil
        mover.cursor = isWhole ? .catalog : place
    }

    private mutating func change(
        _ group: GroupID, to plan: ReplicaPlan, _ revision: UInt64, _ left: inout Int, into effects: inout [Effect]
    ) {
        left -= 1
        let command = CatalogCommand(
            at: civil, by: "node \(settings.id)", action: .changePlacement(group, plan, expectedRevision: revision))
        propose(.catalog, command.xdrBytes, answering: .nobody, into: &effects)
    }

    private mutating func noteLost() {
        for (id, record) in catalog.nodes where id != settings.id {
            let isHere = record.state == .removed || swim.isPresent(id)
            if isHere {
                if !mover.lostSince.isEmpty { _ = mover.lostSince.remove(id) }
            } else if mover.lostSince[id] == nil {
                mover.lostSince[id] = now
            }
        }
    }

    /// The plan that a group shall have instead of `plan`; nil where that one is right, or must be reached
    /// first, or where there is none that is as safe.
    func nextPlan(
        _ group: GroupID, _ plan: ReplicaPlan, _ policy: ReplicationPolicy, writers: RegionID? = nil, isSettled: Bool, lost: [NodeID],
        _ table: Replication.RegionTable, _ state: CatalogState
    ) -> ReplicaPlan? {
        func isBad(_ node: NodeID) -> Bool { lost.contains(node) || state.nodes[node]?.state != .active }
        let bad = plan.voters.map(\.node).filter(isBad)
        // The catalog's learners are all nodes, whatever their state.
        let badLearners = group == .catalog ? [] : plan.learners.map(\.node).filter(isBad)
        guard isSettled || !bad.isEmpty || !badLearners.isEmpty else { return nil }
        // Voters that nobody can stand in for are kept, as few as possible: a group never gets fewer voters,
        // or voters in fewer regions, because nodes are lost or drain. Those that were removed are gone.
        let keepable = bad.filter { state.nodes[$0].map { $0.state != .removed } ?? false }
        for kept in 0...keepable.count {
            let staying = keepable.prefix(kept)
            let avoided = lost.filter { !staying.contains($0) }
            let planner = ReplicaPlanner(
                group: group, purpose: plan.purpose, policy: policy,
                table: table.accepting(Array(staying), trusting: plan.replicas.map(\.node).filter { !lost.contains($0) }), keeping: plan,
                avoiding: avoided, writers: writers)
            guard var next = try? planner.plan(home: plan.home) else { continue }
            next = group == .catalog ? next.learning(all: table) : next.keepingLost(avoided, of: plan, table)
            guard isSafe(next, instead: plan, without: bad.filter { !keepable.contains($0) }) else { continue }
            return next == plan ? nil : next
        }
        return nil
    }

    private func isSafe(_ next: ReplicaPlan, instead old: ReplicaPlan, without gone: [NodeID]) -> Bool {
        let left = old.voters.filter { !gone.contains($0.node) }
        let regions = ReplicaPlan(purpose: old.purpose, home: old.home, voters: left, learners: []).voterRegions
        return next.voters.count >= left.count && next.voterRegions.count >= regions.count && !next.voters.isEmpty
    }
}

extension ReplicaPlan {
    /// The same voters, and every other node a learner.
    func learning(all table: Replication.RegionTable) -> ReplicaPlan {
        let others = table.nodes.filter { !isVoter($0.id) }.map { Replica(node: $0.id, region: $0.region) }
        return ReplicaPlan(purpose: purpose, home: home, voters: voters, learners: others)
    }
}

extension ReplicaPlan {
    /// The same, with learners on lost nodes that nobody stands in for: to drop them would gain nothing, and
    /// cost a copy of everything when they come back.
    func keepingLost(_ lost: [NodeID], of old: ReplicaPlan, _ table: Replication.RegionTable) -> ReplicaPlan {
        var kept = learners
        for replica in old.learners where lost.contains(replica.node) && !contains(replica.node) {
            guard table.node(replica.node)?.acceptsData ?? false else { continue }
            let before = old.replicas.count { $0.region == replica.region }
            let now = (voters + kept).count { $0.region == replica.region }
            if now < before { kept.append(replica) }
        }
        return ReplicaPlan(purpose: purpose, home: home, voters: voters, learners: kept)
    }
}

extension Replication.RegionTable {
    /// The same nodes, of which some may be given data although they drain, and others count as alive:
    /// those that are away for a moment.
    func accepting(_ staying: [NodeID], trusting known: [NodeID]) -> Replication.RegionTable {
        replacingNodes(
            nodes.map { node in
                Node(
                    id: node.id, region: node.region, weight: node.weight, acceptsData: node.acceptsData || staying.contains(node.id),
                    isAlive: node.isAlive || known.contains(node.id))
            })
    }
}
