import Filesystem
import Testing

@testable import Simulation

/// A volume's history is checked as it grows: what was checked is dropped, and what comes later is still held against it.
@Suite struct VersionWitnessTests {
    private var history = VolumeHistory(name: "v")
    private var clock: Int64 = 0

    private func version(_ number: UInt64, _ commit: Int?, _ files: [Int: UInt64]) -> VolumeChecker.Version {
        VolumeChecker.Version(number: number, commit: commit, files: files)
    }

    /// A commit of one value to file 0 that became `version`; nil: nobody was told.
    private mutating func commit(_ value: UInt64, base: UInt64, version: UInt64?) -> Int {
        clock += 10
        let number = history.begin(
            CommitRecord(client: 0, base: base, writes: [.init(file: 0, tag: value)], ifUnchanged: false, began: clock))
        clock += 10
        if let version {
            history.ended(number, at: clock, version: version, conflicts: [], isEmpty: false)
        } else {
            history.update(commit: number) { $0.isUnderWay = false }
        }
        return number
    }

    /// Twenty commits one after the other, all checked.
    private static func grown() -> VersionWitnessTests {
        var tests = VersionWitnessTests()
        for number in 1...20 as ClosedRange<UInt64> {
            let commit = tests.commit(number, base: number - 1, version: number)
            tests.history.witness([tests.version(number, commit, [0: number])])
            tests.history.advance()
        }
        return tests
    }

    private mutating func end(_ kept: [VolumeChecker.Version]) -> [String] { history.finish(kept: kept).map(\.1) }
    private var tail: [VolumeChecker.Version] { (11...20).map { version($0, Int($0) - 1, [0: $0]) } }

    @Test func whatWasCheckedIsDropped() {
        var tests = Self.grown()
        #expect(tests.history.held == 0 && tests.history.checker.checked == 20)
        #expect(tests.end(tests.tail).isEmpty)
    }

    @Test func theLogGoesOnBehindIt() {
        var tests = Self.grown()
        let next = tests.commit(21, base: 20, version: 21)
        #expect(tests.end(tests.tail + [tests.version(21, next, [0: 21])]).isEmpty)
        tests = Self.grown()
        _ = tests.commit(21, base: 20, version: 21)
        #expect(tests.end(tests.tail) == ["v: commit c20 was acknowledged as v21 and is lost"])
    }

    @Test func aReplicaThatFellBackDoesNotPass() {
        var tests = Self.grown()
        #expect(tests.end(tests.tail.dropLast(4)).contains { $0.contains("v20 was there, and v16 is the last") })
        tests = Self.grown()
        #expect(!tests.end([]).isEmpty)
        tests = Self.grown()
        var other = tests.tail
        other[3] = tests.version(14, 13, [0: 99])
        #expect(tests.end(other).contains { $0.hasPrefix("v: v14 was c13 with") })
    }

    @Test func nothingHappensTwiceOrAfterItWasRefused() {
        var tests = Self.grown()
        #expect(tests.end(tests.tail + [tests.version(21, 4, [0: 5])]).contains { $0.contains("v21 names commit c4, which had become") })
        tests = Self.grown()
        let refused = tests.history.begin(
            CommitRecord(client: 0, base: 20, writes: [.init(file: 0, tag: 21)], ifUnchanged: true, began: 1_000))
        tests.history.update(commit: refused) { ($0.outcome, $0.isUnderWay) = (.refused, false) }
        tests.history.advance()
        #expect(!tests.end(tests.tail + [tests.version(21, refused, [0: 21])]).isEmpty)
    }

