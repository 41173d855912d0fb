import APISchema
import Foundation

/// The median of several rounds, with the lowest and the highest.
struct Spread: Sendable, JSONEncodable {
    let median: Double
    let lowest: Double
    let highest: Double

    init(_ values: [Double]) {
        precondition(!values.isEmpty, "a spread of no values")
        let sorted = values.sorted()
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        lowest = sorted[0]
        highest = sorted[sorted.count - 1]
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("median", median)
            $0.field("lowest", lowest)
            $0.field("highest", highest)
        }
    }

    /// `412 (405–420)`
    var text: String { "\(Int(median.rounded())) (\(Int(lowest.rounded()))–\(Int(highest.rounded())))" }
    /// Of a share: `97 % (95–98 %)`
    var percent: String {
        func whole(_ share: Double) -> Int { Int((share * 100).rounded()) }
        return "\(whole(median)) % (\(whole(lowest))–\(whole(highest)) %)"
    }
    /// `1.42 (1.38–1.45)`
    var precise: String { String(format: "%.2f (%.2f–%.2f)", median, lowest, highest) }
}

/// How long each of many operations took.
struct Latencies: Sendable {
    /// In nanoseconds, ascending.
    private let sorted: [Int64]

    init(_ nanoseconds: [Int64]) { sorted = nanoseconds.sorted() }

    var count: Int { sorted.count }

    /// The least time that `share` of them did not exceed, in milliseconds; nil where there are none.
    func milliseconds(_ share: Double) -> Double? {
        guard !sorted.isEmpty else { return nil }
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return Double(sorted[min(max(rank, 1), sorted.count) - 1]) / 1e6
    }

    static func text(_ milliseconds: Double?) -> String { milliseconds.map { String(format: "%.3f", $0) } ?? "-" }
}
