import Foundation
import Synchronization

/// The command of `atoll run`, as a child that gets the signals of this process, one in a process.
enum RunCommand {
    /// Told to the command; what the terminal sends to all of its group it has already.
    private static let forwarded: [Int32] = [SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT]
    private static let ofTerminal: [Int32] = [SIGINT, SIGQUIT]
    private static let child = Atomic<Int32>(0)
    /// A bit for each signal that the command was not told yet.
    private static let pending = Atomic<UInt64>(0)

    /// Runs it to its end; how it ended, as waitpid(2) tells it. From here on this process survives the signals.
    static func run(_ words: [String], environment: [String: String?]) async throws -> Int32 {
        NodeLauncher.keepDescriptors()
        for (name, value) in environment { if let value { setenv(name, value, 1) } else { unsetenv(name) } }
        // In use once, so that the handler has nothing to make.
        deliver()
        for number in forwarded + ofTerminal { catchSignal(number) }
        let pid = try spawn(words)
        child.store(pid, ordering: .sequentiallyConsistent)
        deliver()
        return await withCheckedContinuation { (done: CheckedContinuation<Int32, Never>) in
            let waiter = Thread {
                var ended = siginfo_t()
                // Its number is its own until waitpid(2): then no signal is on its way to it any more.
                while waitid(P_PID, id_t(pid), &ended, WEXITED | WNOWAIT) < 0, errno == EINTR {}
                child.store(0, ordering: .sequentiallyConsistent)
                var status: Int32 = 0
                while waitpid(pid, &status, 0) < 0, errno == EINTR {}
                done.resume(returning: status)
            }
            waiter.stackSize = 512 << 10
            waiter.start()
        }
    }

    /// By a handler, and not by sigwaitinfo(2) with the signals blocked: Dispatch lets the first thread of a program wait with
    /// none blocked (`dispatch_main`), which they would end.
    private static func catchSignal(_ number: Int32) {
        var action = sigaction()
        action.__sigaction_handler = .init(sa_sigaction: { number, information, _ in
            // The kernel's own (SI_KERNEL) are the terminal's.
            if number == SIGINT || number == SIGQUIT, information?.pointee.si_code == 0x80 { return }
            let saved = errno
            RunCommand.pending.bitwiseOr(1 << UInt64(number), ordering: .sequentiallyConsistent)
            RunCommand.deliver()
            errno = saved
        })
        action.sa_flags = Int32(SA_RESTART) | Int32(SA_SIGINFO)
        sigaction(number, &action, nil)
    }

    /// What came before there was a command it is told when there is one. Nothing but what is safe in a handler.
    private static func deliver() {
        let pid = child.load(ordering: .sequentiallyConsistent)
        guard pid > 0 else { return }
        let bits = pending.exchange(0, ordering: .sequentiallyConsistent)
        var number: Int32 = 1
        while number < 64 {
            if bits & (1 << UInt64(number)) != 0 { kill(pid, number) }
            number += 1
        }
    }

    private static func spawn(_ words: [String]) throws -> pid_t {
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
}
