import Consensus
import Filesystem
import Membership
import Primitives
import Replication

// The groups of this node: Raft's effects, proposals, what is applied, snapshots.

extension NodeState {
    /// The region-spanning group that knows which file systems exist: every node has a replica.
    func initialCatalogConfiguration() -> RaftConfiguration {
        // Who joins is told who votes, and campaigns only when the log says that it may.
        guard !cluster.founders.isEmpty else { return .empty }
        let plan = catalogPlan()
        return RaftConfiguration(voters: plan.voters.map(\.node), learners: plan.learners.map(\.node))
    }

    mutating func restore(_ restored: Restored) {
        for (id, raft, machine) in restored.groups {
            groups[id] = HostedGroup(
                id: id, filesystem: machine?.filesystem, machine: machine ?? GroupMachine(), applied: raft.snapshot?.index ?? 0,
                configuration: raft.snapshot?.configuration ?? raft.initialConfiguration, snapshotIndex: raft.snapshot?.index ?? 0)
            restoredRaft[id] = raft
            if id == .catalog { noteMoves(in: raft.entries) }
        }
    }

    /// Starts what the disk held; a file system's group whose configuration only the catalog knows
    /// starts when the catalog has been applied up to it.
    mutating func startGroups(into effects: inout [Effect]) {
        if groups[.catalog] == nil {
            groups[.catalog] = HostedGroup(
                id: .catalog, filesystem: nil, machine: GroupMachine(), applied: 0,
                configuration: initialCatalogConfiguration(), snapshotIndex: 0)
        }
        let raft =
            restoredRaft.remove(.catalog)?.starting(from: initialCatalogConfiguration())
            ?? RaftRestored(initialConfiguration: initialCatalogConfiguration())
        addToRaft(.catalog, raft, into: &effects)
        catalogApplied(whole: true, into: &effects)
    }

    private mutating func addToRaft(_ id: GroupID, _ restored: RaftRestored, into effects: inout [Effect]) {
        var out: [MultiRaftEffect] = []
        raft.addGroup(id, restored: restored, now: now, into: &out)
        interpret(out, into: &effects)
        effects.append(.publish(.groupStarted(id, groups.with(id) { $0.filesystem } ?? nil)))
    }

    /// Begins (or takes up again) the replica of a file system that the catalog says belongs here.
    mutating func startGroup(_ record: FilesystemRecord, into effects: inout [Effect]) {
        let configuration = foundingConfiguration(record)
        if !groups.contains(record.group) {
            groups[record.group] = HostedGroup(
                id: record.group, filesystem: record.id, machine: GroupMachine(files: record), applied: 0, configuration: configuration,
                snapshotIndex: 0)
        }
        let restored =
            restoredRaft.remove(record.group)?.starting(from: configuration) ?? RaftRestored(initialConfiguration: configuration)
        _ = groups.update(record.group) {
            $0.filesystem = record.id
            if restored.snapshot == nil { $0.machine = GroupMachine(files: record) }
        }
        addToRaft(record.group, restored, into: &effects)
        if record.planRevision > 1 { hastenUpkeep() }
        followPlan(record, into: &effects)
    }

    mutating func removeGroup(_ id: GroupID, into effects: inout [Effect]) {
        guard let group = groups.remove(id) else { return }
        var out: [MultiRaftEffect] = []
        raft.removeGroup(id, into: &out)
        interpret(out, into: &effects)
        let isDeleted = group.filesystem.flatMap { catalogRecord($0) }?.isActive != true
        for who in group.proposed.values + group.appended.values.map(\.who) {
            answerProposer(who, isDeleted ? .failed(gone(group)) : .notLeader(nil), into: &effects)
        }
        for wait in group.appliedWaits { resolve(wait.token, .failed(isDeleted ? gone(group) : moved(group))) }
        fills[id] = nil
        effects.append(.removeGroup(id))
        effects.append(.publish(.groupRemoved(id)))
    }

    private func gone(_ group: HostedGroup) -> FileFailure {
        FileFailure(
            .stale, operation: "use", object: group.filesystem?.description ?? "group \(group.id)", cause: "it has been deleted",
            hint: "a new file system of the same name is another one")
    }

