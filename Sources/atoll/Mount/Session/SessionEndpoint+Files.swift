import FUSEMount
import Filesystem
import NIOCore
import Primitives
import Synchronization

// Between the numbers of the mount, of objects and open files, and those of the session of the moment; and what has to be
// remembered of an operation that was carried out.

extension SessionEndpoint {
    /// An operation as the session knows its objects, and how many writes of its file were there before.
    func translated(_ operation: FileOperation, _ link: Link, _ end: ContinuousClock.Instant?) async throws(FileFailure) -> (
        operation: FileOperation, unflushed: Int
    ) {
        if let handle = operation.handle {
            guard let file = state.withLock({ $0.files[handle] }) else {
                throw FileFailure(.badHandle, operation: operation.name, object: operation.object, cause: "the file is not open")
            }
            if let failure = try failure(of: file, operation) { throw failure }
            guard file.generation != link.generation, file.failure == nil else {
                return (operation.with(handle: file.real), file.unflushed.count)
            }
            try await reopen(handle, link)
            return state.withLock { (operation.with(handle: $0.files[handle]?.real ?? file.real), $0.files[handle]?.unflushed.count ?? 0) }
        }
        for path in operation.paths where state.withLock({ $0.numbers.real(path.base) }) == nil {
            try await findByName(path.base, link, end)
        }
        return state.withLock { state in (operation.rebased { state.numbers.real($0) ?? $0 }, 0) }
    }

    /// A file whose session was lost, and could not be put in place again; or under a lock that was.
    private func failure(of file: OpenFile, _ operation: FileOperation) throws(FileFailure) -> FileFailure? {
        switch operation {
        case .close, .unlock: return nil
        case .flush, .sync: if file.failure == nil, file.unflushed.isEmpty { return nil }
        default: break
        }
        if let failure = file.failure { return failure }
        guard state.withLock({ state in state.files.values.contains { $0.hasLostLocks && $0.object == file.object } }) else { return nil }
        return FileFailure(
            .ioError, operation: operation.name, object: "open file", cause: "the lock on it was lost with the session",
            hint: "close the file, and lock it again")
    }

    /// What an earlier session had made is looked for under the name that it has here.
    private func findByName(_ number: InodeID, _ link: Link, _ end: ContinuousClock.Instant?) async throws(FileFailure) {
        guard let path = nameOf.withLock({ $0 })?(number) else {
            throw FileFailure(.stale, operation: "use", object: "\(number)", cause: "no name of it is known any more")
        }
        let answer: FileValue
        do throws(FileFailure) { answer = try await call(.stat(path: path, followLinks: false), nil, link, end).outcome.value } catch {
            guard error.code == .notFound else { throw error }
            throw FileFailure(.stale, operation: "use", object: path.description, cause: "it is not there any more")
        }
        guard case .attributes(let found) = answer else { return }
        state.withLock { $0.numbers.learn(number, is: found.inode) }
    }

    func shown(_ value: FileValue) -> FileValue {
        switch value {
        case .attributes, .opened, .entries:
            state.withLock { state in
                guard !state.numbers.areTheSame else { return value }
                return value.renumbered { state.numbers.show($0) }
            }
        default: value
        }
    }

    // MARK: What was done

