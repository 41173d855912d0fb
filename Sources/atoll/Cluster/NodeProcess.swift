import APISchema
import Foundation

/// A node's process, told apart from any later process of the same number by its start time.
struct NodeProcess: Sendable, Hashable {
    var pid: pid_t
    /// Clock ticks after boot (field 22 of `/proc/PID/stat`), and the boot.
    var startTime: UInt64
    var boot: String

    enum State: Sendable { case running, paused, gone }

    static func current() -> NodeProcess {
        NodeProcess(pid: getpid(), startTime: stat(of: getpid())?.startTime ?? 0, boot: bootID)
    }

    static let bootID: String = {
        let text = (try? LocalFiles.text("/proc/sys/kernel/random/boot_id")) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }()

    private static func stat(of pid: pid_t) -> (state: Character, startTime: UInt64)? {
        guard let text = try? LocalFiles.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        // The name in parentheses may hold spaces: fields count from behind it, the state being the third.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let start = UInt64(fields[19]) else { return nil }
        return (state, start)
    }

    var state: State {
        guard boot == Self.bootID, let now = Self.stat(of: pid), now.startTime == startTime else { return .gone }
        switch now.state {
        case "Z", "X": return .gone
        case "T", "t": return .paused
        default: return .running
        }
    }

    /// Sends a signal, if it still is this process.
    @discardableResult func signal(_ number: Int32) -> Bool { state != .gone && kill(pid, number) == 0 }

    /// Waits until it is gone; false where it is not within the bound.
    func waitUntilGone(_ bound: Duration) async -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + bound
        while state != .gone {
            guard clock.now < end else { return false }
            // A child of this process stays a zombie until it is waited for.
            var status: Int32 = 0
            waitpid(pid, &status, WNOHANG)
            try? await Task.sleep(for: .milliseconds(20))
        }
        return true
    }
}

/// `node.json`: what a node tells when it is ready. It counts in the directory only where it was written, which may
/// have been moved meanwhile: a copy of a directory has no processes.
struct ReadyFile: Sendable {
    var process: NodeProcess
    var id: UInt64
    var endpoints: [Endpoint]

    /// Device and number of the directory of a file.
    private static func place(_ path: String) -> String {
        var status = stat()
        let folder = (LocalFiles.absolute(path) as NSString).deletingLastPathComponent
        guard stat(folder, &status) == 0 else { return "" }
        return "\(status.st_dev):\(status.st_ino)"
    }

    func endpoint(_ name: String) -> String? { endpoints.first { $0.name == name }?.address }

    func write(to path: String) throws {
        let text = JSONWriter.text { writer in
            writer.object {
                $0.field("id", id)
                $0.field("pid", Int(process.pid))
                $0.field("start_time", process.startTime)
                $0.field("boot", process.boot)
                $0.field("place", Self.place(path))
                $0.field("endpoints", endpoints: endpoints)
            }
        }
        try LocalFiles.write(text + "\n", to: path)
    }

    /// Nil where there is none, or it can not be read: the node is not ready.
    static func read(_ path: String) -> ReadyFile? {
        guard let bytes = try? LocalFiles.read(path), let json = try? JSONParser.parse(bytes), let pid = json["pid"]?.int64,
            let start = json["start_time"]?.uint64, let boot = json["boot"]?.text, let id = json["id"]?.uint64,
            let endpoints = try? json.endpoints("endpoints"), json["place"]?.text == place(path)
        else { return nil }
        return ReadyFile(
            process: NodeProcess(pid: pid_t(truncatingIfNeeded: pid), startTime: start, boot: boot), id: id, endpoints: endpoints)
    }
}
