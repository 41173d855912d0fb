import Comparison
import Primitives
import Simulation
import Testing
import Workloads

/// Random worlds: see docs/internals/simulation.md.
@Suite struct SwarmTests {
    static let map = try! SettingsLibrary.map("aws")

    @Test func theSameSeedGivesTheSameTrace() {
        let first = Simulation.run(.swarm(Self.map, seed: 7), seed: 7)
        let second = Simulation.run(.swarm(Self.map, seed: 7), seed: 7)
        #expect(first.traceHash == second.traceHash)
        #expect(first.statistics == second.statistics)
        #expect(first.traceHash != Simulation.run(.swarm(Self.map, seed: 8), seed: 8).traceHash)
    }
}
