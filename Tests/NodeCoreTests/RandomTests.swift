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
