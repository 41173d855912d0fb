import Foundation
import Synchronization

/// What Ctrl-C (SIGINT) or SIGTERM does to a `put` or `get`: half-written local files are taken away,
/// one line says what is left, and the program ends by that signal, as shells expect.
enum Interruption {
    private struct State {
        var sources: [any DispatchSourceSignal] = []
        var operation = ""
        var left = ""
        var parts: Set<String> = []
    }

    // Dispatch sources are made once and live as long as the program.
    private final class Box: @unchecked Sendable { let state = Mutex(State()) }
    private static let box = Box()

    /// From here on; `left` says what an interrupted command leaves behind.
    static func watch(_ operation: String, left: String) {
        box.state.withLock { state in
            (state.operation, state.left) = (operation, left)
            guard state.sources.isEmpty else { return }
            state.sources = [SIGINT, SIGTERM].map { number in
                // Until the source is armed a signal ends the program by itself, which leaves nothing either.
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler { end(number) }
                source.resume()
                return source
            }
        }
    }

    /// A file that is no one's until it is whole.
    static func begin(part: String) { box.state.withLock { _ = $0.parts.insert(part) } }
    static func end(part: String) { box.state.withLock { _ = $0.parts.remove(part) } }

    /// Ends the program at once with a line of its own, exit code 1; nothing half-written is left.
    static func end(_ operation: String, _ cause: String) -> Never {
        box.state.withLock { state in
            for part in state.parts { unlink(part) }
            let left = state.left.isEmpty ? "" : "; \(state.left)"
            Terminal.error((Terminal.errorIsTerminal ? "\r\u{1b}[K" : "") + "atoll: \(operation): \(cause)\(left)")
            exit(1)
        }
    }

    private static func end(_ number: Int32) {
        // Held to the end: no new part is begun meanwhile.
        box.state.withLock { state in
            for part in state.parts { unlink(part) }
            Terminal.error((Terminal.errorIsTerminal ? "\r\u{1b}[K" : "") + "atoll: \(state.operation): interrupted; \(state.left)")
            // Again, where the source took it once more: it is armed anew while its handler runs.
            while true {
                signal(number, SIG_DFL)
                var only = sigset_t()
                sigemptyset(&only)
                sigaddset(&only, number)
                pthread_sigmask(SIG_UNBLOCK, &only, nil)
                raise(number)
                usleep(1_000)
            }
        }
    }
}
