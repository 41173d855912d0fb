import Filesystem
import Namespace
import Primitives
import Replication

// Open files of a volume session: everything is local, content included where this region has it.

extension NodeState {
    func volumeHandle(_ id: HandleID, _ session: SessionContext, _ operation: FileOperation) throws(Interrupt) -> VolumeHandle {
        guard let handle = sessions[session.id]?.volume?.handles[id] else {
            throw .failure(
                FileFailure(.badHandle, operation: operation.name, object: operation.object, cause: "it is not open in this session"))
        }
        return handle
    }

    mutating func updateVolume<Result>(_ id: SessionID, _ body: (inout VolumeSession) -> Result) -> Result? {
        sessions.update(id) { session -> Result? in
            guard session.volume != nil else { return nil }
            return body(&session.volume!)
        } ?? nil
    }

    /// Reads from the session's staged tree, with failures told of the operation.
    func staged<Result>(
        _ session: SessionContext, _ operation: FileOperation, _ body: (NamespaceTree) throws(FileFailure) -> Result
    ) throws(Interrupt) -> Result {
        guard let volume = sessions[session.id]?.volume else {
            throw .failure(FileFailure(.stale, operation: operation.name, object: operation.object, cause: "the session has ended"))
        }
        do { return try body(volume.view) } catch { throw .failure(error.about(operation)) }
    }

    /// Whose change it is, and when.
    func commandContext(_ session: SessionContext, as owner: Credentials? = nil) -> CommandContext {
        CommandContext(time: civil, credentials: owner ?? Credentials(user: session.options.userID, group: session.options.groupID))
    }

    /// Applies one change to the session's staged tree.
    @discardableResult
    mutating func stage(
        _ change: NamespaceOperation, as owner: Credentials? = nil, _ session: SessionContext, _ operation: FileOperation
    ) throws(Interrupt) -> FilesResult {
        let context = commandContext(session, as: owner)
        let result = updateVolume(session.id) { volume -> FilesResult in
            let result = FilesResult(volume.staged.apply(change, context: context))
            if case .failed = result {} else { volume.changes += 1 }
            return result
        }
        guard let result else {
            throw .failure(FileFailure(.stale, operation: operation.name, object: operation.object, cause: "the session has ended"))
        }
        if case .failed(let failure) = result { throw .failure(failure.about(operation)) }
        return result
    }

    mutating func volumeOpen(_ path: FilePath, _ mode: OpenMode, _ session: SessionContext, _ operation: FileOperation) throws(Interrupt)
        -> FileValue
    {
        var inode: InodeID?
        var attributes: FileAttributes?
        switch mode {
        case .read, .write:
            let found = try staged(session, operation) { (tree) throws(FileFailure) in try tree.walk(path, followLast: true) }
            inode = found.inode
            attributes = found
        case .create(let bits, let exclusive, let truncate):
            let made = try volumeCreate(path, mode: bits, exclusive: exclusive, truncate: truncate, session, operation)
            inode = made.inode
            attributes = made
        case .replace(_, let refuseExisting):
            let existing = try? staged(session, operation) { (tree) throws(FileFailure) in try tree.walk(path, followLast: false) }
            if existing != nil, refuseExisting {
                throw .failure(
                    FileFailure(
                        .exists, operation: operation.name, object: operation.object, cause: "it exists",
                        hint: "replacing it must be asked for (`--force`)")
                )
            }
            if existing?.type == .directory {
                throw .failure(FileFailure(.isDirectory, operation: operation.name, object: operation.object, cause: "it is a directory"))
            }
        }
        if attributes?.type == .directory {
            throw .failure(FileFailure(.isDirectory, operation: operation.name, object: operation.object, cause: "it is a directory"))
        }
        return try openedVolume(path, mode, inode, attributes, session, operation)
    }

    /// A new open file of the session.
    func refuseIfFull(_ session: SessionContext, _ operation: FileOperation) throws(Interrupt) {
        guard let count = sessions[session.id]?.volume?.handles.count, count < settings.handleLimit else {
            throw .failure(
                FileFailure(
                    .overloaded, operation: operation.name, object: operation.object, cause: "too many open files", hint: "close some"))
        }
    }