    @Test func theOrderOfTimeIsKeptAcrossChecks() {
        var tests = Self.grown()
        let first = tests.commit(21, base: 20, version: 22)
        let second = tests.commit(22, base: 20, version: 21)
        tests.history.witness([tests.version(21, second, [0: 22])])
        tests.history.advance()
        #expect(
            tests.end(tests.tail + [tests.version(21, second, [0: 22]), tests.version(22, first, [0: 21])])
                .contains { $0.contains("c\(second) began after c\(first) had ended, and comes before it") })
    }

    /// A commit that nobody answered may become a version long after its base is forgotten; what it overwrote unseen is told.
    @Test(arguments: [true, false])
    func lateCommitsAreHeldAgainstTheirBase(isTold: Bool) {
        var tests = VersionWitnessTests()
        let late = tests.history.begin(
            CommitRecord(client: 1, base: 0, writes: [.init(file: 0, tag: 500), .init(file: 1, tag: 501)], ifUnchanged: false, began: 1))
        for number in 1...20 as ClosedRange<UInt64> {
            let commit = tests.commit(number, base: number - 1, version: number)
            tests.history.witness([tests.version(number, commit, [0: number])])
        }
        tests.history.advance()
        tests.history.forget(below: 15)
        #expect(tests.history.held == 1 && tests.history.checker.oldest == 15)
        tests.history.witness([tests.version(21, late, [0: 500, 1: 501])])
        tests.history.advance()
        #expect(tests.history.checker.checked == 20, "its client waits: what it is told counts")
        tests.history.ended(late, at: 900, version: 21, conflicts: isTold ? [Client.path(0)] : [], isEmpty: false)
        let kept = (11...20).map { tests.version($0, Int($0), [0: $0]) } + [tests.version(21, late, [0: 500, 1: 501])]
        #expect(
            tests.end(kept)
                == (isTold ? [] : ["v: c0 overwrote f0, which had become \(WrittenValue.words(20)) after v0, and did not say so"]))
    }

    @Test func viewsOfOldVersionsAreChecked() {
        var tests = Self.grown()
        tests.history.reads = [
            ReadRecord(client: 0, version: 3, file: 0, tag: 3), ReadRecord(client: 0, version: 7, file: 0, tag: 6),
            ReadRecord(client: 0, version: 30, file: 0, tag: 6),
        ]
        tests.history.lists = [ListRecord(client: 0, version: 4, staged: [], files: [0, 1])]
        tests.history.advance()
        #expect(tests.history.reads.count == 1 && tests.history.lists.isEmpty)
        let faults = tests.end(tests.tail)
        #expect(faults.count == 3 && faults[0].contains("of v7") && faults[1].contains("listed") && faults[2].contains("v30"), "\(faults)")
    }

    /// A version that goes back has what the older one had, and is where its client was told.
    @Test func rollbacksAreHeldAgainstTheirVersion() {
        func back(_ files: [Int: UInt64], to target: UInt64 = 7, told: UInt64 = 7) -> [String] {
            var tests = Self.grown()
            tests.history.rollbacks = [RollbackRecord(client: 3, version: 21, target: told)]
            return tests.end(tests.tail + [VolumeChecker.Version(number: 21, commit: nil, files: files, rollback: target)])
        }
        #expect(back([0: 7]).isEmpty)
        #expect(back([:]).contains { $0.contains("v21 goes back to v7, which has") })
        #expect(back([0: 6], to: 6).contains { $0.contains("was told that v21 goes back to v7, and it does not") })
    }

    @Test func differencesAreHeldAgainstTheVersions() {
        func told(_ added: [Int], _ removed: [Int], _ changed: [Int]) -> [String] {
            var tests = Self.grown()
            tests.history.diffs = [DiffRecord(client: 0, from: 5, to: 9, added: added, removed: removed, changed: changed)]
            return tests.end(tests.tail)
        }
        #expect(told([], [], [0]).isEmpty)
        #expect(told([], [], []).contains { $0.contains("f0 is the same") })
        #expect(told([0], [], []).contains { $0.contains("f0 is new") })
        #expect(told([1], [], [0]).contains { $0.contains("f1 is new") })
        #expect(told([], [0], []).contains { $0.contains("f0 is gone") })
    }

    /// A commit that wrote a file in place, and nobody else did, is checked as any other; where another did, what came of it is
    /// taken as it is.
    @Test func editsAreCheckedWhereNobodyElseMeetsThem() {
        func edit(base: UInt64, becomes value: UInt64) -> [String] {
            var tests = Self.grown()
            let number = tests.history.begin(
                CommitRecord(
                    client: 0, base: base, writes: [.init(file: 0, tag: 50)], ifUnchanged: false, began: 1_000, hasEdits: true))
            tests.history.ended(number, at: 1_010, version: 21, conflicts: [], isEmpty: false)
            return tests.end(tests.tail + [tests.version(21, number, [0: value])])
        }
        #expect(edit(base: 20, becomes: 50).isEmpty)
        #expect(!edit(base: 20, becomes: 51).isEmpty)
        #expect(edit(base: 19, becomes: 51).isEmpty)
    }

    /// Only what had ended before a reload began must be in it.
    @Test func reloadsAreHeldAgainstWhatWasAcknowledgedBefore() {
        var tests = VersionWitnessTests()
        _ = tests.commit(1, base: 0, version: 7)
        let ended = tests.clock
        #expect(tests.history.newestAcknowledged(before: ended) == nil)
        #expect(tests.history.newestAcknowledged(before: ended + 1)?.version == 7)
        _ = tests.commit(2, base: 0, version: 5)
        #expect(tests.history.newestAcknowledged(before: .max)?.version == 7)
    }
}
