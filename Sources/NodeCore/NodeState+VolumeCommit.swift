import Consensus
import Filesystem
import Membership
import Namespace
import Primitives
import Replication

// Publishing what a volume session has staged, and going back to a past version.

extension NodeState {
    mutating func volumeCommit(
        _ options: CommitOptions, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        guard let volume = sessions[session.id]?.volume else {
            throw .failure(FileFailure(.stale, operation: operation.name, object: operation.object, cause: "the session has ended"))
        }
        // Every chunk that the commit names is durable where the volume's rule wants it, before the
        // commit is proposed: whoever sees the version can read it.
        let placed = progress.placed ?? volume.placements
        progress.placed = placed
        if progress.begun[Step(.propose)] == nil, settings.mutant != .commitBeforeChunks {
            try requireRegions(options.wait, session)
            try waitForPlacement(placed, number: 0, &progress) { $0.isSatisfied }
            for id in placed where placements[id].map({ !$0.isSatisfied }) ?? false {
                throw .failure(
                    FileFailure(
                        .unavailable, operation: operation.name, object: session.filesystem.description,
                        cause: "too few regions hold the content that it names",
                        hint: "nothing was published; commit again when more regions are up"))
            }
        }
        let changes: VolumeChanges
        if let kept = progress.changes {
            changes = kept
        } else {
            changes = VolumeChanges.between(base: volume.base, staged: volume.staged.tree, version: volume.version)
            progress.changes = changes
        }
        if changes.isEmpty {
            // What was done was undone again: nothing is left to publish.
            _ = updateVolume(session.id) { $0.changes = 0 }
            let files = try latest(session, operation)
            return .receipt(
                CommitReceipt(
                    version: files.version, digest: files.history.latest.digest, conflicts: [], completeRegions: [settings.region],
                    changes: 0))
        }
        let applied = try proposeChange(
            .commitChanges(
                changes,
                CommitInfo(
                    ifUnchanged: options.ifUnchanged, session: session.id.rawValue, author: settings.region.name, message: options.message)),
            session, operation,
            Step(.propose), &progress)
        guard case .committed(let outcome) = applied.result else { throw .failure(unexpected(operation)) }
        countMajority(session.group, &progress)
        try waitApplied(session.group, applied.index, Step(.applied), &progress)
        // Published: whatever becomes of the waiting, it must not be published again.
        if !progress.hasMoved { finishCommit(session, outcome) }
        progress.hasMoved = true
        try waitForRegions(options.wait, session, placed, applied.index, &progress)
        let complete = completeRegions(session, placed, applied.index, progress)
        return .receipt(
            CommitReceipt(
                version: outcome.version, digest: outcome.digest, conflicts: outcome.conflicts.map(ConflictSummary.init),
                completeRegions: complete,
                changes: max(1, outcome.filesChanged)))
    }

    /// The session moves on to what it has published, and no further: what others have published since
    /// is seen after a reload, or a later commit would count as having seen it. Open files keep the tree
    /// that they read.
    private mutating func finishCommit(_ session: SessionContext, _ outcome: VolumeCommit) {
        guard let files = groups[session.group]?.machine.files else { return }
        _ = updateVolume(session.id) { $0.move(to: files.namespace.asOf(outcome.version), renumbering: outcome.renumbering) }
    }

    private func requireRegions(_ wait: CommitWait, _ session: SessionContext) throws(Interrupt) {
        guard case .regions(let named) = wait, let record = catalogRecord(session.filesystem) else { return }
        for region in named where !record.plan.regions.contains(region) {
            throw .failure(
                FileFailure(
                    .invalid, operation: "commit", object: session.filesystem.description, cause: "it has no replica in \(region)",
                    hint: "nothing was published; its regions are \(record.plan.regions.map(\.name).joined(separator: ", "))"))
        }
    }

