import CDispatch
import Foundation

/// Small files of the command line's own: whole or not at all, secrets with mode 0600.
enum LocalFiles {
    static func write(_ text: String, to path: String, secret: Bool = false) throws {
        try write(Array(text.utf8), to: path, secret: secret)
    }

    /// Beside the target, synced, renamed over it.
    static func write(_ bytes: [UInt8], to path: String, secret: Bool = false) throws {
        let temporary = "\(path).\(getpid()).new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0o600 : 0o644)
        guard file >= 0 else { throw failure("write", path) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress! + done, bytes.count - done) }
            if count > 0 { done += count } else if errno != EINTR { break }
        }
        let isWhole = done == bytes.count && fsync(file) == 0
        let problem = isWhole ? nil : failure("write", path)
        close(file)
        if let problem {
            unlink(temporary)
            throw problem
        }
        guard rename(temporary, path) == 0 else { throw failure("write", path) }
    }

    static func read(_ path: String, limit: Int = 16 << 20) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("read", path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw CommandFailure(CommandLine.verb, path, "it is over \(limit) bytes", hint: "name another file")
            }
        }
    }

    static func text(_ path: String) throws -> String {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw CommandFailure(CommandLine.verb, path, "it is not UTF-8", hint: "name a text file")
        }
        return text
    }

    /// What is in a directory. A name that is not UTF-8 is an error: it could neither be opened nor kept, and
    /// must not be left out in silence.
    static func names(_ folder: String, _ operation: String) throws -> [String] {
        guard let stream = opendir(folder) else { throw failure(operation, folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                throw CommandFailure(
                    operation, "\(folder)/\(Terminal.escaped(bytes))", "its name is not UTF-8",
                    hint: "nothing was stored; rename it first, or store it by the HTTP API")
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws {
        var parts = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            parts += (parts.isEmpty || parts.hasSuffix("/") ? "" : "/") + part
            guard mkdir(parts, mode) == 0 || errno == EEXIST || errno == EISDIR else { throw failure("create", parts) }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure(CommandLine.verb, path, "it is no directory", hint: "name another place")
        }
    }

    /// A path from the root; `base` for relative ones.
    static func absolute(_ path: String, from base: String? = nil) -> String {
        if path.hasPrefix("/") { return path }
        return (base ?? FileManager.default.currentDirectoryPath) + "/" + path
    }

    /// Runs `body` and tells its failure of `object`, such as an option with its value.
    static func naming<Result>(_ operation: String, _ object: String, hint: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch var failure as CommandFailure {
            (failure.operation, failure.object, failure.hint) = (operation, object, hint)
            throw failure
        }
    }

    /// By what `errno` says. What is not a verb but what was done to the file is told as that.
    static func failure(_ operation: String, _ path: String) -> CommandFailure {
        let (problem, words) = (errno, String(cString: strerror(errno)))
        guard let done = participles[operation] else { return CommandFailure(operation, path, words, hint: hint(problem)) }
        return CommandFailure(CommandLine.verb, path, "it can not be \(done): \(words)", hint: hint(problem))
    }

    private static let participles = ["read": "read", "write": "written", "create": "made", "open": "opened"]

    private static func hint(_ problem: Int32) -> String {
        switch problem {
        case EACCES, EPERM: "check who may use it"
        case ENOSPC, EDQUOT: "free some space on that disk, or name another place"
        case ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, EROFS: "name another place"
        case EMFILE, ENFILE: "raise the limit of open files (`ulimit -n`)"
        default: "see `atoll doctor`"
        }
    }
}
