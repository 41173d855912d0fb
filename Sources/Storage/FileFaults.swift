/// A call that is about to be made on the file system.
package enum FileOperation: Hashable, Sendable {
    case open(path: String)
    case read(path: String, offset: UInt64, count: Int)
    case write(path: String, offset: UInt64, count: Int)
    case sync(path: String)
    case truncate(path: String, length: UInt64)
    case rename(from: String, to: String)
    case remove(path: String)
    case syncDirectory(path: String)
}

/// What a fault does to a call.
package enum FileVerdict: Hashable, Sendable {
    case proceed
    /// The call fails with this errno, without effect.
    case fail(errno: Int32)
    /// A write stores only its first bytes, then fails.
    case tear(after: Int, errno: Int32)
}

/// The machine's file system with faults before it, through which tests make disks full, failing or torn: each call
/// on files and names asks first.
package struct FileFaults: FileSystem {
    typealias Decide = @Sendable (FileOperation) -> FileVerdict
    private let decide: Decide
    private let system: any FileSystem

    /// `decide` is called from any thread, before each call.
    package init(_ system: any FileSystem = .posix, _ decide: @escaping @Sendable (FileOperation) -> FileVerdict) {
        self.system = system
        self.decide = decide
    }

    package var databaseSystem: String? { system.databaseSystem }

    /// Throws where the operation is made to fail.
    private func check(_ name: String, _ path: String, _ operation: FileOperation) throws(StorageError) {
        switch decide(operation) {
        case .proceed: return
        case .fail(let errno), .tear(_, let errno): throw SystemCall.error(name, path, errno)
        }
    }

    package func open(_ path: String, _ mode: FileMode) throws(StorageError) -> any OpenFile {
        try check("open", path, .open(path: path))
        return FaultyFile(path, try system.open(path, mode), decide)
    }
    package func remove(_ path: String) throws(StorageError) {
        try check("remove", path, .remove(path: path))
        try system.remove(path)
    }
    package func rename(_ from: String, to: String) throws(StorageError) {
        try check("rename", to, .rename(from: from, to: to))
        try system.rename(from, to: to)
    }
    package func syncDirectory(_ path: String) throws(StorageError) {
        try check("sync directory", path, .syncDirectory(path: path))
        try system.syncDirectory(path)
    }
    package func makeDirectory(_ path: String) throws(StorageError) { try system.makeDirectory(path) }
    package func names(_ path: String) throws(StorageError) -> [String] { try system.names(path) }
    package func exists(_ path: String) -> Bool { system.exists(path) }
    package func removeEmptyDirectory(_ path: String) { system.removeEmptyDirectory(path) }
    package func freeBytes(_ path: String) throws(StorageError) -> UInt64 { try system.freeBytes(path) }
    package func lock(_ directory: String) throws(StorageError) -> any DirectoryHold { try system.lock(directory) }
}

private final class FaultyFile: OpenFile {
    private let path: String
    private let file: any OpenFile
    private let decide: FileFaults.Decide

    init(_ path: String, _ file: any OpenFile, _ decide: @escaping FileFaults.Decide) {
        self.path = path
        self.file = file
        self.decide = decide
    }

    private func check(_ name: String, _ operation: FileOperation) throws(StorageError) {
        switch decide(operation) {
        case .proceed: return
        case .fail(let errno), .tear(_, let errno): throw SystemCall.error(name, path, errno)
        }
    }

    func size() throws(StorageError) -> UInt64 { try file.size() }

    func read(at offset: UInt64, into out: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        try check("read", .read(path: path, offset: offset, count: out.count))
        return try file.read(at: offset, into: out)
    }

    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) {
        let total = parts.reduce(0) { $0 + $1.count }
        switch decide(.write(path: path, offset: offset, count: total)) {
        case .proceed: try file.write(parts, at: offset)
        case .fail(let errno): throw SystemCall.error("write", path, errno)
        case .tear(let after, let errno):
            var left = after
            let torn = parts.map { part in
                let count = min(part.count, left)
                left -= count
                return UnsafeRawBufferPointer(rebasing: part[..<count])
            }
            try file.write(torn, at: offset)
            throw SystemCall.error("write", path, errno)
        }
    }

    func sync() throws(StorageError) {
        try check("fdatasync", .sync(path: path))
        try file.sync()
    }

    func truncate(to length: UInt64) throws(StorageError) {
        try check("truncate", .truncate(path: path, length: length))
        try file.truncate(to: length)
    }

    func startWriteback(at offset: UInt64, count: Int) { file.startWriteback(at: offset, count: count) }
}
