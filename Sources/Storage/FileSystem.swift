/// How a file is opened.
package enum FileMode: Hashable, Sendable {
    case read, readWrite
    /// A new file; fails where there is one.
    case create
}

/// What the storage asks of a file system: the seam between it and the disk. The real one is `POSIXFileSystem`;
/// tests put faults before it (`FileFaults`), and `StorageSimulation` has one with pages, caches and power failures.
///
/// What holds of all of them, and no more: a write is durable when `OpenFile.sync` has returned after it; a name
/// that was made, changed or removed is durable when `syncDirectory` has returned after it; a rename is there as a
/// whole or not at all. What was not synced survives a crash in any part and combination.
package protocol FileSystem: Sendable {
    func open(_ path: String, _ mode: FileMode) throws(StorageError) -> any OpenFile
    /// Makes one directory; an existing one is fine.
    func makeDirectory(_ path: String) throws(StorageError)
    /// The names in a directory, in byte order, without `.` and `..`.
    func names(_ path: String) throws(StorageError) -> [String]
    func exists(_ path: String) -> Bool
    /// Removes a file; one that is not there is fine. Who has it open may go on reading.
    func remove(_ path: String) throws(StorageError)
    func removeEmptyDirectory(_ path: String)
    func rename(_ from: String, to: String) throws(StorageError)
    func syncDirectory(_ path: String) throws(StorageError)
    /// Bytes that may still be written to the file system of `path`.
    func freeBytes(_ path: String) throws(StorageError) -> UInt64
    /// Takes a directory for this process alone; throws `.locked` where another has it.
    func lock(_ directory: String) throws(StorageError) -> any DirectoryHold
    /// The name under which SQLite knows this file system; nil: the system's own.
    var databaseSystem: String? { get }
}

/// An open file: positioned reads and writes, from any thread. Closed with its last reference, so a
/// reader may go on in a file that has been removed meanwhile.
package protocol OpenFile: AnyObject, Sendable {
    func size() throws(StorageError) -> UInt64
    /// Reads until `out` is full or the file ends; the count of bytes read.
    func read(at offset: UInt64, into out: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int
    /// Writes all the parts one after the other from `offset` on. After an error any number of bytes
    /// may have been written.
    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError)
    /// Makes everything written so far durable, with the size that is needed to read it.
    func sync() throws(StorageError)
    func truncate(to length: UInt64) throws(StorageError)
    /// Starts writing a range to the disk, without waiting, so that a later sync finds little to do.
    func startWriteback(at offset: UInt64, count: Int)
}

/// A directory taken for this process alone, until `release` or the process ends.
package protocol DirectoryHold: AnyObject, Sendable {
    /// Lets the directory go; a second call does nothing.
    func release()
}

extension FileSystem where Self == POSIXFileSystem {
    /// The file system of this machine.
    package static var posix: POSIXFileSystem { POSIXFileSystem() }
}

/// What is made of those calls.
extension FileSystem {
    func file(_ path: String, _ mode: FileMode) throws(StorageError) -> File { File(path, try open(path, mode)) }

    /// Makes a directory and those above it, durably: what is stored in a directory is lost with its name. Those that
    /// are there may have been made a moment ago by a process that was killed.
    func makeDirectories(_ path: String) throws(StorageError) {
        guard let parent = Self.parent(of: path) else { return }
        try makeDirectories(parent)
        if !exists(path) { try makeDirectory(path) }
        do throws(StorageError) { try syncDirectory(parent) } catch {
            // What this process may not open for reading, or write to at all, it has not changed.
            guard case .io(_, _, let code) = error, SystemCall.meansForbidden(code) else { throw error }
        }
    }

    /// Writes a small file so that after a crash it has the old or the new content, whole.
    func replace(_ path: String, with bytes: [UInt8]) throws(StorageError) {
        let temporary = path + ".tmp"
        try remove(temporary)
        let file = try file(temporary, .create)
        try file.write(bytes, at: 0)
        try file.sync()
        try rename(temporary, to: path)
        if let parent = Self.parent(of: path) { try syncDirectory(parent) }
    }

    private static func parent(of path: String) -> String? {
        guard path != "/", let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// An open file with its path, and what is often done with one.
final class File: Sendable {
    let path: String
    private let handle: any OpenFile

    init(_ path: String, _ handle: any OpenFile) {
        self.path = path
        self.handle = handle
    }

    func size() throws(StorageError) -> UInt64 { try handle.size() }
    func read(at offset: UInt64, into out: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        try handle.read(at: offset, into: out)
    }
    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) { try handle.write(parts, at: offset) }
    func sync() throws(StorageError) { try handle.sync() }
    func truncate(to length: UInt64) throws(StorageError) { try handle.truncate(to: length) }
    func startWriteback(at offset: UInt64, count: Int) { handle.startWriteback(at: offset, count: count) }

    /// Up to `count` bytes from `offset` on; fewer where the file ends.
    func read(at offset: UInt64, count: Int) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(StorageError) {
                initialized = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        try bytes.withBytes { buffer throws(StorageError) in try write([buffer], at: offset) }
    }
}
