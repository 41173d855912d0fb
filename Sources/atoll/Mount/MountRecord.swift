import APISchema
import Filesystem
import Foundation
import Primitives

/// What is known of a mount outside of its process: a file in a directory of the machine's running state, by the mount
/// point. It is there from the attempt on; a mount that ended well takes it away, one that was killed leaves it.
struct MountRecord: Codable, Sendable {
    struct Owner: Codable, Sendable {
        var pid: Int32
        var startTime: UInt64
        var boot: String
    }

    var mountPoint: String
    /// `volume/data`
    var source: String
    var filesystem: String
    var region: String
    /// The node's API.
    var address: String
    var session: String
    var owner: Owner
    /// `serving`, `ended`, `failed`
    var state: String
    /// Why it failed, or what could not be published at its end.
    var failure: String?
    /// Where its process writes what it has to say.
    var log: String?

    var process: NodeProcess { NodeProcess(pid: owner.pid, startTime: owner.startTime, boot: owner.boot) }

    static func own() -> Owner {
        let process = NodeProcess.current()
        return Owner(pid: process.pid, startTime: process.startTime, boot: process.boot)
    }

    // MARK: Files

    /// Those of `atoll run` are seen by its command only, and so are their records.
    static var folder: String {
        if let run = ProcessInfo.processInfo.environment[RunNamespace.variable] { return machine + "/run-\(run)" }
        return machine
    }

    private static var machine: String {
        if geteuid() == 0 { return "/run/atoll/mounts" }
        if let own = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] { return own + "/atoll/mounts" }
        return "/tmp/atoll-\(geteuid())/mounts"
    }

    static func base(_ point: MountPoint) -> String {
        folder + "/" + String(SHA256.hash(Array(point.path.utf8)).hex.prefix(32))
    }

    static func makeFolder() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("mount", folder, "the directory for what is mounted can not be made: \(error.localizedDescription)")
        }
        var status = stat()
        guard stat(folder, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw CommandFailure(
                "mount", folder, "it is another user's, or others may write there", hint: "set XDG_RUNTIME_DIR to a directory of yours")
        }
    }

    static func read(_ point: MountPoint) -> MountRecord? {
        guard let bytes = try? LocalFiles.read(base(point) + ".json") else { return nil }
        return try? JSONDecoder().decode(MountRecord.self, from: Data(bytes))
    }

    func write(_ point: MountPoint) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try LocalFiles.write(Array(try encoder.encode(self)), to: Self.base(point) + ".json", secret: true)
    }

    static func remove(_ point: MountPoint) {
        for end in [".json", ".log"] { unlink(base(point) + end) }
    }
}
