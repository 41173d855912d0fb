package import Primitives

extension WallTime {
    /// `2026-11-21T12:48:06Z`, to the second, in UTC (RFC 3339). Days by the algorithm of H. Hinnant's
    /// `civil_from_days`, proleptic Gregorian.
    package var rfc3339: String {
        let (year, month, day) = civil
        let second = timeOfDay
        return
            "\(Self.pad(year, 4))-\(Self.pad(month, 2))-\(Self.pad(day, 2))T\(Self.pad(second / 3_600, 2)):\(Self.pad(second / 60 % 60, 2)):\(Self.pad(second % 60, 2))Z"
    }

    /// `2026-11-21 12:48:06`, for tables.
    package var tableText: String {
        rfc3339.dropLast().split(separator: "T").joined(separator: " ")
    }

    private var timeOfDay: Int64 { ((seconds % 86_400) + 86_400) % 86_400 }

    private var civil: (year: Int64, month: Int64, day: Int64) {
        let days = (seconds - timeOfDay) / 86_400 + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func pad(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
