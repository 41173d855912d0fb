import Filesystem
import NodeCore
import Primitives
import Replication
import Testing

/// Random operations of several clients on both kinds of file system while regions are cut off and
/// nodes of a minority crash; then the cluster heals and what was promised is looked for.
@Suite struct RandomTests {
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func promisesAreKept(seed: UInt64) throws {
        let world = try RandomWorld(seed: seed)
        try world.run(operations: 300)
        try world.settle()
        #expect(world.violations == [], "seed \(seed)")
        // A run that did nothing would prove nothing.
        #expect(world.commits > 5 && world.reads > 5 && world.failures > 0, "seed \(seed)")
    }

    /// The same while replicas move: nodes crash in the middle of it, drain, come back, join.
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func promisesAreKeptWhileReplicasMove(seed: UInt64) throws {
        let world = try RandomWorld(seed: seed, isMoving: true)
        try world.run(operations: 500)
        try world.settle()
        #expect(world.violations == [], "seed \(seed)")
        #expect(world.commits > 5 && world.reads > 5, "seed \(seed)")
        #expect(world.moves > 0, "seed \(seed): nothing moved")
    }

    @Test func whatIsNotLinearizableIsSeen() {
        func at(_ second: Int64) -> Instant { Instant(nanoseconds: second * 1_000_000_000) }
        var history = RegisterHistory()
        history.wrote([1], began: at(1), ended: at(2))
        history.wrote([2], began: at(3), ended: at(6))
        history.wrote([3], began: at(20), ended: nil)
        history.read([1], began: at(4), ended: at(5))
        history.read([2], began: at(4), ended: at(5))
        history.read([3], began: at(30), ended: at(31))
        #expect(history.violations() == [])
        var late = history
        late.read([1], began: at(7), ended: at(8))
        #expect(late.violations().contains { $0.contains("overwritten") })
        var back = RegisterHistory()
        back.wrote([1], began: at(1), ended: at(2))
        back.wrote([2], began: at(3), ended: at(20))
        back.read([2], began: at(4), ended: at(5))
        back.read([1], began: at(6), ended: at(7))
        #expect(back.violations().contains { $0.contains("older") })
        var early = RegisterHistory()
        early.read([1], began: at(1), ended: at(2))
        #expect(early.violations().contains { $0.contains("nobody") })
        early.wrote([1], began: at(3), ended: at(4))
        #expect(early.violations().contains { $0.contains("later") })
    }

    @Test func aRunIsAFunctionOfItsSeed() throws {
        func trace() throws -> [String] {
            let world = try RandomWorld(seed: 99)
            try world.run(operations: 150)
            return world.trace
        }
        #expect(try trace() == trace())
    }
}
