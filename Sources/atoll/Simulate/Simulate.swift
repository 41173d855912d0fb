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
            `storage` runs the log and the chunk store alone, on a disk that fails in every way POSIX allows; `hashes` runs \
            what a file of trace hashes names, and compares. \
            A run is a function of scenario and seed: the trace hash is the same in every process and build.
            """)

    @Argument(help: "A scenario by name or file, or `swarm`, or `storage`, or `hashes`.")
    var scenario: String
    @Option(help: "The first seed, 0 to 2^63-1.")
    var seed: UInt64 = 1
    @Option(help: "How many seeds, from the first on.")
    var seeds = 1
    @Option(help: "Runs at the same time; by default as many as there are processors.")
    var jobs: Int?
    @Option(help: "The region map of `swarm` (default aws); a scenario names its own.")
    var map: String?
    @Option(help: "`real`: the storage's own code on every machine's disk; `stand-in`: on none. By default as the scenario says.")
    var storage: String?
    @Option(help: "The folder for simulation.html, simulation.md and simulation.jsonl; none by default.")
    var report: String?
    @Option(help: "Write the event log of the first seed to this file.")
    var trace: String?
    @Option(
        help: "Of a scenario of gossip only, the protocol: full (default), without-lifeguard or bare (nor what nodes doubt of themselves).")
    var gossip: GossipProtocol?
    @Flag(help: "Stop at the first seed that fails.")
    var untilFailure = false
    @Option(help: "Of `hashes`, the file (default \(HashCheck.usualPath)).")
    var hashes: String?
    @Flag(help: "Of `hashes`: write the file anew, with what this build comes to.")
    var record = false
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
        if scenario == "hashes" { return try await checkHashes() }
        for (option, isGiven) in [("--hashes", hashes != nil), ("--record", record)] where isGiven {
            throw CommandFailure.usage("simulate", option, "belongs to `atoll simulate hashes`", hint: "leave it out")
        }
        let source: ScenarioSource
        do {
            source = try ScenarioSource(
                scenario, map: map ?? Self.usualMap, storage: storage.flatMap { WorldOptions.StorageKind(rawValue: $0) },
                gossip: gossip ?? .full)
        } catch let error as SettingsError {
            throw CommandFailure.usage("simulate", "", error.description)
        } catch let error as UnknownSetting {
            throw CommandFailure.usage("simulate", "", error.description)
        }
        try checkOptions(source)
        if let mutant, !source.knownMutants.contains(mutant) {
            throw CommandFailure.usage("simulate", "--mutant \(mutant)", Suggestion.sentence(for: mutant, among: source.knownMutants))
        }
        // Before hours of work, not after them.
        if let report { try Compare.makeFolder(report, verb: "simulate") }
        if mutants { return try await MutantTable(source: source, first: seed, count: seeds, jobs: jobs).run(self) }
        let runner = SeedRunner(source: source, first: seed, count: seeds, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
        let end = try await runner.run(self)
        if let signal = end.signal { throw StopRequest.exitCode(signal) }
        if !end.failed.isEmpty { throw ExitCode(1) }
    }

    static let usualMap = "aws"

    private func checkHashes() async throws {
        let others: [(String, Bool)] = [
            ("--map", map != nil), ("--storage", storage != nil), ("--report", report != nil), ("--trace", trace != nil),
            ("--gossip", gossip != nil), ("--until-failure", untilFailure), ("--mutant", mutant != nil), ("--mutants", mutants),
            ("--seed", seed != 1), ("--seeds", seeds != 1),
        ]
        for (option, isGiven) in others where isGiven {
            throw CommandFailure.usage("simulate", option, "the file says what is run", hint: "leave it out")
        }
        let jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
        try await HashCheck(path: hashes ?? HashCheck.usualPath, records: record, jobs: jobs).run()
    }

    /// An option that would do nothing is a mistake.
    private func checkOptions(_ source: ScenarioSource) throws {
        func refuse(_ option: String, _ reason: String, _ hint: String) -> CommandFailure {
            .usage("simulate", option, reason, hint: hint)
        }
        if let map, let own = source.ownMap {
            throw refuse("--map \(map)", "\(scenario) names its own map, \(own)", "copy the scenario's file and change it there")
        }
        if let map, source.isStorage {
            throw refuse("--map \(map)", "\(scenario) has no regions: it runs the storage alone", "leave it out")
        }
        if let storage, source.isStorage {
            throw refuse("--storage \(storage)", "\(scenario) runs the storage's own code and nothing else", "leave it out")
        }
        if let storage, source.isGossip {
            throw refuse("--storage \(storage)", "\(scenario) is of gossip only: it has no disks", "leave it out")
        }
        if let gossip, !source.isGossip {
            throw refuse("--gossip \(gossip.rawValue)", "\(scenario) is no scenario of gossip only", "leave it out")
        }
        if let mutant, source.isGossip {
            throw refuse("--mutant \(mutant)", "\(scenario) is of gossip only: none lies there", "leave it out")
        }
        if let mutant, let storage, let needed = source.storageNeeded(mutant), needed.rawValue != storage {
            throw refuse("--storage \(storage)", "\(mutant) shows with \(needed.rawValue) alone", "leave it out")
        }
        guard mutants else { return }
        let others = [("--mutant", mutant), ("--storage", storage), ("--trace", trace), ("--report", report)]
        for (option, value) in others where value != nil { throw refuse(option, "is of no use with --mutants", "leave it out") }
    }

    var traceHeader: TraceHeader {
        TraceHeader(scenario: scenario, map: map ?? Self.usualMap, storage: storage, seed: seed, mutant: mutant)
    }

    /// The command that repeats one seed.
    func repeatLine(_ seed: UInt64) -> String {
        var words = ["atoll", "simulate", scenario, "--seed", "\(seed)"]
        if let map { words += ["--map", map] }
        if let storage { words += ["--storage", storage] }
        if let gossip, gossip != .full { words += ["--gossip", gossip.rawValue] }
        if let name = mutant { words += ["--mutant", name] }
        return words.joined(separator: " ")
    }
}

extension GossipProtocol: ExpressibleByArgument {}
