import Primitives
import Replication
import Testing

@Suite struct GarbageTests {
    private let group = GroupID(16)
    private func at(_ minute: Int64) -> Instant { Instant(nanoseconds: minute * 60_000_000_000) }

    @Test func onlyWhatNobodyNamesIsSwept() throws {
        var marks = GarbageMarks()
        marks.begin(ranges: ChunkRange.everything, groups: [group, GroupID(17)], now: at(100))
        try marks.mark([chunk("used")])
        try marks.finish(group)
        #expect(throws: GarbageMarks.PassError.unfinished([GroupID(17)])) { try marks.sweepable([]) }
        try marks.finish(GroupID(17))
        #expect(try marks.sweepable([chunk("used").id, chunk("old").id]) == [chunk("old").id])
        // The longer the pass takes, the older must be what it sweeps.
        #expect(try marks.idle(now: at(100)) == .seconds(1_800))
        #expect(try marks.idle(now: at(110)) == .seconds(2_400))
    }

    @Test func passesAreSafeWhenMisused() throws {
        var marks = GarbageMarks()
        #expect(throws: GarbageMarks.PassError.noPass) { try marks.mark([]) }
        #expect(throws: GarbageMarks.PassError.noPass) { try marks.sweepable([]) }
        #expect(throws: GarbageMarks.PassError.noPass) { try marks.idle(now: at(1)) }
        marks.begin(ranges: ChunkRange(0)...ChunkRange(127), groups: [group], now: at(100))
        #expect(throws: GarbageMarks.PassError.unknownGroup(GroupID(99))) { try marks.finish(GroupID(99)) }
        try marks.finish(group)
        // Outside the ranges of the pass nothing was marked, and nothing may be swept.
        let outside = Digest(words: (1 << 63, 0, 0, 0))
        let inside = Digest(words: (1, 0, 0, 0))
        #expect(try marks.sweepable([outside, inside]) == [inside])
        var settings = GarbageSettings()
        settings.maximumMarks = 3
        var small = GarbageMarks(settings: settings)
        small.begin(ranges: ChunkRange.everything, groups: [group], now: at(1))
        let names = (0..<4).map { chunk("\($0)") }
        try small.mark(Array(names[..<3]) + names[..<3])
        #expect(throws: GarbageMarks.PassError.tooManyMarks(3)) { try small.mark(names) }
        #expect(!small.isMarking)
    }

    /// Writers that stage, touch, commit or give up while passes run: no chunk that a committed
    /// version names is ever deleted, and what nobody names goes in the end.
    @Test(arguments: 1...20) func nothingCommittedIsSwept(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var marks = GarbageMarks()
        var store: [(id: ChunkID, touched: Instant)] = []
        var committed: [[ChunkID]] = []
        var stages: [(chunks: [ChunkID], started: Int64)] = []
        var minute: Int64 = 10_000
        var swept = 0
        func touch(_ id: ChunkID) {
            if let slot = store.firstIndex(where: { $0.id == id }) {
                store[slot].touched = at(minute)
            } else {
                store.append((id, at(minute)))
            }
        }
        func sweep() throws {
            let idle = try marks.idle(now: at(minute))
            let victims = try marks.sweepable(store.filter { $0.touched < at(minute) - idle }.map(\.id))
            swept += victims.count
            store.removeAll { victims.contains($0.id) }
            marks.end()
        }
        for _ in 0..<600 {
            minute += Int64(generator.below(9))
            switch generator.below(6) {
            case 0, 1:
                let chunks = (0..<3).map { _ in chunk("g\(generator.below(60))").id }
                for id in chunks { touch(id) }
                stages.append((chunks, minute))
            case 2:
                guard !stages.isEmpty else { continue }
                let stage = stages.remove(at: generator.below(stages.count))
                // A commit whose copies are older than that has its holders asked again.
                if minute - stage.started >= 8 { for id in stage.chunks { touch(id) } }
                committed.append(stage.chunks)
            case 3: if committed.count > 4 { committed.removeFirst() }
            default:
                if marks.isMarking {
                    try sweep()
                } else {
                    marks.begin(ranges: ChunkRange.everything, groups: [group], now: at(minute))
                    try marks.mark(committed.joined().map { ChunkReference(id: $0, length: 1) })
                    try marks.finish(group)
                }
            }
            for id in committed.joined() { #expect(store.contains { $0.id == id }, "a committed chunk is gone") }
            for stage in stages where minute - stage.started < 8 {
                for id in stage.chunks { #expect(store.contains { $0.id == id }, "a chunk of a running commit is gone") }
            }
        }
        #expect(swept > 0, "nothing was ever swept")
        minute += 10_000
        marks.begin(ranges: ChunkRange.everything, groups: [], now: at(minute))
        try sweep()
        #expect(store.isEmpty)
    }
}
