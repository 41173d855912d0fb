import Comparison
import Primitives
import Simulation
import Testing
import Workloads

/// Proof that the checkers bite: each fault built in on purpose is seen.
@Suite struct MutantTests {
    static let map = try! SettingsLibrary.map("aws")
    /// Those that need thousands of seeds are left to `make mutants`.
    static let quick: [Mutant] = [
        .ackBeforeSync, .pushAckBeforeStore, .commitBeforeChunks, .commitAlone, .proposalWithoutStamp,
        .reloadWithoutAsking, .serveDecay, .lostWrite, .conflictsForgotten, .snapshotCutsLog,
    ]

    @Test(arguments: quick)
    func isCaught(mutant: Mutant) {
        for seed in 1...400 as ClosedRange<UInt64> {
            let result = Simulation.run(.swarm(Self.map, seed: seed), seed: seed, mutant: mutant)
            guard let violation = result.violations.first else { continue }
            print("mutant \(mutant.rawValue): \(seed) seeds, \(violation.kind.rawValue)")
            return
        }
        Issue.record("\(mutant.rawValue) is not seen in 400 seeds")
    }
}
