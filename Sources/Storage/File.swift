import Glibc

/// An open file: positioned reads and writes, from any thread. Closed with its last reference, so a
/// reader may go on in a file that has been removed meanwhile.
final class File: Sendable {
    enum Mode { case read, readWrite, create }

    let path: String
    private let descriptor: Int32
    private let faults: FileFaults

    init(_ path: String, _ mode: Mode, faults: FileFaults) throws(StorageError) {
        try faults.check("open", path, .open(path: path))
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY | O_CLOEXEC
            case .readWrite: O_RDWR | O_CLOEXEC
            case .create: O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
            }
        descriptor = Glibc.open(path, flags, 0o640)
        guard descriptor >= 0 else { throw SystemCall.error("open", path, errno) }
        self.path = path
        self.faults = faults
    }

    deinit { Glibc.close(descriptor) }

    func size() throws(StorageError) -> UInt64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemCall.error("stat", path, errno) }
        return UInt64(status.st_size)
    }

    /// Reads until `out` is full or the file ends; the count of bytes read.
    func read(at offset: UInt64, into out: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        try faults.check("read", path, .read(path: path, offset: offset, count: out.count))
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

    /// Writes all the parts one after the other from `offset` on. After an error any number of bytes
    /// may have been written.
    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) {
        var limit = Int.max
        var failure: Int32 = 0
        if faults.areActive {
            let total = parts.reduce(0) { $0 + $1.count }
            switch faults.verdict(.write(path: path, offset: offset, count: total)) {
            case .proceed: break
            case .fail(let errno): throw SystemCall.error("write", path, errno)
            case .tear(let after, let errno):
                limit = after
                failure = errno
            }
        }
        var position = off_t(offset)
        for part in parts {
            let end = min(part.count, limit)
            limit -= limit == .max ? 0 : end
            var done = 0
            while done < end {
                let count = pwrite(descriptor, part.baseAddress! + done, end - done, position + off_t(done))
                if count < 0 {
                    guard errno == EINTR else { throw SystemCall.error("write", path, errno) }
                    continue
                }
                done += count
            }
            position += off_t(part.count)
            if done < part.count { break }
        }
        if failure != 0 { throw SystemCall.error("write", path, failure) }
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        try bytes.withBytes { buffer throws(StorageError) in try write([buffer], at: offset) }
    }

    /// Makes everything written so far durable, with the size that is needed to read it.
    func sync() throws(StorageError) {
        try faults.check("fdatasync", path, .sync(path: path))
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw SystemCall.error("fdatasync", path, errno) }
        }
    }

    /// Starts writing the dirty pages of a range to the disk, without waiting, so that a later sync finds little
    /// to do. (Linux does that for pages which it is told are not needed; those still dirty stay in memory.)
    func startWriteback(at offset: UInt64, count: Int) {
        _ = posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
    }

    func truncate(to length: UInt64) throws(StorageError) {
        try faults.check("truncate", path, .truncate(path: path, length: length))
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw SystemCall.error("truncate", path, errno) }
    }
}
