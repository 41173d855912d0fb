import ArgumentParser
import Foundation
import Synchronization

/// Waits for SIGTERM, SIGINT, SIGHUP, or the end of the standard input. From its making on, those
/// signals no longer end the process by themselves; a second one of a kind does. It may be waited for
/// several times.
final class StopRequest: Sendable {
    private struct State {
        var cause: String?
        var waiters: [Int: CheckedContinuation<String, Never>] = [:]
        var next = 0
        var cancelled: Set<Int> = []
    }

    /// Shared with the listeners, which must not keep the request itself.
    private final class Shared: Sendable {
        let state = Mutex(State())

        func tell(_ cause: String) {
            let waiters = state.withLock { state in
                if state.cause == nil { state.cause = cause }
                defer { state.waiters = [:] }
                return Array(state.waiters.values)
            }
            for waiter in waiters { waiter.resume(returning: cause) }
        }
    }

    private let shared = Shared()

    init(endsWithInput: Bool = false) {
        let shared = shared
        let names: [Int32: String] = [SIGTERM: "SIGTERM", SIGINT: "SIGINT", SIGHUP: "SIGHUP"]
        Signals.watch([SIGTERM, SIGINT, SIGHUP]) { shared.tell(names[$0] ?? "signal \($0)") }
        guard endsWithInput else { return }
        // A thread of its own: reading blocks until the other side is gone.
        let thread = Thread {
            var byte: UInt8 = 0
            while true {
                var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                if poll(&input, 1, -1) < 0, errno != EINTR { break }
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) { break }
            }
            shared.tell("the process that started it is gone")
        }
        thread.stackSize = 256 << 10
        thread.start()
    }

    /// What a command ends with that was stopped by a signal and told what it knew: 130 after Ctrl-C, as shells have it.
    static func exitCode(_ cause: String) -> ExitCode {
        let numbers: [String: Int32] = ["SIGINT": SIGINT, "SIGTERM": SIGTERM, "SIGHUP": SIGHUP]
        return ExitCode(128 + (numbers[cause] ?? SIGINT))
    }

    /// The cause; `cancelled` where the task was cancelled first.
    func wait() async -> String {
        let id = shared.state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: String? = shared.state.withLock { state in
                    if let cause = state.cause { return cause }
                    if state.cancelled.remove(id) != nil { return "cancelled" }
                    state.waiters[id] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = shared.state.withLock { state in
                guard let waiter = state.waiters.removeValue(forKey: id) else {
                    state.cancelled.insert(id)
                    return CheckedContinuation<String, Never>?.none
                }
                return waiter
            }
            waiter?.resume(returning: "cancelled")
        }
    }
}
