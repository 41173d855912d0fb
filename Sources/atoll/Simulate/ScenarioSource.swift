import Comparison
import Foundation
import Primitives
import Simulation
import Storage
import StorageSimulation
import Workloads

/// Where a seed's scenario comes from: a file is the same for all seeds, a swarm is drawn for each.
struct ScenarioSource: Sendable {
    private let fixed: Scenario?
    private let map: RegionMap
    /// The storage's own code on a simulated disk, and no cluster.
    let isStorage: Bool
    private let gossip: GossipProtocol

    init(_ name: String, map: String, gossip: GossipProtocol = .full) throws {
        self.gossip = gossip
        isStorage = name == "storage"
        if name == "swarm" || isStorage {
            fixed = nil
            self.map = try SettingsLibrary.map(map)
            return
        }
        let root = try Self.node(name)
        let header = try ScenarioHeader(settings: root)
        if header.isSwarm {
            fixed = nil
            self.map = try SettingsLibrary.map(header.map)
        } else {
            self.map = try SettingsLibrary.map(header.map)
            fixed = try Scenario(settings: root, map: self.map)
        }
    }

    /// Membership alone.
    var isGossip: Bool { fixed?.gossipOnly ?? false }

    func scenario(_ seed: UInt64) -> Scenario {
        var scenario = fixed ?? .swarm(map, seed: seed)
        scenario.gossipProtocol = gossip
        return scenario
    }

    func run(
        _ seed: UInt64, mutant: String?, keepsTimeline: Bool, sink: ((String) -> Void)?, onProgress: (RunProgress) -> Bool
    ) -> RunResult {
        guard isStorage else {
            return Simulation.run(
                scenario(seed), seed: seed, mutant: mutant.flatMap { Mutant(rawValue: $0) }, keepsTimeline: keepsTimeline, sink: sink,
                onProgress: onProgress)
        }
        let result = StorageRun.run(seed: seed, mutant: mutant.flatMap { StorageMutant(rawValue: $0) }, sink: sink)
        _ = onProgress(RunProgress(phase: "storage", simulated: .zero, events: result.calls, operations: result.operations))
        return result.asRun
    }

    /// The faults that can be built in on purpose.
    var mutants: [String] { isStorage ? StorageMutant.allCases.map(\.rawValue) : Mutant.allCases.map(\.rawValue) }

    private static func node(_ name: String) throws -> SettingsNode {
        if name.contains("/") || name.hasSuffix(".yaml") { return try SettingsFile.read(name) }
        let folders = RegionMapFile.folders().map { ($0 as NSString).deletingLastPathComponent + "/scenarios" }
        for folder in folders {
            let path = "\(folder)/\(name).yaml"
            if LocalFiles.exists(path) { return try SettingsFile.read(path) }
        }
        var known = ["storage", "swarm"]
        for folder in folders {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            known += files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
            if known.count > 2 { break }
        }
        throw UnknownSetting(what: "scenario", name: name, known: known)
    }
}
