import Primitives

// Small words of the codecs of this module.

extension XDRReader {
    /// An enumeration by its number.
    mutating func choice<Value: RawRepresentable>(_ what: String) throws(XDRError) -> Value where Value.RawValue == UInt32 {
        let raw = try uint32()
        guard let value = Value(rawValue: raw) else { throw .badValue(what: what, value: UInt64(raw)) }
        return value
    }

    /// A number that must lie in `range`.
    mutating func uint32(_ what: String, in range: ClosedRange<UInt32>) throws(XDRError) -> UInt32 {
        let value = try uint32()
        guard range.contains(value) else { throw .badValue(what: what, value: UInt64(value)) }
        return value
    }

    mutating func optionalString(limit: Int) throws(XDRError) -> String? { try bool() ? try string(limit: limit) : nil }

    mutating func strings(count limit: Int, length: Int) throws(XDRError) -> [String] {
        var texts: [String] = []
        for _ in 0..<(try count(limit: limit)) { texts.append(try string(limit: length)) }
        return texts
    }

    /// A span of whole nanoseconds, never negative.
    mutating func duration() throws(XDRError) -> Duration {
        let value = try uint64()
        guard value <= UInt64(Int64.max) else { throw .badValue(what: "duration", value: value) }
        return .nanoseconds(Int64(value))
    }

    /// A list whose keys must ascend strictly: the form of every table in a snapshot.
    mutating func table<Key: Comparable, Value: XDRCodable>(
        _ what: String, limit: Int, key: (Value) -> Key
    ) throws(XDRError) -> OrderedTable<Key, Value> {
        var table = OrderedTable<Key, Value>()
        for position in 0..<(try count(limit: limit)) {
            let value = try Value(from: &self)
            let name = key(value)
            if let last = table.last, last.key >= name { throw .badValue(what: "ascending \(what)", value: UInt64(position)) }
            _ = table.insert(name, value)
        }
        return table
    }
}

extension XDRWriter {
    mutating func write(optional text: String?) {
        write(text != nil)
        if let text { write(text) }
    }

    mutating func write(texts: [String]) {
        write(UInt32(texts.count))
        for text in texts { write(text) }
    }

    mutating func write(_ duration: Duration) { write(UInt64(max(0, duration.inNanoseconds))) }
}

extension WallTime {
    /// `2026-11-21T12:34:56Z`. The date by Howard Hinnant's `civil_from_days`.
    var utcText: String {
        let time = seconds
        let days = time >= 0 ? time / 86_400 : (time - 86_399) / 86_400
        let rest = time - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))T\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }

    static func + (time: WallTime, span: Duration) -> WallTime {
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(span.inNanoseconds)
        return WallTime(nanoseconds: overflow ? (span < .zero ? .min : .max) : sum)
    }

    static func - (time: WallTime, span: Duration) -> WallTime {
        let (difference, overflow) = time.nanoseconds.subtractingReportingOverflow(span.inNanoseconds)
        return WallTime(nanoseconds: overflow ? (span < .zero ? .max : .min) : difference)
    }
}
