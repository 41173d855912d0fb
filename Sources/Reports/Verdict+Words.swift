internal import Workloads

// The words. Each sentence is built from figures; none names a winner that was not measured.
extension Verdict {
    static func name(_ kind: Pass.Faster) -> String {
        switch kind {
        case .nfs: "the network file system"
        case .volume: "the volume"
        case .even: "neither"
        }
    }

    private static func range(_ passes: [Pass]) -> String {
        let factors = passes.map(\.factor).sorted()
        guard let low = factors.first, let high = factors.last else { return "" }
        return Figure.factor(low) == Figure.factor(high)
            ? "\(Figure.factor(low)) times" : "\(Figure.factor(low)) to \(Figure.factor(high)) times"
    }

    static func headline(_ report: ComparisonReport, _ passes: [Pass]) -> String {
        let cold = passes.filter { $0.cache == "cold" }
        guard !cold.isEmpty else { return "Nothing was measured on both kinds, so there is no verdict." }
        let home = cold.filter { $0.region == report.map.primary }
        let away = cold.filter { $0.region != report.map.primary }
        var parts: [String] = []
        if !away.isEmpty {
            let regions = report.regionsByDistance.filter { $0.id != report.map.primary }
                .map { "\($0.id) (\(Figure.milliseconds($0.rttMs)) ms away)" }
            parts.append("From \(Figure.joined(regions)) \(score(away))")
        }
        if !home.isEmpty { parts.append("in \(report.map.primary), the primary region, \(score(home))") }
        let text = parts.joined(separator: "; ")
        return text.prefix(1).uppercased() + text.dropFirst() + "."
    }

    /// `the volume is faster in 11 of 12 cases, by 2.1 to 40 times; the network file system in 1, by 1.3 times`.
    private static func score(_ passes: [Pass]) -> String {
        var parts: [String] = []
        let sides: [Pass.Faster] = [.volume, .nfs].sorted { a, _ in
            passes.count { $0.faster == a } * 2 >= passes.count { $0.faster != .even }
        }
        for kind in sides {
            let won = passes.filter { $0.faster == kind }
            guard !won.isEmpty else { continue }
            let of = parts.isEmpty ? "is faster in \(won.count) of \(passes.count) cases" : "in \(won.count)"
            parts.append("\(name(kind)) \(of), by \(range(won))")
        }
        let even = passes.count { $0.faster == .even }
        if even > 0 { parts.append("\(even) \(even == 1 ? "is" : "are") even") }
        return parts.joined(separator: ", ")
    }

    static func sentences(_ report: ComparisonReport, _ verdict: Verdict) -> [String] {
        var out: [String] = []
        if let volume = verdict.readRatio.volume, let nfs = verdict.readRatio.nfs {
            out.append(
                "Small cold reads: the worst region's median is \(Figure.factor(volume)) times the best region's on the volume, "
                    + "and \(Figure.factor(nfs)) times on the network file system."
            )
        }
        if let commit = verdict.commit {
            out.append(
                "A volume commit of small files from \(report.map.primary) takes \(Figure.duration(commit.medianMs)); its floor, the round "
                    + "trip to the nearest majority of regions, is \(Figure.duration(commit.floorMs)). Content too large to lie "
                    + "in the metadata, where it was not copied there before, is waited for first: once more that round trip, or longer."
            )
        }
        out += crossoverSentences(report)
        out += batchSentences(verdict)
        out += dedupSentences(report)
        let checks = report.roundTripChecks
        if let far = checks.first {
            let agreeing = checks.count(where: \.agrees)
            out.append(
                "Network file system from \(far.region): count × round trip + local time predicts \(agreeing) of \(checks.count) "
                    + "medians within 10 % or 5 ms."
            )
        }
        if let faults = report.faults {
            if let sentence = faults.verdictSentence { out.append(sentence) }
            out += faults.proofSentences.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        }
        // Commits that were refused because another was first are what contention is, and faults have a section of their own.
        let errors = report.mainRows.filter { $0.workload != FaultProbe.workload && $0.operation != "try-commit" }
            .reduce(0) { $0 + $1.errors }
        if errors > 0 { out.append("\(errors) operations failed; they are counted in the table and are not in the latencies.") }
        return out
    }

    static func workloadSentences(_ report: ComparisonReport, _ verdict: Verdict) -> [String] {
        report.workloads.compactMap { workload in
            let cold = verdict.passes.filter { $0.workload == workload.name && $0.cache == "cold" }
            guard !cold.isEmpty else { return nil }
            let parts = cold.map { pass in
                let times = "\(Figure.duration(pass.nfsMs)) : \(Figure.duration(pass.volumeMs))"
                return switch pass.faster {
                case .even: "\(pass.region) even (\(times))"
                case .nfs: "\(pass.region) network file system \(Figure.factor(pass.factor))× faster (\(times))"
                case .volume: "\(pass.region) volume \(Figure.factor(pass.factor))× faster (\(times))"
                }
            }
            return "\(workload.name), one cold pass (network file system : volume): \(parts.joined(separator: "; "))."
        }
    }