    /// `unflushed` writes were there when it was sent. Nil where another session, which knows nothing of it, has taken the
    /// place of the one that did it.
    func note(
        _ operation: FileOperation, _ payload: ByteBuffer?, _ value: FileValue, _ unflushed: Int, _ object: InodeID?, _ link: Link
    ) -> FileValue? {
        let value = shown(value)
        return state.withLock { state in
            let isPresent = !state.isRecovering && state.link.generation == link.generation
            guard isPresent || !operation.isOfSession(value, isVolume) else { return nil }
            switch (operation, value) {
            case (.open(_, let mode), .opened(let real, let attributes)):
                return state.opened(real, attributes, writes: mode != .read)
            case (.make(let path, let new), .opened(let real, let attributes)):
                if isVolume { state.stage(.made(path, new, attributes.inode), [attributes.inode]) }
                return state.opened(real, attributes, writes: true)
            case (.make(let path, let new), .attributes(let attributes)):
                if isVolume { state.stage(.made(path, new, attributes.inode), [attributes.inode]) }
            case (.write(let handle, let offset), _):
                if let payload { state.files[handle]?.unflushed.append(SessionJournal.Write(offset: offset, bytes: payload)) }
                state.hasStaged = true
                state.files[handle]?.isSynced = false
            case (.flush(let handle), _), (.sync(let handle), _):
                state.flushed(handle, unflushed, journals: isVolume)
                if case .sync = operation { state.files[handle]?.isSynced = true }
            case (.close(let handle, let abandon), _):
                if !abandon { state.flushed(handle, unflushed, journals: isVolume) }
                state.files[handle] = nil
            case (.lock(let handle, let range, let exclusive, _), _):
                state.files[handle]?.unlocked(range)
                state.files[handle]?.locks.append((range, exclusive))
            case (.unlock(let handle, let range), _):
                state.files[handle]?.unlocked(range)
                if range.start == 0, range.length == .max { state.files[handle]?.hasLostLocks = false }
            case (.reload, .session(let status)):
                state.version = status.version
                state.journal = SessionJournal()
                state.hasStaged = false
            default:
                if isVolume, operation.isJournaled { state.stage(.operation(operation), operation.subjects(object)) }
            }
            return value
        }
    }

    /// Writes are not kept without end: the rest is flushed, as NFS clients do it.
    func boundUnflushed(_ handle: HandleID) async throws(FileFailure) {
        let bytes = state.withLock { $0.files[handle]?.unflushed.reduce(0) { $0 + $1.bytes.readableBytes } ?? 0 }
        if bytes > Self.unflushedLimit { _ = try await insistently(.flush(handle: handle), nil, nil) }
    }

    /// A server that lost writes which were not committed, or a commit whose answer was lost: all is written again through
    /// another handle (RFC 8881 §18.3.4).
    func canWriteAgain(_ handle: HandleID, _ link: Link) async -> Bool {
        guard let file = state.withLock({ $0.files[handle] }), file.writes, !file.unflushed.isEmpty, file.failure == nil else {
            return false
        }
        return (try? await reopen(handle, link)) != nil
    }
}

extension SessionEndpoint.State {
    mutating func opened(_ real: HandleID, _ attributes: FileAttributes, writes: Bool) -> FileValue {
        let handle = HandleID(next)
        next += 1
        files[handle] = SessionEndpoint.OpenFile(object: attributes.inode, writes: writes, real: real, generation: link.generation)
        return .opened(handle, attributes)
    }

    mutating func stage(_ change: SessionJournal.Change, _ subjects: [InodeID]) {
        hasStaged = true
        journal.append(change, subjects)
    }

    mutating func flushed(_ handle: HandleID, _ count: Int, journals: Bool) {
        guard let file = files[handle], count > 0 else { return }
        let done = Array(file.unflushed.prefix(count))
        files[handle]?.unflushed.removeFirst(done.count)
        if journals, !done.isEmpty { stage(.content(file.object, done), [file.object]) }
    }
}

extension SessionEndpoint.OpenFile {
    /// What was held of the range is given back; the rest of a lock stays.
    mutating func unlocked(_ range: LockRange) {
        func end(_ range: LockRange) -> UInt64 { range.length > .max - range.start ? .max : range.start + range.length }
        var left: [(range: LockRange, exclusive: Bool)] = []
        for lock in locks {
            if lock.range.start < range.start {
                let stop = min(end(lock.range), range.start)
                left.append((LockRange(start: lock.range.start, length: stop - lock.range.start), lock.exclusive))
            }
            if end(lock.range) > end(range) {
                let begin = max(lock.range.start, end(range))
                let isOpen = end(lock.range) == .max
                left.append((LockRange(start: begin, length: isOpen ? .max : end(lock.range) - begin), lock.exclusive))
            }
        }
        locks = left
    }
}

extension FileOperation {
    /// What it did is in the session, and not in the file system.
    fileprivate func isOfSession(_ value: FileValue, _ isVolume: Bool) -> Bool {
        if case .opened = value { return true }
        return handle != nil || isVolume && isJournaled
    }

    /// The objects whose state it makes.
    fileprivate func subjects(_ object: InodeID?) -> [InodeID] {
        switch self {
        case .remove, .rename, .exchange: object.map { [$0] } ?? []
        default: paths.prefix(1).filter { $0.components.isEmpty }.map(\.base)
        }
    }
}
