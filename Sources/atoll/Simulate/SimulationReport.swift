import Foundation
import Simulation

/// The results of many seeds in a folder: `simulation.jsonl`, one object a seed, and `simulation.md`.
struct SimulationReport {
    let records: [RunRecord]

    func write(to folder: String) throws {
        try LocalFiles.makeDirectory(folder)
        try LocalFiles.write(records.map { $0.json + "\n" }.joined(), to: "\(folder)/simulation.jsonl")
        try LocalFiles.write(markdown, to: "\(folder)/simulation.md")
        Terminal.error("wrote \(folder)/simulation.jsonl, \(folder)/simulation.md")
    }

    private var markdown: String {
        let failed = records.filter { !$0.violations.isEmpty }
        var lines = ["# Simulation", "", "\(records.count) seeds, \(failed.count) failed.", ""]
        lines += ["| scenario | seed | trace | simulated s | wall s | events | operations | commits | agreed after s | violations |"]
        lines += ["|---|---|---|---|---|---|---|---|---|---|"]
        for record in records {
            lines.append(
                "| \(record.scenario) | \(record.seed) | \(record.traceHash) | \(Show.figure(record.simulated)) | \(Show.figure(record.wall)) "
                    + "| \(record.events) | \(record.statistics.operations) | \(record.statistics.commits) "
                    + "| \(record.recovery.map(Show.figure) ?? "-") | \(record.violations.count) |")
        }
        for record in failed {
            lines += ["", "## Seed \(record.seed)", "", "    \(record.repeatLine)", ""]
            lines += record.violations.map { "- \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
