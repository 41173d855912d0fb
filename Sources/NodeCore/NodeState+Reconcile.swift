import Consensus
import Membership
import Primitives
import Replication

// A group on its way to its plan. Its leader takes one step at a time, each begun when the one before
// it is committed, so that a new leader goes on from wherever the log says that the group is:
//
// 1. who is to have a replica and has none becomes a learner;
// 2. when the content is where the plan wants it, and the new voters have caught up, one joint change
//    (thesis §4.3) makes them voters and the old ones learners; a leader that is to leave hands over first;
// 3. who is not in the plan is dropped;
// 4. the catalog is told that the group has arrived. Only then do nodes that the plan does not name
//    remove their replicas.

extension NodeState {
    /// How far a learner may be behind and count as caught up: what is under way.
    private static let lagAllowed: UInt64 = 1_024

    mutating func reconcileGroups(into effects: inout [Effect]) {
        let state = catalog
        guard state.cluster != nil else { return }
        for id in groups.keys(where: { $0.isLeader }) {
            if id == .catalog {
                guard let plan = state.catalogPlan else { continue }
                reconcile(id, plan, state.catalogPlanRevision, state, into: &effects)
            } else if isSettled(id, state) {
                fills[id] = nil
            } else if let record = state.filesystem(of: id), record.isActive {
                reconcile(id, record.plan, record.planRevision, state, into: &effects)
            }
        }
        for id in fills.keys where groups.with(id, { $0.isLeader }) != true { fills[id] = nil }
    }

    /// Whether a group is as its plan says and the nodes are as they were when its content was last looked at: true of
    /// nearly all, nearly always, and so asked without copying anything.
    private func isSettled(_ id: GroupID, _ state: CatalogState) -> Bool {
        state.with(id) { record in
            record.isActive && record.isSettled && record.settledNodes == state.nodesRevision
                && groups.with(id) { $0.configuration.voters.elementsEqual(record.plan.voters.lazy.map(\.node)) } == true
        } ?? false
    }

    private mutating func reconcile(
        _ id: GroupID, _ plan: ReplicaPlan, _ revision: UInt64, _ state: CatalogState, into effects: inout [Effect]
    ) {
        let voters = plan.voters.map(\.node)
        let learners = plan.learners.map(\.node)
        guard let status = raft.status(id), status.role == .leader, status.transferTarget == nil, !status.configuration.isJoint,
            status.isConfigurationCommitted
        else { return }
        guard status.configurationIndex > 0 || id == .catalog else { return drive(id, .recordMembership, into: &effects) }
        let present = status.configuration
        let members = voters + learners
        let added = members.filter { !present.contains($0) }
        if !added.isEmpty { return change(id, voters: present.voters, learners: present.learners + added, into: &effects) }
        let isFilled = id == .catalog || fill(id, plan, revision, state, into: &effects)
        let leaving = present.members.filter { !members.contains($0) || present.voters.contains($0) && !voters.contains($0) }
        if !leaving.isEmpty {
            // Who is gone has nothing to give; who is here stays until its content is elsewhere.
            guard isFilled || leaving.allSatisfy({ isGone($0, state) }) else { return }
        }
        if voters != present.voters {
            guard mayVote(voters, status) else { return }
            guard !handOverBeforeLeaving(id, plan, status, into: &effects) else { return }
            let demoted = present.voters.filter { !voters.contains($0) }
            return change(id, voters: voters, learners: present.learners + demoted, into: &effects)
        }
        if !leaving.isEmpty { return change(id, voters: voters, learners: learners, into: &effects) }
        // Content may take long to arrive, and must not hold up the next move where a node is lost meanwhile.
        let isKnown = id != .catalog && state.filesystem(of: id)?.isSettled ?? false
        if isFilled || !isKnown { settle(id, revision, nodes: isFilled ? fills[id]?.nodes ?? 0 : 0, state, into: &effects) }
    }

    private mutating func drive(_ id: GroupID, _ event: RaftEvent, into effects: inout [Effect]) {
        driveRaft(.group(id, event), into: &effects)
    }

    private mutating func change(_ id: GroupID, voters: [NodeID], learners: [NodeID], into effects: inout [Effect]) {
        drive(id, .changeMembership(RaftConfiguration(voters: voters, learners: learners)), into: &effects)
    }

