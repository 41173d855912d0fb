import Reports
import Testing

@Suite struct VerdictTests {
    @Test func passesCountTheMixAndTheCommits() throws {
        let passes = ReportFixture.usual.verdict.passes
        let home = try #require(passes.first { $0.region == "us-east-1" })
        // 10 reads, 10 creates and a publication; locks are left out, the volume pays 2 commits.
        #expect(home.nfsMs == 20 + 40 + 10)
        #expect(home.volumeMs == 10 + 10 + 80 + 144)
        #expect(home.faster == .nfs)
        let far = try #require(passes.first { $0.region == "ap-northeast-1" })
        #expect(far.faster == .volume)
        // (3,020 + 6,040 + 1,060) ÷ (10.5 + 10 + 230 + 444).
        #expect(far.factor == 14.57)
    }

    @Test func wordsFollowTheFigures() {
        let verdict = ReportFixture.usual.verdict
        #expect(
            verdict.headline
                == "From eu-west-1 (70.0 ms away) and ap-northeast-1 (150 ms away) the volume is faster in 2 of 2 cases, by 10 "
                + "to 15 times; in us-east-1, the primary region, the network file system is faster in 1 of 1 cases, by 3.5 times."
        )
        #expect(verdict.chooseNfs.first == "clients in us-east-1: w (3.5×)")
        #expect(verdict.chooseNfs.contains { $0.contains("a lock and unlock takes 2.00 ms from us-east-1") })
        #expect(verdict.commit?.medianMs == 72 && verdict.commit?.floorMs == 70)
        #expect(verdict.readRatio.volume == 1.1 && verdict.readRatio.nfs == 151)
    }

    /// The same rules with the kinds' figures exchanged give the opposite answer.
    @Test func noWinnerIsHardCoded() {
        let swapped = ReportFixture.report(
            [
                .init(operation: "open-read-close", kind: "volume", medians: [2, 142, 302], trips: [0, 2, 2]),
                .init(operation: "open-read-close", kind: "nfs", medians: [1, 1.1, 1.05]),
            ], mix: [("open-read-close", 10)])
        #expect(swapped.verdict.passes.map(\.faster) == [.nfs, .nfs, .nfs])
        #expect(swapped.crossovers.map(\.answer) == [.nfsAlways])
        #expect(swapped.verdict.headline.contains("the network file system is faster in 2 of 2 cases"))
        let even = ReportFixture.report(
            [
                .init(operation: "stat", kind: "volume", medians: [1, 2, 3]),
                .init(operation: "stat", kind: "nfs", medians: [1.05, 2.1, 2.9]),
            ], mix: [("stat", 10)])
        #expect(even.verdict.passes.map(\.faster) == [.even, .even, .even])
        #expect(even.verdict.headline.contains("2 are even"))
    }

    @Test func nothingMeasuredOnBothGivesNoVerdict() {
        let report = ReportFixture.report([.init(operation: "stat", kind: "nfs", medians: [1, 2, nil])], mix: [("stat", 1)])
        #expect(report.verdict.passes.isEmpty && report.crossovers.isEmpty)
        #expect(report.verdict.headline == "Nothing was measured on both kinds, so there is no verdict.")
    }

    @Test func crossoverIsWhereTheLinesMeet() throws {
        let publish = try #require(ReportFixture.usual.crossovers.first { $0.operation == "publish" })
        // 10 + 7 R = 80 + 1 R.
        #expect(publish.answer == .flips && publish.rttMs == 11.67)
        #expect(abs(publish.nfs(at: 70 / 6) - publish.volume(at: 70 / 6)) < 1e-9)
        let batches = ReportFixture.usual.verdict.batches
        // Per file 3 ms are saved at home and 603 ms from afar; a commit costs 72 and 222 ms.
        #expect(batches.map(\.files) == [24, 1, 1])
    }

    struct Case: Sendable {
        var nfs: (home: Double, trips: Double)
        var volume: (home: Double, trips: Double)
        var answer: Crossover.Answer
        var rttMs: Double?
    }

    static let cases = [
        Case(nfs: (1, 2), volume: (5, 1), answer: .flips, rttMs: 4), Case(nfs: (5, 1), volume: (1, 2), answer: .flipsBack, rttMs: 4),
        Case(nfs: (1, 1), volume: (5, 1), answer: .nfsAlways), Case(nfs: (5, 2), volume: (1, 0), answer: .volumeAlways),
        Case(nfs: (1, 0), volume: (1, 0), answer: .volumeAlways),
    ]

    @Test(arguments: cases) func crossoverCases(_ item: Case) {
        let line = Crossover(
            workload: "w", operation: "x", nfsHomeMs: item.nfs.home, nfsTrips: item.nfs.trips, volumeHomeMs: item.volume.home,
            volumeTrips: item.volume.trips)
        #expect(line.answer == item.answer && line.rttMs == item.rttMs)
    }

    /// Nearer than regions are, a crossing says that one is the faster everywhere; by how much is told.
    @Test func aCrossingNearerThanRegionsAreIsNone() {
        let line = Crossover(
            workload: "w", operation: "stat", nfsHomeMs: 1, nfsTrips: 1, volumeHomeMs: 1.04, volumeTrips: 0, farRttMs: 150)
        #expect(line.answer == .volumeAlways && line.rttMs == nil && line.homeFactor == 0.962 && line.farFactor == 145.192)
        #expect(line.words == "volume at any distance, even at home, 145 times at 150 ms")
        let back = Crossover(workload: "w", operation: "stat", nfsHomeMs: 2, nfsTrips: 1, volumeHomeMs: 4, volumeTrips: 2, farRttMs: 50)
        #expect(back.words == "network file system at any distance, 2.0 times at home, 2.0 times at 50.0 ms")
        // The volume reads small files faster at any distance; publishing flips.
        let sentences = ReportFixture.usual.verdict.sentences
        #expect(sentences.contains { $0.contains("above a round trip of 11.7 ms for publish (w)") })
        #expect(sentences.contains { $0.contains("In 2 of 3 operations there is no such distance: the volume is as fast or faster") })
    }

    @Test func countTimesRoundTripIsChecked() throws {
        let checks = ReportFixture.usual.roundTripChecks
        #expect(checks.map(\.operation).sorted() == ["create-write-close", "lock-cycle", "open-read-close", "publish"])
        #expect(checks.allSatisfy { $0.agrees && $0.region == "ap-northeast-1" })
        let create = try #require(checks.first { $0.operation == "create-write-close" })
        #expect(create.predictedMs == 604 && create.error == 0)
        let off = ReportFixture.report(
            [.init(operation: "stat", kind: "nfs", medians: [1, 71, 260], trips: [0, 1, 1])], mix: [("stat", 1)])
        #expect(off.roundTripChecks.map(\.agrees) == [false])
        #expect(off.roundTripChecks.first?.error == 0.7219)
    }
}
