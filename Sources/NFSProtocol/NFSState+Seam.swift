import Filesystem
import Primitives

// What operations ask of the cluster. Each step of an operation is asked once.

extension NFSState {
    mutating func ask(_ run: inout CompoundRun, _ step: Int, _ call: @autoclosure () -> SeamCall) throws(Stop) -> SeamAnswer {
        if let answer = run.answers[step] { return answer }
        let id = post(call())
        waiting[id] = run.id
        run.asked = (step, id)
        throw .waiting
    }

    @discardableResult
    mutating func post(_ call: SeamCall) -> CallID {
        let id = CallID(nextCall)
        nextCall += 1
        if case .file(let user, _, _) = call { seamUsers[user] = now }
        effects.append(.call(id, call))
        return id
    }

    /// An operation on files; the failure is for the caller to look at.
    mutating func attempt(
        _ run: inout CompoundRun, _ step: Int, _ user: SeamUser, _ operation: @autoclosure () -> FileOperation, payload: [UInt8] = []
    ) throws(Stop) -> Result<(value: FileValue, data: [UInt8]), FileFailure> {
        switch try ask(&run, step, .file(user, operation(), payload: payload)) {
        case .value(let value, let data): return .success((value, data))
        case .failed(let failure): return .failure(failure)
        case .exports: throw .status(.serverfault)
        }
    }

    @discardableResult
    mutating func file(
        _ run: inout CompoundRun, _ step: Int, _ user: SeamUser, _ operation: @autoclosure () -> FileOperation, payload: [UInt8] = []
    ) throws(Stop) -> (value: FileValue, data: [UInt8]) {
        switch try attempt(&run, step, user, operation(), payload: payload) {
        case .success(let answer): return answer
        case .failure(let failure): throw .status(NFSStatus(failure))
        }
    }

    mutating func exports(_ run: inout CompoundRun, _ step: Int) throws(Stop) -> [NFSExport] {
        switch try ask(&run, step, .exports) {
        case .exports(let list): return list
        case .failed(let failure): throw .status(NFSStatus(failure))
        case .value: throw .status(.serverfault)
        }
    }

    /// The server's own session: reads, open files and locks. What is made is made for the caller.
    func own(_ filesystem: FilesystemID) -> SeamUser { SeamUser(filesystem: filesystem, user: 0, group: 0) }
    func maker(_ filesystem: FilesystemID, _ run: CompoundRun) -> SeamUser {
        SeamUser(filesystem: filesystem, user: run.caller.user, group: run.caller.group)
    }

    func required(_ handle: FileHandle?) throws(Stop) -> FileHandle {
        guard let handle else { throw .status(.nofilehandle) }
        return handle
    }

    /// The current handle, where it must be an object of a file system.
    func object(_ handle: FileHandle?, orElse status: NFSStatus = .rofs) throws(Stop) -> ObjectKey {
        guard case .object(let filesystem, let inode) = try required(handle) else { throw .status(status) }
        return ObjectKey(filesystem: filesystem, inode: inode)
    }

    /// Attributes as of this compound, asked for at most once.
    mutating func attributes(_ run: inout CompoundRun, _ step: Int, of handle: FileHandle) throws(Stop) -> FileAttributes {
        if let known = run.known[handle] { return known }
        let attributes: FileAttributes
        switch handle {
        case .exports: attributes = rootAttributes(try exports(&run, step))
        case .object(let filesystem, let inode):
            let path = FilePath(base: inode, components: [])
            let value = try file(&run, step, own(filesystem), .stat(path: path, followLinks: false)).value
            guard case .attributes(let found) = value else { throw .status(.serverfault) }
            attributes = found
        }
        run.known[handle] = attributes
        return attributes
    }

    /// An entry of a directory.
    mutating func child(_ run: inout CompoundRun, _ step: Int, _ name: [UInt8], of directory: ObjectKey) throws(Stop)
        -> Result<FileAttributes, FileFailure>
    {
        let path = FilePath(base: directory.inode, components: [name])
        switch try attempt(&run, step, own(directory.filesystem), .stat(path: path, followLinks: false)) {
        case .success((.attributes(let found), _)):
            run.known[.object(directory.filesystem, found.inode)] = found
            return .success(found)
        case .success: throw .status(.serverfault)
        case .failure(let failure): return .failure(failure)
        }
    }

    /// The directory of exports, as a directory that only changes when they do.
    func rootAttributes(_ exports: [NFSExport]) -> FileAttributes {
        // FNV-1a over the names.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for export in exports { for byte in export.name.utf8 + [0] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
        return FileAttributes(
            inode: .root, type: .directory, mode: 0o555, links: UInt32(clamping: exports.count + 2), owner: 0, group: 0,
            size: UInt64(exports.count), accessed: started, modified: started, changed: started, changeID: hash >> 16)
    }

    /// Refuses what the mode does not let the caller do.
    mutating func require(_ right: Caller.Right, on handle: FileHandle, _ run: inout CompoundRun, _ step: Int) throws(Stop) {
        // Root's word needs no look, but where a file's execution is asked for, which no caller of this does.
        if run.caller.isRoot { return }
        guard run.caller.may(right, try attributes(&run, step, of: handle)) else { throw .status(.access) }
    }
}
