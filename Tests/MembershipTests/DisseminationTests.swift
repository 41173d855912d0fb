import Primitives
import Testing

@testable import Membership

@Suite struct DisseminationTests {
    static func news(_ id: UInt64, incarnation: UInt64 = 1) -> MemberUpdate {
        .alive(TestNetwork.record(id, region: RegionID("a"), incarnation: incarnation))
    }

    @Test func eachPieceGoesOutAsOftenAsAllowedAndLeastSentFirst() {
        var queue = Dissemination()
        for id in 1...5 as ClosedRange<UInt64> { queue.enqueue(Self.news(id)) }
        var seen: [UInt64: Int] = [:]
        var rounds = 0
        while !queue.isEmpty {
            rounds += 1
            let taken = queue.take(budget: 400, room: 64, limit: 4, already: [])
            #expect(taken.count == 2)
            for case .alive(let record) in taken { seen[record.id.rawValue, default: 0] += 1 }
            // Nobody is ever two ahead of another.
            if let most = seen.values.max(), let least = (1...5).map({ seen[$0] ?? 0 }).min() { #expect(most - least <= 1) }
            if rounds > 20 { break }
        }
        #expect((1...5).allSatisfy { seen[$0] == 4 })
        #expect(rounds == 10)
    }

    @Test func budgetIsKept() {
        var generator = SeededGenerator(seed: 2)
        var queue = Dissemination()
        for id in 1...200 as ClosedRange<UInt64> {
            queue.enqueue(generator.below(2) == 0 ? Self.news(id) : .dead(NodeID(id), incarnation: 1, accuser: NodeID(1)))
        }
        for _ in 0..<100 {
            let budget = generator.below(1_200)
            let taken = queue.take(budget: budget, room: 64, limit: 5, already: [])
            #expect(taken.reduce(0) { $0 + $1.xdrBytes.count } <= budget)
            #expect(taken.count <= 64)
        }
    }

    @Test func capacityGivesUpTheMostSent() {
        var queue = Dissemination()
        for id in 1...UInt64(Dissemination.capacity) { queue.enqueue(.left(NodeID(id), incarnation: 1)) }
        let sent = queue.take(budget: 1_000, room: 1, limit: 5, already: [])
        queue.enqueue(.left(NodeID(9_999), incarnation: 1))
        #expect(queue.entries.count == Dissemination.capacity)
        #expect(!queue.isPending(sent[0].key))
        #expect(queue.isPending(.member(NodeID(9_999))))
    }

    @Test func newsReplacesWhatItSettles() {
        var queue = Dissemination()
        queue.enqueue(.suspect(NodeID(1), incarnation: 1, accuser: NodeID(2)))
        queue.enqueue(.suspect(NodeID(1), incarnation: 1, accuser: NodeID(3)))
        // Facts of the accused incarnation are no refutation.
        queue.enqueue(Self.news(1))
        #expect(queue.entries.count == 3)
        queue.enqueue(Self.news(1, incarnation: 2))
        #expect(queue.entries.count == 1)
        queue.enqueue(.suspect(NodeID(1), incarnation: 2, accuser: NodeID(2)))
        queue.enqueue(.dead(NodeID(1), incarnation: 2, accuser: NodeID(2)))
        #expect(queue.entries.count == 1)
        queue.drop(NodeID(1))
        #expect(queue.isEmpty)
    }
}

/// The queue in one list, sorted anew for each packet.
private struct SimpleQueue {
    struct Piece {
        let update: MemberUpdate
        let order: Int
        var sent = 0
    }
    var pieces: [Piece] = []
    private var orders = 0

    mutating func enqueue(_ update: MemberUpdate) {
        pieces.removeAll { old in
            if old.update.key == update.key { return true }
            guard case .suspect(let accused, let incarnation, _) = old.update else { return false }
            return switch update {
            case .alive(let record): record.id == accused && record.incarnation > incarnation
            case .dead(let id, _, _), .left(let id, _): id == accused
            case .suspect, .link: false
            }
        }
        if pieces.count == Dissemination.capacity {
            let worst = pieces.indices.max { (pieces[$0].sent, -pieces[$0].order) < (pieces[$1].sent, -pieces[$1].order) }
            worst.map { _ = pieces.remove(at: $0) }
        }
        pieces.append(Piece(update: update, order: orders))
        orders += 1
    }

