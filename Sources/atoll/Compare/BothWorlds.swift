import Comparison
import Foundation
import Primitives
import Reports
import Workloads

/// `atoll compare --both`: the costs of local calls are measured, then the running cluster, then the same
/// is simulated with those costs.
struct BothWorlds: Sendable {
    let live: LiveCluster
    let faults: LiveFaults
    let options: ComparisonOptions
    /// The region of each node.
    let nodes: [String]

    static let seed: UInt64 = 1

    func run() async throws -> ComparisonReport {
        var options = options
        let finder = InputFinder(folder: options.inputFolder)
        options.inputs = try options.workloads.map { try finder.inputs(for: $0) }
        var times = try await calibration(1)
        let measured = try await ComparisonRunner(client: live, breaking: faults, options: options) { Terminal.error($0) }.run()
        times.add(try await calibration(2))
        let costs = try await costs(times)
        Terminal.error("simulating the same")
        var world = world(costs)
        world.wirePercent = LiveFigures.wirePercent(measured)
        options.inputs = zip(options.workloads, options.inputs ?? []).map { LiveFigures.inputs(measured, of: $0.name, among: $1) }
        // What could not be measured is not predicted.
        if measured.faults?.records.isEmpty != false { options.faults = nil }
        let comparison = SimulatedComparison(options: options, world: world)
        let simulated = try await comparison.run { Terminal.error("simulated: \($0)") }
        return measured.predicted(by: simulated)
    }

    /// The map's part that the cluster covers. Links that the nodes shape have their windows open from the start.
    private func world(_ costs: WorkloadCosts) -> SimulatedWorld.Options {
        let names = options.map.regions.map(\.id.name).filter(nodes.contains)
        let map = (try? options.map.restricted(to: names)) ?? options.map
        var world = SimulatedWorld.Options(map: map, seed: Self.seed, costs: costs, version: AtollVersion.text)
        for name in nodes { world.nodesPerRegion[RegionID(name), default: 0] += 1 }
        world.slowStart = live.isKernelTCP
        return world
    }

    /// Before the comparison and after it: what other work the machine has differs.
    private func calibration(_ round: UInt64) async throws -> Calibration.Times {
        Terminal.error("measuring what local calls cost in \(options.primary)")
        let nonce = options.nonce &+ round
        return try await Calibration(client: live, clock: MachineClock(), primary: options.primary, nonce: nonce).run(options.kinds)
    }

    private func costs(_ times: Calibration.Times) async throws -> WorkloadCosts {
        let model = SimulatedWorld(world(.none))
        let modelled = try await Calibration(client: model, clock: model, primary: options.primary, nonce: 1).run(options.kinds)
        return Calibration.costs(
            live: times, simulated: modelled,
            origin:
                "medians of twice \(Calibration.roundsText) from a client in \(options.primary), less what the simulator says of the same; "
                + "\(options.created.prefix(10)), \(Self.build) build, \(options.machine)")
    }

    private static var build: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }
}
