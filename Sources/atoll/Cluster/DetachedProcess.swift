import Foundation

/// This program with other arguments, in a session of its own, with nothing of the caller's but the files named.
enum DetachedProcess {
    /// `input` is opened without blocking: a pipe that nobody holds any more reads as ended. Output and errors go behind
    /// what `log` has. Throws with the words of errno.
    static func spawn(_ words: [String], input: String = "/dev/null", log: String) throws(SpawnFailure) -> pid_t {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY | O_NONBLOCK, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
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
        guard result == 0 else { throw SpawnFailure(words: String(cString: strerror(result))) }
        return pid
    }
}

struct SpawnFailure: Error {
    let words: String
}
