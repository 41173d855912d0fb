import Comparison
import Foundation
import Primitives
import Reports
import Synchronization
import Workloads

// `atoll compare --simulated`.
extension Compare {
    func runSimulated() async throws {
        let (comparison, map) = try await simulation()
        let work: @Sendable () async throws -> ComparisonReport
        if let text = planning.sweep {
            let run: SweepRun
            do {
                run = try SweepRun(comparison, map: map, plan: SweepPlan(text, map: map))
            } catch {
                throw CommandFailure.usage("compare", "--sweep", error.description)
            }
            work = { try await run.run { Terminal.error($0) } }
        } else if planning.advise {
            let run = AdviceRun(comparison, clients: try planning.mix(in: comparison.world.map, of: map))
            work = { try await run.run { Terminal.error($0) } }
        } else {
            work = { try await comparison.run { Terminal.error($0) } }
        }
        try Self.makeFolder(report)
        let (result, signal) = await Self.interruptible("what is known so far follows", work)
        try finish(try Self.unwrap(result, signal))
        if let signal { throw StopRequest.exitCode(signal) }
    }

    /// What is to be simulated, all of it checked.
    private func simulation() async throws -> (SimulatedComparison, RegionMap) {
        let (workloads, whole) = try await settings { try SettingsLibrary.map(map ?? "aws") }
        let names = try planning.names(in: whole)
        let home = primary ?? names[0]
        try PlanningOptions.require(home, in: whole, "--primary")
        guard names.contains(home) else {
            throw CommandFailure.usage(
                "compare", "--primary \(home)", "is not among the simulated regions \(names.joined(separator: ", "))",
                hint: "name it in --regions")
        }
        let costs = try planning.table()
        let restricted = try whole.restricted(to: names)
        let seed = planning.seed ?? 1
        var options = ComparisonOptions(workloads: workloads, map: restricted, primary: RegionID(home), nonce: seed)
        if let input {
            guard LocalFiles.exists(input) else { throw CommandFailure.usage("compare", "--input \(input)", "there is no such folder") }
            options.inputs = try Self.unwrap(Result { try workloads.map { try InputFinder(folder: input).inputs(for: $0) } })
        }
        options.faults = faultOptions
        describe(&options)
        var world = SimulatedWorld.Options(map: restricted, seed: seed, costs: costs, version: AtollVersion.text)
        for region in restricted.regions { world.nodesPerRegion[region.id] = planning.nodesPerRegion ?? 1 }
        return (SimulatedComparison(options: options, world: world), whole)
    }
}
