import Filesystem
import Namespace
package import Primitives
import Replication

// How a change set gets into the log: in one entry where it is small, else in parts that nobody sees
// until one entry publishes them; and what becomes of a commit whose answer did not come.

/// A change set on its way, computed once by the request that publishes it.
struct Publication {
    /// What the session holds when this is published.
    let tree: NamespaceTree
    /// In one entry.
    var whole: NamespaceOperation?
    /// Or in parts of this.
    var bytes: [UInt8] = []
    var upload: UploadID?
    var digest = Digest.zero
    let info: CommitInfo

    var parts: UInt32 { UInt32((bytes.count + CommitUploads.partBytes - 1) / CommitUploads.partBytes) }
    func part(_ number: UInt32) -> [UInt8] {
        let start = Int(number) * CommitUploads.partBytes
        return Array(bytes[start..<min(bytes.count, start + CommitUploads.partBytes)])
    }
}

/// A commit that was proposed and of which no result is known yet. It keeps its stamp, so that
/// proposing it again gives the result of the first time: a commit whose answer was lost does not
/// conflict with itself.
struct PendingCommit {
    let number: UInt64
    let stamp: ClientStamp
    let envelope: [UInt8]
    /// What the session held of what was published.
    let tree: NamespaceTree
    let placed: [UInt64]
}

/// What became of one.
struct SettledCommit {
    let commit: VolumeCommit
    let index: UInt64
    let placed: [UInt64]
}

extension NodeState {
    /// Parts of one change under way at once; more would only wait in front of the same link.
    private static var partsInFlight: Int { 4 }

    func publication(_ changes: VolumeChanges, _ tree: NamespaceTree, _ info: CommitInfo) -> Publication {
        let bytes = changes.xdrBytes
        guard bytes.count > CommitUploads.wholeBytes else {
            return Publication(tree: tree, whole: .commitChanges(changes, info), info: info)
        }
        return Publication(tree: tree, whole: nil, bytes: bytes, digest: SHA256.hash(bytes), info: info)
    }

    /// Brings all parts into the log. Where this fails they are dropped, and nothing was published.
    mutating func stageParts(
        _ work: inout Publication, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress
    )
        throws(Interrupt)
    {
        guard work.whole == nil else { return }
        if work.upload == nil {
            guard work.parts <= CommitUploads.partLimit else {
                throw .failure(
                    FileFailure(
                        .tooLarge, operation: operation.name, object: session.filesystem.description,
                        cause: "its changes are \(work.bytes.count) bytes, at most \(CommitUploads.partLimit) MiB",
                        hint: "commit in smaller steps"))
            }
            work.upload = UploadID(node: settings.id, session: session.id, number: nextUpload)
            nextUpload += 1
            _ = updateVolume(session.id) { $0.hasUpload = true }
        }
        guard let upload = work.upload else { return }
        var underWay = 0
        for number in 0..<work.parts {
            let place = Step(.propose, 1 + Int(number))
            if let ended = progress.ended[place] {
                try requireStaged(ended, session, operation)
                continue
            }
            guard underWay < Self.partsInFlight else { break }
            underWay += 1
            guard progress.begun[place] == nil else { continue }
            if let failure = tooManyProposals(session.group, operation.name, operation.object) { throw .failure(failure) }
            let bytes = work.part(number)
            do throws(Interrupt) {
                _ = try step(place, &progress) { node, token in
                    let stamp = node.makeStamp(session.group)
                    node.stampsInUse[token] = (session.group, stamp)
                    let body = FilesCommand.Body.stagePart(upload, part: number, bytes)
                    node.call(
                        session.group, .propose(envelope: FilesCommand(stamp: stamp, at: node.civil, body: body).xdrBytes), token: token)
                }
            } catch {
                guard case .waiting = error else { throw error }
            }
        }
        if underWay > 0 { throw .waiting }
        work.bytes = []
    }

    private mutating func requireStaged(_ ended: StepValue, _ session: SessionContext, _ operation: FileOperation) throws(Interrupt) {
        if case .failed(let failure) = ended { throw .failure(failure) }
        guard case .applied(_, let bytes) = ended, let result = try? FilesResult(xdr: bytes) else { throw .failure(unexpected(operation)) }
        if case .failed(let failure) = result {
            renewIfForgotten(session.group, failure)
            throw .failure(failure.about(operation))
        }
    }

