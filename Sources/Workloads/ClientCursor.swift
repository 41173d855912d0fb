package import Filesystem
package import Primitives

/// A client as a machine of steps: asked what to do next, told what came of it. The live driver makes
/// calls and looks at the clock, the simulated world lets virtual time pass; both carry out any client
/// that speaks this.
package protocol ClientCursor: Sendable {
    /// From where, on which kind.
    var task: (WorkloadTask) { get }
    /// Whose work it is, for messages.
    var title: String { get }
    /// How long one call may take before it counts as failed; nil for the driver's own bound. A client
    /// with a bound opens its sessions itself: the driver does not try again behind its back.
    var callLimit: Duration? { get }
    /// Why it ended early, if it did.
    var gaveUp: FileFailure? { get }
    /// Whether it puts the inputs, for others to measure with.
    var isPreparation: Bool { get }
    /// Inputs that it has put so far.
    var put: WorkloadCursor.PutCounts { get }

    mutating func next(now: Instant) -> WorkloadStep
    /// Takes the result of the step that `next` gave, and how long it took.
    mutating func complete(_ result: StepResult, took: Duration, now: Instant)
    /// The samples taken since the last call.
    mutating func takeSamples() -> [Sample]
}

extension ClientCursor {
    package var callLimit: Duration? { nil }
    package var isPreparation: Bool { false }
    package var put: WorkloadCursor.PutCounts { WorkloadCursor.PutCounts() }
}

extension WorkloadCursor: ClientCursor {
    package var isPreparation: Bool { task.part == .prepare }
    package var title: String { workload.name }
}
