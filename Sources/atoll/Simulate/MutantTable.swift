import Foundation
import Simulation

/// For each fault built in on purpose, how many seeds it takes until a checker sees it.
struct MutantTable {
    /// Those that random worlds do not reach, and the scenarios that do.
    private static let places = ["vouch-ignored": "vouching"]

    let source: ScenarioSource
    let first: UInt64
    let count: Int
    let jobs: Int?

    func run(_ verb: Simulate) async throws {
        var missed: [String] = []
        var rows = ["| mutant | seeds needed | seen by |", "|---|---|---|"]
        for mutant in source.mutants {
            var one = verb
            one.mutant = mutant
            one.untilFailure = true
            let place = verb.scenario == "swarm" ? Self.places[mutant] : nil
            if let place { one.scenario = place }
            let source = try place.map { try ScenarioSource($0, map: Simulate.usualMap) } ?? source
            let runner = SeedRunner(source: source, first: first, count: count, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
            let state = try await runner.run(one)
            if let signal = state.signal {
                for row in rows { Terminal.line(row) }
                Terminal.error("stopped at \(mutant): \(state.done) seeds of it had ended; the mutants behind it were not run")
                throw StopRequest.exitCode(signal)
            }
            // A run that only did too little, or left something undecided, has not seen it.
            func finding(_ record: RunRecord) -> String? {
                record.violations.first { !$0.hasPrefix("\(Violation.Kind.expectation.rawValue) ") }
            }
            let caught = state.results.filter { finding($0) != nil }.min { $0.seed < $1.seed }
            guard let caught, let violation = finding(caught) else {
                missed.append(mutant)
                rows.append("| \(mutant) | more than \(state.done)\(place.map { " of `\($0)`" } ?? "") | - |")
                continue
            }
            rows.append(
                "| \(mutant) | \(caught.seed - first + 1)\(place.map { " of `\($0)`" } ?? "") | \(violation.prefix { $0 != ":" }) |")
            Terminal.error("\(mutant): seed \(caught.seed): \(violation)")
        }
        for row in rows { Terminal.line(row) }
        guard missed.isEmpty else {
            throw CommandFailure("simulate", "mutants", "not seen: \(missed.joined(separator: ", "))", hint: "give more --seeds")
        }
    }
}