    /// The entry that publishes. It is remembered by the session before it is sent.
    mutating func beginPublishing(_ work: Publication, parts: UInt32, _ session: SessionContext, placed: [UInt64]) -> PendingCommit {
        let context = commandContext(session)
        let stamp = makeStamp(session.group)
        let body: FilesCommand.Body
        if let upload = work.upload {
            body = .publish(upload, parts: parts, work.digest, .changes(work.info), context)
        } else {
            guard let whole = work.whole else { preconditionFailure("a publication without a form") }
            body = .namespace(NamespaceCommand(whole, context: context))
        }
        let pending = PendingCommit(
            number: nextUpload, stamp: stamp, envelope: FilesCommand(stamp: stamp, at: civil, body: body).xdrBytes, tree: work.tree,
            placed: placed)
        nextUpload += 1
        _ = updateVolume(session.id) {
            $0.pending = pending
            $0.hasUpload = false
        }
        return pending
    }

    /// Proposes a pending commit (again) and waits for what became of it. Its result is the same however
    /// often it is asked for; a failure says that nothing was published.
    mutating func settle(
        _ pending: PendingCommit, _ session: SessionContext, _ operation: FileOperation, _ place: Step, applied: Step,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> (commit: VolumeCommit, index: UInt64) {
        let value: StepValue
        do throws(Interrupt) {
            value = try step(place, &progress) { node, token in
                node.call(session.group, .propose(envelope: pending.envelope), token: token)
            }
        } catch {
            if case .failure = error { forget(pending, session, wasApplied: false) }
            throw error
        }
        guard case .applied(let index, let bytes) = value, let result = try? FilesResult(xdr: bytes) else {
            throw .failure(unexpected(operation))
        }
        if case .failed(let failure) = result {
            forget(pending, session, wasApplied: true)
            renewIfForgotten(session.group, failure)
            throw .failure(failure.about(operation))
        }
        guard case .committed(let commit) = result else { throw .failure(unexpected(operation)) }
        try waitApplied(session.group, index, applied, &progress)
        return (commit, index)
    }

    mutating func forget(_ pending: PendingCommit, _ session: SessionContext, wasApplied: Bool) {
        _ = proposers.update(session.group) { $0.end(pending.stamp, wasApplied: wasApplied) }
        _ = updateVolume(session.id) { if $0.pending?.number == pending.number { $0.pending = nil } }
    }

    /// The session moves on to what it has published, with what it staged meanwhile, and no further: what
    /// others have published since is seen after a reload, or a later commit would count as having seen
    /// it. Files open for reading keep the tree that they read.
    mutating func finishCommit(_ pending: PendingCommit, _ session: SessionContext, _ commit: VolumeCommit) {
        forget(pending, session, wasApplied: true)
        guard let latest = groups[session.group]?.machine.files?.namespace else { return }
        let context = commandContext(session)
        _ = updateVolume(session.id) { $0.move(past: pending, to: latest.asOf(commit.version), commit, context: context) }
    }

    /// Tells the log that a session's parts will not be published.
    mutating func dropUploads(of session: SessionID, _ group: GroupID, into effects: inout [Effect]) {
        begin(.background(.dropUploads(group, session)), deadline: now + .seconds(60), into: &effects)
    }
}

extension VolumeSession {
    /// Takes the version that it has published. What was staged beyond it comes along; where that
    /// cannot be (a fault), the session stays on its base, and its next commit meets its own.
    mutating func move(past pending: PendingCommit, to latest: NamespaceState, _ commit: VolumeCommit, context: CommandContext) {
        guard !staged.tree.records.isIdentical(to: pending.tree.records) else { return move(to: latest, renumbering: commit.renumbering) }
        guard
            let carried = try? latest.restaging(
                staged, since: pending.tree, base: base, commit: commit.renumbering, context: context)
        else { return }
        let copies = placements.filter { !pending.placed.contains($0) }
        let before = staged.tree
        move(to: latest, renumbering: carried.renumbering, isCarried: true)
        defer { keepReaders(before: before) }
        guard !carried.session.tree.records.isIdentical(to: latest.tree.records) else { return }
        staged = carried.session
        placements = copies
        changes = 1
        overtaken += carried.conflicts.prefix(VolumeCommit.maximumConflicts - min(overtaken.count, VolumeCommit.maximumConflicts))
    }
}

extension NodeState {
    /// Large changes on their way, as this node's replica has them; nil where it has none.
    package func uploads(of filesystem: FilesystemID) -> CommitUploads? {
        machine(of: filesystem)?.files?.uploads
    }

    package func machine(of filesystem: FilesystemID) -> GroupMachine? { group(of: filesystem).flatMap { groups[$0]?.machine } }
}
