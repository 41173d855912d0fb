/// The answer of a comparison, in words and numbers, derived from the measurements alone.
package struct Verdict: Codable, Sendable, Equatable {
    /// One sentence.
    package var headline: String
    /// One sentence for each workload: who is faster where, by what factor.
    package var workloads: [String]
    /// What else follows from the figures.
    package var sentences: [String]
    /// Where a network file system is the right choice, and where a volume is.
    package var chooseNfs: [String]
    package var chooseVolume: [String]
    /// For each workload and region: one pass of the mix.
    package var passes: [Pass]
    package var batches: [BatchCrossover]
    /// The worst region's median read ÷ the best region's, by kind; null where not measured.
    package var readRatio: Ratio
    package var commit: Commit?

    package struct Ratio: Codable, Sendable, Equatable {
        package var nfs: Double?
        package var volume: Double?
        package init(nfs: Double? = nil, volume: Double? = nil) {
            self.nfs = nfs
            self.volume = volume
        }
    }

    /// A volume commit from the primary region, beside the round trip to the nearest majority.
    package struct Commit: Codable, Sendable, Equatable {
        package var medianMs: Double
        package var floorMs: Double
        package init(medianMs: Double, floorMs: Double) {
            self.medianMs = medianMs
            self.floorMs = floorMs
        }
    }

    /// One pass of a workload's mix in one region. What only one kind offers (locks between hosts)
    /// is left out of both; a volume's commits and reloads are its price and are in. Each operation
    /// counts with its typical time (`ResultRow.typicalMs`).
    package struct Pass: Codable, Sendable, Equatable {
        package enum Faster: String, Codable, Sendable { case nfs, volume, even }
        package var workload: String
        package var region: String
        package var cache: String
        package var rttMs: Double
        package var nfsMs: Double
        package var volumeMs: Double
        package var faster: Faster
        /// Slower ÷ faster, at least 1.
        package var factor: Double
        package init(workload: String, region: String, cache: String, rttMs: Double, nfsMs: Double, volumeMs: Double) {
            self.workload = workload
            self.region = region
            self.cache = cache
            self.rttMs = rttMs
            self.nfsMs = Figure.rounded(nfsMs, 3)
            self.volumeMs = Figure.rounded(volumeMs, 3)
            let ratio = nfsMs / max(volumeMs, 1e-9)
            factor = Figure.rounded(max(ratio, 1 / max(ratio, 1e-9)), 2)
            faster = factor < Verdict.evenFactor ? .even : ratio > 1 ? .volume : .nfs
        }
    }

    /// Below this factor two times are called even.
    package static let evenFactor = 1.1

    package init() {
        headline = ""
        workloads = []
        sentences = []
        chooseNfs = []
        chooseVolume = []
        passes = []
        batches = []
        readRatio = Ratio()
        commit = nil
    }

    static func derived(from report: ComparisonReport) -> Verdict {
        var verdict = Verdict()
        verdict.passes = passes(report)
        verdict.batches = BatchCrossover.all(report)
        verdict.readRatio = Ratio(nfs: readRatio(report, "nfs"), volume: readRatio(report, "volume"))
        verdict.commit = commit(report)
        verdict.headline = headline(report, verdict.passes)
        verdict.workloads = workloadSentences(report, verdict)
        verdict.sentences = sentences(report, verdict)
        verdict.chooseNfs = chooseNfs(report, verdict)
        verdict.chooseVolume = chooseVolume(report, verdict)
        return verdict
    }
}

// The numbers.
extension Verdict {
    static func passes(_ report: ComparisonReport) -> [Pass] {
        var out: [Pass] = []
        for workload in report.workloads {
            for region in report.regionsByDistance {
                for cache in ["cold", "warm"] {
                    guard let nfs = pass(report, workload, "nfs", region.id, cache),
                        let volume = pass(report, workload, "volume", region.id, cache)
                    else { continue }
                    out.append(
                        Pass(
                            workload: workload.name, region: region.id, cache: cache, rttMs: region.rttMs, nfsMs: nfs, volumeMs: volume))
                }
            }
        }
        return out
    }

    /// Nil where an operation that both kinds offer was not measured on both.
    private static func pass(
        _ report: ComparisonReport, _ workload: ComparisonReport.WorkloadSummary, _ kind: String, _ region: String, _ cache: String
    ) -> Double? {
        var total = 0.0
        var counted = false
        for line in workload.mix {
            let count = cache == "cold" ? line.cold : line.warm
            guard count > 0, line.volume != nil else { continue }
            let own = report.row(workload.name, kind, region, line.operation, cache)?.typicalMs
            if line.nfs == nil {
                if kind == "volume", let own { total += Double(count) * own }
                continue
            }
            let other = report.p50(workload.name, kind == "nfs" ? "volume" : "nfs", region, line.operation, cache)
            guard let own, other != nil else { continue }
            total += Double(count) * own
            counted = true
        }
        return counted ? total : nil
    }

    /// Worst region's median ÷ best region's, the worst over the operations that read small pieces cold.
    private static func readRatio(_ report: ComparisonReport, _ kind: String) -> Double? {
        var worst: Double?
        for workload in report.workloads {
            for operation in ["open-read-close", "read-4KiB-random"] {
                let medians = report.map.regions.compactMap { report.p50(workload.name, kind, $0.id, operation) }
                guard medians.count > 1, let best = medians.min(), let most = medians.max(), best > 0 else { continue }
                worst = max(worst ?? 0, most / best)
            }
        }
        return worst.map { Figure.rounded($0, 2) }
    }

    private static func commit(_ report: ComparisonReport) -> Commit? {
        let home = report.map.primary
        let medians = report.workloads.compactMap { report.p50($0.name, "volume", home, "commit") }.sorted()
        guard !medians.isEmpty else { return nil }
        // The leader and the nearest others that make a majority with it.
        let others = report.map.regions.filter { $0.id != home }.compactMap { report.rtt(home, $0.id) }.sorted()
        let needed = report.map.regions.count / 2
        guard needed > 0, others.count >= needed else { return nil }
        return Commit(medianMs: medians[medians.count / 2], floorMs: others[needed - 1])
    }
}
