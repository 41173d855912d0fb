import APISchema
import Filesystem
import NIOCore
import Primitives

/// The file operations of `FakeNode`.
enum FakeFiles {
    static func run(
        _ operation: FileOperation, _ payload: ByteBuffer?, _ session: inout FakeNode.Session, _ state: inout FakeNode.State,
        _ data: inout ByteBuffer?
    ) throws(FileFailure) -> FileValue {
        let filesystem = session.filesystem
        switch operation {
        case .open(let path, let mode): return try open(path, mode, &session, &state)
        case .read(let handle, let offset, let length):
            state.reads += 1
            let opened = try self.handle(handle, session)
            let file = try self.file(opened.path, filesystem, state)
            let start = Int(min(offset, UInt64(file.bytes.readableBytes)))
            let slice = file.bytes.getSlice(at: start, length: min(Int(length), file.bytes.readableBytes - start))!
            data = slice
            return .data(length: UInt32(slice.readableBytes), endOfFile: start + slice.readableBytes == file.bytes.readableBytes)
        case .write(let handle, let offset):
            guard !session.readOnly else { throw failure(.readOnly, operation, "the session is read-only") }
            guard var opened = session.handles[handle], var staged = opened.staged else {
                throw failure(.badHandle, operation, "it is not open to write")
            }
            let bytes = payload ?? ByteBuffer()
            opened.staged = nil
            session.handles[handle] = nil
            let start = offset == .max ? staged.readableBytes : Int(offset)
            if staged.writerIndex < start { staged.writeRepeatingByte(0, count: start - staged.writerIndex) }
            staged.setBuffer(bytes, at: start)
            staged.moveWriterIndex(to: max(staged.writerIndex, start + bytes.readableBytes))
            opened.staged = staged
            session.handles[handle] = opened
            return .written(length: UInt32(bytes.readableBytes))
        case .close(let handle, let abandon):
            let opened = try self.handle(handle, session)
            session.handles[handle] = nil
            guard let staged = opened.staged, !abandon else { return .done }
            var file = state.files[filesystem, default: [:]][opened.path] ?? FakeNode.File(mode: opened.mode, inode: number(&state))
            if opened.refuseExisting, state.files[filesystem]?[opened.path] != nil { throw failure(.exists, operation, "it exists") }
            file.bytes = staged
            file.change += 1
            state.files[filesystem, default: [:]][opened.path] = file
            session.staged += 1
            return .done
        case .stat(let path, _): return .attributes(attributes(try file(path, filesystem, state)))
        case .list(let path, let cookie, let limit): return try list(path, cookie, limit, filesystem, state)
        case .remove(let path, let recursive):
            guard !session.readOnly else { throw failure(.readOnly, operation, "the session is read-only") }
            _ = try file(path, filesystem, state)
            let below = state.files[filesystem, default: [:]].keys.filter { $0.components.starts(with: path.components) && $0 != path }
            guard below.isEmpty || recursive else { throw failure(.notEmpty, operation, "the directory is not empty") }
            for key in below + [path] { state.files[filesystem]?[key] = nil }
            session.staged += 1
            return .done
        case .makeDirectory(let path, let mode, _):
            state.files[filesystem, default: [:]][path] = FakeNode.File(mode: mode, inode: number(&state), isDirectory: true)
            return .done
        case .rename(let from, let to, _):
            let moved = try file(from, filesystem, state)
            state.files[filesystem]?[to] = moved
            state.files[filesystem]?[from] = nil
            return .done
        case .setAttributes(let path, let changes):
            var file = try file(path, filesystem, state)
            if let modified = changes.modified { file.modified = modified }
            if let mode = changes.mode { file.mode = mode }
            state.files[filesystem]?[path] = file
            return .attributes(attributes(file))
        case .symlink(let target, let path):
            state.files[filesystem, default: [:]][path] = FakeNode.File(inode: number(&state), target: target)
            return .done
        case .readLink(let path):
            guard let target = try file(path, filesystem, state).target else { throw failure(.invalid, operation, "it is no link") }
            return .link(target)
        case .setXattr(let path, let name, let value, _):
            var file = try file(path, filesystem, state)
            file.xattrs[name] = value
            state.files[filesystem]?[path] = file
            return .done
        case .getXattr(let path, let name):
            guard let value = try file(path, filesystem, state).xattrs[name] else {
                throw failure(.noData, operation, "it has no such attribute")
            }
            return .bytes(value)
        case .listXattrs(let path): return .names(try file(path, filesystem, state).xattrs.keys.sorted { $0.lexicographicallyPrecedes($1) })
        case .statistics:
            let files = state.files[filesystem, default: [:]].values
            return .statistics(
                FilesystemStatistics(
                    files: UInt64(files.count { !$0.isDirectory }), directories: UInt64(files.count { $0.isDirectory }),
                    bytes: UInt64(files.reduce(0) { $0 + $1.bytes.readableBytes })))
        default: return try volume(operation, &session, &state)
        }
    }

