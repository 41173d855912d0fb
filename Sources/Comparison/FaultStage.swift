package import Primitives
internal import Simulation
package import Workloads

/// One fault: what breaks, where, and when.
package struct FaultPlan: Hashable, Sendable {
    package var kind: FaultKind
    package var region: RegionID
    /// Time before it, in which all is well.
    package var lead: Duration
    /// How long it lasts, until mending begins.
    package var duration: Duration
    package init(kind: FaultKind, region: RegionID, lead: Duration, duration: Duration) {
        self.kind = kind
        self.region = region
        self.lead = lead
        self.duration = duration
    }

    /// What is done to the cluster.
    package var words: String {
        switch kind {
        case .partition: "\(region) is cut off from all other regions"
        case .primaryLost: "all nodes of \(region), the primary region, are killed"
        }
    }
}

/// When a fault held, on the clock of the run.
package struct FaultMarks: Hashable, Sendable {
    package var began: Instant
    package var broken: Instant
    package var mending: Instant
    package var mended: Instant
    package init(began: Instant, broken: Instant, mending: Instant, mended: Instant) {
        self.began = began
        self.broken = broken
        self.mending = mending
        self.mended = mended
    }
}

/// Where clients run while something breaks.
package protocol FaultStage: Sendable {
    /// Carries out cells and the fault under them. Whatever was broken is mended when it returns or throws.
    func run(_ cells: [Cell], under plan: FaultPlan, note: @escaping @Sendable (String) -> Void) async throws -> (
        results: [CellResult], marks: FaultMarks
    )
}

/// Breaks and mends a cluster that runs.
package protocol FaultInjector: Sendable {
    func cutOff(_ region: RegionID) async throws
    /// Ends all nodes of a region at once, without a chance to tidy up.
    func lose(_ region: RegionID) async throws
    /// Takes back whatever it has done; harmless where that is nothing.
    func mend() async throws
}

/// Faults of a running cluster, with clients that make calls.
struct LiveFaultStage: FaultStage {
    let cells: any CellRunner
    let clock: any RunClock
    let injector: any FaultInjector

    func run(_ cells: [Cell], under plan: FaultPlan, note: @escaping @Sendable (String) -> Void) async throws -> (
        results: [CellResult], marks: FaultMarks
    ) {
        let began = clock.now()
        var marks = FaultMarks(began: began, broken: began, mending: began, mended: began)
        async let work = self.cells.run(cells) { _ in }
        var failure: (any Error)?
        do {
            await clock.sleep(plan.lead)
            try Task.checkCancellation()
            note("\(plan.words), for \(plan.duration.inMilliseconds / 1_000) s")
            marks.broken = clock.now()
            try await breakIt(plan)
            await clock.sleep(plan.duration)
        } catch {
            failure = error
        }
        // In a task of its own: an interrupted run mends too.
        marks.mending = clock.now()
        let injector = injector
        let mending = await Task { try await injector.mend() }.result
        marks.mended = clock.now()
        if case .success = mending { note(plan.kind == .partition ? "mended" : "the nodes are started again") }
        let results = await work
        if case .failure(let error) = mending { throw Unmended(cause: "\(error)") }
        // Whoever is interrupted while breaking something fails for that reason.
        try Task.checkCancellation()
        if let failure { throw failure }
        return (results, marks)
    }

    private func breakIt(_ plan: FaultPlan) async throws {
        switch plan.kind {
        case .partition: try await injector.cutOff(plan.region)
        case .primaryLost: try await injector.lose(plan.region)
        }
    }
}

/// A cluster that was left broken: said as loudly as can be.
package struct Unmended: Error, Sendable, CustomStringConvertible {
    package let cause: String
    package var description: String {
        "the fault could not be mended: \(cause); `atoll fault heal` mends links, `atoll up` starts nodes that are missing"
    }
}

/// The simulated cluster breaks at a moment of virtual time; a node that is started again is there at once.
extension SimulatedWorld: FaultStage {
    package func run(_ cells: [Cell], under plan: FaultPlan, note: @escaping @Sendable (String) -> Void) async throws -> (
        results: [CellResult], marks: FaultMarks
    ) {
        let (those, others) = nodes(in: plan.region)
        var breaks: [Fault] = []
        var mends: [Fault] = []
        switch plan.kind {
        case .partition:
            breaks = [.cut(from: those, to: others), .cut(from: others, to: those)]
            mends = [.uncut(from: those, to: others), .uncut(from: others, to: those)]
        case .primaryLost:
            breaks = those.map { .crash($0, isSudden: false) }
            mends = those.map { .restart($0) }
        }
        let end = plan.lead + plan.duration
        note("\(plan.words), for \(plan.duration.inMilliseconds / 1_000) s")
        let began = now()
        let results = carryOut(cells, faults: breaks.map { (plan.lead, $0) } + mends.map { (end, $0) })
        try Task.checkCancellation()
        return (results, FaultMarks(began: began, broken: began + plan.lead, mending: began + end, mended: began + end))
    }
}
