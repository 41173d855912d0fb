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

    /// One kind of check: what it is about, how much of that was looked at, and what came of it.
    package struct Check: Sendable {
        package enum Verdict: Sendable { case held, broken, undecided, stopped, nothing }
        package var name: String
        package var verdict: Verdict
        package var checked: UInt64
        /// What `checked` counts, in the plural.
        package var unit: String
        package var undecided: UInt64
        package var findings: [String]
        package init(name: String, verdict: Verdict, checked: UInt64, unit: String, undecided: UInt64, findings: [String]) {
            self.name = name
            self.verdict = verdict
            self.checked = checked
            self.unit = unit
            self.undecided = undecided
            self.findings = findings
        }
    }

    /// The run that is shown ended before its time.
    package struct Stop: Sendable {
        package var at: Double
        package var phase: String
        package init(at: Double, phase: String) {
            self.at = at
            self.phase = phase
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
        package var undecided: UInt64
        package var isStopped: Bool
        package init(
            seed: UInt64, traceHash: String, simulated: Double, operations: UInt64, commits: UInt64, faults: UInt64, recovery: Double?,
            violations: Int, undecided: UInt64 = 0, isStopped: Bool = false
        ) {
            self.seed = seed
            self.traceHash = traceHash
            self.simulated = simulated
            self.operations = operations
            self.commits = commits
            self.faults = faults
            self.recovery = recovery
            self.violations = violations
            self.undecided = undecided
            self.isStopped = isStopped
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
    package var checks: [Check]
    /// Nil where the run that is shown came to its end.
    package var stop: Stop?
    /// So many seeds were asked for, and Ctrl-C ended it before all of them had run; nil where nobody did.
    package var stoppedOf: Int?
    package var seeds: [Seed]
    /// A comparison on the scenario's map, without its faults; or why there is none.
    package var planning: ComparisonReport?
    package var planningLeftOut = ""
    /// Of membership alone; nil for whole nodes.
    package var membership: Membership?

    package struct Membership: Sendable {
        /// What was timed over all seeds: how often, and the 50th, 90th and 100th percentile in seconds.
        package struct Time: Sendable {
            package var name: String
            package var count: Int
            package var quantiles: [Double]
            package init(name: String, count: Int, quantiles: [Double]) {
                self.name = name
                self.count = count
                self.quantiles = quantiles
            }
        }
        package var members: Int
        package var times: [Time]
        /// Sums over all seeds.
        package var suspicions: Int
        package var falsePositives: Int
        package var falsePositivesAtHealthy: Int
        package var starvedTakenForDead: Int
        /// What a member sends in a second: the mean over members and seeds, and the most of one; nil where not measured.
        package var quiet: (mean: Int, highest: Int)?
        package var loaded: (mean: Int, highest: Int)?
        package init(
            members: Int, times: [Time], suspicions: Int, falsePositives: Int, falsePositivesAtHealthy: Int, starvedTakenForDead: Int,
            quiet: (mean: Int, highest: Int)?, loaded: (mean: Int, highest: Int)?
        ) {
            self.members = members
            self.times = times
            self.suspicions = suspicions
            self.falsePositives = falsePositives
            self.falsePositivesAtHealthy = falsePositivesAtHealthy
            self.starvedTakenForDead = starvedTakenForDead
            self.quiet = quiet
            self.loaded = loaded
        }
    }

    package init(
        title: String, scenario: String, version: String, command: String, seed: UInt64, traceHash: String, simulated: Double,
        events: UInt64, failedOperations: UInt64, map: ComparisonReport.MapSummary, sliceSeconds: Double, series: [Series],
        phases: [Mark], faults: [Mark], links: [Link], checks: [Check], seeds: [Seed]
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