    private static func volume(
        _ operation: FileOperation, _ session: inout FakeNode.Session, _ state: inout FakeNode.State
    ) throws(FileFailure) -> FileValue {
        let filesystem = session.filesystem
        guard filesystem.kind == .volume else { throw failure(.wrongKind, operation, "it is a network file system") }
        let version = state.versions[filesystem] ?? 0
        switch operation {
        case .commit(let options):
            guard !options.ifUnchanged || session.staged < 100 else { throw failure(.conflict, operation, "it was changed") }
            let changes = session.staged
            if changes > 0 { state.versions[filesystem] = version + 1 }
            session.staged = 0
            let conflict = ConflictSummary(index: 1, path: FilePath("a")!, reason: "both changed it", losingVersion: VersionID(1), size: 3)
            return .receipt(
                CommitReceipt(
                    version: VersionID(state.versions[filesystem] ?? 0), digest: SHA256.hash([1]), conflicts: changes > 1 ? [conflict] : [],
                    completeRegions: [RegionID("eu-west-1"), RegionID("us-east-1")], changes: changes))
        case .reload(let mode, let discard):
            guard discard || session.staged == 0 || mode == .local else {
                throw failure(.conflict, operation, "staged changes would be lost")
            }
            session.staged = 0
            return .session(status(session, version))
        case .sessionStatus: return .session(status(session, version))
        case .history(let limit):
            return .history(
                (0..<min(version, UInt64(limit))).map { index in
                    VersionSummary(
                        version: VersionID(version - index), time: WallTime(nanoseconds: 1_700_000_000_000_000_001), region: "us-east-1",
                        message: "m", digest: SHA256.hash([2]), changes: 1)
                })
        case .diff:
            return .changes(
                [
                    PathChange(kind: .renamed, path: FilePath("b")!, from: FilePath("a")!, size: 5),
                    PathChange(kind: .added, path: FilePath([0x66, 0xff])!, from: nil, size: 6),
                ], truncated: true)
        case .conflicts: return .conflicts([])
        case .rollback, .resolveConflict: return .done
        default: throw failure(.notSupported, operation, "this node of memory can not")
        }
    }

    private static func status(_ session: FakeNode.Session, _ version: UInt64) -> SessionStatus {
        SessionStatus(
            session: SessionID(1), filesystem: session.filesystem, version: VersionID(version), latest: VersionID(version),
            staged: session.staged, openFiles: UInt32(session.handles.count), readOnly: session.readOnly)
    }

