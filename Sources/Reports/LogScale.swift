internal import Foundation

/// A logarithmic axis from one power of ten (or 3 × one) to another.
package struct LogScale: Sendable, Equatable {
    package let low: Double
    package let high: Double

    /// Holds all the values; 0.01 ms is the least that an axis shows.
    package init(holding values: [Double]) {
        let positive = values.filter { $0 > 0 && $0.isFinite }
        let least = max(0.01, positive.min() ?? 0.1)
        let most = max(least * 3, positive.max() ?? 1_000)
        low = Self.step(below: least * 0.9)
        high = Self.step(above: most * 1.1)
    }

    /// 0 at the low end, 1 at the high one; what lies outside is put at the end.
    package func position(_ value: Double) -> Double {
        guard value > low else { return 0 }
        return min(1, log10(value / low) / log10(high / low))
    }

    package var ticks: [Double] {
        var ticks: [Double] = []
        var power = pow(10, floor(log10(low) + 1e-9))
        while power <= high * 1.0001 {
            if power >= low * 0.9999 { ticks.append(power) }
            power *= 10
        }
        return ticks
    }

    private static func step(below value: Double) -> Double {
        let power = pow(10, floor(log10(value)))
        return value / power >= 3 ? 3 * power : power
    }

    private static func step(above value: Double) -> Double {
        let power = pow(10, floor(log10(value) + 1e-9))
        let ratio = value / power
        return ratio <= 1.0001 ? power : ratio <= 3 ? 3 * power : 10 * power
    }

    package static func label(_ ms: Double) -> String {
        ms >= 1_000 ? "\(Figure.count(ms / 1_000)) s" : ms >= 1 ? "\(Figure.count(ms)) ms" : "\(Figure.rounded(ms, 3)) ms"
    }
}
