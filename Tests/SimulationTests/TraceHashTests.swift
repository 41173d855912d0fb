import Comparison
import Foundation
import Primitives
import StorageSimulation
import Testing
import Workloads

@testable import Simulation

/// The trace hash of a run is the same in every process and build: what one build recorded, others come to. The swarm's seeds
/// are compared where they run anyway (`SwarmTests`, `StoredWorldTests`); release builds compare all of the file
/// (`make hashes`).
@Suite struct TraceHashTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("simulations/trace-hashes.txt")
    static let recorded = try! TraceHashes(String(contentsOf: path, encoding: .utf8), file: path.lastPathComponent)

    @Test(arguments: recorded.lines.filter { $0.scenario != "swarm" })
    func isAsRecorded(line: TraceHashes.Line) throws {
        let result: RunResult
        if line.scenario == "storage" {
            result = StorageRun.run(seed: line.seed).asRun
        } else {
            let root = try SettingsLibrary.scenario(line.scenario)
            var scenario = try Scenario(settings: root, map: try SettingsLibrary.map(ScenarioHeader(settings: root).map))
            if let storage = line.storage { scenario.options.storage = storage }
            result = Simulation.run(scenario.shortened(to: line.seconds), seed: line.seed, storage: NodeStorage.maker())
        }
        if let difference = Self.recorded.difference(line, result) { Issue.record("\(difference)") }
    }

    @Test func whatIsRecordedCoversBothKindsOfDisks() {
        let swarm = Self.recorded.lines.filter { $0.scenario == "swarm" }
        #expect(swarm.count { $0.storage == nil && (1...200).contains($0.seed) } >= 20, "SwarmTests runs seeds 1 to 200")
        #expect(swarm.count { $0.storage == .real && (1_000..<1_060).contains($0.seed) } >= 10, "StoredWorldTests runs 1000 to 1059")
        #expect(Set(Self.recorded.lines.map(\.scenario)).isSuperset(of: ["steady-5", "gossip-15", "storage"]))
    }

    @Test func aRunThatDiffersIsTold() throws {
        let run = Simulation.run(.swarm(SwarmTests.map, seed: 2), seed: 2, storage: NodeStorage.maker())
        var table = try TraceHashes("swarm - - 2 \(run.traceHashText)\n", file: "here")
        #expect(table.difference("swarm", run) == nil)
        table.lines[0].hash = "0123456789abcdef"
        #expect(try #require(table.difference("swarm", run)).contains("make record-hashes"))
        #expect(table.difference("swarm", storage: .real, run) == nil, "of other disks nothing is recorded")
        #expect(try TraceHashes(table.text, file: "here").lines == table.lines)
        #expect(throws: SettingsError.self) { try TraceHashes("swarm tape - 2 0\n", file: "here") }
    }
}
