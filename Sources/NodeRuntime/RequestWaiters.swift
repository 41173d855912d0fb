import Filesystem
import NIOCore
import NodeCore
import Primitives
import Replication
import Synchronization

/// The front ends' calls that await the core's reply. Each is resumed once.
final class RequestWaiters: Sendable {
    private struct State {
        var waiting: [RequestID: CheckedContinuation<Reply, Never>] = [:]
        var next: UInt64 = 1
    }
    private let state = Mutex(State())

    /// Posts what `make` builds for a new request id, and waits for its reply. A cancelled task is
    /// told to the core, which answers then.
    func ask(_ post: @escaping @Sendable (Event) -> Void, _ make: (RequestID) -> Event) async -> Reply {
        let id = state.withLock { state in
            defer { state.next += 1 }
            return RequestID(state.next)
        }
        let event = make(id)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiting[id] = continuation }
                post(event)
            }
        } onCancel: {
            post(.abandoned(id))
        }
    }

    func resume(_ id: RequestID, _ reply: Reply) -> Bool {
        guard let continuation = state.withLock({ $0.waiting.removeValue(forKey: id) }) else { return false }
        continuation.resume(returning: reply)
        return true
    }

    /// The node stops: whoever still waits is told so.
    func failAll(_ failure: FileFailure) {
        let all = state.withLock { state in
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in all { continuation.resume(returning: .failed(failure)) }
    }
}
