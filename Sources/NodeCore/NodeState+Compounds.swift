import Filesystem
import Namespace
import Primitives
import Replication

// The server of a network file system: compounds executed in order at the leader, each read
// linearizable by Raft's read index, each change one entry of the group's log.

extension NodeState {
    mutating func performCompound(
        _ compound: Compound, stamp: ClientStamp?, from node: NodeID, payload: Payload?, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) {
        guard let group = group(of: compound.filesystem) else {
            throw .failure(
                FileFailure(
                    .stale, operation: "compound", object: compound.filesystem.description, cause: "the file system has been deleted",
                    hint: "a new file system of the same name is another one"))
        }
        // Reading what is applied here is only right while this node leads.
        let index = try readIndex(group, Step(.readIndex), &progress, into: &effects)
        try waitApplied(group, index, Step(.applied), &progress)
        if let record = catalogRecord(compound.filesystem), record.options.origin != nil,
            groups[group]?.machine.files?.namespace.version == VersionID(0)
        {
            throw .failure(refuseUnfinished(record))
        }
        let session = ServedSession(
            group: group, node: node, id: compound.session,
            context: SessionContext(
                id: compound.session, filesystem: compound.filesystem, group: group,
                options: SessionOptions(userID: compound.userID, groupID: compound.groupID)), stamp: stamp)
        while progress.results.count < compound.requests.count {
            let number = progress.results.count
            let result: FileResult
            do {
                result = try serve(compound.requests[number], number: number, session, payload, &progress, into: &effects)
            } catch .failure(let failure) {
                // Whoever leads now will execute it again, under the same stamp.
                if failure.code == .unavailable, progress.isRefusedByRaft || groups[group]?.isLeader != true { throw .failure(failure) }
                result = .failed(failure)
            }
            progress.results.append(result)
            if case .failed = result { return }
        }
    }

