import Consensus
import Filesystem
import Membership
import Primitives
package import Replication

// The catalog: which file systems exist and where. Every node is a learner (or voter) of its group,
// so that looking something up costs no round trip.

extension NodeState {
    package var catalog: CatalogState { groups.with(.catalog) { $0.machine.catalog } ?? CatalogState() }

    func catalogRecord(_ id: FilesystemID) -> FilesystemRecord? { groups.with(.catalog) { $0.machine.catalog.filesystems[id] } ?? nil }
    func group(of filesystem: FilesystemID) -> GroupID? {
        groups.with(.catalog) { $0.machine.catalog.filesystems.with(filesystem) { $0.group } } ?? nil
    }

    /// What `body` makes of a group's record in the catalog where it lies; nil where there is none.
    func withRecord<Result>(of group: GroupID, _ body: (FilesystemRecord) -> Result) -> Result? {
        groups.with(.catalog) { $0.machine.catalog.with(group, body) } ?? nil
    }

    func knownVoters(of group: GroupID) -> [NodeID] {
        let planned = withRecord(of: group) { $0.plan.voters.map(\.node) } ?? []
        let known = (groups.with(group) { $0.configuration.voters } ?? []).filter { !planned.contains($0) }
        guard planned.isEmpty, known.isEmpty, group == .catalog else { return planned + known }
        // A node that has just joined: any member knows who leads the catalog.
        return swim.members.filter { $0.status.isPresent && $0.id != settings.id }.map(\.id)
    }

    /// Nodes, regions and round trips as measured; until measured, as unknown.
    func regionTable() -> Replication.RegionTable {
        var table =
            groups.with(.catalog) { $0.machine.catalog.cluster != nil } == true
            ? catalog.regionTable
            : Replication.RegionTable(
                nodes: cluster.founders.enumerated().map {
                    Replication.RegionTable.Node(id: NodeID(UInt64($0.offset) + 1), region: $0.element.region)
                })
        for (position, a) in table.regions.enumerated() {
            for b in table.regions[position...] {
                if let measured = swim.rtt(from: a, to: b) { table.setLink(a, b, Replication.RegionLink(roundTrip: measured)) }
            }
        }
        for member in swim.absentMembers { table.setAlive(member, false) }
        return table
    }

    /// The same on every node, because it is made of the founders alone.
    func catalogPlan() -> ReplicaPlan {
        let table = Replication.RegionTable(
            nodes: cluster.founders.enumerated().map {
                Replication.RegionTable.Node(id: NodeID(UInt64($0.offset) + 1), region: $0.element.region)
            })
        let planner = ReplicaPlanner(group: .catalog, purpose: .catalog, policy: .volume, table: table)
        guard let plan = try? planner.plan(home: cluster.founders.first?.region) else {
            preconditionFailure("no replicas of the catalog can be planned with \(cluster.founders.count) founders")
        }
        return plan
    }

    // MARK: Changes

    mutating func beginCatalogChange(_ request: RequestID, _ asked: CatalogCommand, deadline: Instant, into effects: inout [Effect]) {
        if let failure = tooManyProposals(.catalog, asked.action.operation, "catalog") {
            effects.append(.reply(request, .failed(failure)))
            return
        }
        var command = asked
        command.at = civil
        command.stamp = makeStamp(.catalog)
        begin(.catalog(request, command.xdrBytes, operation: command.action.operation), deadline: deadline, into: &effects)
    }

    mutating func performCatalog(_ envelope: [UInt8], operation: String, _ progress: inout RequestProgress, into effects: inout [Effect])
        throws(Interrupt) -> CatalogResult
    {
        let value = try step(Step(.propose), &progress) { node, token in
            if let stamp = (try? CatalogCommand(xdr: envelope))?.stamp { node.stampsInUse[token] = (.catalog, stamp) }
            node.call(.catalog, .propose(envelope: envelope), token: token)
        }
        guard case .applied(let index, let bytes) = value else { preconditionFailure("a proposal ended as \(value)") }
        try waitApplied(.catalog, index, Step(.applied), &progress)
        guard let result = try? CatalogResult(xdr: bytes) else {
            throw .failure(FileFailure(.ioError, operation: operation, object: "catalog", cause: "its answer cannot be read"))
        }
        if case .failure(let error) = result, error.code == .sessionExpired { proposers[.catalog] = nil }
        return result
    }

