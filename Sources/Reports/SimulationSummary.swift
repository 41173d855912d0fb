/// What `simulation.html` shows: one run in full, and a line for each seed. Times of a run are in seconds.
package struct SimulationSummary: Sendable {
    package struct Slice: Sendable {
        package var done: Int
        package var failed: Int
        /// Nil where nothing was done.
        package var medianMs: Double?
        package init(done: Int, failed: Int, medianMs: Double?) {
            self.done = done
            self.failed = failed
            self.medianMs = medianMs
        }
    }

    /// One kind of work (`nfs`, `volume`, `commit`) from one region.
    package struct Series: Sendable {
        package var kind: String
        package var region: String
        package var slices: [Slice]
        package var longestGap: Double
        package var gapBegan: Double
        package init(kind: String, region: String, slices: [Slice], longestGap: Double, gapBegan: Double) {
            self.kind = kind
            self.region = region
            self.slices = slices
            self.longestGap = longestGap
            self.gapBegan = gapBegan
        }
    }

    package struct Mark: Sendable {
        package var at: Double
        package var text: String
        package init(at: Double, text: String) {
            self.at = at
            self.text = text
        }
    }

    package struct Link: Sendable {
        package var from: String
        package var to: String
        package var bytes: UInt64
        package var usdPerGb: Double
        package var dollars: Double { Double(bytes) / 1e9 * usdPerGb }
        package init(from: String, to: String, bytes: UInt64, usdPerGb: Double) {
            self.from = from
            self.to = to
            self.bytes = bytes
            self.usdPerGb = usdPerGb
        }
    }

    package struct Seed: Sendable {
        package var seed: UInt64
        package var traceHash: String
        package var simulated: Double
        package var operations: UInt64
        package var commits: UInt64
        package var faults: UInt64
        package var recovery: Double?
        package var violations: Int
        package init(
            seed: UInt64, traceHash: String, simulated: Double, operations: UInt64, commits: UInt64, faults: UInt64, recovery: Double?,
            violations: Int
        ) {
            self.seed = seed
            self.traceHash = traceHash
            self.simulated = simulated
            self.operations = operations
            self.commits = commits
            self.faults = faults
            self.recovery = recovery
            self.violations = violations
        }
    }

    package var title: String
    package var scenario: String
    package var version: String
    package var command: String
    package var seed: UInt64
    package var traceHash: String
    package var simulated: Double
    package var events: UInt64
    package var failedOperations: UInt64
    package var map: ComparisonReport.MapSummary
    package var sliceSeconds: Double
    package var series: [Series]
    package var phases: [Mark]
    package var faults: [Mark]
    package var links: [Link]
    /// Of each checker: what it looks at, and what it found wrong.
    package var checks: [(name: String, findings: [String])]
    package var seeds: [Seed]
    /// A comparison on the scenario's map, without its faults; or why there is none.
    package var planning: ComparisonReport?
    package var planningLeftOut = ""

    package init(
        title: String, scenario: String, version: String, command: String, seed: UInt64, traceHash: String, simulated: Double,
        events: UInt64, failedOperations: UInt64, map: ComparisonReport.MapSummary, sliceSeconds: Double, series: [Series],
        phases: [Mark], faults: [Mark], links: [Link], checks: [(name: String, findings: [String])], seeds: [Seed]
    ) {
        self.title = title
        self.scenario = scenario
        self.version = version
        self.command = command
        self.seed = seed
        self.traceHash = traceHash
        self.simulated = simulated
        self.events = events
        self.failedOperations = failedOperations
        self.map = map
        self.sliceSeconds = sliceSeconds
        self.series = series
        self.phases = phases
        self.faults = faults
        self.links = links
        self.checks = checks
        self.seeds = seeds
    }
}