    private static func crossoverSentences(_ report: ComparisonReport) -> [String] {
        var out: [String] = []
        let flips = report.crossovers.filter { $0.answer == .flips }
        if !flips.isEmpty {
            let parts = flips.map { "\(Figure.milliseconds($0.rttMs)) ms for \($0.operation) (\($0.workload))" }
            out.append("Seen operation by operation, the volume becomes the faster one above a round trip of \(Figure.joined(parts)).")
        }
        let back = report.crossovers.filter { $0.answer == .flipsBack }
        if !back.isEmpty {
            let parts = back.map { "\(Figure.milliseconds($0.rttMs)) ms for \($0.operation) (\($0.workload))" }
            out.append("The network file system becomes the faster one above a round trip of \(Figure.joined(parts)).")
        }
        guard let far = report.farthest else { return out }
        for (answer, name) in [(Crossover.Answer.volumeAlways, "volume"), (.nfsAlways, "network file system")] {
            let factors = report.crossovers.filter { $0.answer == answer }
                .map { answer == .nfsAlways ? 1 / max($0.farFactor, 1e-6) : $0.farFactor }.sorted()
            guard let low = factors.first, let high = factors.last else { continue }
            let times = Figure.factor(low) == Figure.factor(high) ? Figure.factor(low) : "\(Figure.factor(low)) to \(Figure.factor(high))"
            out.append(
                "In \(factors.count) of \(report.crossovers.count) operations there is no such distance: the \(name) is as fast or faster "
                    + "everywhere, from \(far.id) \(times) times.")
        }
        return out
    }

    private static func batchSentences(_ verdict: Verdict) -> [String] {
        var workloads: [String] = []
        for batch in verdict.batches where !workloads.contains(batch.workload) { workloads.append(batch.workload) }
        return workloads.map { workload in
            let parts = verdict.batches.filter { $0.workload == workload }.map { batch in
                guard let files = batch.files else {
                    return "never in \(batch.region), where creating files is faster on the network file system"
                }
                return "from \(files) in \(batch.region) (\(Figure.duration(batch.commitMs + batch.reloadMs)))"
            }
            return "New files per commit for which a commit and a reader's reload pay (\(workload)): \(Figure.joined(parts))."
        }
    }

    private static func dedupSentences(_ report: ComparisonReport) -> [String] {
        ["volume", "nfs"].compactMap { kind in
            let rows = report.dedup.filter { $0.kind == kind && $0.destinations > 0 }
            let needed = rows.reduce(0) { $0 + $1.logicalBytes * UInt64($1.destinations) }
            guard needed > 0 else { return nil }
            let moved = rows.reduce(0) { $0 + $1.wanBytes }
            let saved = 1 - Double(moved) / Double(needed)
            let name = kind == "nfs" ? "network file system, clients outside the primary region" : "volume"
            return
                "Second versions of files (\(name)): \(Figure.bytes(needed)) had to reach other regions, \(Figure.bytes(moved)) "
                + "moved; \(saved < 0.005 ? "nothing" : Figure.percent(saved)) saved."
        }
    }

    static func chooseNfs(_ report: ComparisonReport, _ verdict: Verdict) -> [String] {
        var out: [String] = []
        for region in report.regionsByDistance {
            let won = verdict.passes.filter { $0.region == region.id && $0.cache == "cold" && $0.faster == .nfs }
            if !won.isEmpty {
                out.append("clients in \(region.id): \(Figure.joined(won.map { "\($0.workload) (\(Figure.factor($0.factor))×)" }))")
            }
        }
        out.append(contentsOf: locks(report))
        out.append("others must see each write at once, without a commit and a reload (by contract)")
        out.append("many writers of one file, appending logs, SQLite (by contract; a volume's last commit wins per file)")
        return out
    }

    private static func locks(_ report: ComparisonReport) -> [String] {
        let cycles = report.regionsByDistance.compactMap { region in
            report.workloads.compactMap { report.p50($0.name, "nfs", region.id, "lock-cycle") }.first
                .map { "\(Figure.duration($0)) from \(region.id)" }
        }
        let measured = cycles.isEmpty ? "" : ": a lock and unlock takes \(Figure.joined(cycles))"
        return ["locks that hold between hosts, which a volume does not offer\(measured)"]
    }

    /// Whether that was seen, or follows from the contract.
    private static func survival(_ report: ComparisonReport) -> String {
        let contract = "by contract, with a majority of regions"
        guard let lost = report.faults?.mainRecords.first(where: { $0.fault == "primary-lost" }) else { return contract }
        let writers = lost.clients.filter { $0.kind == "volume" && $0.operation == "write" && $0.region != lost.region }
        guard !writers.isEmpty, writers.allSatisfy({ $0.succeededMeanwhile > 0 }) else { return contract }
        let after = writers.flatMap(\.outages).map { ($0.toS - lost.brokenS) * 1_000 }.max()
        return "\(lost.world == "live" ? "measured" : "simulated"): commits from elsewhere went on "
            + (after.map { "after \(Figure.duration($0))" } ?? "without a gap")
    }

    static func chooseVolume(_ report: ComparisonReport, _ verdict: Verdict) -> [String] {
        var out: [String] = []
        for region in report.regionsByDistance {
            let won = verdict.passes.filter { $0.region == region.id && $0.cache == "cold" && $0.faster == .volume }
            if !won.isEmpty {
                out.append("clients in \(region.id): \(Figure.joined(won.map { "\($0.workload) (\(Figure.factor($0.factor))×)" }))")
            }
        }
        out.append("the primary region may be lost and reading and committing must go on (\(survival(report)))")
        out.append("versions: history, rollback, diff (by contract)")
        return out
    }
}