    mutating func makeStamp(_ group: GroupID) -> ClientStamp {
        let time = civil
        if proposers[group].map({ $0.isWorn(at: time) }) ?? true {
            let client = ClientID(high: generator.next(), low: generator.next())
            // A client of a log that is not kept here cannot know its index. It never asks again after the
            // table has forgotten it, because it is renewed long before; so it may claim to be new.
            proposers[group] = Proposer(client: client, opened: groups.with(group) { $0.applied } ?? .max, at: time)
        }
        return proposers.update(group) { $0.begin(at: time) }!
    }

    /// The log has forgotten this node as a client: a new one begins with its next change.
    mutating func renewIfForgotten(_ group: GroupID, _ failure: FileFailure) {
        if failure.code == .stale, failure.operation == "apply" { proposers[group] = nil }
    }

    /// Refused here rather than by every replica: results of this node's earlier changes are missing.
    func tooManyProposals(_ group: GroupID, _ operation: String, _ object: String) -> FileFailure? {
        guard proposers[group]?.isFull == true else { return nil }
        return FileFailure(
            .overloaded, operation: operation, object: object, cause: "\(Proposer.window) changes of this node are under way",
            hint: "try again")
    }

    mutating func proposeBootstrap(_ progress: inout RequestProgress) throws(Interrupt) {
        _ = try step(Step(.propose), &progress) { node, token in
            let command = CatalogCommand(
                at: node.civil, by: "node \(node.settings.id)",
                action: .bootstrap(
                    high: node.cluster.clusterHigh, low: node.cluster.clusterLow, name: node.cluster.name, format: CatalogLimits.format,
                    nodes: node.foundersWithStores, catalogPlan: node.catalogPlan()))
            node.call(.catalog, .propose(envelope: command.xdrBytes), token: token)
        }
    }

    // MARK: Following it

    /// Brings this node's groups in line with the catalog as applied here: those that commands have touched since the
    /// last time, or all of them, where what is known was not learnt command by command.
    mutating func catalogApplied(whole isWhole: Bool = false, into effects: inout [Effect]) {
        guard groups.with(.catalog, { $0.machine.catalog.cluster != nil }) == true,
            let touches = groups.update(.catalog, { $0.machine.catalog.takeTouches() })
        else { return }
        let isWhole = isWhole || touches.isOverfull
        let state = catalog
        if isWhole || touches.hasNodes {
            for (id, record) in state.nodes where directory[id] != record { directory[id] = record }
        }
        if isWhole {
            keptReplicas = []
            for (_, record) in state.filesystems { follow(record, into: &effects) }
            // A group of which the catalog has not spoken is kept: after a restart the end of the catalog's log is
            // applied only when a leader is known. A group goes when the catalog says that it is deleted.
            removeDeletedGroups(among: groups.keys, state, into: &effects)
            endSessionsOfDeleted(state)
        } else if !touches.groups.isEmpty || !keptReplicas.isEmpty {
            let touched = Set(touches.groups + keptReplicas).sorted()
            keptReplicas = []
            // In the order of a whole walk, so that what is known does not depend on how it was learnt.
            let records = touched.compactMap { state.filesystem(of: $0) }.sorted { $0.id < $1.id }
            for record in records { follow(record, into: &effects) }
            guard records.count < touched.count || !records.allSatisfy(\.isActive) else { return }
            removeDeletedGroups(among: touched, state, into: &effects)
            endSessionsOfDeleted(state)
        }
    }

    /// Starts, removes or steers this node's replica of one file system.
    private mutating func follow(_ record: FilesystemRecord, into effects: inout [Effect]) {
        let running = raft.contains(record.group)
        let planned = record.isActive && record.plan.contains(settings.id)
        // A replica that the plan no longer names stays until the group does without it: its vote, and what
        // only it holds, may be needed until then.
        let leaving = record.isActive && !record.isSettled && (running || restoredRaft.contains(record.group))
        if (planned || leaving) && !running { startGroup(record, into: &effects) }
        // One that was found on the disk and never began goes too: nobody would hear of it otherwise.
        if !planned && !leaving && (running || groups.contains(record.group)) {
            if mayRemove(record) {
                _ = restoredRaft.remove(record.group)
                removeGroup(record.group, into: &effects)
            } else {
                keptReplicas.append(record.group)
            }
        }
        if running { followPlan(record, into: &effects) }
    }

