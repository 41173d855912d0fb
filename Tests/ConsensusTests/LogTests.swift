import Primitives
import Testing

@testable import Consensus

@Suite struct LogTests {
    private func log(base: UInt64 = 0, baseTerm: UInt64 = 0, terms: [UInt64]) -> RaftLog {
        RaftLog(
            baseIndex: base, baseTerm: baseTerm,
            entries: terms.enumerated().map {
                RaftEntry(index: base + UInt64($0.offset) + 1, term: $0.element, kind: .command, payload: [1])
            })
    }

    /// The binary search for where two logs may agree, against a walk.
    @Test func hintsAgreeWithAWalk() {
        var chance = SeededGenerator(seed: 4)
        for _ in 0..<2_000 {
            let base = UInt64(chance.below(3))
            let terms = (0..<chance.below(12)).map { _ in UInt64(2 + chance.below(6)) }.sorted()
            let log = log(base: base, baseTerm: base == 0 ? 0 : 2, terms: terms)
            let index = base + UInt64(chance.below(14))
            let term = UInt64(chance.below(9))
            var walk = min(index, log.lastIndex)
            while walk > log.baseIndex, log.term(at: walk)! > term { walk -= 1 }
            #expect(log.lastIndex(notAfter: index, termAtMost: term) == (walk, log.term(at: walk)!))
        }
    }

    @Test func slicesAreBounded() {
        let log = log(base: 5, baseTerm: 1, terms: [1, 1, 2, 2, 3])
        #expect(log.slice(from: 6, bytes: .max).map(\.index) == [6, 7, 8, 9, 10])
        #expect(log.slice(from: 7, bytes: 66).map(\.index) == [7, 8])
        #expect(log.slice(from: 7, bytes: 0).map(\.index) == [7])
        #expect(log.slice(from: 7, bytes: .max, count: 3).map(\.index) == [7, 8, 9])
        #expect(log.slice(from: 7, through: 8, bytes: .max).map(\.index) == [7, 8])
        #expect(log.slice(from: 11, bytes: .max).isEmpty)
    }

    @Test func cutsKeepCount() {
        var log = log(terms: [1, 1, 2, 3, 3])
        log.compact(through: 2)
        log.truncate(from: 5)
        #expect(log.firstIndex == 3 && log.lastIndex == 4 && log.bytes == 66 && log.lastTerm == 3)
        #expect(log.term(at: 1) == nil && log.term(at: 2) == 1 && log.term(at: 4) == 3 && log.term(at: 5) == nil)
        #expect(log.isCovered(byIndex: 1, term: 4) && log.isCovered(byIndex: 4, term: 3) && !log.isCovered(byIndex: 9, term: 2))
    }

    /// What a crash may leave on disk beside a snapshot.
    @Test func restoresWhatTheSnapshotLeavesValid() {
        let configuration = RaftConfiguration(voters: [NodeID(1), NodeID(2)])
        func restore(_ entries: [RaftEntry], snapshot: SnapshotMetadata?, term: UInt64 = 5) -> RaftState {
            let restored = RaftRestored(
                hardState: HardState(term: term, commit: 99), snapshot: snapshot, entries: entries, initialConfiguration: configuration)
            return RaftState(group: GroupID(1), id: NodeID(1), restored: restored, settings: RaftSettings(), seed: 1, now: .zero)
        }
        let entries = log(terms: [1, 1, 2, 3, 3]).entries
        func at(_ index: UInt64, _ term: UInt64) -> SnapshotMetadata {
            SnapshotMetadata(index: index, term: term, configuration: configuration)
        }
        // A continuation stays; what the snapshot covers goes.
        let middle = restore(entries, snapshot: at(3, 2))
        #expect(middle.log.firstIndex == 4 && middle.log.lastIndex == 5 && middle.persistence.truncateFrom == nil)
        #expect(middle.commitIndex == 5 && middle.appliedIndex == 3)
        // Another history is void, in memory and on disk.
        let other = restore(entries, snapshot: at(3, 4))
        #expect(other.log.lastIndex == 3 && other.persistence.truncateFrom == 1)
        let beyond = restore(entries, snapshot: at(9, 4))
        #expect(beyond.log.lastIndex == 9 && beyond.persistence.truncateFrom == 1 && beyond.log.lastTerm == 4)
        let exact = restore(entries, snapshot: at(5, 3))
        #expect(exact.log.lastIndex == 5 && exact.persistence.truncateFrom == nil)
        // A snapshot that arrived with a term which was not written yet.
        #expect(restore([], snapshot: at(9, 7)).term == 7)
    }

    @Test func damageIsNamed() {
        let configuration = RaftConfiguration(voters: [NodeID(1)])
        func problem(_ entries: [RaftEntry], term: UInt64 = 9) -> String? {
            RaftRestored(hardState: HardState(term: term), entries: entries, initialConfiguration: configuration).problem
        }
        let entries = log(terms: [1, 1, 2]).entries
        #expect(problem(entries) == nil)
        #expect(problem([entries[0], entries[2]]) == "entry 3/t2 command[1] follows entry 1/t1 command[1] in the log")
        #expect(problem(Array(entries[1...])) == "the log begins at 2 but the snapshot ends at 0")
        #expect(problem(entries, term: 1) == "the log ends in term 2 but the node never entered a term after 1")
        #expect(
            problem([RaftEntry(index: 1, term: 1, kind: .configuration, payload: [1])])
                == "entry 1/t1 configuration[1] does not hold a configuration")
    }
}
