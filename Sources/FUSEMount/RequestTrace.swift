package import Filesystem
import Synchronization

/// What one request of the kernel has led to: operations of the seam, what they cost, and what they had to wait for. Bound to
/// the task that carries the request out, so that whoever is behind the seam can add to it.
package final class RequestTrace: Sendable {
    @TaskLocal package static var current: RequestTrace?

    /// An operation that was answered.
    package struct Step: Sendable {
        package let name: String
        package let cost: OperationCost
        /// Who answered.
        package let node: String
        /// Since the request began.
        package let endedAfter: Duration
    }

    /// Steps and refusals that are kept of one request; a wait of hours has more.
    private static let limit = 16

    private struct State {
        var steps: [Step] = []
        var cost = OperationCost()
        var operations = 0
        var refusals: [String] = []
        var repeats = 0
    }

    package let began = ContinuousClock.now
    private let state = Mutex(State())

    package init() {}

    package func add(_ operation: FileOperation, _ cost: OperationCost, by node: String) {
        let after = ContinuousClock.now - began
        state.withLock { state in
            state.operations += 1
            state.cost = state.cost + cost
            guard state.steps.count < Self.limit else { return }
            state.steps.append(Step(name: operation.name, cost: cost, node: node, endedAfter: after))
        }
    }

    /// It could not be done for now, and is tried again.
    package func repeats(because failure: FileFailure) {
        state.withLock { state in
            state.repeats += 1
            guard state.refusals.count < Self.limit, state.refusals.last != failure.cause else { return }
            state.refusals.append(failure.cause)
        }
    }

    package var steps: [Step] { state.withLock { $0.steps } }
    package var refusals: [String] { state.withLock { $0.refusals } }
    package var repeats: Int { state.withLock { $0.repeats } }
    package var cost: OperationCost { state.withLock { $0.cost } }
    /// Operations that were answered.
    package var operations: Int { state.withLock { $0.operations } }
}
