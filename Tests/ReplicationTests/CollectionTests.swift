import Primitives
import Replication
import Testing

@Suite struct GarbageTests {
    private let group = GroupID(16)
    private let hour: Int64 = 3_600 * 1_000_000_000
    private func time(_ hours: Int64) -> WallTime { WallTime(nanoseconds: hours * hour) }
    private func stored(_ name: String, hours: Int64) -> StoredChunk { StoredChunk(id: chunk(name).id, length: 1, touched: time(hours)) }
    private let everywhere = ChunkRange(0)...ChunkRange(255)

    @Test func onlyWhatNobodyNeedsIsSwept() throws {
        var marks = GarbageMarks()
        try marks.pin(7, [chunk("pinned").id], now: time(100), lease: .seconds(3_600))
        marks.begin(ranges: everywhere, groups: [group, GroupID(17)], now: time(100))
        try marks.mark(group, [chunk("used").id])
        try marks.finish(group, asOf: time(100))
        #expect(throws: GarbageMarks.PassError.unfinished([GroupID(17)])) { try marks.sweepable([], now: time(100)) }
        // A replica that lags moves the horizon back.
        try marks.finish(GroupID(17), asOf: time(95))
        let candidates = [stored("used", hours: 1), stored("pinned", hours: 1), stored("old", hours: 92), stored("new", hours: 94)]
        #expect(try marks.sweepable(candidates, now: time(100)).map(\.id) == [chunk("old").id])
        // The pin runs out, unless it is renewed.
        let isRenewed = marks.renew(7, now: time(100), lease: .seconds(7_200))
        #expect(isRenewed)
        // Two hours were asked for; a lease is cut to its limit of one.
        #expect(try marks.sweepable(candidates, now: time(102)).count == 2)
        let isLate = marks.renew(7, now: time(102), lease: .seconds(60))
        #expect(!isLate)
        marks.checkInvariants()
    }

    @Test func passesAreSafeWhenMisused() throws {
        var marks = GarbageMarks()
        #expect(throws: GarbageMarks.PassError.noPass) { try marks.mark(group, []) }
        #expect(throws: GarbageMarks.PassError.noPass) { try marks.sweepable([], now: time(1)) }
        marks.begin(ranges: ChunkRange(0)...ChunkRange(127), groups: [group], now: time(100))
        #expect(throws: GarbageMarks.PassError.unknownGroup(GroupID(99))) { try marks.finish(GroupID(99), asOf: time(100)) }
        try marks.finish(group, asOf: time(100))
        // Outside the ranges of the pass nothing was marked, and nothing may be swept.
        let outside = StoredChunk(id: Digest(words: (1 << 63, 0, 0, 0)), length: 1, touched: time(0))
        let inside = StoredChunk(id: Digest(words: (1, 0, 0, 0)), length: 1, touched: time(0))
        #expect(try marks.sweepable([outside, inside], now: time(100)) == [inside])
        var settings = GarbageSettings()
        settings.maximumMarks = 3
        settings.maximumPinned = 2
        var small = GarbageMarks(settings: settings)
        small.begin(ranges: everywhere, groups: [group], now: time(1))
        let names = (0..<4).map { chunk("\($0)").id }
        try small.mark(group, Array(names[..<3]) + names[..<3])
        #expect(throws: GarbageMarks.PassError.tooManyMarks(3)) { try small.mark(group, names) }
        #expect(!small.isMarking)
        #expect(throws: GarbageMarks.PassError.tooManyPins(2)) { try small.pin(1, names, now: time(1), lease: .seconds(1)) }
    }

    /// Writers that stage, touch, commit or give up while passes run: no chunk that a committed
    /// version names is ever deleted, and what nobody names goes in the end.
    @Test(arguments: 1...20) func nothingCommittedIsSwept(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var marks = GarbageMarks()
        var store: [(id: ChunkID, touched: WallTime)] = []
        var committed: [[ChunkID]] = []
        var stages: [(token: UInt64, chunks: [ChunkID], started: Int64)] = []
        var minute: Int64 = 10_000
        var nextToken: UInt64 = 1
        func clock(_ minute: Int64) -> WallTime { WallTime(nanoseconds: minute * 60 * 1_000_000_000) }
        func touch(_ id: ChunkID) {
            if let slot = store.firstIndex(where: { $0.id == id }) {
                store[slot].touched = clock(minute)
            } else {
                store.append((id, clock(minute)))
            }
        }
        for _ in 0..<600 {
            minute += Int64(generator.below(20))
            switch generator.below(6) {
            case 0, 1:
                let chunks = (0..<3).map { _ in chunk("g\(generator.below(60))").id }
                for id in chunks { touch(id) }
                // Half of the pins get lost, as by a restart.
                if generator.below(2) == 0 { try marks.pin(nextToken, chunks, now: clock(minute), lease: .seconds(3_600)) }
                stages.append((nextToken, chunks, minute))
                nextToken += 1
            case 2:
                guard !stages.isEmpty else { continue }
                let stage = stages.remove(at: generator.below(stages.count))
                marks.unpin(stage.token)
                // A commit that took longer than the grace (less the lag allowed) gives up.
                if minute - stage.started < 60 { committed.append(stage.chunks) }
            case 3: if committed.count > 4 { committed.removeFirst() }
            default:
                let lag = Int64(generator.below(30))
                marks.begin(ranges: everywhere, groups: [group], now: clock(minute))
                try marks.mark(group, committed.flatMap { $0 })
                try marks.finish(group, asOf: clock(minute - lag))
                let candidates = store.map { StoredChunk(id: $0.id, length: 1, touched: $0.touched) }
                let swept = try marks.sweepable(candidates, now: clock(minute)).map(\.id)
                store.removeAll { swept.contains($0.id) }
            }
            marks.checkInvariants()
            for id in committed.joined() { #expect(store.contains { $0.id == id }, "a committed chunk is gone") }
            for stage in stages where minute - stage.started < 60 {
                for id in stage.chunks { #expect(store.contains { $0.id == id }, "a chunk of a running commit is gone") }
            }
        }
        minute += 10_000
        marks.begin(ranges: everywhere, groups: [], now: clock(minute))
        #expect(
            try marks.sweepable(store.map { StoredChunk(id: $0.id, length: 1, touched: $0.touched) }, now: clock(minute)).count
                == store.count)
    }
}

@Suite struct AntiEntropyTests {
    private func answer(_ message: AntiEntropyEffect, held: [ChunkReference]) -> AntiEntropyMessage? {
        switch message {
        case .answerSummary(_, let round): .summary(round: round, summary(held))
        case .answerList(_, let round, let range, let after, let limit):
            page(held.filter { chunk in range.contains(chunk.id) && (after.map { $0 < chunk.id } ?? true) }, round, Int(limit))
        default: nil
        }
    }