    /// One replica in each region that is to be waited for says when it has applied the commit.
    private mutating func waitForRegions(
        _ wait: CommitWait, _ session: SessionContext, _ placed: [UInt64], _ index: UInt64, _ progress: inout RequestProgress
    ) throws(Interrupt) {
        guard let record = catalogRecord(session.filesystem) else { return }
        let wanted: [RegionID]
        switch wait {
        case .policy: return
        case .all: wanted = record.plan.regions
        case .regions(let named): wanted = named
        }
        var isWaiting = false
        var asked: UInt32 = 0
        for (number, region) in record.plan.regions.enumerated() where wanted.contains(region) && region != settings.region {
            guard let replica = nearestReplica(record, in: region) else { continue }
            asked += 1
            do throws(Interrupt) {
                _ = try step(Step(.applied, 1 + number), &progress) { node, token in
                    node.call(session.group, .awaitApplied(index: index), fixed: replica, token: token)
                }
            } catch {
                // All are asked at the same time.
                guard case .waiting = error else { throw error }
                isWaiting = true
            }
        }
        if isWaiting { throw .waiting }
        if asked > 1, progress.charged.insert(Step(.applied, 1)).inserted { progress.cost.wideAreaRoundTrips -= asked - 1 }
        func isComplete(_ entry: Placement) -> Bool { entry.completeRegions(of: wanted).count == wanted.count }
        try waitForPlacement(placed, number: 1, &progress, until: isComplete)
        for id in placed where placements[id].map({ !isComplete($0) }) ?? false {
            throw .failure(
                FileFailure(
                    .unavailable, operation: "commit", object: session.filesystem.description,
                    cause: "it is published, but not every region asked for holds its content",
                    hint: "see `volume history`; the copies go on"))
        }
    }

    private func nearestReplica(_ record: FilesystemRecord, in region: RegionID) -> NodeID? {
        let nodes = record.plan.replicas.filter { $0.region == region }.map(\.node)
        return nodes.first { swim.member($0)?.status == .alive } ?? nodes.first
    }

    /// Regions that are known to hold the commit and its chunks now.
    private func completeRegions(_ session: SessionContext, _ placed: [UInt64], _ index: UInt64, _ progress: RequestProgress) -> [RegionID]
    {
        guard let record = catalogRecord(session.filesystem) else { return [settings.region] }
        let matched = raft.status(session.group)?.peers ?? []
        var out: [RegionID] = []
        for (number, region) in record.plan.regions.enumerated() {
            let hasMetadata =
                region == settings.region || groups[session.group]?.leader.flatMap { self.region(of: $0) } == region
                || progress.ended[Step(.applied, 1 + number)] != nil
                || matched.contains { self.region(of: $0.id) == region && $0.match >= index }
            let hasChunks = placed.allSatisfy { id in placements[id].map { $0.completeRegions(of: [region]) == [region] } ?? true }
            if hasMetadata && hasChunks { out.append(region) }
        }
        return out
    }

    /// A leader whose own region holds no majority waited for another region before it answered.
    private mutating func countMajority(_ group: GroupID, _ progress: inout RequestProgress) {
        guard progress.charged.insert(Step(.propose)).inserted, let hosted = groups[group], let leader = hosted.leader else { return }
        let voters = hosted.configuration.voters
        let atHome = voters.filter { region(of: $0) == region(of: leader) }.count
        if atHome <= voters.count / 2 { progress.cost.wideAreaRoundTrips += 1 }
    }

    mutating func volumeRollback(
        _ version: VersionID, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        if (sessions[session.id]?.volume?.changes ?? 0) > 0 {
            throw .failure(
                FileFailure(
                    .conflict, operation: operation.name, object: version.description, cause: "the session has staged changes",
                    hint: "commit or discard them first"))
        }
        let applied = try proposeChange(
            .rollback(to: version, CommitInfo(author: settings.region.name, message: "rollback to \(version)")), session, operation,
            Step(.propose),
            &progress)
        guard case .committed(let outcome) = applied.result else { throw .failure(unexpected(operation)) }
        try waitApplied(session.group, applied.index, Step(.applied), &progress)
        finishCommit(session, outcome)
        return .receipt(
            CommitReceipt(
                version: outcome.version, digest: outcome.digest, conflicts: [],
                completeRegions: completeRegions(session, [], applied.index, progress), changes: outcome.filesChanged))
    }

    /// Proposes one change of a file system's tree; its result as applied, and where.
    mutating func proposeChange(
        _ change: NamespaceOperation, _ session: SessionContext, _ operation: FileOperation, _ place: Step,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> (result: FilesResult, index: UInt64) {
        if progress.begun[place] == nil, let failure = tooManyProposals(session.group, operation.name, operation.object) {
            throw .failure(failure)
        }
        let value = try step(place, &progress) { node, token in
            let stamp = node.makeStamp(session.group)
            node.stampsInUse[token] = (session.group, stamp)
            let command = NamespaceCommand(change, context: node.commandContext(session))
            let envelope = FilesCommand(stamp: stamp, at: node.civil, body: .namespace(command)).xdrBytes
            node.call(session.group, .propose(envelope: envelope), token: token)
        }
        guard case .applied(let index, let bytes) = value, let result = try? FilesResult(xdr: bytes) else {
            throw .failure(unexpected(operation))
        }
        if case .failed(let failure) = result {
            renewIfForgotten(session.group, failure)
            throw .failure(failure.about(operation))
        }
        return (result, index)
    }
}
