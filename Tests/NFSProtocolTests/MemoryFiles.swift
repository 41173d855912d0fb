import Filesystem
import NFSProtocol
import Namespace
import Primitives

/// What is behind the server in these tests: file systems in memory, by the same rules as the real ones (Namespace), with content
/// beside. What is written is in the file when it is synced.
struct MemoryFiles {
    struct Share {
        var namespace = NamespaceState(settings: NamespaceSettings(salt: 1), time: WallTime(nanoseconds: 0), rootMode: 0o777)
        var content: [InodeID: [UInt8]] = [:]
        var locks = LockTable()
        var clients = NFSClientTable()
        /// When each client was heard of last.
        var heard: [UInt64: Instant] = [:]
    }

    struct Handle {
        var filesystem: FilesystemID
        var inode: InodeID
        var node: NodeID
        var writes: [(offset: UInt64, bytes: [UInt8])] = []
    }

    var shares: [(name: String, id: FilesystemID)] = []
    var files: [FilesystemID: Share] = [:]
    var handles: [HandleID: Handle] = [:]
    var nextHandle: UInt64 = 1
    var time: Int64 = 0
    /// The node that the server is of, and the time there.
    var node = NodeID(1)
    var now = Instant.zero
    /// The next operation of that name fails so.
    var failNext: [String: FileFailure.Code] = [:]
    var performed: [String] = []

    mutating func add(_ name: String) {
        let id = FilesystemID(kind: .nfs, high: 7, low: UInt64(shares.count) + 1)
        shares.append((name, id))
        files[id] = Share()
    }

    mutating func answer(_ call: SeamCall) -> SeamAnswer {
        switch call {
        case .exports: return .exports(shares.map { NFSExport(name: $0.name, filesystem: $0.id) })
        case .file(let user, let operation, let payload):
            let word = if case .client(let request) = operation { request.word } else { operation.name }
            performed.append(word)
            if let code = failNext.removeValue(forKey: word) {
                return .failed(FileFailure(code, operation: operation.name, object: "test", cause: "wanted"))
            }
            do throws(FileFailure) { return try perform(user, operation, payload) } catch { return .failed(error) }
        }
    }

    private func refused(_ code: FileFailure.Code, _ operation: FileOperation) -> FileFailure {
        FileFailure(code, operation: operation.name, object: operation.object, cause: "it is so")
    }

    private func attributes(_ id: InodeID, _ filesystem: FilesystemID) throws(FileFailure) -> FileAttributes {
        var found = try files[filesystem]!.namespace.tree.file(id)
        if let content = files[filesystem]!.content[id] { found.size = UInt64(content.count) }
        return found
    }

    private mutating func change(_ user: SeamUser, _ operation: FileOperation) throws(FileFailure) -> FileAttributes? {
        time += 1_000_000_000
        let change = try files[user.filesystem]!.namespace.tree.change(for: operation)
        let context = CommandContext(
            time: WallTime(nanoseconds: time), credentials: Credentials(user: user.user, group: user.group))
        switch files[user.filesystem]!.namespace.apply(change, context: context) {
        case .failure(let error): throw FileFailure(error)
        case .success(.object(let object)): return try attributes(object.id, user.filesystem)
        case .success: return nil
        }
    }

    private mutating func open(_ user: SeamUser, _ inode: InodeID) throws(FileFailure) -> SeamAnswer {
        let id = HandleID(nextHandle)
        nextHandle += 1
        handles[id] = Handle(filesystem: user.filesystem, inode: inode, node: node)
        return .value(.opened(id, try attributes(inode, user.filesystem)), data: [])
    }

    private mutating func flush(_ id: HandleID) {
        guard let handle = handles[id], !handle.writes.isEmpty else { return }
        var content = files[handle.filesystem]!.content[handle.inode] ?? []
        for write in handle.writes {
            let end = Int(write.offset) + write.bytes.count
            if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
            content.replaceSubrange(Int(write.offset)..<end, with: write.bytes)
        }
        handles[id]!.writes = []
        files[handle.filesystem]!.content[handle.inode] = content
        // The change shows.
        time += 1_000_000_000
        let now = WallTime(nanoseconds: time)
        _ = files[handle.filesystem]!.namespace.apply(
            .changing(handle.inode, AttributeChanges(modified: now)), context: CommandContext(time: now))
    }

