import Comparison
import Primitives
import StorageSimulation
import Testing
import Workloads

@testable import Simulation

/// Proof that the checkers bite: each fault built in on purpose is seen.
@Suite struct MutantTests {
    static let map = try! SettingsLibrary.map("aws")
    /// Those that need thousands of seeds are left to `make mutants`.
    static let quick: [Mutant] = [
        .ackBeforeSync, .pushAckBeforeStore, .commitBeforeChunks, .commitAlone, .proposalWithoutStamp,
        .reloadWithoutAsking, .serveDecay, .lostWrite, .conflictsForgotten, .snapshotCutsLog, .rollbackToAnother,
    ]

    /// Durability asks the disks when something is acknowledged: what was never stored there, or was swept, is seen at once, by
    /// that checker and not by what is missing in the end.
    static let unstored: [Mutant] = [.chunkAckBeforeSync, .sweepWithoutGrace, .lostWrite, .pushAckBeforeStore]

    @Test(arguments: unstored)
    func isSeenWhenItIsAcknowledged(mutant: Mutant) {
        let isSeen = (1...5 as ClosedRange<UInt64>).contains { seed in
            Simulation.run(.swarm(Self.map, seed: seed), seed: seed, mutant: mutant).violations.first?.kind == .durability
        }
        #expect(isSeen, "\(mutant.rawValue) is not seen in 5 seeds")
    }

    /// Those of names, locks and versions are looked for where there is much of these.
    @Test(arguments: [(Mutant.renameInTwo, "shared-names"), (.sharedBesideExclusive, "shared-names")])
    func isCaughtInItsScenario(mutant: Mutant, name: String) throws {
        var scenario = try Scenario(settings: SettingsLibrary.scenario(name), map: Self.map)
        scenario.duration = .seconds(4)
        let found = (1...8 as ClosedRange<UInt64>).contains { seed in
            Simulation.run(scenario, seed: seed, mutant: mutant).violations.contains { $0.kind == .linearizability }
        }
        #expect(found, "\(mutant.rawValue) is not seen in 8 seeds of \(name)")
    }

    @Test(arguments: quick)
    func isCaught(mutant: Mutant) {
        for seed in 1...400 as ClosedRange<UInt64> {
            let result = Simulation.run(.swarm(Self.map, seed: seed), seed: seed, mutant: mutant)
            // To have done too little, or not to know, is not to have seen it.
            guard let violation = result.violations.first(where: { $0.kind != .expectation }) else { continue }
            print("mutant \(mutant.rawValue): \(seed) seeds, \(violation.kind.rawValue)")
            return
        }
        Issue.record("\(mutant.rawValue) is not seen in 400 seeds")
    }

    /// The same when everything is checked as soon as it can be, and dropped.
    @Test(
        arguments: [
            .lockShared, .commitAlone, .proposalWithoutStamp, .reloadWithoutAsking, .conflictsForgotten, .ifUnchangedIgnored, .lostWrite,
        ] as [Mutant])
    func isCaughtWhenCheckedAtOnce(mutant: Mutant) {
        for seed in 1...60 as ClosedRange<UInt64> {
            var run = ClusterRun(.swarm(Self.map, seed: seed), seed: seed, mutant: mutant, storage: NodeStorage.maker(), sink: nil)
            run.world.checkBatch = CheckBatch(operations: 1, volumeRecords: 1)
            if run.run().violations.contains(where: { $0.kind != .expectation }) { return }
        }
        Issue.record("\(mutant.rawValue) is not seen in 60 seeds")
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func checkingAtOnceFindsNothingWhereNothingIs(seed: UInt64) {
        var run = ClusterRun(.swarm(Self.map, seed: seed), seed: seed, mutant: nil, storage: NodeStorage.maker(), sink: nil)
        run.world.checkBatch = CheckBatch(operations: 1, volumeRecords: 1)
        #expect(run.run().violations == [])
    }
}
