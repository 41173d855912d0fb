internal import Foundation

/// Numbers as a reader wants them: three significant digits or so, the unit apart.
package enum Figure {
    package static func rounded(_ value: Double, _ places: Int) -> Double {
        guard value.isFinite else { return 0 }
        let scale = pow(10, Double(places))
        return (value * scale).rounded() / scale
    }

    static func fixed(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

    /// Milliseconds: `0.034`, `0.31`, `4.27`, `70.1`, `146`, `1,204`.
    package static func milliseconds(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "–" }
        if value < 0.1 { return fixed(value, 3) }
        if value < 10 { return fixed(value, 2) }
        if value < 100 { return fixed(value, 1) }
        return grouped(value)
    }

    /// Milliseconds below one second, else seconds, with the unit.
    package static func duration(_ ms: Double?) -> String {
        guard let ms, ms.isFinite else { return "–" }
        if ms >= 10_000 { return fixed(ms / 1_000, 1) + " s" }
        if ms >= 1_000 { return fixed(ms / 1_000, 2) + " s" }
        return milliseconds(ms) + " ms"
    }

    /// How many times: `0.04`, `1.4`, `12`, `340`.
    package static func factor(_ value: Double) -> String {
        value < 0.995 ? fixed(value, value < 0.0995 ? 3 : 2) : value < 10 ? fixed(value, 1) : grouped(value)
    }

    /// A count that may be a mean: `4`, `2.5`, `17`.
    package static func count(_ value: Double) -> String {
        let shown = value < 10 ? rounded(value, 1) : value.rounded()
        return shown == shown.rounded() ? grouped(shown) : fixed(shown, 1)
    }

    package static func grouped(_ value: Double) -> String {
        let digits = Array(fixed(value, 0))
        var out = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0, digits[index - 1] != "-" { out.append(",") }
            out.append(digit)
        }
        return out
    }

    /// Bytes in binary units, as the tools of this project do.
    package static func bytes(_ value: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var size = Double(value)
        var unit = 0
        while size >= 1_024, unit < units.count - 1 {
            size /= 1_024
            unit += 1
        }
        return (unit == 0 || size >= 100 ? grouped(size) : fixed(size, size < 10 ? 2 : 1)) + " " + units[unit]
    }

    /// US dollars: enough digits to see that small is small.
    package static func dollars(_ value: Double) -> String {
        if value == 0 { return "$0" }
        if value < 0.0001 { return "<$0.0001" }
        if value < 0.01 { return "$" + fixed(value, 4) }
        return "$" + fixed(value, value < 1 ? 3 : 2)
    }

    package static func percent(_ share: Double) -> String {
        let text = fixed(share * 100, abs(share) < 0.1 ? 1 : 0)
        return (text == "-0.0" ? "0.0" : text) + " %"
    }

    /// `a`, `a and b`, `a, b and c`.
    package static func joined(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}
