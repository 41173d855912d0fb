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
        exit(code == 0 ? 1 : code)
    }

    private func spawn(_ words: [String], log: String) throws -> pid_t {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // Nothing else of the caller's: whoever waits for a pipe to be closed must not wait for the mount.
        NodeLauncher.keepDescriptors()
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // POSIX_SPAWN_SETSID (glibc 2.26) and the signal mask.
        posix_spawnattr_setflags(&attributes, Int16(0x80 | POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        var arguments = ([program] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let result = posix_spawn(&pid, program, &actions, &attributes, &arguments, environ)
        guard result == 0 else { throw CommandFailure("mount", point.path, String(cString: strerror(result))) }
        return pid
    }
}