    private mutating func endSessionsOfDeleted(_ state: CatalogState) {
        for (id, session) in sessions where state.filesystems.with(session.filesystem, { $0.isActive }) != true {
            _ = sessions.update(id) { $0.isDeleted = true }
        }
    }

    // MARK: Housekeeping

    mutating func housekeeping(into effects: inout [Effect]) {
        let seconds = now.nanoseconds / 1_000_000_000
        // Medians of many samples move slowly; the first ones are what timers wait for.
        if seconds % 5 == 0 || startedAt + .seconds(30) > now { shareRoundTrips(into: &effects) }
        presentMyself(into: &effects)
        followWriters(into: &effects)
        planMoves(into: &effects)
        reconcileGroups(into: &effects)
        expireIdleSessions(into: &effects)
        renewLocks(into: &effects)
        expireLeases(into: &effects)
        expireStages(into: &effects)
        forgetPlacements()
        expireUploads(into: &effects)
        tellAllProgress(into: &effects)
        beginBackgroundCommits(into: &effects)
        // Apps whose heartbeats stopped end here, and what belongs to them.
        if seconds % 5 == 0, groups.with(.catalog, { $0.isLeader }) == true, catalog.hasRunningApps {
            let command = CatalogCommand(at: civil, by: "node \(settings.id)", action: .expire)
            propose(.catalog, command.xdrBytes, answering: .nobody, into: &effects)
        }
    }

    /// Tells the leaders that the sessions with locks are alive.
    private mutating func renewLocks(into effects: inout [Effect]) {
        guard now.nanoseconds / 1_000_000_000 % 5 == 0 else { return }
        var byGroup = OrderedTable<GroupID, [SessionID]>()
        for (id, session) in sessions where session.nfs?.holdsLocks == true {
            byGroup[session.group] = (byGroup[session.group] ?? []) + [id]
        }
        for (group, ids) in byGroup {
            guard let leader = groups[group]?.leader ?? leaderHints[group] ?? knownVoters(of: group).first else { continue }
            if leader == settings.id {
                for id in ids { leases[ServerSessionKey(group: group, node: leader, session: id)] = now }
            } else {
                effects.append(
                    .send(to: leader, .control, .call(CallID(0), .renew([SessionLease(group: group, sessions: ids)])), attachment: nil))
            }
        }
    }

    private mutating func expireLeases(into effects: inout [Effect]) {
        for (key, renewed) in leases where renewed + settings.sessionLease < now {
            if NFSClientTable.isClient(key.session) {
                guard renewed + NFSClientTable.courtesy < now else { continue }
                endingClients[key] = now
            }
            _ = leases.remove(key)
            guard groups.with(key.group, { $0.isLeader }) == true else { continue }
            begin(.background(.expireSession(key.group, key.node, key.session)), deadline: now + .seconds(30), into: &effects)
        }
    }

    /// Parts of commits that will never be published: their age is counted in ticks of the group's leader.
    private mutating func expireUploads(into effects: inout [Effect]) {
        for id in groups.keys(where: { $0.tickAt != nil || $0.isLeader && $0.machine.hasUploads }) {
            guard groups.with(id, { $0.isLeader && $0.machine.hasUploads }) == true else {
                _ = groups.update(id) { $0.tickAt = nil }
                continue
            }
            let tickAt = groups.with(id) { $0.tickAt } ?? nil
            let isDue = tickAt.map { $0 <= now } ?? false
            guard isDue || tickAt == nil else { continue }
            let next = now + CommitUploads.tickPause
            _ = groups.update(id) { $0.tickAt = next }
            if isDue { propose(id, FilesCommand(stamp: nil, at: civil, body: .tick).xdrBytes, answering: .nobody, into: &effects) }
        }
    }

    /// Stages of clients that are gone: ten minutes without a write.
    private mutating func expireStages(into effects: inout [Effect]) {
        for (key, stage) in serverStages where stage.lastUse + .seconds(600) < now {
            effects.append(.dropStage(stage.id))
            _ = serverStages.remove(key)
        }
    }
}