    private func page(_ chunks: [ChunkReference], _ round: UInt64, _ limit: Int) -> AntiEntropyMessage {
        .list(round: round, Array(chunks.sorted { $0.id < $1.id }.prefix(limit)), isLast: chunks.count <= limit)
    }

    private func summary(_ held: [ChunkReference]) -> HoldingSummary {
        var summary = HoldingSummary()
        for chunk in held { summary.add(chunk.id) }
        return summary
    }

    /// Two nodes with different halves of a set: a round each, and both hold all of it.
    @Test func nodesPullWhatTheyLack() throws {
        var settings = AntiEntropySettings()
        settings.page = 2
        var machines = [AntiEntropy(settings: settings), AntiEntropy(settings: settings)]
        let all = (0..<900).map { chunk("x\($0)") }
        var held = [0, 3].map { lost in all.enumerated().filter { $0.offset % 7 != lost }.map(\.element) }
        var queue: [(Int, AntiEntropyEvent)] = [(0, .peers([NodeID(1)])), (1, .peers([NodeID(0)]))]
        var reports: [[AntiEntropyReport]] = [[], []]
        var now = Instant.zero
        for _ in 0..<50_000 where reports.contains(where: { $0.count < 2 }) {
            if queue.isEmpty {
                now = [machines[0].nextWakeup, machines[1].nextWakeup].compactMap { $0 }.min() ?? now
                queue = [(0, .tick), (1, .tick)]
            }
            let (me, event) = queue.removeFirst()
            var effects: [AntiEntropyEffect] = []
            machines[me].handle(event, now: now, into: &effects)
            for effect in effects {
                switch effect {
                case .send(let node, let message):
                    queue.append((Int(node.rawValue), .received(NodeID(UInt64(me)), try AntiEntropyMessage(xdr: message.xdrBytes))))
                case .answerSummary(let node, _), .answerList(let node, _, _, _, _):
                    if let message = answer(effect, held: held[me]) {
                        queue.append((Int(node.rawValue), .received(NodeID(UInt64(me)), message)))
                    }
                case .summarize(let round, _): queue.append((me, .summarized(round: round, summary(held[me]))))
                case .check(let round, let chunks):
                    queue.append((me, .checked(round: round, missing: chunks.filter { !held[me].contains($0) })))
                case .repair(let chunks, _): held[me] += chunks
                case .finished(let report): reports[me].append(report)
                }
            }
        }
        #expect(held[0].count == 900 && held[1].count == 900)
        #expect(reports[0][0].missing == 129 && reports[1][0].missing == 129)
        #expect(reports.allSatisfy { $0[1].differingRanges == 0 && $0[1].failure == nil }, "\(reports)")
    }

    @Test func aSilentOrLyingPeerEndsTheRound() {
        var machine = AntiEntropy()
        var effects: [AntiEntropyEffect] = []
        let peer = NodeID(2)
        func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
        machine.handle(.peers([peer]), now: at(0), into: &effects)
        machine.handle(.tick, now: at(30), into: &effects)
        machine.handle(.tick, now: at(50), into: &effects)
        guard case .finished(let silent) = effects.last else {
            Issue.record("\(effects)")
            return
        }
        #expect(silent.failure == "no answer in time")
        machine.handle(.tick, now: at(80), into: &effects)
        machine.handle(.summarized(round: 2, HoldingSummary()), now: at(80), into: &effects)
        machine.handle(.received(peer, .summary(round: 1, HoldingSummary())), now: at(80), into: &effects)
        machine.handle(.received(peer, .summary(round: 2, summary([chunk("a")]))), now: at(80), into: &effects)
        // A page that is not of the range asked for.
        let other = (0..<99).map { chunk("z\($0)") }.first { ChunkRange(of: $0.id) != ChunkRange(of: chunk("a").id) } ?? chunk("a")
        machine.handle(.received(peer, .list(round: 2, [other], isLast: false)), now: at(80), into: &effects)
        guard case .finished(let lying) = effects.last else {
            Issue.record("\(effects)")
            return
        }
        #expect(lying.failure?.contains("out of order") ?? false)
        #expect(machine.nextWakeup == at(110))
    }
}
