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
        if let pending = volume.pending, progress.pending == nil, progress.settled == nil {
            try offerAgain(pending, volume, session, operation, &progress, into: &effects)
            progress.settled = try settleEarlier(pending, session, operation, &progress)
            return try volumeCommit(options, session, operation, &progress, into: &effects)
        }
        // Every chunk that the commit names is durable where the volume's rule wants it, before the
        // commit is proposed: whoever sees the version can read it.
        let placed = progress.placed ?? freshPlacements(session, volume, into: &effects)
        progress.placed = placed
        if progress.begun[Step(.propose)] == nil, progress.publication == nil, settings.mutant != .commitBeforeChunks {
            try requireRegions(options.wait, session)
            // An earlier commit that this one settled is published whatever becomes of this one.
            if progress.settled == nil, volume.changes > 0 { try requireAllRegions(session) }
            try requireBoundedLag(session)
            try waitForPlacement(placed, number: 0, &progress) { $0.isSatisfied }
            for id in placed where placements[id].map({ !$0.isSatisfied }) ?? false {
                throw .failure(
                    FileFailure(
                        .unavailable, operation: operation.name, object: session.filesystem.description,
                        cause: "too few regions hold the content that it names",
                        hint: "nothing was published; commit again when more regions are up"))
            }
            if haveAged(placed) {
                progress.placed = nil
                return try volumeCommit(options, session, operation, &progress, into: &effects)
            }
        }
        if progress.publication == nil {
            if options.leavesOutOpenFiles { progress.leavesOutOpenFiles = true }
            let tree =
                progress.leavesOutOpenFiles
                ? volume.staged.tree(leavingOut: volume.unfinished, base: volume.base, time: civil) : volume.staged.tree
            let changes = VolumeChanges.between(base: volume.base, staged: tree, version: volume.version)
            if changes.isEmpty { return .receipt(try nothingToCommit(options, session, operation, &progress)) }
            try refuseOvertaken(options, volume, session, operation)
            progress.publication = publication(
                changes, tree,
                CommitInfo(
                    ifUnchanged: options.ifUnchanged, session: session.id.rawValue, author: settings.region.name, message: options.message))
        }
        let pending = try publish(session, operation, placed, &progress)
        let (outcome, index) = try settle(pending, session, operation, Step(.propose), applied: Step(.applied), &progress)
        countMajority(session.group, &progress)
        // Published: whatever becomes of the waiting, it must not be published again.
        if !progress.hasMoved {
            progress.overtaken = volume.overtaken
            _ = updateVolume(session.id) { $0.overtaken = [] }
            finishCommit(pending, session, outcome)
        }
        progress.hasMoved = true
        progress.published = outcome.version
        try waitForRegions(options.wait, session, placed, index, &progress)
        let complete = completeRegions(session, placed, index, progress)
        return .receipt(
            CommitReceipt(
                version: outcome.version, digest: outcome.digest,
                conflicts: (progress.overtaken + outcome.conflicts).map(ConflictSummary.init), completeRegions: complete,
                changes: max(1, outcome.filesChanged)))
    }

    /// Before a commit is proposed again its content is offered to its holders again: if it is not in the log
    /// yet, nothing else has kept it there since.
    private mutating func offerAgain(
        _ pending: PendingCommit, _ volume: VolumeSession, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress, into effects: inout [Effect]
    ) throws(Interrupt) {
        if progress.offered == nil {
            var seen: Set<ChunkID> = []
            let changes = VolumeChanges.between(base: volume.base, staged: pending.tree, version: volume.version)
            let chunks = changes.chunks.filter { seen.insert($0.id).inserted }
            progress.offered = place(chunks, of: session.group, into: &effects).map { [$0] } ?? []
        }
        let offered = progress.offered ?? []
        try waitForPlacement(offered, number: 1, &progress) { $0.isSatisfied }
        guard offered.allSatisfy({ placements[$0]?.isSatisfied ?? true }) else {
            throw .failure(
                FileFailure(
                    .unavailable, operation: operation.name, object: session.filesystem.description,
                    cause: "an earlier commit is not settled, and too few regions hold the content that it names",
                    hint: "commit again when more regions are up"))
        }
    }

    /// A commit whose answer was lost. Where it published something the session moves on to that; nil
    /// where it is known to have been refused, and its changes are still staged.
    private mutating func settleEarlier(
        _ pending: PendingCommit, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress
    ) throws(Interrupt) -> SettledCommit? {
        do throws(Interrupt) {
            let place = Step(.propose, 9_000)
            let earlier = try settle(pending, session, operation, place, applied: Step(.applied, 9_000), &progress)
            finishCommit(pending, session, earlier.commit)
            return SettledCommit(commit: earlier.commit, index: earlier.index, placed: pending.placed)
        } catch {
            guard case .failure(let failure) = error, failure.code != .stale, sessions[session.id]?.volume?.pending == nil else {
                throw error
            }
            return nil
        }
    }

    /// What was done was undone again, or an earlier commit whose answer was lost has published it.
    private mutating func nothingToCommit(
        _ options: CommitOptions, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress
    ) throws(Interrupt) -> CommitReceipt {
        if !progress.leavesOutOpenFiles { _ = updateVolume(session.id) { $0.changes = 0 } }
        if let earlier = progress.settled {
            progress.published = earlier.commit.version
            countMajority(session.group, &progress)
            try waitForRegions(options.wait, session, earlier.placed, earlier.index, &progress)
            return CommitReceipt(
                version: earlier.commit.version, digest: earlier.commit.digest,
                conflicts: earlier.commit.conflicts.map(ConflictSummary.init),
                completeRegions: completeRegions(session, earlier.placed, earlier.index, progress),
                changes: max(1, earlier.commit.filesChanged))
        }
        let files = try latest(session, operation)
        progress.published = files.version
        try waitForWhole(files.version, options.wait, session, &progress)
        return CommitReceipt(
            version: files.version, digest: files.history.latest.digest, conflicts: [],
            completeRegions: regionsWhole(files.version, session.group), changes: 0)
    }

    /// Changes of others that what was staged has met already count for `if_unchanged` as well.
    private func refuseOvertaken(_ options: CommitOptions, _ volume: VolumeSession, _ session: SessionContext, _ operation: FileOperation)
        throws(Interrupt)
    {
        guard options.ifUnchanged, !volume.overtaken.isEmpty else { return }
        throw .failure(
            FileFailure(
                .conflict, operation: operation.name, object: session.filesystem.description,
                cause: "\(volume.overtaken.count) \(volume.overtaken.count == 1 ? "path was" : "paths were") changed by others since",
                hint: "reload and make the changes again, or commit without --if-unchanged"))
    }

    /// Brings the change set into the log; what comes back is about to be proposed, or has been.
    private mutating func publish(
        _ session: SessionContext, _ operation: FileOperation, _ placed: [UInt64], _ progress: inout RequestProgress
    ) throws(Interrupt) -> PendingCommit {
        if let pending = progress.pending { return pending }
        guard var work = progress.publication else { preconditionFailure("nothing to publish") }
        let parts = work.parts
        defer { progress.publication = work }
        try stageParts(&work, session, operation, &progress)
        if let failure = tooManyProposals(session.group, operation.name, operation.object) { throw .failure(failure) }
        let pending = beginPublishing(work, parts: parts, session, placed: placed)
        progress.pending = pending
        return pending
    }

    func nearestReplica(_ record: FilesystemRecord, in region: RegionID) -> NodeID? {
        let nodes = record.plan.replicas.filter { $0.region == region }.map(\.node)
        return nodes.first { swim.member($0)?.status == .alive } ?? nodes.first
    }

    /// Regions that are known to hold the commit and its chunks now.
    func completeRegions(_ session: SessionContext, _ placed: [UInt64], _ index: UInt64, _ progress: RequestProgress) -> [RegionID] {
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
        if progress.begun[Step(.propose)] == nil { try requireAllRegions(session) }
        let applied = try proposeChange(
            .rollback(to: version, CommitInfo(author: settings.region.name, message: "rollback to \(version)")), session, operation,
            Step(.propose),
            &progress)
        guard case .committed(let outcome) = applied.result else { throw .failure(unexpected(operation)) }
        try waitApplied(session.group, applied.index, Step(.applied), &progress)
        try waitForRegions(.policy, session, [], applied.index, &progress)
        let newest = try latest(session, operation)
        _ = updateVolume(session.id) { $0.move(to: newest) }
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