    private mutating func perform(_ user: SeamUser, _ operation: FileOperation, _ payload: [UInt8]) throws(FileFailure) -> SeamAnswer {
        guard files[user.filesystem] != nil else { throw refused(.stale, operation) }
        func tree() -> NamespaceTree { files[user.filesystem]!.namespace.tree }
        switch operation {
        case .stat(let path, _):
            return .value(.attributes(try attributes(try tree().walk(path, followLast: false).inode, user.filesystem)), data: [])
        case .list(let path, let cookie, let limit):
            let page = try tree().list(try tree().walk(path, followLast: false).inode, after: cookie, limit: Int(limit))
            return .value(.entries(page.entries, nextCookie: page.next), data: [])
        case .readLink(let path):
            return .value(.link(try tree().linkTarget(of: try tree().walk(path, followLast: false).inode)), data: [])
        case .getXattr(let path, let name):
            return .value(.bytes(try tree().xattr(name, of: try tree().walk(path, followLast: false).inode)), data: [])
        case .listXattrs(let path):
            return .value(.names(try tree().xattrList(of: try tree().walk(path, followLast: false).inode)), data: [])
        case .zeroRange(let path, let offset, let length, _):
            let inode = try tree().walk(path, followLast: false).inode
            var content = files[user.filesystem]!.content[inode] ?? []
            let range = min(Int(offset), content.count)..<min(Int(offset) + Int(min(length, 1 << 30)), content.count)
            content.replaceSubrange(range, with: [UInt8](repeating: UInt8(ascii: "."), count: range.count))
            files[user.filesystem]!.content[inode] = content
            return .value(.done, data: [])
        case .seek(let path, let offset, let hole):
            let content = files[user.filesystem]!.content[try tree().walk(path, followLast: false).inode] ?? []
            let found = content.indices.dropFirst(Int(offset)).first { (content[$0] == UInt8(ascii: ".")) == hole }
            guard let place = found ?? (hole ? content.count : nil) else { throw refused(.noSuchPlace, operation) }
            return .value(.position(UInt64(place)), data: [])
        case .statistics: return .value(.statistics(tree().fileStatistics), data: [])
        case .open(let path, .create(let mode, let exclusive, let truncate)):
            let parent = try tree().walk(path.parent, followLast: true).inode
            time += 1_000_000_000
            let result = files[user.filesystem]!.namespace.apply(
                .creating(path.name!, in: parent, mode: mode, exclusive: exclusive, truncate: truncate),
                context: CommandContext(
                    time: WallTime(nanoseconds: time), credentials: Credentials(user: user.user, group: user.group)))
            guard case .success(.object(let object)) = result else {
                if case .failure(let error) = result { throw FileFailure(error) }
                throw refused(.ioError, operation)
            }
            return try open(user, object.id)
        case .open(let path, _):
            let found = try tree().walk(path, followLast: true)
            guard found.type == .file else { throw refused(.isDirectory, operation) }
            return try open(user, found.inode)
        case .read(let id, let offset, let length):
            guard let handle = handles[id] else { throw refused(.badHandle, operation) }
            flush(id)
            let content = files[handle.filesystem]!.content[handle.inode] ?? []
            let bytes = Array(content.dropFirst(Int(offset)).prefix(Int(length)))
            return .value(
                .data(length: UInt32(bytes.count), endOfFile: Int(offset) + bytes.count >= content.count), data: bytes)
        case .write(let id, let offset):
            guard handles[id] != nil else { throw refused(.badHandle, operation) }
            handles[id]!.writes.append((offset, payload))
            return .value(.written(length: UInt32(payload.count)), data: [])
        case .sync(let id):
            guard handles[id] != nil else { throw refused(.badHandle, operation) }
            flush(id)
            return .value(.done, data: [])
        case .close(let id, let abandon):
            guard handles[id] != nil else { throw refused(.badHandle, operation) }
            if !abandon { flush(id) }
            handles[id] = nil
            return .value(.done, data: [])
        case .client(let request):
            let value = try files[user.filesystem]!.perform(request, of: node, now: now)
            return .value(value, data: [])
        case .setAttributes(let path, let changes):
            let inode = try tree().walk(path, followLast: false).inode
            if let size = changes.size, var content = files[user.filesystem]!.content[inode] {
                content = Array((content + [UInt8](repeating: 0, count: max(0, Int(size) - content.count))).prefix(Int(size)))
                files[user.filesystem]!.content[inode] = content
            }
            _ = try change(user, operation)
            return .value(.attributes(try attributes(inode, user.filesystem)), data: [])
        default:
            if let made = try change(user, operation) { return .value(.attributes(made), data: []) }
            return .value(.done, data: [])
        }
    }
}
