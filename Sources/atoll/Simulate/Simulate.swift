import ArgumentParser
import Comparison
import Foundation
import Primitives
import Simulation
import Synchronization
import Workloads

/// `atoll simulate`: a cluster under virtual time, with faults, clients and checkers.
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a scenario under virtual time, and check what the cluster promises.",
        discussion: """
            A scenario is a name (those of simulations/scenarios) or a file; `swarm` draws everything from the seed; \
            `storage` runs the log and the chunk store alone, on a disk that fails in every way POSIX allows. \
            A run is a function of scenario and seed: the trace hash is the same in every process and build.
            """)

    @Argument(help: "A scenario by name or file, or `swarm`, or `storage`.")
    var scenario: String
    @Option(help: "The first seed, 0 to 2^63-1.")
    var seed: UInt64 = 1
    @Option(help: "How many seeds, from the first on.")
    var seeds = 1
    @Option(help: "Runs at the same time; by default as many as there are processors.")
    var jobs: Int?
    @Option(help: "The region map of `swarm`; a scenario names its own.")
    var map = "aws"
    @Option(help: "`real`: the storage's own code on every machine's disk; `stand-in`: on none. By default as the scenario says.")
    var storage: String?
    @Option(help: "The folder for simulation.html, simulation.md and simulation.jsonl; none by default.")
    var report: String?
    @Option(help: "Write the event log of the first seed to this file.")
    var trace: String?
    @Option(help: "Of a scenario of gossip only, the protocol: full, without-lifeguard or bare (nor what nodes doubt of themselves).")
    var gossip = GossipProtocol.full
    @Flag(help: "Stop at the first seed that fails.")
    var untilFailure = false
    @Option(help: .hidden)
    var mutant: String?
    @Flag(help: .hidden)
    var mutants = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard seed <= UInt64(Int64.max) else { throw ValidationError("--seed \(seed): give 0 to \(Int64.max)") }
        guard (1...10_000_000).contains(seeds) else { throw ValidationError("--seeds \(seeds): give 1 to 10000000") }
        guard seed &+ UInt64(seeds) <= UInt64(Int64.max) else {
            throw ValidationError("--seed \(seed) --seeds \(seeds): the last seed is too large")
        }
        if let storage, WorldOptions.StorageKind(rawValue: storage) == nil {
            throw ValidationError("--storage \(storage): give real or stand-in")
        }
        if let jobs, !(1...256).contains(jobs) { throw ValidationError("--jobs \(jobs): give 1 to 256") }
    }

    func run() async throws {
        let source: ScenarioSource
        do {
            source = try ScenarioSource(
                scenario, map: map, storage: storage.flatMap { WorldOptions.StorageKind(rawValue: $0) }, gossip: gossip)
        } catch let error as SettingsError {
            throw CommandFailure.usage("simulate", "", error.description)
        } catch let error as UnknownSetting {
            throw CommandFailure.usage("simulate", "", error.description)
        }
        if gossip != .full, !source.isGossip {
            throw CommandFailure.usage("simulate", "--gossip \(gossip.rawValue)", "\(scenario) is no scenario of gossip only")
        }
        if let mutant, !source.knownMutants.contains(mutant) {
            throw CommandFailure.usage("simulate", "--mutant \(mutant)", Suggestion.sentence(for: mutant, among: source.knownMutants))
        }
        if mutants { return try await MutantTable(source: source, first: seed, count: seeds, jobs: jobs).run(self) }
        let runner = SeedRunner(source: source, first: seed, count: seeds, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
        if try await !runner.run(self).failed.isEmpty { throw ExitCode(1) }
    }

    var traceHeader: TraceHeader { TraceHeader(scenario: scenario, map: map, storage: storage, seed: seed, mutant: mutant) }

    /// The command that repeats one seed.
    func repeatLine(_ seed: UInt64) -> String {
        var words = ["atoll", "simulate", scenario, "--seed", "\(seed)"]
        if scenario == "swarm", map != "aws" { words += ["--map", map] }
        if let storage { words += ["--storage", storage] }
        if gossip != .full { words += ["--gossip", gossip.rawValue] }
        if let name = mutant { words += ["--mutant", name] }
        return words.joined(separator: " ")
    }
}

extension GossipProtocol: ExpressibleByArgument {}