    private mutating func serve(
        _ request: FileRequest, number: Int, _ session: ServedSession, _ payload: Payload?, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileResult {
        switch request {
        case .lookup(let directory, let name), .openName(let directory, let name, _):
            return .attributes(try served(session) { (tree) throws(FileFailure) in try tree.child(name, of: directory) })
        case .getAttributes(let inode), .open(let inode, _):
            return .attributes(try served(session) { (tree) throws(FileFailure) in try tree.file(inode) })
        case .readDirectory(let inode, let cookie, let limit):
            return try served(session) { (tree) throws(FileFailure) in
                let page = try tree.list(inode, after: cookie, limit: Int(min(limit, 4_096)))
                return .entries(page.entries, nextCookie: page.next)
            }
        case .read(let inode, let offset, let length):
            guard length <= 4 << 20 else {
                throw .failure(FileFailure(.invalid, operation: "read", object: "\(inode)", cause: "more than 4 MiB asked for"))
            }
            let content = try contentOnce(inode, offset, length, number, session, &progress)
            let value = try deliver(content, offset: offset, of: session.group, number: number, &progress, into: &effects)
            guard case .data(let length, let end) = value else { preconditionFailure("a read delivered \(value)") }
            return .data(length: length, endOfFile: end)
        case .readLink(let inode):
            return .bytes(try served(session) { (tree) throws(FileFailure) in try tree.linkTarget(of: inode) })
        case .getXattr(let inode, let name):
            return .bytes(try served(session) { (tree) throws(FileFailure) in try tree.xattr(name, of: inode) })
        case .listXattrs(let inode):
            return .names(try served(session) { (tree) throws(FileFailure) in try tree.xattrList(of: inode) })
        case .seek(let inode, let offset, let hole):
            return .position(
                try served(session) { (tree) throws(FileFailure) in try tree.position(of: inode, from: offset, hole: hole) })
        case .make(_, _, let object):
            let command = try served(session) { (tree) throws(FileFailure) in try tree.change(for: request) }
            return try change(command, as: Credentials(user: object.owner, group: object.group), number, session, &progress)
        case .statistics:
            var statistics = try served(session) { (tree) throws(FileFailure) in tree.fileStatistics }
            statistics.maximumBytes = groups[session.group]?.machine.files?.namespace.settings.maximumBytes
            return .statistics(statistics)
        case .close: return .done
        case .write(let key, let offset, let length, let overwrites):
            return try serveWrite(key, offset, length, overwrites: overwrites, number: number, session, payload, &progress)
        case .dropStage(let key):
            if let stage = serverStages.remove(ServerStageKey(group: session.group, node: session.node, stage: key)) {
                effects.append(.dropStage(stage.id))
            }
            return .done
        case .commit(let inode, let key, let writes):
            let isInline = try served(session) { (tree) throws(FileFailure) in try tree.isInline(inode) }
            let content = try storeServed(
                key, writes: writes, inPlace: true, inlineLimit: isInline ? settings.inlineLimit : 0, number, session, &progress,
                into: &effects)
            return try change(.writing(inode, content), number, session, &progress)
        case .replace(_, let path, let mode, let refuseExisting, let key, let writes):
            var content = StoredContent.inline([])
            if writes > 0 {
                content = try storeServed(
                    key, writes: writes, inPlace: false, inlineLimit: settings.inlineLimit, number, session, &progress, into: &effects)
            }
            return try change(.putting(path, content, mode: mode, refuseExisting: refuseExisting), number, session, &progress)
        case .testLock(let inode, let range, let exclusive, let owner):
            let holder = LockOwner(node: session.node, session: session.id, owner: owner)
            return .lock(
                lockInTheWay(session.group, inode, range, exclusive: exclusive, holder).map {
                    RangeLock(range: $0.range, exclusive: $0.exclusive)
                })
        case .client(let request): return try serveClient(request, number, session, &progress)
        case .lock, .unlock, .endSession: return try serveLock(request, number, session, &progress, into: &effects)
        default:
            let command = try served(session) { (tree) throws(FileFailure) in try tree.change(for: request) }
            return try change(command, number, session, &progress)
        }
    }

    private func served<Result>(
        _ session: ServedSession, _ body: (NamespaceTree) throws(FileFailure) -> Result
    ) throws(Interrupt) -> Result {
        guard let files = groups[session.group]?.machine.files else {
            throw .failure(FileFailure(.stale, operation: "use", object: "group \(session.group)", cause: "it is not here any more"))
        }
        do { return try body(files.namespace.tree) } catch { throw .failure(error) }
    }

    /// What a read shall give is settled once: the file may change while chunks are fetched.
    private mutating func contentOnce(
        _ inode: InodeID, _ offset: UInt64, _ length: UInt32, _ number: Int, _ session: ServedSession, _ progress: inout RequestProgress
    ) throws(Interrupt) -> ReadContent {
        if let kept = progress.content, kept.number == number { return kept.content }
        let content = try served(session) { (tree) throws(FileFailure) in try tree.content(of: inode, offset: offset, length: length) }
        progress.content = (number, content)
        return content
    }

    // MARK: Writing

    private mutating func serveWrite(
        _ key: StageKey, _ offset: UInt64, _ length: UInt32, overwrites: Bool, number: Int, _ session: ServedSession,
        _ payload: Payload?, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileResult {
        guard let payload, payload.length == length else {
            throw .failure(
                FileFailure(.invalid, operation: "write", object: "compound", cause: "its bytes are missing or of another length"))
        }
        let place = Step(.write, number)
        if progress.begun[place] == nil {
            let name = ServerStageKey(group: session.group, node: session.node, stage: key)
            if serverStages[name] == nil {
                guard serverStages.count < 65_536 else {
                    throw .failure(
                        FileFailure(
                            .overloaded, operation: "write", object: "server", cause: "too many files are being written", hint: "try again")
                    )
                }
                serverStages[name] = ServerStage(id: StageID(nextStage), lastUse: now)
                nextStage += 1
            }
            let time = now
            _ = serverStages.update(name) {
                $0.writes += 1
                $0.lastUse = time
            }
        }
        _ = try step(place, &progress) { node, token in
            let name = ServerStageKey(group: session.group, node: session.node, stage: key)
            let stage = node.serverStages[name]!.id
            node.laterEffects.append(.stageWrite(stage, offset: offset, payload.buffer, overwrites: overwrites, token))
        }
        return .done
    }

    /// Makes a stage durable on a majority of the primary region's replicas.
    private mutating func storeServed(
        _ key: StageKey, writes: UInt64, inPlace: Bool, inlineLimit: UInt32, _ number: Int, _ session: ServedSession,
        _ progress: inout RequestProgress, into effects: inout [Effect]
    ) throws(Interrupt) -> StoredContent {
        let place = Step(.store, number)
        if progress.begun[place] == nil {
            let name = ServerStageKey(group: session.group, node: session.node, stage: key)
            guard groups[session.group]?.isLeader == true else {
                // Stages ended with the leadership, between this compound's own write and now perhaps.
                throw .failure(
                    FileFailure(.unavailable, operation: "commit", object: "group \(session.group)", cause: "leadership has moved"))
            }
            guard let stage = serverStages.remove(name), stage.writes == writes else {
                // RFC 8881 §18.3.4: a changed write verifier; what was not committed must be sent again.
                throw .failure(
                    FileFailure(
                        .ioError, operation: "commit", object: "open file \(key.handle.rawValue)",
                        cause: "the server has changed and lost writes that were not committed", hint: "write the file again"))
            }
            _ = try? step(place, &progress) { node, token in
                node.laterEffects.append(.storeStage(stage.id, inPlace: inPlace, inlineLimit: inlineLimit, token))
            }
            throw .waiting
        }
        guard case .stored(let content) = try step(place, &progress, begin: { _, _ in }) else {
            preconditionFailure("a stage was not stored")
        }
        if case .extents(let extents, _) = content {
            if progress.placement == nil {
                var seen: Set<ChunkID> = []
                let chunks = extents.map(\.chunk).filter { seen.insert($0.id).inserted }
                progress.placement = .some(self.place(chunks, of: session.group, into: &effects))
            }
            if let placement = progress.placement ?? nil {
                try waitForPlacement([placement], number: 2, &progress) { $0.isSatisfied }
                if placements[placement]?.isSatisfied == false {
                    throw .failure(
                        FileFailure(
                            .unavailable, operation: "commit", object: "open file \(key.handle.rawValue)",
                            cause: "too few nodes of the primary region hold the content", hint: "write the file again when they are up"))
                }
            }
        }
        return content
    }

    /// One change of the tree: proposed under the compound's stamp, answered when applied here.
    private mutating func change(
        _ operation: NamespaceOperation, as owner: Credentials? = nil, _ number: Int, _ session: ServedSession,
        _ progress: inout RequestProgress
    )
        throws(Interrupt) -> FileResult
    {
        let command = NamespaceCommand(operation, context: commandContext(session.context, as: owner))
        return try proposeServed(.namespace(command), number, session, &progress)
    }

    mutating func proposeServed(
        _ body: FilesCommand.Body, _ number: Int, _ session: ServedSession, _ progress: inout RequestProgress
    )
        throws(Interrupt) -> FileResult
    {
        let value: StepValue
        do throws(Interrupt) {
            value = try step(Step(.propose, number), &progress) { node, token in
                let envelope = FilesCommand(stamp: session.stamp, at: node.civil, body: body).xdrBytes
                node.call(session.group, .propose(envelope: envelope), fixed: node.settings.id, token: token)
            }
        } catch {
            // A leader that hands over takes no proposals though it still leads.
            if case .failure(let failure) = error, failure.code == .unavailable { progress.isRefusedByRaft = true }
            throw error
        }
        guard case .applied(_, let bytes) = value, let result = try? FilesResult(xdr: bytes) else {
            throw .failure(FileFailure(.ioError, operation: "change", object: "group \(session.group)", cause: "its answer cannot be read"))
        }
        switch result {
        case .failed(let failure): throw .failure(failure)
        case .attributes(let attributes): return .attributes(attributes)
        case .registered(let registration): return .client(.registered(registration))
        case .done, .committed: return .done
        }
    }

    private mutating func serveLock(
        _ request: FileRequest, _ number: Int, _ session: ServedSession, _ progress: inout RequestProgress, into effects: inout [Effect]
    ) throws(Interrupt) -> FileResult {
        leases[ServerSessionKey(group: session.group, node: session.node, session: session.id)] = now
        switch request {
        case .lock(let inode, let range, let exclusive, let owner):
            let holder = LockOwner(node: session.node, session: session.id, owner: owner)
            try endSilentHolders(session.group, inode, range, exclusive: exclusive, holder, number, &progress)
            return try proposeServed(.lock(inode, range, exclusive: exclusive, holder), number, session, &progress)
        case .unlock(let inode, let range, let owner):
            let holder = LockOwner(node: session.node, session: session.id, owner: owner)
            return try proposeServed(.unlock(inode, range, holder), number, session, &progress)
        case .endSession:
            for (key, stage) in serverStages where key.group == session.group && key.node == session.node && key.stage.session == session.id
            {
                effects.append(.dropStage(stage.id))
                _ = serverStages.remove(key)
            }
            _ = leases.remove(ServerSessionKey(group: session.group, node: session.node, session: session.id))
            return try proposeServed(.endSession(session.node, session.id), number, session, &progress)
        default: preconditionFailure("no lock request: \(request)")
        }
    }
}

/// The session of a client node for which a compound is executed.
struct ServedSession {
    let group: GroupID
    let node: NodeID
    let id: SessionID
    let context: SessionContext
    let stamp: ClientStamp?
}
