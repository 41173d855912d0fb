import Filesystem
import Glibc
import NIOCore
import Primitives
import Synchronization

// Open files: opening, reading, writing, flushing, releasing.

extension MountedFiles {
    struct Opened {
        var handle: UInt64
        /// The kernel's pages are still those of the file.
        var keepsCache = false
    }

    func open(_ number: UInt64, flags: Int32) async throws(FileFailure) -> Opened {
        let writes = flags & O_ACCMODE != O_RDONLY
        // The open file counts from here on: a removal meanwhile keeps the content.
        try begin(number)
        let operation = FileOperation.open(path: try path(number), mode: writes ? .write : .read)
        do throws(FileFailure) {
            guard case .opened(let handle, let attributes) = try await ask(operation) else { throw unexpected(operation) }
            return await keep(handle, attributes, number, writes: writes)
        } catch {
            await end(number)
            throw error
        }
    }

    private func begin(_ number: UInt64) throws(FileFailure) {
        guard state.withLock({ $0.nodes.update(number) { $0.opens += 1 } }) != nil else {
            throw .refused(.stale, "open", "the kernel's number \(number) is not known to this mount")
        }
    }

    /// Writers share the handle of the first of them.
    private func keep(_ handle: HandleID, _ attributes: FileAttributes, _ number: UInt64, writes: Bool) async -> Opened {
        let (opened, surplus, isNews) = state.withLock { state -> (Opened, HandleID?, Bool) in
            let id = state.nextOpen
            state.nextOpen += 1
            var surplus: HandleID?
            var (keeps, isNews) = (false, false)
            state.nodes.update(number) { node in
                // Close-to-open: pages of another state of the file are let go of now.
                keeps = node.cachedChange == attributes.changeID && node.pending == nil
                if node.pending == nil { node.cachedChange = attributes.changeID }
                isNews = node.toldChange != attributes.changeID
                guard writes else { return }
                node.writers += 1
                if node.writer == nil { node.writer = handle } else { surplus = handle }
            }
            state.files[id] = OpenFile(node: number, reader: writes ? nil : handle, writes: writes)
            return (Opened(handle: id, keepsCache: keeps), surplus, isNews)
        }
        // The size is among what an open must see fresh.
        if isNews, let tell = notify.withLock({ $0 }) { await tell(number, .attributes) }
        if let surplus { _ = try? await ask(.close(handle: surplus, abandon: true)) }
        return opened
    }

    func create(_ parent: UInt64, _ name: [UInt8], mode: UInt32, flags: Int32, by caller: Caller) async throws(FileFailure) -> (
        entry: Entry, handle: UInt64
    ) {
        // The kernel asks to create what it has just not found, and checks no permissions of what it gets: what another
        // host made meanwhile is not opened here. Upon ESTALE the kernel looks again, and opens it by its rules.
        let made: (handle: HandleID, attributes: FileAttributes)
        do throws(FileFailure) { made = try await makeFile(parent, name, mode: mode, by: caller) } catch {
            guard error.code == .exists, flags & O_EXCL == 0 else { throw error }
            throw .refused(.stale, "create", "it was made by another meanwhile")
        }
        let (handle, attributes) = made
        let entry = give(attributes, at: Place(parent: parent, name: name))
        try begin(entry.number)
        return (entry, await keep(handle, attributes, entry.number, writes: true).handle)
    }

    // MARK: Bytes

    func read(_ open: UInt64, offset: UInt64, length: UInt32) async throws(FileFailure) -> ByteBuffer {
        let handle = state.withLock { state -> HandleID? in
            guard let file = state.files[open], let node = state.nodes[file.node] else { return nil }
            return node.pending != nil ? node.writer : file.reader ?? node.writer
        }
        guard let handle else { throw .refused(.badHandle, "read", "the file is not open") }
        return try await endpoint.perform(.read(handle: handle, offset: offset, length: length), payload: nil).data ?? ByteBuffer()
    }

    func write(_ open: UInt64, offset: UInt64, _ bytes: ByteBuffer) async throws(FileFailure) -> UInt32 {
        let end = offset + UInt64(bytes.readableBytes)
        let handle = state.withLock { state -> HandleID? in
            guard let file = state.files[open], let writer = state.nodes[file.node]?.writer else { return nil }
            state.nodes.update(file.node) { node in
                let before = node.pending
                node.pending = PendingWrites(end: max(before?.end ?? 0, end), time: .civil, count: (before?.count ?? 0) + 1)
                node.cachedChange = nil
            }
            return writer
        }
        guard let handle else { throw .refused(.badHandle, "write", "the file is not open for writing") }
        let operation = FileOperation.write(handle: handle, offset: offset)
        guard case .written(let length) = try await endpoint.perform(operation, payload: bytes).value else { throw unexpected(operation) }
        return length
    }

