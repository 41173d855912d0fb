internal import Workloads

/// Whether the latency of a network file system's operation from afar is what its count of round
/// trips says: count × measured round trip + what the same operation takes at home.
package struct RoundTripCheck: Codable, Sendable, Equatable {
    package var workload: String
    package var operation: String
    package var cache: String
    package var region: String
    /// The median count of wide-area round trips of one operation.
    package var roundTrips: Double
    package var rttMs: Double
    /// The median of the same operation from a client in the primary region.
    package var localMs: Double
    package var predictedMs: Double
    package var measuredMs: Double
    /// (measured − predicted) ÷ predicted.
    package var error: Double

    /// Within 10 % or 5 ms, whichever is larger.
    package var agrees: Bool { abs(measuredMs - predictedMs) <= max(5, 0.1 * predictedMs) }

    /// From the region farthest away, for every operation that is not spent on bytes.
    static func all(_ report: ComparisonReport) -> [RoundTripCheck] {
        guard let far = report.farthest else { return [] }
        return report.mainRows.compactMap { row in
            guard row.kind == "nfs", row.region == far.id, let measured = row.p50Ms, row.samples >= 2,
                let operation = WorkloadOperation(rawValue: row.operation), operation.isPredictable,
                let local = report.p50(row.workload, "nfs", report.map.primary, row.operation, row.cache)
            else { return nil }
            let predicted = row.wanRoundTripsMedian * far.rttMs + local
            return RoundTripCheck(
                workload: row.workload, operation: row.operation, cache: row.cache, region: far.id, roundTrips: row.wanRoundTripsMedian,
                rttMs: far.rttMs, localMs: local, predictedMs: Figure.rounded(predicted, 3), measuredMs: measured,
                error: predicted > 0 ? Figure.rounded((measured - predicted) / predicted, 4) : 0)
        }
    }
}
