import Foundation
import Primitives
import Reports
import Testing
import Workloads

/// The sections that simulated comparisons add: predictions, sweeps, advice, costs.
@Suite struct PlanningReportTests {
    private static func report(_ world: String, nfs: Double, volume: Double, trips: Double = 2) -> ComparisonReport {
        var report = ReportFixture.report(
            [
                .init(
                    operation: "open-read-close", kind: "nfs", medians: [2, 70 * trips * nfs, 150 * trips * nfs], trips: [0, trips, trips]),
                .init(operation: "open-read-close", kind: "volume", medians: [2 * volume, 2, 2]),
            ], mix: [("open-read-close", 10)])
        for place in report.results.indices { report.results[place].world = world }
        return report
    }

    @Test func predictionsAreComparedRowByRow() throws {
        let live = Self.report("live", nfs: 1, volume: 1)
        var simulated = Self.report("simulated", nfs: 1.05, volume: 0.5)
        simulated.costs = WorkloadCosts(entries: [.init(.nfs, .open, microseconds: 12.5, nanosecondsPerUnit: 0)], origin: "a test")
        let both = live.predicted(by: simulated)
        let prediction = try #require(both.prediction)
        #expect(prediction.rows.count == 6)
        #expect(prediction.within == 5)
        #expect(prediction.distantRows == 2 && prediction.distantWithin == 2)
        let off = prediction.rows.filter { !$0.isWithin }
        #expect(off.map(\.error) == [-0.5] && off.first?.cause == .local)
        // The report still speaks of what was measured; the simulated rows are there.
        #expect(both.results.count == live.results.count * 2)
        #expect(both.mainRows == live.results)
        #expect(both.verdict == live.verdict)
        #expect(try ComparisonReport(json: both.json()) == both)
        let text = TerminalReport(both).text()
        #expect(text.contains("Predicted : measured medians"))
        #expect(text.contains("5 of 6 medians (83 %) lie within 10 %"))
        #expect(MarkdownReport(both).text().contains("## What local calls cost in the simulation\n\na test"))
        let page = HTMLReport(both).text()
        #expect(page.contains("id=\"prediction\"") && page.contains("id=\"costs\""))
    }

    @Test func anotherCountOfRoundTripsIsSaid() throws {
        let both = Self.report("live", nfs: 1, volume: 1).predicted(by: Self.report("simulated", nfs: 1, volume: 1, trips: 3))
        let off = try #require(both.prediction).rows.filter { !$0.isWithin }
        #expect(off.count == 2 && off.allSatisfy { $0.cause == .roundTrips && $0.error == 0.5 })
    }

    @Test func aSweepTellsWhereTheAnswerFlips() throws {
        // The network file system is faster at first, then the volume.
        let reports = [0.01, 1, 2].map { factor in
            ReportFixture.report(
                [
                    .init(operation: "stat", kind: "nfs", medians: [2, 70 * factor, 150 * factor]),
                    .init(operation: "stat", kind: "volume", medians: [9, 9, 9]),
                ], mix: [("stat", 10)])
        }
        var report = reports[0]
        let sweep = Sweep(
            parameter: "rtt", meaning: "factor", points: [("0.01", 0.01), ("1", 1), ("2", 2)].map { .init(label: $0.0, value: $0.1) },
            reports: reports)
        report.sweep = sweep
        #expect(sweep.curves.first?.nfsMs.count == 3)
        #expect(sweep.flips.map(\.faster) == ["volume"])
        let place = try #require(sweep.flips.first?.at)
        #expect(place > 0.01 && place < 1)
        #expect(sweep.sentences.first?.contains("becomes the faster one between 0.01 and 1") == true)
        #expect(TerminalReport(report).text().contains("Sweep over rtt"))
        let page = HTMLReport(report).text()
        #expect(page.contains("id=\"sweep\"") && page.contains("<polyline"))
        #expect(try ComparisonReport(json: report.json()) == report)
        // Interrupted after two points.
        #expect(Sweep(parameter: "rtt", meaning: "", points: sweep.points, reports: Array(reports.prefix(2))).points.count == 2)
    }

    @Test func adviceIsPrinted() throws {
        var report = Self.report("simulated", nfs: 1, volume: 1)
        var best = Advice.Choice(
            home: "us-east-1", voters: ["us-east-1", "eu-west-1"],
            feeds: [.init(from: "us-east-1", to: "eu-west-1", rttMs: 70, usdPerGb: 0.02)],
            commitMs: 70, reloadMs: 10, worstCommitMs: 140, usdPerGb: 0.02)
        best.simulatedCommitMs = 74
        best.simulatedReloadMs = 12
        report.advice = Advice(clients: [.init(region: "us-east-1", count: 3)], choices: [best])
        let text = TerminalReport(report).text()
        #expect(text.contains("Where to put a volume; clients: 3 in us-east-1"))
        #expect(text.contains("Simulated with home in us-east-1: a commit 74.0 ms"))
        #expect(HTMLReport(report).text().contains("id=\"advice\""))
        #expect(MarkdownReport(report).text().contains("## Where to put a volume"))
    }
}
