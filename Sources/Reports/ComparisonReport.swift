package import Workloads

/// What a comparison found, as it is written to `report.json` (schema 1, described in
/// `docs/reference/report.md`) and drawn by the other writers of this module. Keys of the JSON are
/// the property names in snake_case; times are in milliseconds, bytes in bytes, money in US dollars.
package struct ComparisonReport: Codable, Sendable, Equatable {
    package static let currentSchema = 1

    package var schema = ComparisonReport.currentSchema
    package var software: Software
    /// When the run began, ISO 8601, UTC.
    package var created: String
    package var durationSeconds: Double
    /// The command line that repeats the run.
    package var command: String
    package var map: MapSummary
    package var durability: Durability
    package var seeds: [Seed]
    package var workloads: [WorkloadSummary]
    package var results: [ResultRow]
    package var traffic: [TrafficRow]
    package var dedup: [DedupRow]
    package var roundTripChecks: [RoundTripCheck]
    package var crossovers: [Crossover]
    package var verdict: Verdict
    /// What a reader must know to judge the figures: how cold and warm were made, what ran at once, what was left out.
    package var notes: [String]
    /// What happened while something was broken; null where that was not tried.
    package var faults: FaultsSection?
    /// What local calls were taken to cost in a simulated world; null where nothing was simulated.
    package var costs: WorkloadCosts?
    /// What the simulator said beside what was measured; null where only one of the two ran.
    package var prediction: Prediction?
    /// What a sweep gave, point by point; null where nothing was swept.
    package var sweep: Sweep?
    /// Where to put a volume; null where nobody asked.
    package var advice: Advice?

    package struct Software: Codable, Sendable, Equatable {
        package var name: String
        package var version: String
        package var system: String
        package var machine: String
        package init(name: String, version: String, system: String, machine: String) {
            self.name = name
            self.version = version
            self.system = system
            self.machine = machine
        }
    }

    package struct MapSummary: Codable, Sendable, Equatable {
        package var name: String
        package var title: String
        package var source: String
        package var date: String
        /// How the links were made: `shaped in process`, `network namespaces`, `none`, `simulated`.
        package var shaping: String
        package var primary: String
        package var regions: [Region]
        package var links: [Link]
        package init(
            name: String, title: String, source: String, date: String, shaping: String, primary: String, regions: [Region], links: [Link]
        ) {
            self.name = name
            self.title = title
            self.source = source
            self.date = date
            self.shaping = shaping
            self.primary = primary
            self.regions = regions
            self.links = links
        }

        package struct Region: Codable, Sendable, Equatable {
            package var id: String
            package var title: String
            package var latitude: Double
            package var longitude: Double
            /// To the primary region, as measured in the run; 0 at home.
            package var rttMs: Double
            package init(id: String, title: String, latitude: Double, longitude: Double, rttMs: Double) {
                self.id = id
                self.title = title
                self.latitude = latitude
                self.longitude = longitude
                self.rttMs = rttMs
            }
        }

        package struct Link: Codable, Sendable, Equatable {
            package var from: String
            package var to: String
            package var rttMs: Double
            package var jitterMs: Double
            package var gbitPerS: Double
            package var flowMbitPerS: Double
            package var usdPerGb: Double
            /// Null where the cluster had no measurement.
            package var measuredRttMs: Double?
            package init(
                from: String, to: String, rttMs: Double, jitterMs: Double, gbitPerS: Double, flowMbitPerS: Double, usdPerGb: Double,
                measuredRttMs: Double?
            ) {
                self.from = from
                self.to = to
                self.rttMs = rttMs
                self.jitterMs = jitterMs
                self.gbitPerS = gbitPerS
                self.flowMbitPerS = flowMbitPerS
                self.usdPerGb = usdPerGb
                self.measuredRttMs = measuredRttMs
            }
        }
    }

    package struct Durability: Codable, Sendable, Equatable {
        package var nfs: String
        package var volume: String
        package init(nfs: String, volume: String) {
            self.nfs = nfs
            self.volume = volume
        }
    }

    package struct Seed: Codable, Sendable, Equatable {
        package var workload: String
        package var seed: UInt64
        package init(workload: String, seed: UInt64) {
            self.workload = workload
            self.seed = seed
        }
    }

    package struct WorkloadSummary: Codable, Sendable, Equatable {
        package var name: String
        package var title: String
        package var imitates: String
        package var repetitions: Int
        package var mix: [MixLine]
        package var inputs: [InputSummary]
        package init(name: String, title: String, imitates: String, repetitions: Int, mix: [MixLine], inputs: [InputSummary]) {
            self.name = name
            self.title = title
            self.imitates = imitates
            self.repetitions = repetitions
            self.mix = mix
            self.inputs = inputs
        }

        package struct MixLine: Codable, Sendable, Equatable {
            package var operation: String
            package var cold: Int
            package var warm: Int
            /// What it means on each kind; null where that kind does not offer it.
            package var nfs: String?
            package var volume: String?
            package init(operation: String, cold: Int, warm: Int, nfs: String?, volume: String?) {
                self.operation = operation
                self.cold = cold
                self.warm = warm
                self.nfs = nfs
                self.volume = volume
            }
        }
    }

    /// What was put before the measurements of one kind.
    package struct InputSummary: Codable, Sendable, Equatable {
        package var kind: String
        package var treeFiles: Int
        package var largeFiles: Int
        package var bytes: UInt64
        package var seconds: Double
        package var origin: String
        package init(kind: String, treeFiles: Int, largeFiles: Int, bytes: UInt64, seconds: Double, origin: String) {
            self.kind = kind
            self.treeFiles = treeFiles
            self.largeFiles = largeFiles
            self.bytes = bytes
            self.seconds = seconds
            self.origin = origin
        }
    }

    package init(
        software: Software, created: String, durationSeconds: Double, command: String, map: MapSummary, durability: Durability,
        seeds: [Seed], workloads: [WorkloadSummary], results: [ResultRow], traffic: [TrafficRow], dedup: [DedupRow], notes: [String],
        faults: FaultsSection? = nil
    ) {
        self.software = software
        self.created = created
        self.durationSeconds = durationSeconds
        self.command = command
        self.map = map
        self.durability = durability
        self.seeds = seeds
        self.workloads = workloads
        self.results = results
        self.traffic = traffic
        self.dedup = dedup
        self.notes = notes
        self.faults = faults
        roundTripChecks = []
        crossovers = []
        verdict = Verdict()
        roundTripChecks = RoundTripCheck.all(self)
        crossovers = Crossover.all(self)
        verdict = Verdict.derived(from: self)
    }
}
