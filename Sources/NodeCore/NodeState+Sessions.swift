import Consensus
import Filesystem
import Membership
import Namespace
import Primitives
import Replication

/// A client's attachment to a file system, at the node that it talks to.
struct ClientSession {
    let id: SessionID
    let filesystem: FilesystemID
    let group: GroupID
    let options: SessionOptions
    var lastUse: Instant
    /// Operations under way; a session in use is not idle.
    var active = 0
    /// Its file system is gone; every operation fails with ESTALE.
    var isDeleted = false
    /// The client side of a network file system; nil for a volume.
    var nfs: NFSClient?
    var volume: VolumeSession?

    var context: SessionContext { SessionContext(id: id, filesystem: filesystem, group: group, options: options) }
}

/// What does not change of a session, handed to the programs of its operations.
struct SessionContext {
    let id: SessionID
    let filesystem: FilesystemID
    let group: GroupID
    let options: SessionOptions
}

/// The client of a network file system: what an NFS client's kernel keeps.
struct NFSClient {
    var caches: NFSCaches
    var handles = OrderedTable<HandleID, NFSHandle>()
    /// Whether this session ever took a lock: only then is it kept alive at the leader.
    var holdsLocks = false
}

extension NodeState {
    mutating func openSession(
        _ request: RequestID, _ filesystem: FilesystemID, _ options: SessionOptions, deadline: Instant?, into effects: inout [Effect]
    ) {
        begin(.open(request, filesystem, options), deadline: deadline ?? now + .seconds(30), into: &effects)
    }

    /// A file system that is unknown here may have been made a moment ago elsewhere: the catalog's
    /// leader is asked once before it is called missing.
    mutating func performOpen(
        _ filesystem: FilesystemID, _ options: SessionOptions, _ progress: inout RequestProgress, into effects: inout [Effect]
    ) throws(Interrupt) -> SessionID {
        if catalogRecord(filesystem) == nil {
            let index = try patientReadIndex(.catalog, &progress, into: &effects)
            try waitApplied(.catalog, index, Step(.applied), &progress)
        }
        if filesystem.kind == .volume, options.version == nil, let group = group(of: filesystem), groups[group] != nil {
            progress.isUnconfirmed = try !catchUp(group, &progress, into: &effects)
        }
        if filesystem.kind == .nfs, let before = options.succeeds { try endPredecessor(before, filesystem, &progress) }
        do throws(FileFailure) { return try makeSession(filesystem, options, isConfirmed: !progress.isUnconfirmed) } catch {
            throw .failure(error)
        }
    }

    /// The locks of a session that this one takes the place of are given back, in the log: its own node may be gone.
    private mutating func endPredecessor(
        _ before: SessionPredecessor, _ filesystem: FilesystemID, _ progress: inout RequestProgress
    ) throws(Interrupt) {
        guard let group = group(of: filesystem) else { return }
        _ = try step(Step(.propose), &progress) { state, token in
            let envelope = FilesCommand(stamp: nil, at: state.civil, body: .endSession(before.node, before.session)).xdrBytes
            state.call(group, .propose(envelope: envelope), token: token)
        }
    }

    /// A new session sees the latest version: the leader is asked which that is. Where it does not
    /// answer within five seconds the session begins with what this region has whole, as a region that is cut
    /// off must. False in that case.
    private mutating func catchUp(_ group: GroupID, _ progress: inout RequestProgress, into effects: inout [Effect]) throws(Interrupt)
        -> Bool
    {
        if isCutOff(from: group) { return false }
        let limit = Step(.wait, 10)
        if progress.begun[limit] == nil {
            let token = requests.makeToken()
            progress.begun[limit] = token
            requests.expect(token, request: currentKey, step: limit)
            pauses.append((now + .seconds(5), token))
        }
        do throws(Interrupt) {
            let index = try patientReadIndex(group, &progress, into: &effects)
            try waitApplied(group, index, Step(.applied, 1), &progress)
            return true
        } catch {
            if case .waiting = error, progress.ended[limit] == nil { throw .waiting }
            return false
        }
    }

    /// Nobody can lead the group as far as this node knows: no leader is heard, and too few of its voters are
    /// alive. Then there is nothing to wait for.
    private func isCutOff(from group: GroupID) -> Bool {
        guard let status = raft.status(group), status.leader == nil, let voters = catalog.filesystem(of: group)?.plan.voters else {
            return false
        }
        let alive = voters.count { $0.node == settings.id || swim.member($0.node)?.status == .alive }
        return alive <= voters.count / 2
    }

