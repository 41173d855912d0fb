import Comparison
import Foundation
import Primitives
import Reports
import Simulation
import Workloads

/// From a run and its scenario to what the page shows.
struct SimulationPageMaker {
    let scenario: Scenario
    let record: RunRecord
    let timeline: RunTimeline
    let seeds: [RunRecord]
    var planning: ComparisonReport?
    var planningLeftOut = ""

    private var home: RegionID { scenario.filesystems.first?.home ?? scenario.options.machines[0].region }

    private var map: RegionMap {
        let used = scenario.options.machines.map(\.region.name)
        return (try? scenario.options.map.restricted(to: used)) ?? scenario.options.map
    }

    /// The comparison of both kinds on the same machines; left out where there is nothing to compare over.
    mutating func plan() async {
        guard map.regions.count > 1 else {
            planningLeftOut = "All machines are in one region: there is no distance over which the two kinds would differ."
            return
        }
        var nodes: [RegionID: Int] = [:]
        for machines in scenario.options.machines { nodes[machines.region, default: 0] += machines.count }
        // As with `compare`: more machines of a region only make it slower to simulate.
        for region in nodes.keys.sorted() { nodes[region] = min(nodes[region] ?? 1, 3) }
        let run = ScenarioPlanning(
            map: map, home: home, nodesPerRegion: nodes, seed: record.seed, version: "atoll \(AtollVersion.text)")
        do {
            planning = try await run.run { Terminal.error($0) }
        } catch {
            planningLeftOut = "The comparison of both kinds on this map could not be made: \(error)"
        }
    }

    var summary: SimulationSummary {
        var summary = SimulationSummary(
            title: scenario.title, scenario: scenario.name, version: "atoll \(AtollVersion.text)", command: record.repeatLine,
            seed: record.seed, traceHash: record.traceHash, simulated: record.simulated, events: record.events,
            failedOperations: record.statistics.failedOperations,
            map: ComparisonReport.MapSummary(map, primary: home, shaping: "simulated") { _, _ in nil },
            sliceSeconds: seconds(timeline.sliceLength), series: series, phases: timeline.phases.map(mark),
            faults: timeline.faults.map(mark),
            links: links(map), checks: checks, seeds: seeds.map(line))
        (summary.planning, summary.planningLeftOut) = (planning, planningLeftOut)
        return summary
    }

    private func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }
    private func mark(_ mark: RunTimeline.Mark) -> SimulationSummary.Mark { .init(at: seconds(mark.at), text: mark.text) }

    private var series: [SimulationSummary.Series] {
        timeline.series.map { series in
            SimulationSummary.Series(
                kind: series.kind.rawValue, region: series.region.name,
                slices: series.slices.map { .init(done: Int($0.done), failed: Int($0.failed), medianMs: $0.median) },
                longestGap: seconds(series.longestGap), gapBegan: seconds(series.gapBegan))
        }
    }

    private func links(_ map: RegionMap) -> [SimulationSummary.Link] {
        timeline.traffic.filter { $0.from != $0.to }.map { traffic in
            let price = map.link(from: traffic.from, to: traffic.to)?.dollarsPerGigabyte ?? 0
            return .init(
                from: traffic.from.name, to: traffic.to.name, bytes: UInt64(clamping: traffic.bytes),
                usdPerGb: price)
        }
    }

    /// What each kind of violation is about, in the order in which checkers speak.
    private static let words: [(Violation.Kind, String)] = [
        (.answers, "Every request is answered once, by its deadline"),
        (.election, "One leader a term in each group"),
        (.durability, "What is acknowledged lies on as many disks as was promised"),
        (.linearizability, "Network file system: files are linearizable, locks are held by one"),
        (.volume, "Volumes: commits, snapshots and reloads are as promised"),
        (.content, "Reads give what was written; every chunk that is named is there"),
        (.convergence, "Replicas agree, members see each other after the faults"),
        (.liveness, "Everything can be used again after the faults"),
    ]

    private var checks: [(name: String, findings: [String])] {
        var out = Self.words.map { kind, name in
            (name: name, findings: record.violations.filter { $0.hasPrefix("\(kind.rawValue) ") })
        }
        let known = Self.words.map(\.0.rawValue)
        let others = record.violations.filter { text in !known.contains { text.hasPrefix("\($0) ") } }
        out.append((name: "The scenario's own expectations, and formats", findings: others))
        return out
    }

    private func line(_ record: RunRecord) -> SimulationSummary.Seed {
        SimulationSummary.Seed(
            seed: record.seed, traceHash: record.traceHash, simulated: record.simulated, operations: record.statistics.operations,
            commits: record.statistics.commits, faults: record.statistics.faults, recovery: record.recovery,
            violations: record.violations.count)
    }
}
