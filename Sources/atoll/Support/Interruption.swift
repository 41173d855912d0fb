import Foundation
import Synchronization

/// What Ctrl-C (SIGINT) or SIGTERM does to a `put` or `get`: half-written local files are taken away,
/// one line says what is left, and the program ends by that signal, as shells expect.
enum Interruption {
    private struct State {
        var isWatching = false
        var operation = ""
        var left = ""
        var parts: Set<String> = []
    }

    private static let state = Mutex(State())

    /// From here on; `left` says what an interrupted command leaves behind.
    static func watch(_ operation: String, left: String) {
        let isFirst = state.withLock { state in
            defer { state.isWatching = true }
            (state.operation, state.left) = (operation, left)
            return !state.isWatching
        }
        if isFirst { Signals.watch([SIGINT, SIGTERM]) { end($0) } }
    }

    /// A file that is no one's until it is whole.
    static func begin(part: String) { state.withLock { _ = $0.parts.insert(part) } }
    static func end(part: String) { state.withLock { _ = $0.parts.remove(part) } }

    /// Ends the program at once with a line of its own, exit code 1; nothing half-written is left.
    static func end(_ operation: String, _ cause: String) -> Never {
        state.withLock { state in
            for part in state.parts { unlink(part) }
            let left = state.left.isEmpty ? "" : "; \(state.left)"
            Terminal.error((Terminal.errorIsTerminal ? "\r\u{1b}[K" : "") + "atoll: \(operation): \(cause)\(left)")
            Main.end(1)
        }
    }

    private static func end(_ number: Int32) {
        // Held to the end: no new part is begun meanwhile.
        state.withLock { state in
            for part in state.parts { unlink(part) }
            Terminal.error((Terminal.errorIsTerminal ? "\r\u{1b}[K" : "") + "atoll: \(state.operation): interrupted; \(state.left)")
            Signals.end(by: number)
        }
    }
}
