internal import Glibc

/// Small files that hold identities: written whole or not at all, and refused where a secret can be
/// read by others.
enum PrivateFile {
    /// Nothing here is longer; a longer file is not what it claims to be.
    static let sizeLimit = 1 << 20

    /// Writes beside the target, syncs, renames over it and syncs the directory: a crash leaves the
    /// old file or the new one. `mode` holds from the first byte on.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(TransportError) {
        let temporary = path + ".new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw failure("write", path) }
        var written = 0
        var failed = false
        while written < bytes.count, !failed {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, bytes.count - written) }
            if count > 0 { written += count } else if errno != EINTR { failed = true }
        }
        failed = failed || fchmod(file, mode) != 0 || fsync(file) != 0
        let problem = failed ? failure("write", path) : nil
        close(file)
        if let problem {
            unlink(temporary)
            throw problem
        }
        guard rename(temporary, path) == 0 else { throw failure("rename to", path) }
        let directory = open(parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    /// Reads the whole file. With `secret`, a file that others may read is refused: its content must
    /// be taken as known to them.
    static func read(_ path: String, secret: Bool) throws(TransportError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("read", path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure("read", path) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= sizeLimit else {
            throw TransportError(.file, "read", path, cause: "not a regular file of at most \(sizeLimit) bytes")
        }
        guard !secret || status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw TransportError(
                .file, "read", path, cause: "mode \(mode) lets others read this secret",
                advice: "run chmod 600 on it, and make a new one if it may have been read")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + filled, $0.count - filled) }
            if count > 0 { filled += count } else if count == 0 || errno != EINTR { break }
        }
        guard filled == bytes.count else { throw failure("read", path) }
        return bytes
    }

    static func makeDirectory(_ path: String) throws(TransportError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("create directory", path) }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ operation: String, _ path: String) -> TransportError {
        let number = errno
        return TransportError(
            .file, operation, path, cause: String(cString: strerror(number)), advice: "check that it exists and who may use it")
    }
}
