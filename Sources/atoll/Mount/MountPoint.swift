import CFuse
import Foundation

/// The place of a mount, as the kernel has it.
struct MountPoint: Sendable {
    /// Absolute, without symbolic links on the way.
    let path: String

    /// The type that the kernel shows of mounts of this program.
    static let type = "fuse.atoll"

    /// A place that can not be looked at, for it is stale, keeps its name.
    init(_ text: String) {
        let absolute = LocalFiles.absolute(text)
        let folder = (absolute as NSString).deletingLastPathComponent
        guard let resolved = realpath(absolute, nil) else {
            guard let parent = realpath(folder, nil) else {
                path = absolute
                return
            }
            defer { free(parent) }
            let base = String(cString: parent)
            path = (base == "/" ? "" : base) + "/" + (absolute as NSString).lastPathComponent
            return
        }
        defer { free(resolved) }
        path = String(cString: resolved)
    }

    struct Mounted: Sendable {
        let type: String
        let source: String
        var isOurs: Bool { type == MountPoint.type }
    }

    /// What is mounted there, the last where there are several (proc(5), mountinfo).
    var mounted: Mounted? {
        guard let text = try? LocalFiles.text("/proc/self/mountinfo") else { return nil }
        var found: Mounted?
        for line in text.split(separator: "\n") {
            let halves = line.components(separatedBy: " - ")
            guard halves.count >= 2 else { continue }
            let (fields, rest) = (halves[0].split(separator: " "), halves[1].split(separator: " "))
            guard fields.count > 4, rest.count > 1, Self.unescaped(fields[4]) == path else { continue }
            found = Mounted(type: String(rest[0]), source: Self.unescaped(rest[1]))
        }
        return found
    }

    /// Space, tab, newline and backslash are written in octal.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Nobody serves what is mounted there any more. One that is served is not asked: it may wait for a region that is away.
    var isStale: Bool {
        if let record = MountRecord.read(self), record.process.state != .gone { return false }
        var status = stat()
        guard stat(path, &status) != 0 else { return false }
        return errno == ENOTCONN || errno == ECONNABORTED
    }

    /// Takes the mount away; false with errno set where it can not be.
    func unmount(lazily: Bool) -> Bool {
        // A user may in a namespace of its own.
        if atoll_fuse_unmount(path, lazily ? 1 : 0) == 0 { return true }
        guard geteuid() != 0, errno == EPERM else { return false }
        guard let status = Self.run(["fusermount3", lazily ? "-uz" : "-u", path]) else { return false }
        if status != 0 { errno = EBUSY }
        return status == 0
    }

    /// Runs a program of the path, without a word from it; nil with errno set where it does not start.
    static func run(_ words: [String]) -> Int32? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
        }
        var pid: pid_t = 0
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let failure = posix_spawnp(&pid, words[0], &actions, nil, &arguments, environ)
        guard failure == 0 else {
            errno = failure
            return nil
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// Fails unless a file system can be mounted there; a mount that its process has left is taken away, with a word.
    func prepare() throws {
        if let there = mounted {
            guard there.isOurs, isStale else {
                throw CommandFailure(
                    "mount", path, "something is mounted there: \(there.source) (\(there.type))",
                    hint: there.isOurs ? "`atoll unmount \(path)` takes it away" : "choose another place")
            }
            guard unmount(lazily: true) else { throw CommandFailure("mount", path, "a stale mount can not be taken away: \(Self.words)") }
            Terminal.error("took away a stale mount of \(there.source) at \(path): its process had ended")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw CommandFailure("mount", path, Self.words, hint: errno == ENOENT ? "make it: mkdir -p \(path)" : "choose another place")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure("mount", path, "it is no directory", hint: "choose an empty directory")
        }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw CommandFailure("mount", path, "it can not be read", hint: "choose a directory of your own")
        }
        guard names.isEmpty else {
            throw CommandFailure(
                "mount", path, "it is not empty: \(names.count) \(names.count == 1 ? "entry" : "entries")",
                hint: "choose an empty directory; what is there would be hidden")
        }
        guard ["/", "/root", "/tmp"].contains(path) == false else {
            throw CommandFailure("mount", path, "that is no place for a mount", hint: "choose a directory of its own")
        }
    }

    /// Fails where this machine or this user can not mount at all.
    static func requireFUSE() throws {
        let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard device < 0 else {
            close(device)
            guard geteuid() == 0 || isInstalled("fusermount3") else {
                throw CommandFailure(
                    "mount", "", "this user may not mount by itself, and there is no fusermount3",
                    hint: "install the package fuse3, or run it as root (sudo)")
            }
            return
        }
        switch errno {
        case ENOENT, ENODEV, ENXIO:
            throw CommandFailure(
                "mount", "/dev/fuse", "there is no FUSE on this machine",
                hint: "modprobe fuse; in a container, give it the device /dev/fuse")
        default:
            throw CommandFailure("mount", "/dev/fuse", words, hint: "in a container, give it the device and CAP_SYS_ADMIN")
        }
    }

    private static func isInstalled(_ program: String) -> Bool {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return folders.contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    static var words: String { String(cString: strerror(errno)) }
}
