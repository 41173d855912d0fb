import Filesystem
package import Primitives
import Workloads

/// A world and what happens in it: read from a file under `simulations/scenarios/`, or drawn from a
/// seed (`Scenario.swarm`).
package struct Scenario: Sendable {
    package struct Filesystem: Hashable, Sendable {
        package var name: String
        package var kind: FilesystemKind
        package var home: RegionID
        package init(name: String, kind: FilesystemKind, home: RegionID) {
            self.name = name
            self.kind = kind
            self.home = home
        }
    }

    package struct TimedFault: Hashable, Sendable {
        /// Since the load began.
        package var at: Duration
        package var fault: Fault
        package init(at: Duration, fault: Fault) {
            self.at = at
            self.fault = fault
        }
    }

    /// Machines that stay as broken as they are when all else is healed: the others must agree and be usable.
    package struct Minority: Hashable, Sendable {
        package enum State: String, Sendable, CaseIterable {
            /// Down, and not started again.
            case crashed = "crash"
            /// Their processes stand still: connections stay, nobody answers.
            case paused = "pause"
            /// Nothing gets from them to the others, nor back.
            case cutOff = "isolate"
        }
        package var machines: [Int]
        package var state: State
        package init(machines: [Int], state: State) {
            self.machines = machines
            self.state = state
        }
    }

    /// What a run must show beside having no violation.
    package struct Expectations: Hashable, Sendable {
        package var operationsMin: UInt64 = 0
        package var commitsMin: UInt64 = 0
        /// Of the commits, those that were made in the region where the group's leader was.
        package var commitsAtLeaderPercent: UInt64 = 0
        /// Of the commits, those that were made in a region with a voter.
        package var commitsAmongVotersPercent: UInt64 = 0
        /// From the end of the faults to the agreement of all, at most.
        package var recoveryMax: Duration = .seconds(120)
        /// Checks that came to no verdict, at most: what was not checked is not taken for right.
        package var undecidedMax: UInt64 = 0
        package init() {}

        /// How many are checked: the last two always.
        var count: Int {
            [operationsMin, commitsMin, commitsAtLeaderPercent, commitsAmongVotersPercent].count { $0 > 0 } + 2
        }
    }

    package var name: String
    package var title: String
    package var options: WorldOptions
    package var filesystems: [Filesystem] = []
    /// Volumes that nobody uses, at the first file system's home.
    package var idleVolumes = 0
    package var clients: [ClientPlan] = []
    /// How long clients work and faults happen.
    package var duration: Duration = .seconds(60)
    package var faults: [TimedFault] = []
    /// What stays broken after the faults; nil: nothing.
    package var minority: Minority?
    package var expectations = Expectations()
    /// Membership alone, for clusters of many machines.
    package var gossipOnly = false
    package var gossipProtocol = GossipProtocol.full

    package init(name: String, title: String, options: WorldOptions) {
        self.name = name
        self.title = title
        self.options = options
    }
}

/// One run of a scenario.
package struct RunResult: Sendable {
    package var scenario: String
    package var seed: UInt64
    package var traceHash: UInt64
    package var simulated: Duration
    package var violations: [Violation]
    package var statistics: WorldStatistics
    /// From the end of the faults until everything agreed; nil where it never did.
    package var recovery: Duration?
    /// Nil where it came to its end.
    package var stop: RunStop?
    package var wasStopped: Bool { stop != nil }
    /// Where it was asked for.
    package var timeline: RunTimeline?
    package var measures: [Measure] = []
    /// Of membership alone.
    package var gossip: GossipFigures?

    package init(
        scenario: String, seed: UInt64, traceHash: UInt64, simulated: Duration, violations: [Violation], statistics: WorldStatistics,
        recovery: Duration? = nil, stop: RunStop? = nil, timeline: RunTimeline? = nil
    ) {
        self.scenario = scenario
        self.seed = seed
        self.traceHash = traceHash
        self.simulated = simulated
        self.violations = violations
        self.statistics = statistics
        self.recovery = recovery
        self.stop = stop
        self.timeline = timeline
    }

    package var traceHashText: String {
        let digits = String(traceHash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// How far a run is.
package struct RunProgress: Sendable {
    package var phase: String
    package var simulated: Duration
    package var events: UInt64
    package var operations: UInt64

    package init(phase: String, simulated: Duration, events: UInt64, operations: UInt64) {
        self.phase = phase
        self.simulated = simulated
        self.events = events
        self.operations = operations
    }
}
