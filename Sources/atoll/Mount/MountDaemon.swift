import Foundation

/// The same command in the background: a process of its own session, which says in the record when it serves.
struct MountDaemon {
    private static let bound = Duration.seconds(60)
    let point: MountPoint

    init(_ point: MountPoint) { self.point = point }

    func start(arguments: [String]) async throws {
        let log = MountRecord.base(point) + ".log"
        unlink(log)
        let before = MountRecord.read(point)?.owner.pid
        let pid = try spawn(Array(arguments.dropFirst()) + ["--foreground"], log: log)
        let end = ContinuousClock.now + Self.bound
        while ContinuousClock.now < end {
            if let record = MountRecord.read(point), record.owner.pid == pid, record.owner.pid != before, record.state == "serving" {
                // What it had to say until here is for whoever called.
                if let said = try? LocalFiles.text(log), !said.isEmpty { Terminal.error(said.trimmingCharacters(in: .newlines)) }
                Terminal.line("\(record.source) is mounted at \(point.path)")
                return
            }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid { try failed(status, log) }
            try await Task.sleep(for: .milliseconds(10))
        }
        kill(pid, SIGTERM)
        throw CommandFailure("mount", point.path, "it is not mounted within 60 s", hint: "see \(log)")
    }

    /// The child has told why, in this program's own words.
    private func failed(_ status: Int32, _ log: String) throws -> Never {
        let said = ((try? LocalFiles.text(log)) ?? "").trimmingCharacters(in: .newlines)
        unlink(log)
        Terminal.error(said.isEmpty ? "atoll: mount \(point.path): the mount's process ended" : said)
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 1
        Main.end(code == 0 ? 1 : code)
    }

    private func spawn(_ words: [String], log: String) throws -> pid_t {
        // Nothing else of the caller's: whoever waits for a pipe to be closed must not wait for the mount.
        NodeLauncher.keepDescriptors()
        do throws(SpawnFailure) { return try DetachedProcess.spawn(words, log: log) } catch {
            throw CommandFailure("mount", point.path, error.words)
        }
    }
}