    private func moved(_ group: HostedGroup) -> FileFailure {
        FileFailure(
            .unavailable, operation: "use", object: group.filesystem?.description ?? "group \(group.id)",
            cause: "its replica has moved away from this node", hint: "try again at another node")
    }

    mutating func driveRaft(_ event: MultiRaftEvent, into effects: inout [Effect]) {
        var out = raftEffects
        raftEffects = []
        raft.handle(event, now: now, into: &out)
        interpret(out, into: &effects)
        out.removeAll(keepingCapacity: true)
        raftEffects = out
    }

    private mutating func interpret(_ out: [MultiRaftEffect], into effects: inout [Effect]) {
        for effect in out {
            switch effect {
            case .send(let to, let batch): effects.append(.send(to: to, .control, .raft(batch), attachment: nil))
            case .persist(let token, let writes): effects.append(.persist(token: token, writes))
            case .startTimer(let timer, let at): effects.append(.startTimer(.raft(timer), generation: 0, at: at))
            case .cancelTimer(let timer): effects.append(.cancelTimer(.raft(timer)))
            case .apply(let id, let entries): apply(id, entries, into: &effects)
            case .proposalAppended(let id, let proposal, let index, let term): appended(id, proposal, index, term)
            case .proposalDropped(let id, let proposal, let reason, let leader):
                dropped(id, proposal, reason, leader: leader, into: &effects)
            case .readReady(let id, let token, let index): readReady(id, token, index)
            case .readFailed(let id, let token, _): readFailed(id, token)
            case .sendSnapshot(let id, let to, let metadata): effects.append(.sendSnapshot(id, to: to, metadata))
            case .roleChanged(let id, let role, let term, let leader): roleChanged(id, role, term, leader, into: &effects)
            case .membershipChanged(let id, let configuration): _ = groups.update(id) { $0.configuration = configuration }
            }
        }
    }

    // MARK: Proposals

    /// Gives a command to Raft, if this node leads; whoever asked is answered when it is applied.
    mutating func propose(_ group: GroupID, _ envelope: [UInt8], answering who: HostedGroup.Proposer, into effects: inout [Effect]) {
        guard groups.with(group, { $0.isLeader }) == true else {
            answerProposer(who, .notLeader(groups.with(group) { $0.leader } ?? nil), into: &effects)
            return
        }
        counters.proposals += 1
        if case .call(let node, _) = who { noteWriter(node, of: group) }
        let id = nextProposal
        nextProposal += 1
        _ = groups.update(group) { $0.proposed[id] = who }
        driveRaft(.group(group, .propose(ProposalID(id), payload: envelope)), into: &effects)
    }

    private mutating func appended(_ group: GroupID, _ proposal: ProposalID, _ index: UInt64, _ term: UInt64) {
        _ = groups.update(group) {
            guard let who = $0.proposed.remove(proposal.rawValue) else { return }
            $0.appended[index] = (term, who)
        }
    }

    private mutating func dropped(
        _ group: GroupID, _ proposal: ProposalID, _ reason: ProposalRefusal, leader: NodeID?, into effects: inout [Effect]
    ) {
        guard let who = groups.update(group, { $0.proposed.remove(proposal.rawValue) }) ?? nil else { return }
        guard reason != .tooLarge else {
            let failure = FileFailure(
                .tooLarge, operation: "change", object: "group \(group)", cause: "it is larger than one entry of the log may be (8 MiB)",
                hint: "commit in smaller parts")
            answerProposer(who, .failed(failure), into: &effects)
            return
        }
        answerProposer(who, .notLeader(leader), into: &effects)
    }

    private mutating func answerProposer(_ who: HostedGroup.Proposer, _ reply: Answer, into effects: inout [Effect]) {
        switch who {
        case .call(let node, let call): answer(call, to: node, reply, into: &effects)
        case .nobody: break
        }
    }

    private mutating func roleChanged(_ id: GroupID, _ role: RaftRole, _ term: UInt64, _ leader: NodeID?, into effects: inout [Effect]) {
        let wasLeader = groups.update(id) { group in
            defer { (group.role, group.term, group.leader) = (role, term, leader) }
            return group.isLeader
        }
        guard let wasLeader else { return }
        effects.append(.publish(.roleChanged(id, role: role.word, term: term, leader: leader)))
        if wasLeader, role != .leader { lostLeadership(id, leader, into: &effects) }
        if role == .leader { gainedLeadership(id, into: &effects) }
        guard let leader else { return }
        wakeCalls(to: id)
        redirect(id, from: { $0 != leader })
    }

