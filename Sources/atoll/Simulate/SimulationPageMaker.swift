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
    /// How many seeds were asked for, where not all of them ran because Ctrl-C ended it.
    var stoppedOf: Int?
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
        summary.stop = record.stop.map { .init(at: $0.at.seconds, phase: $0.phase) }
        summary.stoppedOf = stoppedOf
        (summary.planning, summary.planningLeftOut) = (planning, planningLeftOut)
        if scenario.gossipOnly { summary.membership = membership }
        return summary
    }

    private var membership: SimulationSummary.Membership {
        let runs = seeds.compactMap(\.gossip)
        func sum(_ path: KeyPath<GossipFigures, Int>) -> Int { runs.reduce(0) { $0 + $1[keyPath: path] } }
        func bandwidth(_ path: KeyPath<GossipFigures, GossipFigures.Bandwidth>) -> (mean: Int, highest: Int)? {
            let measured = runs.map { $0[keyPath: path] }.filter(\.isMeasured)
            guard !measured.isEmpty else { return nil }
            return (measured.reduce(0) { $0 + $1.mean } / measured.count, measured.map(\.highest).max() ?? 0)
        }
        var byName: [String: [Int64]] = [:]
        for measure in seeds.flatMap(\.measures) { byName[measure.name, default: []].append(measure.nanoseconds) }
        let times = byName.keys.sorted().map { name in
            let sorted = (byName[name] ?? []).sorted()
            return SimulationSummary.Membership.Time(
                name: name, count: sorted.count, quantiles: [500, 900, 1_000].map { seconds(Measure.quantile($0, of: sorted)) })
        }
        return SimulationSummary.Membership(
            members: scenario.options.nodeCount, times: times, suspicions: sum(\.suspicions), falsePositives: sum(\.falsePositives),
            falsePositivesAtHealthy: sum(\.falsePositivesAtHealthy), starvedTakenForDead: sum(\.starvedTakenForDead),
            quiet: bandwidth(\.quiet), loaded: bandwidth(\.loaded))
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
        (.format, "Every node can read its own disk, and what others send"),
        (.expectation, "The scenario's own expectations"),
    ]

    private var checks: [SimulationSummary.Check] {
        // Membership alone promises one thing.
        let known =
            scenario.gossipOnly ? [(Violation.Kind.convergence, "Members see each other, and take no healthy one for dead")] : Self.words
        return record.verdicts.map { verdict in
            SimulationSummary.Check(
                name: known.first { $0.0 == verdict.kind }?.1 ?? verdict.kind.rawValue, verdict: Self.verdict(verdict.word),
                checked: verdict.checked,
                unit: scenario.gossipOnly ? "verdicts of members on members" : verdict.kind.unit, undecided: verdict.undecided,
                findings: record.violations.filter { $0.hasPrefix("\(verdict.kind.rawValue) ") })
        }
    }

    private static func verdict(_ word: CheckVerdict.Word) -> SimulationSummary.Check.Verdict {
        switch word {
        case .held: .held
        case .violated: .broken
        case .undecided: .undecided
        case .stopped: .stopped
        case .nothing: .nothing
        }
    }

    private func line(_ record: RunRecord) -> SimulationSummary.Seed {
        SimulationSummary.Seed(
            seed: record.seed, traceHash: record.traceHash, simulated: record.simulated, operations: record.statistics.operations,
            commits: record.statistics.commits, faults: record.statistics.faults, recovery: record.recovery,
            violations: record.violations.count, undecided: record.undecided, isStopped: record.stop != nil)
    }
}