    mutating func take(budget: Int, room: Int, limit: Int, linkWeight: Int, already: [MemberUpdate]) -> [MemberUpdate] {
        var left = budget
        var taken: [MemberUpdate] = []
        pieces.sort { ($0.sent, -$0.order) < ($1.sent, -$1.order) }
        for place in pieces.indices where pieces[place].update.encodedBytes <= left && taken.count < room {
            let update = pieces[place].update
            if already.contains(where: { $0.key == update.key }) { continue }
            left -= update.encodedBytes
            taken.append(update)
            if case .link = update { pieces[place].sent += linkWeight } else { pieces[place].sent += 1 }
        }
        if pieces.contains(where: { $0.sent >= limit }) { pieces.removeAll { $0.sent >= limit } }
        return taken
    }
}

@Suite struct NewsOrderTests {
    private static func draw(_ generator: inout SeededGenerator) -> MemberUpdate {
        // Numbers that end alike share a chain.
        let number = UInt64(generator.below(40)) + (generator.below(2) == 0 ? 1_024 : 0) + UInt64(generator.below(30) * 64)
        let id = NodeID(number + 1)
        let incarnation = UInt64(generator.below(3) + 1)
        let other = NodeID(UInt64(generator.below(4) + 1))
        switch generator.below(5) {
        case 0: return DisseminationTests.news(id.rawValue, incarnation: incarnation)
        case 1: return .suspect(id, incarnation: incarnation, accuser: other)
        case 2: return .dead(id, incarnation: incarnation, accuser: other)
        case 3: return .left(id, incarnation: incarnation)
        default:
            return .link(
                RegionLinkFact(
                    reporter: id, from: RegionID("a"), to: RegionID(generator.below(2) == 0 ? "b" : "far-away"), incarnation: 1,
                    version: UInt32(generator.below(100)), median: 1, p90: 2, minimum: 1, samples: 1))
        }
    }

    /// Linked lists and chains give what a sorted list gives, whatever comes and goes.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func theQueueGivesWhatASortedListGives(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = Dissemination()
        var simple = SimpleQueue()
        for step in 0..<3_000 {
            // Now more comes, now more goes: both the bound and the empty queue are met.
            if generator.below(10) < (step / 700 % 2 == 0 ? 9 : 4) {
                let update = Self.draw(&generator)
                queue.enqueue(update)
                simple.enqueue(update)
            } else {
                let budget = generator.below(1_200)
                let room = generator.below(64) + 1
                let already = generator.below(3) == 0 ? [Self.draw(&generator)] : []
                let got = queue.take(budget: budget, room: room, limit: 6, linkWeight: 3, already: already)
                #expect(
                    got == simple.take(budget: budget, room: room, limit: 6, linkWeight: 3, already: already), "seed \(seed), step \(step)")
            }
            if step % 500 == 499 {
                let id = NodeID(UInt64(generator.below(40) + 1))
                queue.drop(id)
                simple.pieces.removeAll { $0.update.subject == id }
            }
            #expect(queue.count == simple.pieces.count)
        }
        #expect(queue.entries.map(\.update) == simple.pieces.sorted { $0.order < $1.order }.map(\.update))
    }
}

@Suite struct PeerTableTests {
    @Test func peersStayInOrderWhoeverComesAndGoes() {
        var generator = SeededGenerator(seed: 3)
        var table = PeerTable()
        var ids: [UInt64] = []
        for _ in 0..<2_000 {
            if ids.count < 60, generator.below(2) == 0 {
                let id = UInt64(generator.below(10_000) + 1)
                let place = ids.firstIndex { $0 >= id } ?? ids.count
                guard place == ids.count || ids[place] != id else { continue }
                ids.insert(id, at: place)
                table.insert(Peer(record: TestNetwork.record(id, region: RegionID("a")), now: .zero, tieBreak: 0), at: place)
            } else if !ids.isEmpty {
                let place = generator.below(ids.count)
                #expect(table.remove(at: place).id.rawValue == ids.remove(at: place))
            }
            if !ids.isEmpty { table[generator.below(ids.count)].tieBreak += 1 }
            #expect(table.map(\.id.rawValue) == ids)
        }
    }
}

@Suite struct SuspicionTests {
    @Test func confirmationsShortenOnALogarithmicScale() {
        var suspicion = Suspicion(
            startedAt: .zero, shortest: 2_000, longest: 12_000, needed: 3, accuser: NodeID(1), timer: ArmedTimer(generation: 0, at: .zero))
        #expect(suspicion.lastingNanoseconds == 12_000)
        // The first accuser again, three that count, and one too many.
        var counted: [Bool] = []
        var times: [Int64] = []
        for accuser in 1...5 as ClosedRange<UInt64> {
            counted.append(suspicion.confirm(by: NodeID(accuser)))
            times.append(suspicion.lastingNanoseconds)
        }
        #expect(counted == [false, true, true, true, false])
        #expect(times == [12_000, 7_000, 4_500, 2_000, 2_000])
    }

    @Test func healthStaysInItsRange() {
        var health = LocalHealth(maximum: 3)
        health.improve()
        #expect(health.multiplier == 1)
        health.worsen(by: 9)
        #expect(health.multiplier == 4)
        health.worsen(by: -2)
        health.improve()
        #expect(health.score == 2)
    }
}
