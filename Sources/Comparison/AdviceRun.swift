internal import Primitives
package import Reports
package import Workloads

/// Ranks the homes of a map for a mix of clients by distance, and simulates the two best.
package struct AdviceRun: Sendable {
    let base: SimulatedComparison
    let clients: ClientMix
    /// Choices told at most.
    static let choicesMax = 8

    /// `base.world.map` has the regions among which a home is sought, those of the clients among them.
    package init(_ base: SimulatedComparison, clients: ClientMix) {
        self.base = base
        self.clients = clients
    }

    /// The report of the best home's run, with the advice.
    package func run(progress: @escaping @Sendable (String) -> Void) async throws -> ComparisonReport {
        let ranked = Placement.ranked(base.world.map, for: clients)
        var choices = ranked.prefix(Self.choicesMax).map(choice)
        var best: ComparisonReport?
        for (place, placement) in ranked.prefix(2).enumerated() {
            if Task.isCancelled, best != nil { break }
            progress("simulating clients of a volume with its home in \(placement.home)")
            let report = try await check(placement.home).run(progress: progress)
            func mean(_ operation: String) -> Double? {
                let times = clients.entries.map { report.p50(Self.workload.name, "volume", $0.region.name, operation) }
                guard times.allSatisfy({ $0 != nil }) else { return nil }
                let mean = clients.mean { region in report.p50(Self.workload.name, "volume", region.name, operation) ?? 0 }
                return Figure.rounded(mean, 3)
            }
            choices[place].simulatedCommitMs = mean("commit")
            choices[place].simulatedReloadMs = mean("reload")
            if best == nil { best = report }
        }
        guard var report = best else { throw CancellationError() }
        report.advice = Advice(
            clients: clients.entries.map { .init(region: $0.region.name, count: $0.count) }, choices: choices)
        report.notes.append("Tables and verdict are those of the run that checked the best home: small files, commits and reloads.")
        return report
    }

    /// Small changes, committed and read by others: what a home decides about.
    static let workload = Workload(
        name: "commits", title: "Small changes, committed and read elsewhere",
        imitates: "Clients in every region change a few small files, commit, and reload what others committed.", seed: 107,
        inputs: Workload.Inputs(treeFiles: 24, writeSize: 4_096), limits: Workload.Limits(cold: .seconds(60), warm: .seconds(1)),
        mix: [
            .init(operation: .openReadClose, cold: 6, warm: 0), .init(operation: .createWriteClose, cold: 12, warm: 0),
            .init(operation: .commit, cold: 6, warm: 0), .init(operation: .reload, cold: 6, warm: 0),
        ])

    private func check(_ home: RegionID) -> SimulatedComparison {
        var options = base.options
        options.primary = home
        options.workloads = [Self.workload]
        options.faults = nil
        options.inputs = nil
        return SimulatedComparison(options: options, world: base.world)
    }

    private func choice(_ placement: Placement) -> Advice.Choice {
        Advice.Choice(
            home: placement.home.name, voters: placement.voters.map(\.name),
            feeds: placement.feeds.map {
                .init(from: $0.from.name, to: $0.to.name, rttMs: $0.roundTrip.inMilliseconds, usdPerGb: $0.dollarsPerGigabyte)
            }, commitMs: Figure.rounded(clients.mean(placement.commit), 3), reloadMs: Figure.rounded(clients.mean(placement.reload), 3),
            worstCommitMs: Figure.rounded(clients.entries.map { placement.commit(from: $0.region) }.max() ?? 0, 3),
            usdPerGb: Figure.rounded(clients.mean(placement.dollarsPerGigabyte), 4),
            writers: clients.entries.map {
                .init(region: $0.region.name, usdPerGb: Figure.rounded(placement.dollarsPerGigabyte(from: $0.region), 4))
            })
    }
}
