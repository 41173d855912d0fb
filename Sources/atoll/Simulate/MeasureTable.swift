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
}