    /// What is in the log may still be applied, and then its proposers are answered; but they are
    /// told now, so that they ask the new leader. The stamp makes the second proposal harmless.
    private mutating func lostLeadership(_ id: GroupID, _ leader: NodeID?, into effects: inout [Effect]) {
        let waiting = groups.update(id) { group -> [HostedGroup.Proposer] in
            let all = group.proposed.values + group.appended.values.map(\.who)
            group.proposed = OrderedTable()
            group.appended = OrderedTable()
            return all
        }
        for who in waiting ?? [] { answerProposer(who, .notLeader(leader), into: &effects) }
        for key in endingClients.keys where key.group == id { _ = endingClients.remove(key) }
        for (key, stage) in serverStages where key.group == id {
            effects.append(.dropStage(stage.id))
            _ = serverStages.remove(key)
        }
    }

    private mutating func gainedLeadership(_ id: GroupID, into effects: inout [Effect]) {
        // Every holder of a lock gets a whole lease from the new leader (the grace of RFC 8881 §8.4.2
        // without its waiting: the locks themselves are in the replicated state).
        if let locks = groups.with(id, { $0.machine.files?.locks }) ?? nil {
            for holder in locks.holders { leases[ServerSessionKey(group: id, node: holder.node, session: holder.session)] = now }
        }
        leaseClients(of: id)
        if id == .catalog, groups.with(.catalog, { $0.machine.catalog.cluster == nil }) ?? true {
            begin(.background(.bootstrap), deadline: now + .seconds(30), into: &effects)
        }
    }

    private mutating func wakeCalls(to group: GroupID) {
        for (id, call) in calls.calls where call.group == group && call.destination == nil {
            _ = calls.calls.update(id) { $0.due = now }
            freshCalls.append(id)
        }
    }

    // MARK: Applying

    private mutating func apply(_ id: GroupID, _ entries: [RaftEntry], into effects: inout [Effect]) {
        guard groups.contains(id) else { return }
        for entry in entries {
            counters.entriesApplied += 1
            var reply: Answer?
            var adopted: [ChunkReference] = []
            _ = groups.update(id) { group in
                precondition(entry.index == group.applied + 1, "\(id): entry \(entry.index) after \(group.applied)")
                group.applied = entry.index
                guard entry.kind == .command else { return }
                group.bytesSinceSnapshot += entry.payload.count
                let result = group.machine.apply(entry.payload, index: entry.index, adopting: &adopted)
                reply = .applied(index: entry.index, result: result)
            }
            if let waiting = groups.update(id, { $0.appended.remove(entry.index) }) ?? nil {
                if waiting.term == entry.term, let reply {
                    answerProposer(waiting.who, reply, into: &effects)
                } else {
                    answerProposer(waiting.who, .notLeader(groups.with(id) { $0.leader } ?? nil), into: &effects)
                }
            }
            if !adopted.isEmpty {
                adopt(adopted, of: id)
                expectChunks(adopted, of: id, into: &effects)
            }
        }
        afterApplying(id, into: &effects)
    }

    /// `isReplaced` where a snapshot took the place of the state, so that nobody knows what is new in it.
    private mutating func afterApplying(_ id: GroupID, isReplaced: Bool = false, into effects: inout [Effect]) {
        guard let applied = groups.with(id, { $0.applied }) else { return }
        driveRaft(.group(id, .applied(index: applied)), into: &effects)
        wakeAppliedWaits(id)
        answerHolding(into: &effects)
        if id == .catalog { catalogApplied(whole: isReplaced, into: &effects) } else { tellProgress(id, into: &effects) }
        saveSnapshotIfDue(id, into: &effects)
    }

    /// Whether this replica has applied `index`, and its own log is synced through it: Raft applies what a majority has
    /// synced, which need not include this node.
    func holds(_ group: GroupID, _ index: UInt64) -> Bool {
        (groups.with(group) { $0.applied } ?? 0) >= index && raft.durableIndex(of: group) >= index
    }

