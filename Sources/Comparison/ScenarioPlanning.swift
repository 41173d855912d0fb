package import Primitives
package import Reports
package import Workloads

/// What `atoll simulate` tells of planning: on a scenario's own machines and map, without its faults, one workload on both
/// kinds of file systems, and the same over round trips that are shorter and longer.
package struct ScenarioPlanning: Sendable {
    package var map: RegionMap
    package var home: RegionID
    package var nodesPerRegion: [RegionID: Int]
    package var seed: UInt64
    package var version: String

    /// Factors on every round trip of the map.
    static let factors = [0.02, 0.2, 1, 2]
    static let workload = "small-files"
    /// Fewer than the workload says: virtual time is the same each time, and a report is to be there in seconds.
    static let files = 160

    package init(map: RegionMap, home: RegionID, nodesPerRegion: [RegionID: Int], seed: UInt64, version: String) {
        self.map = map
        self.home = home
        self.nodesPerRegion = nodesPerRegion
        self.seed = seed
        self.version = version
    }

    package func run(progress: @escaping @Sendable (String) -> Void) async throws -> ComparisonReport {
        var workload = try SettingsLibrary.workload(Self.workload)
        workload.repetitions = 1
        workload.inputs.treeFiles = Self.files
        var options = ComparisonOptions(workloads: [workload], map: map, primary: home, nonce: seed)
        options.command = "atoll compare --simulated"
        let world = SimulatedWorld.Options(
            map: map, nodesPerRegion: nodesPerRegion, seed: seed, costs: .standard, version: version)
        let base = SimulatedComparison(options: options, world: world)
        progress("comparing both kinds of file systems on the scenario's map")
        var report = try await base.run { _ in }
        progress("the same at other round trips")
        report.sweep = try await SweepRun(base, map: map, plan: .roundTrip(Self.factors)).run { _ in }.sweep
        return report
    }
}