    private mutating func openedVolume(
        _ path: FilePath, _ mode: OpenMode, _ inode: InodeID?, _ attributes: FileAttributes?, _ session: SessionContext,
        _ operation: FileOperation
    ) throws(Interrupt) -> FileValue {
        try refuseIfFull(session, operation)
        let id = HandleID(nextHandle)
        nextHandle += 1
        var handle = VolumeHandle(id: id, path: path, mode: mode, inode: inode, size: attributes?.size ?? 0)
        _ = updateVolume(session.id) { volume in
            if let inode { handle.shown = volume.numbers?.first(inode) }
            volume.handles[id] = handle
        }
        return .opened(id, attributes ?? emptyAttributes)
    }

    /// What `make` makes: with the owner that it names.
    mutating func volumeMake(_ path: FilePath, _ object: NewObject, _ session: SessionContext, _ operation: FileOperation) throws(Interrupt)
        -> FileValue
    {
        if object.form == .file { try refuseIfFull(session, operation) }
        let command = try staged(session, operation) { (tree) throws(FileFailure) in try tree.change(for: operation) }
        let result = try stage(command, as: Credentials(user: object.owner, group: object.group), session, operation)
        guard case .attributes(let attributes) = result else { throw .failure(unexpected(operation)) }
        guard object.form == .file else { return .attributes(attributes) }
        return try openedVolume(path, .write, attributes.inode, attributes, session, operation)
    }

    private mutating func volumeCreate(
        _ path: FilePath, mode: UInt32, exclusive: Bool, truncate: Bool, _ session: SessionContext, _ operation: FileOperation
    ) throws(Interrupt) -> FileAttributes {
        do throws(Interrupt) {
            let found = try staged(session, operation) { (tree) throws(FileFailure) in try tree.walk(path, followLast: true) }
            guard !exclusive else {
                throw Interrupt.failure(FileFailure(.exists, operation: operation.name, object: operation.object, cause: "it exists"))
            }
            guard truncate, found.type == .file else { return found }
            let result = try stage(.changing(found.inode, AttributeChanges(size: 0)), session, operation)
            guard case .attributes(let attributes) = result else { throw Interrupt.failure(unexpected(operation)) }
            return attributes
        } catch .failure(let failure) where failure.code == .notFound {
            guard let name = path.name else { throw .failure(failure) }
            // O_CREAT follows a symlink at the end; what it names is there, or this is refused. O_EXCL follows none.
            let link = try? staged(session, operation) { (tree) throws(FileFailure) in try tree.walk(path, followLast: false) }
            guard link == nil else {
                guard exclusive else { throw .failure(failure) }
                throw .failure(FileFailure(.exists, operation: operation.name, object: operation.object, cause: "it exists"))
            }
            let parent = try staged(session, operation) { (tree) throws(FileFailure) in try tree.walk(path.parent, followLast: true) }
            let result = try stage(.creating(name, in: parent.inode, mode: mode, exclusive: exclusive), session, operation)
            guard case .attributes(let attributes) = result else { throw .failure(unexpected(operation)) }
            return attributes
        }
    }

    mutating func volumeRead(
        _ id: HandleID, _ offset: UInt64, _ length: UInt32, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress, into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        let handle = try volumeHandle(id, session, operation)
        guard length <= 4 << 20 else {
            throw .failure(FileFailure(.invalid, operation: operation.name, object: operation.object, cause: "more than 4 MiB asked for"))
        }
        guard !handle.replaces else { throw .failure(unpublished(operation)) }
        if handle.stage != nil || progress.begun[Step(.store)] != nil {
            try volumeFlush(handle, session, operation, &progress, into: &effects)
        }
        guard let inode = handle.inode else { return .data(length: 0, endOfFile: true) }
        if !progress.hasReadAhead {
            progress.hasReadAhead = true
            readAhead(id, inode, offset: offset, length: length, session, into: &effects)
        }
        let content: ReadContent
        if let pinned = handle.pinned {
            do throws(FileFailure) { content = try pinned.content(of: inode, offset: offset, length: length) } catch {
                throw .failure(error.about(operation))
            }
        } else {
            content = try staged(session, operation) { (tree) throws(FileFailure) in
                try tree.content(of: inode, offset: offset, length: length)
            }
        }
        return try deliver(content, offset: offset, of: session.group, &progress, into: &effects)
    }

