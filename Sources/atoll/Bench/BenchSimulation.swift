import APISchema
import ArgumentParser
import Comparison
import Foundation
import Primitives
import Simulation
import Workloads

/// `atoll bench gossip`: groups of machines that only gossip, under virtual time.
struct BenchGossip: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gossip", abstract: "Measure how soon 15 and 100 simulated machines know of a death, and what simulating them takes.",
        discussion: "The scenarios gossip-15 and gossip-100 of simulations/scenarios. Times are those of the simulated clock.")
    @Option(help: "The seed, 0 to 2^63-1.") var seed: UInt64 = 1
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await SimulationBench(verb: "bench gossip", scenarios: ["gossip-15", "gossip-100"]).run(seed, output.json)
    }
}

/// `atoll bench simulator`: how fast clusters run under virtual time on this machine.
struct BenchSimulator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulator", abstract: "Measure how fast whole clusters are simulated on one core.",
        discussion: "The scenarios steady-3, steady-5 and steady-12 of simulations/scenarios.")
    @Option(help: "The seed, 0 to 2^63-1.") var seed: UInt64 = 1
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await SimulationBench(verb: "bench simulator", scenarios: ["steady-3", "steady-5", "steady-12"]).run(seed, output.json)
    }
}

/// Runs scenarios one after the other, each once: their events are a function of the seed, their time is this machine's.
private struct SimulationBench: Sendable {
    let verb: String
    let scenarios: [String]

    func run(_ seed: UInt64, _ json: Bool) async throws {
        guard seed < UInt64(Int64.max) else { throw CommandFailure.usage(verb, "--seed \(seed)", "give 0 to \(Int64.max - 1)") }
        let others = OtherWork()
        let sources = try scenarios.map { name in
            do {
                return try ScenarioSource(name, map: "aws")
            } catch let error as UnknownSetting {
                throw CommandFailure.usage(verb, name, error.description)
            } catch let error as SettingsError {
                throw CommandFailure.usage(verb, name, error.description)
            }
        }
        let records = try await Interruptible.run(verb) { [scenarios] stop in
            try await Interruptible.thread {
                try zip(scenarios, sources).map { name, source in
                    let began = ContinuousClock.now
                    let result = source.run(seed, mutant: nil, keepsTimeline: false, sink: nil) { _ in (try? stop.check()) != nil }
                    try stop.check()
                    return RunRecord(result, wall: .now - began, repeatLine: "atoll simulate \(name) --seed \(seed)")
                }
            }
        }
        let busy = others.cores()
        if let note = OtherWork.note(busy) { Terminal.error(note) }
        if json {
            Terminal.line(
                "{\"build\":\"\(Bench.build)\",\"cores_used_by_others\":\(busy),\"runs\":[\(records.map(\.json).joined(separator: ","))]}")
        } else {
            show(records)
        }
        // A figure of a run in which something broke is none.
        guard let broken = records.first(where: { !$0.violations.isEmpty }) else { return }
        throw CommandFailure(verb, "\(broken.scenario) seed \(seed)", broken.violations[0], hint: "`\(broken.repeatLine)` shows it")
    }

    private func show(_ records: [RunRecord]) {
        if let note = Bench.buildNote { Terminal.error(note) }
        Terminal.line("\(Machine.processor). One run each, on one core.")
        var table = Table("Scenario", ">Events", ">Events/s", ">Simulated s", ">Took s", ">Times real time")
        for record in records {
            let wall = max(record.wall, 1e-6)
            table.add(
                record.scenario, "\(record.events)", Show.figure(Double(record.events) / wall), Show.figure(record.simulated),
                Show.figure(record.wall), Show.figure(record.simulated / wall))
        }
        table.show()
        for record in records {
            for line in MeasureTable.lines([record]) { Terminal.line("\(record.scenario): \(line)") }
        }
    }
}
