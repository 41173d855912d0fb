import Synchronization

/// The requests of a mount that are under way. The kernel tells once when a process that waits got a signal, which need
/// not end it: most requests are answered before anyone would notice. What still runs after a moment is given up and
/// answered EINTR, so that a program can always be ended.
final class RequestTasks: Sendable {
    /// Under way at once; more are refused. What gives something back never is: the kernel asks for it once, and has as many
    /// of that under way as it has threads that close or unlock, and a bounded number behind their backs.
    static let limit = 4_096
    /// How long a request goes on after a signal. Locks that are waited for end at once.
    static let grace = Duration.seconds(2)

    private struct State {
        var tasks: [UInt64: (task: Task<Void, Never>, grace: Duration)] = [:]
        /// Told before their task was known here, or over before it was.
        var interrupted: Set<UInt64> = []
        var ended: Set<UInt64> = []
        var next: UInt64 = 1
        var count = 0
    }
    private let state = Mutex(State())

    /// A number for a new request; nil where too many are under way.
    func begin(isRelease: Bool) -> UInt64? {
        state.withLock { state in
            guard isRelease || state.count < Self.limit else { return nil }
            state.count += 1
            defer { state.next += 1 }
            return state.next
        }
    }

    func run(_ id: UInt64, _ task: Task<Void, Never>, isLock: Bool) {
        let isInterrupted = state.withLock { state in
            if state.ended.remove(id) != nil { return false }
            state.tasks[id] = (task, isLock ? .zero : Self.grace)
            return state.interrupted.remove(id) != nil
        }
        if isInterrupted { interrupt(id) }
    }

    func end(_ id: UInt64) {
        state.withLock { state in
            state.count -= 1
            state.interrupted.remove(id)
            if state.tasks.removeValue(forKey: id) == nil { state.ended.insert(id) }
        }
    }

    func interrupt(_ id: UInt64) {
        let found = state.withLock { state -> (task: Task<Void, Never>, grace: Duration)? in
            if let found = state.tasks[id] { return found }
            state.interrupted.insert(id)
            return nil
        }
        guard let found else { return }
        guard found.grace > .zero else { return found.task.cancel() }
        Task {
            try? await Task.sleep(for: found.grace)
            found.task.cancel()
        }
    }

    var count: Int { state.withLock { $0.count } }
}
