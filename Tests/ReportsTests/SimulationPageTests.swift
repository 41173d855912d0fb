import Foundation
import Primitives
import Reports
import Testing
import Workloads

/// The verdicts of `simulation.html`: what was not looked at, or not to the end, has not held.
@Suite struct SimulationPageTests {
    private func summary(
        _ verdict: SimulationSummary.Check.Verdict, checked: UInt64 = 12, undecided: UInt64 = 0, findings: [String] = [],
        seeds: [SimulationSummary.Seed] = []
    ) -> SimulationSummary {
        SimulationSummary(
            title: "A run", scenario: "small", version: "atoll", command: "atoll simulate small --seed 1", seed: 1,
            traceHash: "0123456789abcdef", simulated: 12.5, events: 1_000, failedOperations: 0,
            map: ReportFixture.report([], mix: []).map, sliceSeconds: 1, series: [], phases: [], faults: [], links: [],
            checks: [
                .init(
                    name: "Files are linearizable", verdict: verdict, checked: checked, unit: "operations", undecided: undecided,
                    findings: findings)
            ], seeds: seeds)
    }

    private func seed(_ number: UInt64, violations: Int = 0, undecided: UInt64 = 0, isStopped: Bool = false) -> SimulationSummary.Seed {
        .init(
            seed: number, traceHash: "0123456789abcdef", simulated: 1, operations: 1, commits: 1, faults: 1, recovery: nil,
            violations: violations, undecided: undecided, isStopped: isStopped)
    }

    private func lead(_ summary: SimulationSummary) -> String {
        let page = SimulationPage(summary).text()
        return String(page.components(separatedBy: "<p class=\"lead\">")[1].prefix { $0 != "<" })
    }

    @Test func whatHeldSaysOfHowMuch() {
        let page = SimulationPage(summary(.held)).text()
        #expect(page.contains("<dd>held <span class=\"soft\">(12 operations)</span></dd>"))
        #expect(lead(summary(.held)) == "All that was promised held.")
    }

    @Test func nothingToCheckHasNotHeld() {
        let page = SimulationPage(summary(.nothing, checked: 0)).text()
        #expect(page.contains("nothing to check: 0 operations") && !page.contains("<dd>held"))
    }

    @Test func whatIsUndecidedIsTold() {
        let run = summary(.undecided, undecided: 2, seeds: [seed(1, undecided: 2), seed(2)])
        #expect(SimulationPage(run).text().contains("<span class=\"open\">undecided: 2</span> <span class=\"soft\">of 12 operations"))
        #expect(lead(run) == "Undecided: 2. All that could be decided held. Of 2 seeds none failed, 1 left something undecided.")
    }

    @Test func aStoppedRunSaysSo() {
        var run = summary(.stopped)
        run.stop = .init(at: 12.5, phase: "load")
        run.stoppedOf = 1
        let page = SimulationPage(run).text()
        #expect(page.contains("<dd>checked up to 12.5 s, not at the end <span class=\"soft\">(12 operations)</span></dd>"))
        #expect(!page.contains("<dd>held"))
        #expect(!page.contains("the same in every process and build"), "a run that was stopped is not the same anywhere")
        #expect(lead(run).hasPrefix("The run was stopped after 12.5 s of simulated time, in the phase “load”. Nothing was found broken"))
        run.checks[0].verdict = .broken
        run.checks[0].findings = ["linearizability at 3 ms: <f>"]
        #expect(lead(run).hasSuffix("A promise was broken by then."))
        #expect(SimulationPage(run).text().contains("<span class=\"found\">linearizability at 3 ms: &lt;f&gt;</span>"))
    }

    @Test func aSwarmThatWasStoppedSaysHowFarItCame() {
        var run = summary(.held, seeds: [seed(1), seed(2), seed(3, isStopped: true)])
        run.stoppedOf = 1_000
        #expect(lead(run) == "All that was promised held. Stopped when 2 of 1,000 seeds had come to their end: none failed.")
        #expect(SimulationPage(run).text().contains("<span class=\"open\">stopped</span>"))
    }
}
