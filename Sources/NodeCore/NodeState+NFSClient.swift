import Filesystem
import Primitives
import Replication

// The client side of a network file system. A program's operation becomes the compounds that
// Linux's NFSv4.1 client was measured to send (docs/internals/nfs-client-model.md): each is one
// round trip to the leader in the primary region.

extension NodeState {
    /// One compound to the leader; its results, in order, the last perhaps a failure.
    mutating func compound(
        _ place: Step, _ requests: [FileRequest], _ session: SessionContext, payload: Payload? = nil, change: Bool = false,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> (results: [FileResult], data: Payload?) {
        if change, progress.begun[place] == nil, let failure = tooManyProposals(session.group, "change", session.filesystem.description) {
            throw .failure(failure)
        }
        let value = try step(place, &progress) { node, token in
            let compound = Compound(
                filesystem: session.filesystem, session: session.id, userID: session.options.userID, groupID: session.options.groupID,
                requests: requests)
            let stamp = change ? node.makeStamp(session.group) : nil
            if let stamp { node.stampsInUse[token] = (session.group, stamp) }
            node.call(session.group, .compound(compound, stamp, payload), token: token)
        }
        guard case .results(let results, let data) = value else { preconditionFailure("a compound ended as \(value)") }
        if change, case .failed(let failure)? = results.last { renewIfForgotten(session.group, failure) }
        return (results, data)
    }

    /// As `compound`, and throws the failure where one of its requests failed.
    mutating func compoundOrFail(
        _ place: Step, _ requests: [FileRequest], _ session: SessionContext, _ operation: FileOperation, payload: Payload? = nil,
        change: Bool = false, _ progress: inout RequestProgress
    ) throws(Interrupt) -> (results: [FileResult], data: Payload?) {
        let answer = try compound(place, requests, session, payload: payload, change: change, &progress)
        if case .failed(let failure)? = answer.results.last { throw .failure(failure.about(operation)) }
        guard answer.results.count == requests.count else {
            throw .failure(
                FileFailure(.ioError, operation: operation.name, object: operation.object, cause: "the server's answer is short"))
        }
        return answer
    }

    /// Walks a path by cached entries and LOOKUPs; symbolic links are followed up to 40 deep
    /// (RFC 8881 leaves that to the client).
    mutating func resolve(
        _ path: FilePath, followLast: Bool, _ session: SessionContext, _ operation: FileOperation, from base: Int = 0,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> (inode: InodeID, attributes: FileAttributes?) {
        var parts = path.components
        var position = 0
        var current = path.base
        var trail: [InodeID] = []
        var attributes: FileAttributes?
        var number = base
        var links = 0
        while position < parts.count {
            let name = parts[position]
            number += 1
            let found = try child(name, of: current, step: number, session, operation, &progress)
            let isLast = position == parts.count - 1
            if found.type == .symlink, !isLast || followLast {
                links += 1
                guard links <= 40 else {
                    throw .failure(
                        FileFailure(
                            .tooManySymlinks, operation: operation.name, object: operation.object, cause: "more than 40 symbolic links"))
                }
                number += 1
                let answer = try compoundOrFail(Step(.lookup, number), [.readLink(found.inode)], session, operation, &progress)
                guard case .bytes(let target) = answer.results[0] else { throw .failure(unexpected(operation)) }
                let rest = Array(parts[(position + 1)...])
                let pieces = target.split(separator: UInt8(ascii: "/")).map(Array.init)
                if target.first == UInt8(ascii: "/") {
                    current = .root
                    trail = []
                }
                parts = pieces + rest
                position = 0
                attributes = nil
                continue
            }
            if name.elementsEqual("..".utf8) || name.elementsEqual(".".utf8) {
                // Only the target of a link holds these.
                if name.count == 2 { current = trail.popLast() ?? .root }
                position += 1
                continue
            }
            trail.append(current)
            current = found.inode
            attributes = found.attributes
            position += 1
        }
        return (current, attributes)
    }

    private mutating func child(
        _ name: [UInt8], of directory: InodeID, step number: Int, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> (inode: InodeID, type: FileType, attributes: FileAttributes?) {
        if name.elementsEqual("..".utf8) || name.elementsEqual(".".utf8) { return (directory, .directory, nil) }
        let place = Step(.lookup, number)
        if progress.begun[place] == nil, let cached = sessions[session.id]?.nfs?.caches.entry(name, in: directory, now: now) {
            return (cached.inode, cached.type, sessions[session.id]?.nfs?.caches.attributes(of: cached.inode, now: now))
        }
        let answer = try compoundOrFail(place, [.lookup(directory: directory, name: name)], session, operation, &progress)
        guard case .attributes(let found) = answer.results[0] else { throw .failure(unexpected(operation)) }
        confirmReads(session.id, found)
        updateCaches(session.id) { $0.learn(name, in: directory, found, now: $1) }
        return (found.inode, found.type, found)
    }

    mutating func updateCaches(_ id: SessionID, _ body: (inout NFSCaches, Instant) -> Void) {
        let time = now
        _ = sessions.update(id) { session in
            if session.nfs != nil { body(&session.nfs!.caches, time) }
        }
    }

    func unexpected(_ operation: FileOperation) -> FileFailure {
        FileFailure(.ioError, operation: operation.name, object: operation.object, cause: "the server answered something else")
    }

    mutating func updateHandle(_ session: SessionID, _ handle: HandleID, _ body: (inout NFSHandle) -> Void) {
        _ = sessions.update(session) { session in
            guard session.nfs != nil else { return }
            _ = session.nfs!.handles.update(handle, body)
        }
    }

    func nfsHandle(_ id: HandleID, _ session: SessionContext, _ operation: FileOperation) throws(Interrupt) -> NFSHandle {
        guard let handle = sessions[session.id]?.nfs?.handles[id] else {
            throw .failure(
                FileFailure(.badHandle, operation: operation.name, object: operation.object, cause: "it is not open in this session"))
        }
        return handle
    }

    mutating func performNFS(
        _ operation: FileOperation, _ session: SessionContext, payload: Payload?, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        switch operation {
        case .stat(let path, let follow): return try nfsStat(path, follow: follow, session, operation, &progress)
        case .list(let path, let cookie, let limit): return try nfsList(path, cookie, limit, session, operation, &progress)
        case .open(let path, let mode): return try nfsOpen(path, mode, session, operation, &progress)
        case .read(let handle, let offset, let length): return try nfsRead(handle, offset, length, session, operation, &progress)
        case .write(let handle, let offset): return try nfsWrite(handle, offset, payload, session, operation, &progress, into: &effects)
        case .sync(let handle), .flush(let handle): return try nfsSync(handle, session, operation, &progress)
        case .close(let handle, let abandon): return try nfsClose(handle, abandon: abandon, session, operation, &progress, into: &effects)
        case .lock(let handle, let range, let exclusive, let wait):
            return try nfsLock(handle, range, exclusive: exclusive, wait: wait, session, operation, &progress)
        case .unlock(let handle, let range):
            let open = try nfsHandle(handle, session, operation)
            _ = try compoundOrFail(
                Step(.call), [.unlock(open.inode, range: range, owner: handle.rawValue)], session, operation, change: true, &progress)
            return .done
        case .testLock(let handle, let range, let exclusive):
            let open = try nfsHandle(handle, session, operation)
            let answer = try compoundOrFail(
                Step(.call), [.testLock(open.inode, range: range, exclusive: exclusive, owner: handle.rawValue)], session, operation,
                &progress)
            guard case .lock(let found) = answer.results[0] else { throw .failure(unexpected(operation)) }
            return .lock(found)
        case .client(let request):
            let answer = try compoundOrFail(
                Step(.call), [.client(request)], session, operation, change: request.isChange, &progress)
            if case .lock(let inode, _, _, _, _) = request { dropReads(session.id, inode) }
            switch answer.results[0] {
            case .done: return .done
            case .client(let reply): return .client(reply)
            case .lock(let found): return .lock(found)
            default: throw .failure(unexpected(operation))
            }
        case .statistics:
            let answer = try compoundOrFail(Step(.call), [.statistics], session, operation, &progress)
            guard case .statistics(let statistics) = answer.results[0] else { throw .failure(unexpected(operation)) }
            return .statistics(statistics)
        case .sessionStatus:
            return .session(
                SessionStatus(
                    session: session.id, filesystem: session.filesystem, version: VersionID(0), latest: VersionID(0), staged: 0,
                    openFiles: UInt32(sessions[session.id]?.nfs?.handles.count ?? 0), readOnly: session.options.readOnly))
        case .makeDirectory, .remove, .rename, .exchange, .link, .symlink, .makeNode, .make, .seek, .readLink, .setAttributes, .zeroRange,
            .copy, .getXattr, .setXattr, .removeXattr, .listXattrs:
            return try nfsNameOperation(operation, session, &progress)
        case .commit, .reload, .history, .diff, .rollback, .conflicts, .resolveConflict, .clone:
            throw .failure(FileFailure(.notSupported, operation: operation.name, object: operation.object, cause: "only volumes have it"))
        }
    }

    private mutating func nfsStat(
        _ path: FilePath, follow: Bool, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        let found = try resolve(path, followLast: follow, session, operation, &progress)
        if let attributes = found.attributes { return .attributes(attributes) }
        if progress.begun[Step(.call)] == nil, let cached = sessions[session.id]?.nfs?.caches.attributes(of: found.inode, now: now) {
            return .attributes(cached)
        }
        let answer = try compoundOrFail(Step(.call), [.getAttributes(found.inode)], session, operation, &progress)
        guard case .attributes(let attributes) = answer.results[0] else { throw .failure(unexpected(operation)) }
        confirmReads(session.id, attributes)
        updateCaches(session.id) { $0.learn(attributes, now: $1) }
        return .attributes(attributes)
    }

    /// READDIR with attributes, which then need not be asked for one by one.
    private mutating func nfsList(
        _ path: FilePath, _ cookie: UInt64, _ limit: UInt32, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        let directory = try resolve(path, followLast: true, session, operation, &progress).inode
        let answer = try compoundOrFail(
            Step(.call), [.readDirectory(directory, cookie: cookie, limit: max(1, min(limit, 4_096)))], session, operation, &progress)
        guard case .entries(let entries, let next) = answer.results[0] else { throw .failure(unexpected(operation)) }
        for entry in entries { confirmReads(session.id, entry.attributes) }
        updateCaches(session.id) { caches, now in
            for entry in entries { caches.learn(entry.name, in: directory, entry.attributes, now: now) }
        }
        return .entries(entries, nextCookie: next)
    }

    private mutating func nfsOpen(
        _ path: FilePath, _ mode: OpenMode, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        if path.name == nil, path.base != .root { return try nfsOpenObject(path, mode, session, operation, &progress) }
        guard let name = path.name else {
            throw .failure(FileFailure(.isDirectory, operation: operation.name, object: operation.object, cause: "it is a directory"))
        }
        if case .replace(_, let refuseExisting) = mode {
            // Nothing is asked of the server before the close; only a refusal is wanted early.
            if refuseExisting {
                do throws(Interrupt) {
                    _ = try resolve(path, followLast: true, session, operation, &progress)
                    throw Interrupt.failure(FileFailure(.exists, operation: operation.name, object: operation.object, cause: "it exists"))
                } catch .failure(let failure) where failure.code == .notFound {}
            }
            return opened(path, mode, emptyAttributes, session)
        }
        let parent = try resolve(path.parent, followLast: true, session, operation, &progress).inode
        switch mode {
        case .read, .write:
            let answer = try compound(
                Step(.call), [.openName(directory: parent, name: name, write: mode == .write)], session, &progress)
            guard let first = answer.results.first else { throw .failure(unexpected(operation)) }
            if case .failed(let failure) = first { throw .failure(failure.about(operation)) }
            guard case .attributes(var attributes) = first else { throw .failure(unexpected(operation)) }
            if attributes.type == .symlink {
                let target = try resolve(path, followLast: true, session, operation, from: 1_000, &progress).inode
                let again = try compoundOrFail(Step(.call, 1), [.open(target, write: mode == .write)], session, operation, &progress)
                guard case .attributes(let followed) = again.results[0] else { throw .failure(unexpected(operation)) }
                attributes = followed
            }
            guard attributes.type != .directory else {
                throw .failure(FileFailure(.isDirectory, operation: operation.name, object: operation.object, cause: "it is a directory"))
            }
            updateCaches(session.id) { $0.learn(name, in: parent, attributes, now: $1) }
            return opened(path, mode, attributes, session)
        case .create(let bits, let exclusive, let truncate):
            // LOOKUP first, as the kernel's path walk does; then OPEN with CREATE.
            let isKnown = session.options.asksOnce || sessions[session.id]?.nfs?.caches.entry(name, in: parent, now: now) != nil
            if progress.begun[Step(.lookup, 999)] != nil || !isKnown {
                let looked = try compound(Step(.lookup, 999), [.lookup(directory: parent, name: name)], session, &progress)
                if case .attributes(let existing)? = looked.results.first, exclusive {
                    updateCaches(session.id) { $0.learn(name, in: parent, existing, now: $1) }
                    throw .failure(FileFailure(.exists, operation: operation.name, object: operation.object, cause: "it exists"))
                }
            }
            let answer = try compoundOrFail(
                Step(.call), [.create(directory: parent, name: name, mode: bits, exclusive: exclusive, truncate: truncate)], session,
                operation,
                change: true, &progress)
            guard case .attributes(var attributes) = answer.results[0] else { throw .failure(unexpected(operation)) }
            updateCaches(session.id) { [attributes] caches, now in
                caches.forget(parent)
                caches.learn(name, in: parent, attributes, now: now)
            }
            if attributes.type == .symlink {
                // O_CREAT follows a symlink at the end; what it names is there, or this is refused.
                let target = try resolve(path, followLast: true, session, operation, from: 1_000, &progress).inode
                let request: FileRequest =
                    truncate ? .setAttributes(target, AttributeChanges(size: 0)) : .open(target, write: true)
                let again = try compoundOrFail(Step(.call, 1), [request], session, operation, change: truncate, &progress)
                guard case .attributes(let followed) = again.results[0] else { throw .failure(unexpected(operation)) }
                guard followed.type != .directory else {
                    throw .failure(
                        FileFailure(.isDirectory, operation: operation.name, object: operation.object, cause: "it is a directory"))
                }
                attributes = followed
            }
            return opened(path, mode, attributes, session)
        case .replace: preconditionFailure("handled above")
        }
    }

    /// OPEN of an object that the front end has met before.
    private mutating func nfsOpenObject(
        _ path: FilePath, _ mode: OpenMode, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        guard mode == .read || mode == .write else {
            throw .failure(FileFailure(.exists, operation: operation.name, object: operation.object, cause: "it exists"))
        }
        let answer = try compoundOrFail(Step(.call), [.open(path.base, write: mode == .write)], session, operation, &progress)
        guard case .attributes(let attributes) = answer.results[0] else { throw .failure(unexpected(operation)) }
        guard attributes.type != .directory else {
            throw .failure(FileFailure(.isDirectory, operation: operation.name, object: operation.object, cause: "it is a directory"))
        }
        updateCaches(session.id) { $0.learn(attributes, now: $1) }
        return opened(path, mode, attributes, session)
    }

    var emptyAttributes: FileAttributes {
        FileAttributes(
            inode: InodeID(0), type: .file, mode: 0o644, links: 0, owner: 0, group: 0, size: 0, accessed: civil, modified: civil,
            changed: civil,
            changeID: 0)
    }

    mutating func opened(_ path: FilePath, _ mode: OpenMode, _ attributes: FileAttributes, _ session: SessionContext) -> FileValue {
        let id = HandleID(nextHandle)
        nextHandle += 1
        var handle = NFSHandle(id: id, path: path, mode: mode, inode: attributes.inode, size: attributes.size)
        handle.change = attributes.changeID
        if !handle.replaces { confirmReads(session.id, attributes) }
        _ = sessions.update(session.id) { $0.nfs!.handles[id] = handle }
        return .opened(id, attributes)
    }

    private mutating func nfsLock(
        _ handle: HandleID, _ range: LockRange, exclusive: Bool, wait: Bool, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        let open = try nfsHandle(handle, session, operation)
        _ = sessions.update(session.id) { $0.nfs?.holdsLocks = true }
        // A waiting lock asks again, as NFS clients do: after 0.1 s, then less often (RFC 8881 §9.6
        // lets the client poll). Each attempt is a change of its own.
        let attempt = progress.attempt
        let answer = try compound(
            Step(.call, attempt), [.lock(open.inode, range: range, exclusive: exclusive, owner: handle.rawValue)], session, change: true,
            &progress)
        if case .failed(let failure)? = answer.results.last {
            guard wait, failure.code == .wouldBlock else { throw .failure(failure.about(operation)) }
            let pause = Duration.milliseconds(100 * min(attempt, 10))
            _ = try step(Step(.wait, attempt), &progress) { node, token in node.pauses.append((node.now + pause, token)) }
            progress.attempt += 1
            return try nfsLock(handle, range, exclusive: exclusive, wait: wait, session, operation, &progress)
        }
        // Who takes a lock sees what its last holder has written, as Linux's client does.
        dropReads(session.id, open.inode)
        return .done
    }
}

extension FileFailure {
    /// The same failure, told of what the program asked.
    func about(_ operation: FileOperation) -> FileFailure {
        FileFailure(code, operation: operation.name, object: operation.object, cause: cause, hint: hint)
    }
}
