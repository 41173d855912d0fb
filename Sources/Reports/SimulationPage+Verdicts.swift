// What held, what did not, and what nobody can say: a run that was stopped, a check that was given up and one that had
// nothing to look at have not held anything.
extension SimulationPage {
    func header() -> String {
        """
        <header>
        <p class="eyebrow">atoll simulate · \(escape(run.scenario)) · seed \(run.seed)</p>
        <h1>\(escape(run.title))</h1>
        <p class="lead">\(headline)\(manySeeds)</p>
        </header>

        """
    }

    private var findings: Int { run.checks.reduce(0) { $0 + $1.findings.count } }
    private var undecided: UInt64 { run.checks.reduce(0) { $0 + $1.undecided } }

    private var headline: String {
        let broken = findings == 1 ? "A promise was broken" : "\(findings) promises were broken"
        if let stop = run.stop {
            let time = Figure.duration(stop.at * 1_000)
            let place = "The run was stopped after \(time) of simulated time, in the phase “\(escape(stop.phase))”."
            return findings == 0
                ? "\(place) Nothing was found broken up to there; what is checked in the end was not." : "\(place) \(broken) by then."
        }
        guard findings == 0 else { return "\(broken)." }
        return undecided == 0 ? "All that was promised held." : "Undecided: \(undecided). All that could be decided held."
    }

    private var manySeeds: String {
        let ended = run.seeds.filter { !$0.isStopped }
        let failed = run.seeds.count { $0.violations > 0 }
        let open = run.seeds.count { $0.violations == 0 && $0.undecided > 0 && !$0.isStopped }
        let words = (failed == 0 ? "none" : "\(failed)") + " failed" + (open > 0 ? ", \(open) left something undecided" : "")
        if let asked = run.stoppedOf, asked > 1 {
            return " Stopped when \(ended.count) of \(Figure.grouped(Double(asked))) seeds had come to their end: \(words)."
        }
        return run.seeds.count > 1 ? " Of \(run.seeds.count) seeds \(words)." : ""
    }

    func checkers() -> String {
        let rows = run.checks.map { "<dt>\(escape($0.name))</dt><dd>\(verdict($0))</dd>\n" }
        return "<section id=\"checks\"><h2>What was checked</h2>\n<dl class=\"fairness\">\n\(rows.joined())</dl></section>\n"
    }

    private func verdict(_ check: SimulationSummary.Check) -> String {
        let count = "\(Figure.grouped(Double(check.checked))) \(escape(check.unit))"
        let open = check.undecided > 0 ? ", <span class=\"open\">undecided: \(check.undecided)</span>" : ""
        return switch check.verdict {
        case .broken:
            "<span class=\"bad\">broken: \(check.findings.count)</span> <span class=\"soft\">of \(count)\(open)</span>"
                + check.findings.prefix(10).map { "<br><span class=\"found\">\(escape($0))</span>" }.joined()
                + (check.findings.count > 10 ? "<br>and \(check.findings.count - 10) more" : "")
        case .stopped where check.checked == 0: "<span class=\"soft\">nothing was checked before the run was stopped</span>"
        case .stopped:
            "checked up to \(Figure.duration((run.stop?.at ?? run.simulated) * 1_000)), not at the end"
                + " <span class=\"soft\">(\(count)\(open))</span>"
        case .undecided: "<span class=\"open\">undecided: \(check.undecided)</span> <span class=\"soft\">of \(count); the rest held</span>"
        case .nothing: "<span class=\"soft\">nothing to check: 0 \(escape(check.unit))</span>"
        case .held: "held <span class=\"soft\">(\(count))</span>"
        }
    }

    func verdict(_ seed: SimulationSummary.Seed) -> String {
        if seed.violations > 0 { return "<span class=\"bad\">\(seed.violations)</span>" }
        if seed.isStopped { return "<span class=\"open\">stopped</span>" }
        return seed.undecided > 0 ? "<span class=\"open\">undecided: \(seed.undecided)</span>" : "held"
    }
}