    private mutating func makeSession(_ filesystem: FilesystemID, _ options: SessionOptions, isConfirmed: Bool) throws(FileFailure)
        -> SessionID
    {
        func refuse(_ code: FileFailure.Code, _ cause: String, _ hint: String = "") -> FileFailure {
            FileFailure(code, operation: "open session", object: filesystem.description, cause: cause, hint: hint)
        }
        guard sessions.count < settings.sessionLimit else {
            throw refuse(.overloaded, "\(settings.sessionLimit) sessions are open", "close some")
        }
        guard let record = catalogRecord(filesystem), record.isActive else {
            throw refuse(.notFound, "no such \(filesystem.kind.noun)", "it may have been deleted; list what exists")
        }
        let id = SessionID(nextSession)
        var session = ClientSession(id: id, filesystem: filesystem, group: record.group, options: options, lastUse: now)
        switch filesystem.kind {
        case .nfs:
            guard options.version == nil else { throw refuse(.invalid, "a network file system has no versions", "leave --at out") }
            guard !options.requireLocal || record.region == settings.region else {
                throw refuse(
                    .notPermitted, "it lives in \(record.region), and this client is in \(settings.region)",
                    "use it from \(record.region), or without requiring that it is local")
            }
            session.nfs = NFSClient(caches: NFSCaches(lifetime: options.attributeCache))
        case .volume:
            guard let hosted = groups[record.group], let files = hosted.machine.files else {
                throw refuse(.unavailable, "this node holds no replica of it", "use a node that does, or wait until it has one")
            }
            guard record.options.origin == nil || files.namespace.version > VersionID(0) else { throw refuseUnfinished(record) }
            let state = isConfirmed ? files.namespace : wholeState(of: files.namespace, record.group)
            guard let volume = VolumeSession(state, options: options) else {
                let wanted = options.version ?? options.startsAt ?? VersionID(0)
                guard options.startsAt == nil || wanted <= files.namespace.version else {
                    throw refuse(.unavailable, "version \(wanted) is not here yet", "try again")
                }
                throw refuse(.notFound, "version \(wanted) is not kept", "see its history")
            }
            session.volume = volume
            session.volume?.lastCommit = now
        }
        nextSession += 1
        sessions[id] = session
        return id
    }

    mutating func closeSession(_ id: SessionID, into effects: inout [Effect]) {
        guard let session = sessions.remove(id) else { return }
        if let nfs = session.nfs {
            readCache.drop(id, dropped: &droppable)
            var dirty = nfs.holdsLocks
            for (_, handle) in nfs.handles {
                if let held = handle.held { effects.append(.dropBuffer(held.payload)) }
                if handle.writes > 0 { dirty = true }
            }
            if dirty {
                begin(.background(.endSession(session.id, session.filesystem, session.group)), deadline: now + .seconds(30), into: &effects)
            }
        }
        if let volume = session.volume {
            if volume.hasUpload { dropUploads(of: session.id, session.group, into: &effects) }
            if let pending = volume.pending { _ = proposers.update(session.group) { $0.end(pending.stamp, wasApplied: false) } }
            for (_, handle) in volume.handles { if let stage = handle.stage { effects.append(.dropStage(stage)) } }
        }
    }

    /// Sessions that nobody used for their idle limit are ended.
    mutating func expireIdleSessions(into effects: inout [Effect]) {
        for (id, session) in sessions where session.active == 0 && session.lastUse + session.options.idleLimit < now {
            closeSession(id, into: &effects)
        }
    }

    /// One run of an operation's program.
    mutating func perform(
        _ operation: FileOperation, session id: SessionID, payload: Payload?, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        guard let session = sessions[id] else {
            throw .failure(
                FileFailure(
                    .badHandle, operation: operation.name, object: "session \(id.rawValue)", cause: "it has ended", hint: "open a new one"))
        }
        guard !session.isDeleted else {
            throw .failure(
                FileFailure(
                    .stale, operation: operation.name, object: operation.object,
                    cause: "the \(session.filesystem.kind.noun) has been deleted",
                    hint: "a new one of the same name is another one"))
        }
        if progress.begun.isEmpty && progress.attempt == 0 {
            progress.attempt = 1
            let time = now
            _ = sessions.update(id) {
                $0.active += 1
                $0.lastUse = time
            }
            if (session.options.readOnly || session.options.version != nil) && operation.isChange {
                throw .failure(
                    FileFailure(.readOnly, operation: operation.name, object: operation.object, cause: "the session is read-only"))
            }
            if let failure = operation.tooLongName { throw .failure(failure) }
            if operation.isForVolumes, session.volume == nil {
                throw .failure(
                    FileFailure(
                        .notSupported, operation: operation.name, object: session.filesystem.description,
                        cause: "a network file system has no commits or versions; every change is visible at once"))
            }
        }
        let context = session.context
        if case .clone(let target, let version) = operation {
            let order = CloneOrder(source: context.filesystem, version: version, target: target, author: settings.region.name)
            try performClone(order, context.group, &progress)
            return .done
        }
        switch session.filesystem.kind {
        case .nfs: return try performNFS(operation, context, payload: payload, &progress, into: &effects)
        case .volume:
            guard let volume = session.volume, let numbers = volume.numbers else {
                return try performVolume(operation, context, payload: payload, &progress, into: &effects)
            }
            _ = updateVolume(id) { volume in for path in operation.paths { volume.numbers?.touch(path.base) } }
            if let past = try volume.answerOfThePast(operation) { return past }
            defer { if case .close = operation { _ = updateVolume(id) { $0.forgetRetired() } } }
            let value = try performVolume(
                operation.rebased(numbers.now), context, payload: payload, &progress, into: &effects)
            return value.renumbered { sessions[id]?.volume?.numbers?.first($0) ?? $0 }
        }
    }

    /// Whether an operation that is over has left its bytes with the session (a held first write).
    func payloadIsKept(_ operation: FileOperation, _ session: SessionID, _ payload: Payload) -> Bool {
        guard case .write(let handle, _) = operation else { return false }
        return keptPayloads.contains(payload.buffer) || sessions[session]?.nfs?.handles[handle]?.held?.payload == payload.buffer
    }
}
