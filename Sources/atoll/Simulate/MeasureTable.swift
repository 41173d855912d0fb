import Primitives
import Simulation

/// How long things took over many seeds, as a table of quantiles.
enum MeasureTable {
    static func lines(_ records: [RunRecord]) -> [String] {
        var byName: [String: [Int64]] = [:]
        for record in records { for measure in record.measures { byName[measure.name, default: []].append(measure.nanoseconds) } }
        guard !byName.isEmpty else { return [] }
        var lines = ["| time, ms | count | p50 | p90 | p99 | max |", "|---|---|---|---|---|---|"]
        for name in byName.keys.sorted() {
            let sorted = (byName[name] ?? []).sorted()
            let figures = [500, 900, 990, 1_000].map { "\(Measure.quantile($0, of: sorted) / 1_000_000)" }
            lines.append("| \(name) | \(sorted.count) | \(figures.joined(separator: " | ")) |")
        }
        return lines
    }

    /// What membership got wrong and cost, over many seeds: sums, and means of bandwidths.
    static func gossip(_ records: [RunRecord]) -> [String] {
        let figures = records.compactMap(\.gossip)
        guard figures.count > 1 else { return [] }
        func sum(_ path: KeyPath<GossipFigures, Int>) -> Int { figures.reduce(0) { $0 + $1[keyPath: path] } }
        func mean(_ path: KeyPath<GossipFigures, GossipFigures.Bandwidth>) -> String {
            let measured = figures.map { $0[keyPath: path] }.filter(\.isMeasured)
            return measured.isEmpty ? "-" : "\(measured.reduce(0) { $0 + $1.mean } / measured.count)"
        }
        return [
            "\(figures.count) runs: \(sum(\.falsePositives)) false positives (\(sum(\.falsePositivesAtHealthy)) at healthy members) after "
                + "\(sum(\.suspicions)) suspicions, starved members taken for dead \(sum(\.starvedTakenForDead)) times; a member sends "
                + "\(mean(\.quiet)) B/s when all is quiet, \(mean(\.loaded)) B/s under load"
        ]
    }
}
