import Comparison
import Primitives
import Simulation
import Storage
import StorageSimulation
import Workloads

/// Where a seed's scenario comes from: a file is the same for all seeds, a swarm is drawn for each.
struct ScenarioSource: Sendable {
    private let fixed: Scenario?
    private let map: RegionMap
    /// Of all worlds, whatever the scenario says; nil: as it says.
    private let storage: WorldOptions.StorageKind?
    /// The storage's own code on a simulated disk, and no cluster.
    let isStorage: Bool
    private let gossip: GossipProtocol
    /// Of load, instead of what the scenario says.
    private let seconds: Int?
    /// The map that the scenario's file names; nil where `--map` chooses.
    let ownMap: String?

    init(_ name: String, map: String, storage: WorldOptions.StorageKind? = nil, gossip: GossipProtocol = .full, seconds: Int? = nil) throws
    {
        self.gossip = gossip
        self.seconds = seconds
        isStorage = name == "storage"
        self.storage = storage
        if name == "swarm" || isStorage {
            fixed = nil
            ownMap = nil
            self.map = try SettingsLibrary.map(map)
            return
        }
        let root = try SettingsLibrary.scenario(name, besides: ["hashes", "storage", "swarm"])
        let header = try ScenarioHeader(settings: root)
        ownMap = header.map
        if header.isSwarm {
            fixed = nil
            self.map = try SettingsLibrary.map(header.map)
        } else {
            self.map = try SettingsLibrary.map(header.map)
            var scenario = try Scenario(settings: root, map: self.map)
            if let storage, !scenario.gossipOnly { scenario.options.storage = storage }
            fixed = scenario
        }
    }

    /// Membership alone.
    var isGossip: Bool { fixed?.gossipOnly ?? false }

    /// A fault of the storage's own code shows only where that runs.
    func scenario(_ seed: UInt64, mutant: String? = nil) -> Scenario {
        let needsStorage = isStorageMutant(mutant)
        var scenario = fixed ?? .swarm(map, seed: seed, storage: needsStorage ? .real : storage)
        if needsStorage { scenario.options.storage = .real }
        scenario.gossipProtocol = gossip
        return scenario.shortened(to: seconds)
    }

    func maker(mutant: String?) -> WorldStorageMaker { NodeStorage.maker(mutant: mutant.flatMap { StorageMutant(rawValue: $0) }) }

    /// The disks with which a fault that is built in on purpose shows.
    func storageNeeded(_ mutant: String) -> WorldOptions.StorageKind? { isStorageMutant(mutant) ? .real : .standIn }

    private func isStorageMutant(_ name: String?) -> Bool { name.map { StorageMutant(rawValue: $0) != nil } ?? false }

    func run(
        _ seed: UInt64, mutant: String?, keepsTimeline: Bool, sink: ((String) -> Void)?, onProgress: (RunProgress) -> Bool
    ) -> RunResult {
        guard isStorage else {
            return Simulation.run(
                scenario(seed, mutant: mutant), seed: seed, mutant: mutant.flatMap { Mutant(rawValue: $0) },
                storage: maker(mutant: mutant), keepsTimeline: keepsTimeline, sink: sink, onProgress: onProgress)
        }
        let result = StorageRun.run(seed: seed, mutant: mutant.flatMap { StorageMutant(rawValue: $0) }, sink: sink)
        _ = onProgress(RunProgress(phase: "storage", simulated: .zero, events: result.calls, operations: result.operations))
        return result.asRun
    }

    /// The faults that can be built in on purpose, one by one or all of them.
    var mutants: [String] { isStorage ? StorageMutant.allCases.map(\.rawValue) : Mutant.allCases.map(\.rawValue) }
    var knownMutants: [String] { isStorage ? mutants : mutants + StorageMutant.allCases.map(\.rawValue) }
}