    private func isGone(_ node: NodeID, _ state: CatalogState) -> Bool {
        node != settings.id && (state.nodes[node]?.state == .removed || !(swim.member(node)?.status.isPresent ?? false))
    }

    /// Whether the voters that would be new have caught up, and a majority of all would answer.
    private func mayVote(_ voters: [NodeID], _ status: RaftStatus) -> Bool {
        func isReady(_ node: NodeID) -> Bool {
            node == settings.id
                || status.peers.contains {
                    $0.id == node && $0.isReachable && $0.state == .replicate && $0.match + Self.lagAllowed >= status.commitIndex
                        && $0.match > 0
                }
        }
        let fresh = voters.filter { !status.configuration.voters.contains($0) }
        return fresh.allSatisfy(isReady) && voters.count(where: isReady) >= Quorum.majority(of: voters.count)
    }

    /// A leader that will not vote any more hands over to one that will, where leaders are preferred if it can.
    private mutating func handOverBeforeLeaving(_ id: GroupID, _ plan: ReplicaPlan, _ status: RaftStatus, into effects: inout [Effect])
        -> Bool
    {
        guard !plan.isVoter(settings.id) else { return false }
        let heirs = plan.voters.filter { heir in
            status.configuration.voters.contains(heir.node)
                && status.peers.contains { $0.id == heir.node && $0.isReachable && $0.state == .replicate }
        }
        let wanted = catalog.filesystem(of: id)?.leaderRegion ?? plan.home
        guard let heir = heirs.first(where: { $0.region == wanted }) ?? heirs.first else { return false }
        drive(id, .transferLeadership(to: heir.node), into: &effects)
        return true
    }

    private mutating func settle(_ id: GroupID, _ revision: UInt64, nodes: UInt64, _ state: CatalogState, into effects: inout [Effect]) {
        if id == .catalog {
            guard state.catalogSettledPlan != revision else { return }
        } else {
            guard fills[id]?.toldAt.map({ $0 + .seconds(3) <= now }) ?? true else { return }
            _ = fills.update(id) { $0.toldAt = now }
        }
        tellCatalog(.settlePlacement(id, plan: revision, nodes: nodes), into: &effects)
    }

    // MARK: Replicas of this node

    /// What a group's log begins from. A replica of a group whose plan has changed since begins from
    /// nothing and is told by the log, where the group's first leader wrote it: with the first plan it
    /// might, together with others that begin anew, elect a leader without what was committed since.
    func foundingConfiguration(_ record: FilesystemRecord) -> RaftConfiguration {
        guard record.planRevision == 1, !movedBefore.contains(record.group) else { return .empty }
        return RaftConfiguration(voters: record.foundingPlan.voters.map(\.node), learners: record.foundingPlan.learners.map(\.node))
    }

    /// Changes of plans in the catalog's log as the disk held it, applied already or not.
    mutating func noteMoves(in entries: [RaftEntry]) {
        for entry in entries where entry.kind == .command {
            if let command = try? CatalogCommand(xdr: entry.payload), case .changePlacement(let group, _, _) = command.action {
                movedBefore.insert(group)
            }
        }
    }

    /// The end of the catalog's log is applied only when a leader is known: before that, what it says of a
    /// replica that is here may be long past.
    func mayRemove(_ record: FilesystemRecord) -> Bool {
        !record.isActive || catalogWasKnown || settings.introduction == nil && knowsCatalog
    }

    /// Leaders are wanted where most is written, else in the home region, on nodes that stay.
    mutating func followPlan(_ record: FilesystemRecord, into effects: inout [Effect]) {
        let known = groups.with(record.group) { ($0.planRevision, $0.leaderRegion) }
        guard let known, known.0 != record.planRevision || known.1 != record.leaderRegion else { return }
        _ = groups.update(record.group) {
            $0.planRevision = record.planRevision
            $0.leaderRegion = record.leaderRegion
        }
        func voters(in region: RegionID) -> [NodeID] { record.plan.voters.filter { $0.region == region }.map(\.node) }
        let wanted = voters(in: record.leaderRegion)
        let preferred = wanted.isEmpty ? voters(in: record.region) : wanted
        driveRaft(.group(record.group, .preference(preferredLeaders: preferred)), into: &effects)
    }
}
