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
