import Foundation
import Reports
import Simulation

/// The results of many seeds in a folder: `simulation.jsonl`, one object a seed, `simulation.md`, and
/// `simulation.html`, which shows one of them in full.
struct SimulationReport {
    let records: [RunRecord]
    let page: SimulationPageMaker?

    func write(to folder: String) throws {
        try LocalFiles.makeDirectory(folder)
        try LocalFiles.write(records.map { $0.json + "\n" }.joined(), to: "\(folder)/simulation.jsonl")
        try LocalFiles.write(markdown, to: "\(folder)/simulation.md")
        if let page { try LocalFiles.write(SimulationPage(page.summary).text(), to: "\(folder)/simulation.html") }
        Terminal.error("wrote \(folder)/simulation.jsonl, simulation.md\(page == nil ? "" : " and simulation.html")")
    }

    private var markdown: String {
        let failed = records.filter { !$0.violations.isEmpty }
        let stopped = records.count { $0.stop != nil }
        let undecided = records.count { $0.undecided > 0 }
        var lines = ["# Simulation", ""]
        lines += [
            "\(records.count) seeds, \(failed.count) failed" + (undecided > 0 ? ", \(undecided) left something undecided" : "")
                + (stopped > 0 ? ", \(stopped) stopped before the end" : "") + ".", "",
        ]
        lines += [
            "| scenario | seed | trace | simulated s | wall s | events | operations | commits | agreed after s | violations | undecided | verdict |"
        ]
        lines += ["|---|---|---|---|---|---|---|---|---|---|---|---|"]
        for record in records {
            let trace = record.stop == nil ? record.traceHash : "-"
            lines.append(
                "| \(record.scenario) | \(record.seed) | \(trace) | \(Show.figure(record.simulated)) | \(Show.figure(record.wall)) "
                    + "| \(record.events) | \(record.statistics.operations) | \(record.statistics.commits) "
                    + "| \(record.recovery.map(Show.figure) ?? "-") | \(record.violations.count) | \(record.undecided) | \(record.verdict) |"
            )
        }
        for record in failed {
            lines += ["", "## Seed \(record.seed)", "", "    \(record.repeatLine)", ""]
            lines += record.violations.map { "- \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