    /// Bytes of a file beside the answer, from inline content or from chunks.
    mutating func deliver(
        _ content: ReadContent, offset: UInt64, of group: GroupID, number: Int = 0, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        switch content {
        case .nothing: return .data(length: 0, endOfFile: true)
        case .inline(let bytes, let end):
            let value = try step(Step(.buffer, number), &progress) { node, token in node.laterEffects.append(.makeBuffer(bytes, token)) }
            guard case .bytes(let payload) = value else { preconditionFailure("a buffer ended as \(value)") }
            progress.attachment = payload
            return .data(length: payload.length, endOfFile: end)
        case .extents(let extents, let under, let length, let end):
            let payload = try readBytes(extents, under: under, offset: offset, length: length, of: group, number: number, &progress)
            progress.attachment = payload
            return .data(length: payload.length, endOfFile: end)
        }
    }

    mutating func volumeWrite(
        _ id: HandleID, _ offset: UInt64, _ payload: Payload?, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        let handle = try volumeHandle(id, session, operation)
        guard handle.isWritable else {
            throw .failure(FileFailure(.badHandle, operation: operation.name, object: operation.object, cause: "it is open for reading"))
        }
        guard let payload, payload.length > 0 else { return .written(length: 0) }
        if progress.begun[Step(.write)] == nil {
            let position = offset == .max ? handle.size : offset
            let overwrites = position < handle.size
            let stage: StageID
            if let open = handle.stage {
                stage = open
            } else {
                stage = StageID(nextStage)
                nextStage += 1
            }
            _ = updateVolume(session.id) { volume in
                _ = volume.handles.update(id) {
                    $0.stage = stage
                    $0.writtenEnd = max($0.writtenEnd, position + UInt64(payload.length))
                    $0.size = max($0.size, position + UInt64(payload.length))
                }
            }
            _ = try? step(Step(.write), &progress) { node, token in
                node.laterEffects.append(.stageWrite(stage, offset: position, payload.buffer, overwrites: overwrites, token))
            }
            throw .waiting
        }
        _ = try step(Step(.write), &progress) { _, _ in }
        return .written(length: payload.length)
    }

    /// Stores what an open file has staged and puts it into the session's tree; its chunks are on
    /// their way to the other regions from here on, before any commit asks for them.
    mutating func volumeFlush(
        _ handle: VolumeHandle, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) {
        let place = Step(.store)
        if let done = progress.flushed, done == handle.id { return }
        if progress.begun[place] == nil {
            guard let stage = handle.stage else { return }
            var limit: UInt32 = settings.inlineLimit
            if let inode = handle.inode,
                try !staged(session, operation, { (tree) throws(FileFailure) in try tree.isInline(inode) })
            {
                limit = 0
            }
            _ = try? step(place, &progress) { [limit] node, token in
                node.laterEffects.append(.storeStage(stage, inPlace: handle.inode != nil, inlineLimit: limit, token))
            }
            _ = updateVolume(session.id) { volume in _ = volume.handles.update(handle.id) { $0.stage = nil } }
            throw .waiting
        }
        guard case .stored(let content) = try step(place, &progress, begin: { _, _ in }) else {
            preconditionFailure("a stage was not stored")
        }
        progress.flushed = handle.id
        if case .extents(let extents, _) = content { placeEarly(extents.map(\.chunk), session, into: &effects) }
        if case .replace(let mode, let refuseExisting) = handle.mode {
            try stage(.putting(handle.path, content, mode: mode, refuseExisting: refuseExisting), session, operation)
        } else if let inode = handle.inode {
            try stage(.writing(inode, content), session, operation)
        }
    }

    private mutating func placeEarly(_ chunks: [ChunkReference], _ session: SessionContext, into effects: inout [Effect]) {
        var seen: Set<ChunkID> = []
        let distinct = chunks.filter { seen.insert($0.id).inserted }
        guard let placement = place(distinct, of: session.group, into: &effects) else { return }
        _ = updateVolume(session.id) { $0.placements.append(placement) }
    }

    mutating func volumeClose(
        _ id: HandleID, abandon: Bool, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        let handle = try volumeHandle(id, session, operation)
        if abandon {
            if let stage = handle.stage { effects.append(.dropStage(stage)) }
        } else {
            do {
                try volumeFlush(handle, session, operation, &progress, into: &effects)
                if case .replace(let mode, let refuseExisting) = handle.mode, progress.flushed == nil {
                    // Nothing was written: an empty file.
                    try stage(.putting(handle.path, .inline([]), mode: mode, refuseExisting: refuseExisting), session, operation)
                }
            } catch .failure(let failure) {
                if let stage = handle.stage { effects.append(.dropStage(stage)) }
                _ = updateVolume(session.id) { $0.handles.remove(id) }
                throw .failure(failure)
            }
        }
        _ = updateVolume(session.id) { $0.handles.remove(id) }
        return .done
    }
}
