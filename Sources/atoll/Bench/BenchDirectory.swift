import Foundation

/// A new directory for what a measurement writes, taken away afterwards.
struct BenchDirectory: Sendable {
    let path: String
    /// `ext4 on /dev/sda1`
    let disk: String
    private let isInMemory: Bool

    /// `place` is an existing directory: the option, else `TMPDIR`, else `/var/tmp`, which lies on a
    /// disk where `/tmp` may lie in memory.
    private init(place: String?, operation: String) throws {
        let place = LocalFiles.absolute(place ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/var/tmp")
        var template = Array("\(place)/atoll-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure(operation, place, String(cString: strerror(errno)), hint: "name a writable directory by --scratch")
        }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let mount = Self.mount(of: path)
        disk = "\(mount.type) on \(mount.device)"
        isInMemory = mount.type == "tmpfs" || mount.type == "ramfs"
    }

    /// Makes one, runs `body` in it, and takes it away whatever happened.
    static func run<Result: Sendable>(
        _ operation: String, in place: String?, needs bytes: UInt64, _ body: (BenchDirectory) async throws -> Result
    ) async throws -> Result {
        let directory = try BenchDirectory(place: place, operation: operation)
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        var status = statvfs()
        if statvfs(directory.path, &status) == 0, UInt64(status.f_bavail) * UInt64(status.f_frsize) < bytes {
            throw CommandFailure(
                operation, directory.path, "it needs \(Show.bytes(bytes)) of free space",
                hint: "free some, or name a directory of another disk by --scratch")
        }
        return try await body(directory)
    }

    /// What figures of this place do not tell.
    var note: String? {
        isInMemory ? "\(disk) lies in memory, where fdatasync costs nothing; name a directory on a disk by --scratch." : nil
    }

    private static func mount(of path: String) -> (type: String, device: String) {
        var best = (point: "", type: "unknown file system", device: "unknown device")
        for line in ((try? LocalFiles.text("/proc/self/mounts")) ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 2, fields[1] == "/" || path == fields[1] || path.hasPrefix(fields[1] + "/"),
                fields[1].count >= best.point.count
            else { continue }
            best = (fields[1], fields[2], fields[0])
        }
        return (best.type, best.device)
    }
}
