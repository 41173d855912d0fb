import Comparison
import Foundation
import Primitives
import Simulation
import Storage
import StorageSimulation
import Testing
import Workloads

/// Worlds whose machines run the storage's own code on disks that fail (docs/internals/simulation.md, "Storage").
@Suite struct StoredWorldTests {
    static let map = try! SettingsLibrary.map("aws")
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let recorded = try! TraceHashes(
        String(contentsOf: folder.appendingPathComponent("simulations/trace-hashes.txt"), encoding: .utf8), file: "trace-hashes.txt")

    private func run(_ seed: UInt64, mutant: StorageMutant? = nil) -> RunResult {
        Simulation.run(.swarm(Self.map, seed: seed, storage: .real), seed: seed, storage: NodeStorage.maker(mutant: mutant))
    }

    /// 60 seeds. A failure says which command repeats it.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func whatIsPromisedHolds(batch: UInt64) {
        for seed in (1_000 + batch * 6)..<(1_006 + batch * 6) {
            let result = run(seed)
            #expect(
                result.violations.isEmpty, "atoll simulate swarm --seed \(seed) --storage real: \(result.violations.map(\.description))")
            #expect(result.statistics.operations > 20, "seed \(seed) did nothing")
            if let difference = Self.recorded.difference("swarm", storage: .real, result) { Issue.record("\(difference)") }
        }
    }

    /// Seeds that once found something; what it was stands beside them.
    @Test(
        arguments: [
            // A snapshot was recorded while older writes waited for room on a full disk: the log refused them afterwards.
            35, 101,
            // A machine that had joined late, and voted with one other for a file system, was left out as if it did not.
            5299,
            // A node that stood still while it waited for the copies of a commit proposed it when others had swept them.
            5680,
        ] as [UInt64])
    func whatWasFoundIsMended(seed: UInt64) {
        let result = run(seed)
        #expect(result.violations.isEmpty, "atoll simulate swarm --seed \(seed) --storage real: \(result.violations.map(\.description))")
    }

    /// Proof that the checkers of worlds see faults of the storage. The others: docs/internals/simulation.md.
    @Test(
        arguments: [
            (.logNotSynced, 1), (.logDirectoryNotSynced, 1), (.packNotSynced, 8), (.packDirectoryNotSynced, 20),
        ] as [(StorageMutant, UInt64)])
    func mutantIsCaught(mutant: StorageMutant, first: UInt64) {
        for seed in first..<first + 60 {
            guard let violation = run(seed, mutant: mutant).violations.first else { continue }
            print("mutant \(mutant.rawValue): seed \(seed), \(violation)")
            return
        }
        Issue.record("\(mutant.rawValue) is not seen in 60 worlds")
    }

    /// What the last batch of a log was after a failed sync shows where machines lose power again and again.
    @Test func aTrustedTailIsSeenInPowerFailures() throws {
        let root = try SettingsFile.read(Self.folder.appendingPathComponent("simulations/scenarios/power-failures.yaml").path)
        let scenario = try Scenario(settings: root, map: Self.map)
        #expect(scenario.options.storage == .real)
        let isSeen = (1...12 as ClosedRange<UInt64>).contains { seed in
            !Simulation.run(scenario, seed: seed, storage: NodeStorage.maker(mutant: .logTailTrusted)).violations.isEmpty
        }
        #expect(isSeen)
    }

    /// A chunk that is not held against its checksum is served decayed where bits flip on one replica after the other.
    @Test func anIgnoredChecksumIsSeenWhereBitsRot() throws {
        var scenario = try Scenario(settings: SettingsLibrary.scenario("bit-rot"), map: Self.map)
        scenario.options.storage = .real
        let isSeen = (1...8 as ClosedRange<UInt64>).contains { seed in
            let maker = NodeStorage.maker(mutant: .packChecksumIgnored)
            return Simulation.run(scenario, seed: seed, storage: maker).violations.contains { $0.kind == .content }
        }
        #expect(isSeen)
    }

    @Test func theSameSeedGivesTheSameTrace() {
        #expect(run(7).traceHash == run(7).traceHash)
        let standIn = Simulation.run(.swarm(Self.map, seed: 7, storage: .standIn), seed: 7)
        #expect(run(7).traceHash != standIn.traceHash, "the storage's calls are part of the trace")
    }
}
