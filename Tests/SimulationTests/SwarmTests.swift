import Comparison
import Primitives
import Simulation
import StorageSimulation
import Testing
import Workloads

/// Random worlds: see docs/internals/simulation.md.
@Suite struct SwarmTests {
    static let map = try! SettingsLibrary.map("aws")

    /// 200 seeds. A failure says which command repeats it.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func whatIsPromisedHolds(batch: UInt64) {
        for seed in (batch * 10 + 1)...(batch * 10 + 10) {
            let result = Simulation.run(.swarm(Self.map, seed: seed), seed: seed, storage: NodeStorage.maker())
            #expect(result.violations.isEmpty, "atoll simulate swarm --seed \(seed): \(result.violations.map(\.description))")
            #expect(result.statistics.operations > 20, "seed \(seed) did nothing")
        }
    }

    /// Seeds that once found something; what it was stands beside them.
    @Test(
        arguments: [
            // A commit brought a file back that another had removed, and did not say so.
            1, 5, 10, 11,
        ] as [UInt64])
    func whatWasFoundIsMended(seed: UInt64) {
        let result = Simulation.run(.swarm(Self.map, seed: seed, storage: .standIn), seed: seed)
        let words = "atoll simulate swarm --seed \(seed) --storage stand-in"
        #expect(result.violations.isEmpty, "\(words): \(result.violations.map(\.description))")
    }

    @Test func theSameSeedGivesTheSameTrace() {
        let first = Simulation.run(.swarm(Self.map, seed: 7), seed: 7, storage: NodeStorage.maker())
        let second = Simulation.run(.swarm(Self.map, seed: 7), seed: 7, storage: NodeStorage.maker())
        #expect(first.traceHash == second.traceHash)
        #expect(first.statistics == second.statistics)
        #expect(first.traceHash != Simulation.run(.swarm(Self.map, seed: 8), seed: 8, storage: NodeStorage.maker()).traceHash)
    }

    /// Writing the event log changes nothing.
    @Test func theTraceIsTheSameWithAndWithoutItsText() {
        var lines = 0
        let told = Simulation.run(.swarm(Self.map, seed: 4), seed: 4, storage: NodeStorage.maker(), sink: { _ in lines += 1 })
        #expect(told.traceHash == Simulation.run(.swarm(Self.map, seed: 4), seed: 4, storage: NodeStorage.maker()).traceHash)
        #expect(lines > 1_000)
    }

    @Test func aRunCanBeStopped() {
        let result = Simulation.run(
            .swarm(Self.map, seed: 2), seed: 2, storage: NodeStorage.maker(), onProgress: { $0.simulated < .seconds(3) })
        #expect(result.wasStopped)
        #expect(result.simulated < .seconds(6))
    }
}
