import Glibc

/// The file system of this machine, by its system calls.
package struct POSIXFileSystem: FileSystem {
    package var databaseSystem: String? { nil }

    package func open(_ path: String, _ mode: FileMode) throws(StorageError) -> any OpenFile { try POSIXFile(path, mode) }

    package func makeDirectory(_ path: String) throws(StorageError) {
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw SystemCall.error("make directory", path, errno) }
    }

    package func names(_ path: String) throws(StorageError) -> [String] {
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

    package func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package func remove(_ path: String) throws(StorageError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemCall.error("remove", path, errno) }
    }

    package func removeEmptyDirectory(_ path: String) { _ = rmdir(path) }

    package func rename(_ from: String, to: String) throws(StorageError) {
        guard Glibc.rename(from, to) == 0 else { throw SystemCall.error("rename", to, errno) }
    }

    package func syncDirectory(_ path: String) throws(StorageError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCall.error("open directory", path, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw SystemCall.error("sync directory", path, errno) }
    }

    package func freeBytes(_ path: String) throws(StorageError) -> UInt64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw SystemCall.error("statvfs", path, errno) }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    package func lock(_ directory: String) throws(StorageError) -> any DirectoryHold { try DirectoryLock(directory) }
}

/// A file by its descriptor.
private final class POSIXFile: OpenFile {
    private let path: String
    private let descriptor: Int32

    init(_ path: String, _ mode: FileMode) throws(StorageError) {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY | O_CLOEXEC
            case .readWrite: O_RDWR | O_CLOEXEC
            case .create: O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
            }
        descriptor = Glibc.open(path, flags, 0o640)
        guard descriptor >= 0 else { throw SystemCall.error("open", path, errno) }
        self.path = path
    }

    deinit { Glibc.close(descriptor) }

    func size() throws(StorageError) -> UInt64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemCall.error("stat", path, errno) }
        return UInt64(status.st_size)
    }

    func read(at offset: UInt64, into out: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        var done = 0
        while done < out.count {
            let count = pread(descriptor, out.baseAddress! + done, out.count - done, off_t(offset) + off_t(done))
            if count == 0 { break }
            if count < 0 {
                guard errno == EINTR else { throw SystemCall.error("read", path, errno) }
                continue
            }
            done += count
        }
        return done
    }

    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) {
        var position = off_t(offset)
        for part in parts {
            var done = 0
            while done < part.count {
                let count = pwrite(descriptor, part.baseAddress! + done, part.count - done, position + off_t(done))
                if count < 0 {
                    guard errno == EINTR else { throw SystemCall.error("write", path, errno) }
                    continue
                }
                done += count
            }
            position += off_t(part.count)
        }
    }

    func sync() throws(StorageError) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw SystemCall.error("fdatasync", path, errno) }
        }
    }

    /// (Linux does that for pages which it is told are not needed; those still dirty stay in memory.)
    func startWriteback(at offset: UInt64, count: Int) {
        _ = posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
    }

    func truncate(to length: UInt64) throws(StorageError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw SystemCall.error("truncate", path, errno) }
    }
}

/// An exclusive lock on a directory, by `flock` on a file in it. The system drops it when the process ends,
/// however it ends, so a stale lock cannot be.
private final class DirectoryLock: DirectoryHold, @unchecked Sendable {
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
