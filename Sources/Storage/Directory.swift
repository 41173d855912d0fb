import Glibc

/// What is done with directories and names.
enum Directory {
    /// Makes the directory and those above it; an existing one is fine.
    static func make(_ path: String) throws(StorageError) {
        guard mkdir(path, 0o750) != 0 else { return }
        switch errno {
        case EEXIST: return
        case ENOENT:
            guard let parent = parent(of: path) else { throw SystemCall.error("make directory", path, ENOENT) }
            try make(parent)
            guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw SystemCall.error("make directory", path, errno) }
        case let code: throw SystemCall.error("make directory", path, code)
        }
    }

    private static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
        return String(path[..<slash])
    }

    /// The names in a directory, in byte order, without `.` and `..`.
    static func names(_ path: String) throws(StorageError) -> [String] {
        guard let stream = opendir(path) else { throw SystemCall.error("list", path, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func remove(_ path: String, faults: FileFaults) throws(StorageError) {
        try faults.check("remove", path, .remove(path: path))
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemCall.error("remove", path, errno) }
    }

    static func removeEmptyDirectory(_ path: String) { _ = rmdir(path) }

    static func rename(_ from: String, to: String, faults: FileFaults) throws(StorageError) {
        try faults.check("rename", to, .rename(from: from, to: to))
        guard Glibc.rename(from, to) == 0 else { throw SystemCall.error("rename", to, errno) }
    }

    /// Makes names that were added, changed or removed durable.
    static func sync(_ path: String, faults: FileFaults) throws(StorageError) {
        try faults.check("sync directory", path, .syncDirectory(path: path))
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCall.error("open directory", path, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw SystemCall.error("sync directory", path, errno) }
    }

    /// Writes a small file so that after a crash it has the old or the new content, whole.
    static func replace(_ path: String, with bytes: [UInt8], faults: FileFaults) throws(StorageError) {
        let temporary = path + ".tmp"
        try remove(temporary, faults: faults)
        let file = try File(temporary, .create, faults: faults)
        try file.write(bytes, at: 0)
        try file.sync()
        try rename(temporary, to: path, faults: faults)
        if let parent = parent(of: path) { try sync(parent, faults: faults) }
    }

    /// Bytes that this process may still write to the file system of `path`.
    static func freeBytes(_ path: String) throws(StorageError) -> UInt64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw SystemCall.error("statvfs", path, errno) }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}

/// An exclusive lock on a directory, by `flock` on a file in it. The system drops it when the process ends,
/// however it ends, so a stale lock cannot be.
final class DirectoryLock: @unchecked Sendable {
    private let monitor = Monitor()
    private var descriptor: Int32

    init(_ directory: String) throws(StorageError) {
        let path = directory + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw SystemCall.error("open", path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            descriptor = -1
            throw code == EWOULDBLOCK ? .locked(path: directory) : SystemCall.error("lock", path, code)
        }
    }

    deinit { release() }

    /// Lets the directory go; a second call does nothing.
    func release() {
        monitor.withLock {
            guard descriptor >= 0 else { return }
            // A child that was just forked still has the descriptor until it calls exec: closing alone would leave the lock.
            flock(descriptor, LOCK_UN)
            close(descriptor)
            descriptor = -1
        }
    }
}