    /// What was written is in the file, seen by all.
    func flush(_ number: UInt64) async throws(FileFailure) { try await settle(number) { .flush(handle: $0) } }

    /// As `flush`, and a volume's background commit may publish it though the file stays open.
    func synchronize(_ number: UInt64) async throws(FileFailure) {
        guard let writer = state.withLock({ $0.nodes[number]?.writer }) else { return }
        let isClean = state.withLock { $0.nodes[number]?.pending == nil }
        if isClean, options.kind == .nfs { return }
        if isClean {
            try await ask(.sync(handle: writer))
        } else {
            try await settle(number) { .sync(handle: $0) }
        }
    }

    private func settle(_ number: UInt64, _ make: (HandleID) -> FileOperation) async throws(FileFailure) {
        let found = state.withLock { state -> (HandleID, UInt64)? in
            guard let node = state.nodes[number], let writer = node.writer, let pending = node.pending else { return nil }
            return (writer, pending.count)
        }
        guard let (writer, count) = found else { return }
        try await ask(make(writer))
        state.withLock { state in
            state.nodes.update(number) { node in
                if node.pending?.count == count { node.pending = nil }
                // Others may have changed the file between: the next open asks.
                node.cachedChange = nil
            }
        }
    }

    /// close(2) of one descriptor: the program hears of what could not be written.
    func close(_ open: UInt64, owner: UInt64) async throws(FileFailure) {
        guard let file = state.withLock({ $0.files[open] }) else { return }
        var failure: FileFailure?
        if file.writes { do throws(FileFailure) { try await flush(file.node) } catch { failure = error } }
        // Whatever became of the bytes: close ends the locks of the process.
        await releaseLocks(file.node, .process, owner)
        if let failure { throw failure }
    }

    /// The last descriptor of an open file is gone.
    func release(_ open: UInt64, owner: UInt64, endsFlock: Bool) async {
        guard let file = state.withLock({ $0.files.removeValue(forKey: open) }) else { return }
        if endsFlock { await releaseLocks(file.node, .file, owner) }
        if let reader = file.reader { _ = try? await ask(.close(handle: reader, abandon: false)) }
        if file.writes {
            let writer = state.withLock { state in
                state.nodes.update(file.node) { node -> HandleID? in
                    node.writers -= 1
                    guard node.writers == 0 else { return nil }
                    defer { (node.writer, node.cachedChange) = (nil, nil) }
                    return node.writer
                } ?? nil
            }
            if let writer {
                _ = try? await ask(.close(handle: writer, abandon: false))
                state.withLock { state in state.nodes.update(file.node) { if $0.writer == nil { $0.pending = nil } } }
            }
        }
        await end(file.node)
    }

    /// An open file is over; what was removed meanwhile goes with the last one.
    private func end(_ number: UInt64) async {
        let hidden = state.withLock { state -> FilePath? in
            let hidden = state.nodes.update(number) { node -> FilePath? in
                node.opens -= 1
                guard node.opens == 0, let hidden = node.hidden else { return nil }
                node.hidden = nil
                return FilePath(base: hidden.directory, components: [hidden.name])
            }
            state.nodes.endIfUnused(number)
            return hidden ?? nil
        }
        if let hidden { _ = try? await ask(.remove(path: hidden, recursive: false)) }
    }

    // MARK: Ranges

    /// lseek(2) with SEEK_DATA or SEEK_HOLE.
    func seek(_ number: UInt64, from offset: UInt64, hole: Bool) async throws(FileFailure) -> UInt64 {
        try await flush(number)
        let operation = FileOperation.seek(path: try path(number), offset: offset, hole: hole)
        guard case .position(let found) = try await ask(operation) else { throw unexpected(operation) }
        return found
    }

    /// fallocate(2): holes and zeros. Room can not be set aside; programs that ask for it then write zeros themselves.
    func allocate(_ number: UInt64, mode: Int32, offset: UInt64, length: UInt64) async throws(FileFailure) {
        let (keepSize, punch, zero): (Int32, Int32, Int32) = (0x01, 0x02, 0x10)
        guard mode == keepSize | punch || mode & ~keepSize == zero else {
            throw .refused(.notSupported, "allocate", "only holes can be made, and zeros be written")
        }
        try await flush(number)
        try await ask(.zeroRange(path: try path(number), offset: offset, length: length, extend: mode & keepSize == 0))
        state.withLock { state in state.nodes.update(number) { $0.cachedChange = nil } }
    }
}
