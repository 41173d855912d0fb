import CLinux
import Foundation
import Primitives

/// A real mount of a test, under the cluster's folder, taken away with it.
final class LiveMount {
    /// Why this machine can not mount; empty where it can. Asked by mounting something harmless.
    static let obstacle: String = {
        let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard device >= 0 else { return "/dev/fuse: \(String(cString: strerror(errno)))" }
        close(device)
        guard geteuid() == 0 else { return "the tests of mounts run as root" }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-try-\(UInt64.random(in: 0 ... .max))").path
        guard mkdir(folder, 0o700) == 0 else { return "\(folder): \(String(cString: strerror(errno)))" }
        defer { rmdir(folder) }
        guard shell("mount -t tmpfs none '\(folder)'").status == 0 else { return "this process may not mount (CAP_SYS_ADMIN)" }
        _ = shell("umount '\(folder)'")
        return ""
    }()

    let cluster: LocalCluster
    let path: String
    let mounted: CommandResult

    /// `options` go behind the source. Where the home can not be reached, operations fail instead of hanging the test.
    init(_ cluster: LocalCluster, _ source: String, at name: String, _ options: [String] = []) throws {
        self.cluster = cluster
        path = cluster.folder.appendingPathComponent(name).path
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw LocalCluster.Failure(what: "mkdir \(path)") }
        let bound = options.contains("--on-unreachable") ? [] : ["--on-unreachable", "fail", "--timeout", "30"]
        mounted = cluster.run(["mount", source, path] + bound + options)
        guard mounted.status == 0 else { throw LocalCluster.Failure(what: "atoll mount \(source): \(mounted.errors)") }
    }

    func unmount() -> CommandResult { cluster.run(["unmount", path]) }

    /// Whatever became of it.
    func end() { _ = Self.shell("umount -l '\(path)' 2>/dev/null") }

    func at(_ name: String) -> String { path + "/" + name }
    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: at(name))) }
    func text(_ name: String) -> String? { try? String(contentsOfFile: at(name), encoding: .utf8) }

    /// What the mount's process keeps beside it: by the first 32 digits of the SHA-256 of the mount point.
    private var base: String {
        "/run/atoll/mounts/" + SHA256.hash(Array(path.utf8)).hex.prefix(32)
    }
    var record: [String: Any] {
        guard let data = FileManager.default.contents(atPath: base + ".json") else { return [:] }
        return ((try? JSONSerialization.jsonObject(with: data)) as? [String: Any]) ?? [:]
    }
    var log: String { (try? String(contentsOfFile: base + ".log", encoding: .utf8)) ?? "" }

    /// The mount's process.
    var process: pid_t? { LocalCluster.processes(mentioning: path).first }

    /// Runs a line of the shell, within a bound.
    static func shell(_ line: String, in folder: String? = nil) -> CommandResult {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["60", "/bin/sh", "-c", line]
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let base = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-shell-\(UInt64.random(in: 0 ... .max))")
        defer { try? FileManager.default.removeItem(at: base) }
        _ = FileManager.default.createFile(atPath: base.path, contents: nil)
        guard let output = try? FileHandle(forWritingTo: base) else { return CommandResult(status: -1, output: "", errors: "") }
        defer { try? output.close() }
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return CommandResult(status: -1, output: "", errors: "sh does not start") }
        process.waitUntilExit()
        return CommandResult(status: process.terminationStatus, output: (try? String(contentsOf: base, encoding: .utf8)) ?? "", errors: "")
    }

    static func has(_ program: String) -> Bool { shell("command -v \(program)").status == 0 }
}

/// What lstat(2) and the extended attributes tell of a tree, to be compared with that of another.
enum TreePicture {
    static func of(_ root: String) -> [String: String] {
        var picture: [String: String] = [:]
        var numbers: [UInt64: String] = [:]
        let names = (FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []).sorted()
        for name in names {
            let path = root + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else {
                picture[name] = "can not be looked at"
                continue
            }
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            var words = "mode=\(String(status.st_mode, radix: 8)) owner=\(status.st_uid):\(status.st_gid)"
            words += " mtime=\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) device=\(status.st_rdev)"
            if !isDirectory { words += " links=\(status.st_nlink) size=\(status.st_size)" }
            if status.st_mode & S_IFMT == S_IFLNK {
                words += " -> " + ((try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? "?")
            }
            if status.st_mode & S_IFMT == S_IFREG {
                words += " same-as=\(numbers[UInt64(status.st_ino)] ?? "none")"
                numbers[UInt64(status.st_ino)] = name
                var hash: UInt64 = 14_695_981_039_346_656_037
                for byte in (try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data() {
                    hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
                }
                words += " content=\(hash) "
                words += LiveMount.shell("getfattr -d --absolute-names '\(path)' 2>/dev/null | grep ^user").output
            }
            picture[name] = words
        }
        return picture
    }
}
