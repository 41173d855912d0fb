import Comparison
import Primitives
import Simulation
import Storage
import StorageSimulation
import Testing
import Workloads

/// Logs and snapshots that decay in worlds: a node that meets it refuses to start, and nothing that was acknowledged is lost.
@Suite struct RotTests {
    private static let map = try! SettingsLibrary.map("aws")

    private func scenario(_ faults: String) throws -> Scenario {
        let text = """
            schema: 1
            name: rot
            title: Rot
            storage: real
            nodes: {us-east-1: 3, eu-west-1: 1, ap-northeast-1: 1}
            filesystems:
              - {name: share, kind: nfs, home: us-east-1}
              - {name: data, kind: volume, home: us-east-1}
            clients:
              - {filesystem: share, files: 3}
              - {filesystem: data, files: 3}
            nodes_settings: {snapshot_entries: 40}
            duration_s: 12
            faults: \(faults)
            """
        return try Scenario(settings: SettingsFile.parse(text, name: "rot.yaml"), map: Self.map)
    }

    @Test(arguments: ["log", "snapshots"])
    func aDecayedDiskIsRefusedAndNothingIsLost(what: String) throws {
        let scenario = try scenario("[{at_s: 8, decay: us-east-1/2, what: \(what)}]")
        var refused: UInt64 = 0
        for seed in 1...2 as ClosedRange<UInt64> {
            var lines: [String] = []
            let result = Simulation.run(scenario, seed: seed, storage: NodeStorage.maker()) { lines.append($0) }
            #expect(result.violations.isEmpty, "seed \(seed): \(result.violations)")
            refused += result.statistics.refusedStarts
            for line in lines where line.contains("cannot start") {
                #expect(line.contains("/node/\(what)/") && line.contains(" at offset "), "\(line)")
            }
        }
        #expect(refused > 0)
    }

    /// A log that is read without its checksums starts, or stumbles over what it reads: either is seen.
    @Test func aStartFromADecayedLogIsSeen() throws {
        let scenario = try scenario("[{at_s: 8, decay: us-east-1/2, what: log}]")
        let isSeen = (1...6 as ClosedRange<UInt64>).contains { seed in
            Simulation.run(scenario, seed: seed, storage: NodeStorage.maker(mutant: .logChecksumIgnored)).violations
                .contains { $0.kind == .format && $0.text.contains("has decayed at") }
        }
        #expect(isSeen)
    }

    @Test(arguments: [
        ("[{at_s: 1, decay: all, what: log}]", "would destroy all copies of everything"),
        ("[{at_s: 1, decay: us-east-1/1, what: log}, {at_s: 2, decay: us-east-1/2, what: snapshots}]", "fewer than a majority of voters"),
        ("[{at_s: 1, decay: us-east-1/1, what: packs}]", "packs is none of chunks, log and snapshots"),
        ("[{at_s: 1, decay: us-east-1/1, what: log, chunks: 3}]", "counts chunks, and log decays"),
    ])
    func whatCannotBeSurvivedIsRefused(faults: String, expected: String) {
        let error = #expect(throws: SettingsError.self) { try scenario(faults) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }
}
