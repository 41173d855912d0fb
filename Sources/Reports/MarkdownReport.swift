/// `report.md`: the same as the terminal shows, and the fairness box, for a pull request or a wiki.
package struct MarkdownReport: Sendable {
    package let report: ComparisonReport
    package init(_ report: ComparisonReport) { self.report = report }

    package func text() -> String {
        var out = "# A network file system or a volume?\n\n**\(report.verdict.headline)**\n\n"
        for sentence in report.verdict.workloads + report.verdict.sentences { out += "- \(sentence)\n" }
        out += sweep() + advice()
        out += "\n## Which to use\n\n" + passes() + "\nA network file system is right for:\n\n"
        for sentence in report.verdict.chooseNfs { out += "- \(sentence)\n" }
        out += "\nA volume is right for:\n\n"
        for sentence in report.verdict.chooseVolume { out += "- \(sentence)\n" }
        out += "\n## What makes it fair\n\n"
        for (name, text) in report.fairness { out += (name.isEmpty ? "- " : "- **\(name)**: ") + "\(text)\n" }
        for workload in report.workloads { out += "\n## \(workload.name): \(workload.title)\n\n\(workload.imitates)\n\n" + table(workload) }
        out += faults()
        out += "\n## Count × round trip\n\n" + checks()
        out += "\n## Where the answer flips\n\n" + crossovers()
        out += "\n## Traffic between regions\n\n" + traffic() + prediction() + costs()
        return out
    }

    private func passes() -> String {
        var table = TextTable([
            ("workload", .left), ("region", .left), ("cache", .left), ("network file system, ms", .right), ("volume, ms", .right),
            ("faster", .left),
        ])
        for pass in report.verdict.passes {
            let faster =
                pass.faster == .even ? "even" : "\(pass.faster == .nfs ? "network file system" : "volume") \(Figure.factor(pass.factor))×"
            table.add([
                pass.workload, pass.region, pass.cache, Figure.milliseconds(pass.nfsMs), Figure.milliseconds(pass.volumeMs), faster,
            ])
        }
        return table.markdown()
    }

    private func table(_ workload: ComparisonReport.WorkloadSummary) -> String {
        var table = TextTable([
            ("operation", .left), ("region", .left), ("kind", .left), ("cache", .left), ("n", .right), ("p50 ms", .right),
            ("p90 ms", .right),
            ("p99 ms", .right), ("medians ms", .right), ("MiB/s", .right), ("round trips", .right), ("wide-area bytes", .right),
            ("price", .right), ("errors", .right),
        ])
        for row in report.ordered(workload.name) {
            let spread = "\(Figure.milliseconds(row.spread.p50MinMs))–\(Figure.milliseconds(row.spread.p50MaxMs))"
            table.add([
                row.operation, row.region, row.kind, row.cache, "\(row.samples)", Figure.milliseconds(row.p50Ms),
                Figure.milliseconds(row.p90Ms), Figure.milliseconds(row.p99Ms), spread, row.mibPerS.map { Figure.milliseconds($0) } ?? "",
                Figure.count(row.wanRoundTrips), Figure.bytes(row.wanBytes), Figure.dollars(row.costUsd), "\(row.errors)",
            ])
        }
        return table.markdown()
    }

    private func checks() -> String {
        var table = TextTable([
            ("workload", .left), ("operation", .left), ("cache", .left), ("trips", .right), ("round trip ms", .right), ("local ms", .right),
            ("predicted ms", .right), ("measured ms", .right), ("error", .right),
        ])
        for check in report.roundTripChecks {
            table.add([
                check.workload, check.operation, check.cache, Figure.count(check.roundTrips), Figure.milliseconds(check.rttMs),
                Figure.milliseconds(check.localMs), Figure.milliseconds(check.predictedMs), Figure.milliseconds(check.measuredMs),
                Figure.percent(check.error),
            ])
        }
        return table.markdown()
    }

    private func crossovers() -> String {
        var table = TextTable([
            ("workload", .left), ("operation", .left), ("network file system", .left), ("volume", .left), ("faster", .left),
        ])
        for line in report.crossovers {
            table.add([
                line.workload, line.operation, Self.formula(line.nfsHomeMs, line.nfsTrips),
                Self.formula(line.volumeHomeMs, line.volumeTrips), line.words,
            ])
        }
        return table.markdown()
    }

    static func formula(_ home: Double, _ trips: Double) -> String {
        "\(Figure.milliseconds(home)) ms" + (trips > 0 ? " + \(Figure.count(trips)) × R" : "")
    }

    private func traffic() -> String {
        var table = TextTable([
            ("workload", .left), ("kind", .left), ("phase", .left), ("link", .left), ("bytes", .right), ("price", .right),
        ])
        for row in report.traffic where row.bytes > 0 {
            table.add([row.workload, row.kind, row.phase, "\(row.from) → \(row.to)", Figure.bytes(row.bytes), Figure.dollars(row.usd)])
        }
        return table.markdown()
    }
}

extension Crossover {
    /// Whether a volume only stages it, so that its time is not yet that of a published change.
    package var isStaged: Bool { ["create-write-close", "rename", "remove"].contains(operation) }

    /// Which kind is faster, as a phrase.
    package var words: String {
        switch answer {
        case .flips: "volume above \(Figure.milliseconds(rttMs)) ms\(isStaged ? ", until it commits" : "")"
        case .flipsBack: "network file system above \(Figure.milliseconds(rttMs)) ms"
        case .volumeAlways: "volume at any distance, \(factors)\(isStaged ? ", until it commits" : "")"
        case .nfsAlways: "network file system at any distance, \(factors)"
        }
    }

    /// By how much the faster one is: `even at home, 43 times at 150 ms`.
    private var factors: String {
        func one(_ factor: Double) -> String {
            let times = answer == .nfsAlways ? 1 / max(factor, 1e-6) : factor
            return times < Verdict.evenFactor ? "even" : "\(Figure.factor(times)) times"
        }
        guard farRttMs > 0 else { return "\(one(homeFactor)) at home" }
        return "\(one(homeFactor)) at home, \(one(farFactor)) at \(Figure.milliseconds(farRttMs)) ms"
    }
}
