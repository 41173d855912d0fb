import Foundation
import Synchronization

/// The command of `atoll run`, as a child that gets the signals of this process.
final class RunCommand: Sendable {
    /// Told to the command; what the terminal sends to all of its group it has already.
    private static let forwarded: [Int32] = [SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT]
    private static let ofTerminal: [Int32] = [SIGINT, SIGQUIT]
    private let child = Mutex<pid_t>(0)

    /// From here on this process survives them. Before it has threads: they inherit what is blocked.
    static func holdSignals() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in forwarded + ofTerminal { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Runs it to its end; how it ended, as waitpid(2) tells it.
    func run(_ words: [String], environment: [String: String?]) async throws -> Int32 {
        NodeLauncher.keepDescriptors()
        for (name, value) in environment { if let value { setenv(name, value, 1) } else { unsetenv(name) } }
        let pid = try spawn(words)
        child.withLock { $0 = pid }
        let signals = Thread { [self] in forward() }
        signals.stackSize = 512 << 10
        signals.start()
        return await withCheckedContinuation { (done: CheckedContinuation<Int32, Never>) in
            let waiter = Thread {
                var status: Int32 = 0
                while waitpid(pid, &status, 0) < 0, errno == EINTR {}
                self.child.withLock { $0 = 0 }
                done.resume(returning: status)
            }
            waiter.stackSize = 512 << 10
            waiter.start()
        }
    }

    private func spawn(_ words: [String]) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let failure = posix_spawnp(&pid, words[0], nil, &attributes, &arguments, environ)
        guard failure == 0 else { throw CommandFailure("run", words[0], String(cString: strerror(failure))) }
        return pid
    }

    private func forward() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in Self.forwarded + Self.ofTerminal { sigaddset(&set, number) }
        while true {
            var information = siginfo_t()
            let number = sigwaitinfo(&set, &information)
            // The kernel's own (SI_KERNEL) are the terminal's.
            guard number > 0, !(Self.ofTerminal.contains(number) && information.si_code == 0x80) else { continue }
            child.withLock { if $0 > 0 { kill($0, number) } }
        }
    }
}