    private static func open(
        _ path: FilePath, _ mode: OpenMode, _ session: inout FakeNode.Session, _ state: inout FakeNode.State
    ) throws(FileFailure) -> FileValue {
        let filesystem = session.filesystem
        let found = try? file(path, filesystem, state)
        if found?.isDirectory ?? false { throw failure(.isDirectory, .open(path: path, mode: mode), "it is a directory") }
        guard path.components.allSatisfy({ $0.count <= 255 }) else {
            throw failure(.nameTooLong, .open(path: path, mode: mode), "a name is over 255 bytes")
        }
        var handle = FakeNode.Handle(path: path, staged: nil, mode: 0o644, refuseExisting: false)
        switch mode {
        case .read: if found == nil { throw failure(.notFound, .open(path: path, mode: mode), "there is no such file") }
        case .write: handle.staged = found?.bytes
        case .create(let bits, let exclusive, _):
            if exclusive, found != nil { throw failure(.exists, .open(path: path, mode: mode), "it exists") }
            (handle.staged, handle.mode) = (found?.bytes ?? ByteBuffer(), bits)
        case .replace(let bits, let refuse):
            if refuse, found != nil { throw failure(.exists, .open(path: path, mode: mode), "it exists", hint: "use force to replace it") }
            guard !session.readOnly else { throw failure(.readOnly, .open(path: path, mode: mode), "the session is read-only") }
            (handle.staged, handle.mode, handle.refuseExisting) = (ByteBuffer(), bits, refuse)
        }
        let id = HandleID(number(&state))
        session.handles[id] = handle
        return .opened(id, attributes(found ?? FakeNode.File(inode: number(&state))))
    }

    private static func list(
        _ path: FilePath, _ cookie: UInt64, _ limit: UInt32, _ filesystem: FilesystemID, _ state: FakeNode.State
    ) throws(FileFailure) -> FileValue {
        guard try file(path, filesystem, state).isDirectory else {
            throw failure(.notDirectory, .list(path: path, cookie: 0, limit: 1), "it is no directory")
        }
        var names: Set<[UInt8]> = []
        for key in state.files[filesystem, default: [:]].keys
        where key.components.count > path.components.count && key.components.starts(with: path.components) {
            names.insert(key.components[path.components.count])
        }
        let sorted = names.sorted { $0.lexicographicallyPrecedes($1) }
        let page = sorted.dropFirst(Int(cookie)).prefix(Int(limit))
        let entries = page.map {
            FileEntry(name: $0, attributes: attributes((try? file(path.appending($0), filesystem, state)) ?? FakeNode.File()))
        }
        let next = cookie + UInt64(page.count)
        return .entries(entries, nextCookie: next < UInt64(sorted.count) ? next : nil)
    }

    private static func file(_ path: FilePath, _ filesystem: FilesystemID, _ state: FakeNode.State) throws(FileFailure) -> FakeNode.File {
        let files = state.files[filesystem, default: [:]]
        if let file = files[path] { return file }
        let isParent = files.keys.contains { $0.components.count > path.components.count && $0.components.starts(with: path.components) }
        guard path.isRoot || isParent else { throw failure(.notFound, .stat(path: path, followLinks: true), "there is no such file") }
        return FakeNode.File(mode: 0o755, inode: 1, isDirectory: true)
    }

    private static func handle(_ id: HandleID, _ session: FakeNode.Session) throws(FileFailure) -> FakeNode.Handle {
        guard let handle = session.handles[id] else { throw failure(.badHandle, .sync(handle: id), "it is not open") }
        return handle
    }

    private static func number(_ state: inout FakeNode.State) -> UInt64 {
        state.next += 1
        return state.next
    }

    private static func attributes(_ file: FakeNode.File) -> FileAttributes {
        FileAttributes(
            inode: InodeID(file.inode), type: file.isDirectory ? .directory : file.target == nil ? .file : .symlink, mode: file.mode,
            links: 1,
            owner: 0, group: 0, size: UInt64(file.bytes.readableBytes), accessed: file.modified, modified: file.modified,
            changed: file.modified,
            changeID: file.change)
    }

    private static func failure(_ code: FileFailure.Code, _ operation: FileOperation, _ cause: String, hint: String = "") -> FileFailure {
        FileFailure(code, operation: "perform", object: "\(operation)".prefix(60).description, cause: cause, hint: hint)
    }
}