    /// Answers those who wait until this node holds something, and now does.
    private mutating func answerHolding(into effects: inout [Effect]) {
        guard !remoteWaits.isEmpty else { return }
        let waits = remoteWaits
        guard waits.contains(where: { holds($0.group, $0.index) }) else { return }
        remoteWaits = waits.filter { !holds($0.group, $0.index) }
        for wait in waits where holds(wait.group, wait.index) { answer(wait.call, to: wait.node, .done, into: &effects) }
    }

    private mutating func wakeAppliedWaits(_ id: GroupID) {
        guard groups.with(id, { !$0.appliedWaits.isEmpty }) == true else { return }
        let ready = groups.update(id) { group in
            let applied = group.applied
            defer { group.appliedWaits.removeAll { $0.index <= applied } }
            return group.appliedWaits.filter { $0.index <= applied }
        }
        for wait in ready ?? [] { resolve(wait.token, .done) }
    }

    /// Waits until this replica has applied `index`.
    mutating func waitApplied(_ group: GroupID, _ index: UInt64, _ place: Step, _ progress: inout RequestProgress) throws(Interrupt) {
        guard let applied = groups.with(group, { $0.applied }) else {
            throw .failure(
                FileFailure(
                    .unavailable, operation: "read", object: "group \(group)", cause: "its replica has left this node",
                    hint: "open it anew, at another node where this one has none"))
        }
        if applied >= index { return }
        _ = try step(place, &progress) { node, token in
            _ = node.groups.update(group) { $0.appliedWaits.append((index, token)) }
        }
    }

    // MARK: Snapshots

    private mutating func saveSnapshotIfDue(_ id: GroupID, into effects: inout [Effect]) {
        let isDue = groups.with(id) { group in
            // Parts of a large commit are not written again and again while it is on its way.
            let isLarge = group.bytesSinceSnapshot >= settings.snapshotBytes && !group.machine.hasUploads
            return !group.snapshotInProgress && (isLarge || group.applied >= group.snapshotIndex + settings.snapshotEntries)
        }
        guard isDue == true, let group = groups[id] else { return }
        guard let metadata = raft.snapshotMetadata(of: id, at: group.applied) else { return }
        _ = groups.update(id) {
            $0.snapshotInProgress = true
            $0.bytesSinceSnapshot = 0
        }
        // Digests are cached in pages that the copy shares; they are computed here, so that encoding it
        // on another thread only reads them.
        _ = group.machine.digest
        effects.append(.saveSnapshot(id, metadata, group.machine))
    }

    mutating func groupCompletion(_ event: Event, into effects: inout [Effect]) {
        switch event {
        case .logDurable(let token):
            driveRaft(.persisted(token: token), into: &effects)
            answerHolding(into: &effects)
        case .logFailed(_, let reason):
            // Nothing was acknowledged that is not durable; a node whose log fails must not go on.
            effects.append(.publish(.fault("the log cannot be written: \(reason)")))
        case .snapshotSaved(let id, let metadata, let ok):
            _ = groups.update(id) {
                $0.snapshotInProgress = false
                if ok { $0.snapshotIndex = metadata.index }
            }
            if ok {
                counters.snapshotsSaved += 1
                driveRaft(.group(id, .compact(metadata)), into: &effects)
            }
        case .snapshotReceived(let id, let metadata, let machine):
            guard let applied = groups.with(id, { $0.applied }), metadata.index > applied else { return }
            _ = groups.update(id) {
                $0.machine = machine
                $0.applied = metadata.index
                $0.snapshotIndex = metadata.index
                $0.configuration = metadata.configuration
                $0.lag.incoming = OrderedTable()
                $0.lag.awaited = OrderedTable()
            }
            driveRaft(.group(id, .snapshotReceived(metadata)), into: &effects)
            // What the entries that it stands for named was never adopted.
            hastenUpkeep()
            afterApplying(id, isReplaced: true, into: &effects)
        case .snapshotSent(let id, let to, let ok): driveRaft(.group(id, .snapshotSendFinished(to: to, ok: ok)), into: &effects)
        default: preconditionFailure("no completion of a group: \(event)")
        }
    }
}
