/// A node of a settings file (a region map, a workload, a scenario) as a plain tree with the line
/// that each node came from. The pure targets read this; whoever reads the file (YAML, by a
/// library, outside the pure targets) makes it.
package struct SettingsNode: Hashable, Sendable {
    package indirect enum Value: Hashable, Sendable {
        case scalar(String)
        case list([SettingsNode])
        case table([Entry])
    }

    package struct Entry: Hashable, Sendable {
        package var key: String
        package var value: SettingsNode
        package init(key: String, value: SettingsNode) {
            self.key = key
            self.value = value
        }
    }

    package var value: Value
    package var file: String
    /// From 1.
    package var line: Int
    /// Where in the tree, such as `links[3].rtt_ms`; empty for the whole file.
    package var path: String

    package init(_ value: Value, file: String, line: Int, path: String) {
        self.value = value
        self.file = file
        self.line = line
        self.path = path
    }

    package func error(_ reason: String, hint: String = "") -> SettingsError {
        SettingsError(file: file, line: line, key: path, reason: reason, hint: hint)
    }

    private var shape: String {
        switch value {
        case .scalar: "a single value"
        case .list: "a list"
        case .table: "a table"
        }
    }
}

/// What is wrong with a settings file: file, line and key, the reason, and what would be right.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var key: String
    package var reason: String
    package var hint: String
    package init(file: String, line: Int, key: String, reason: String, hint: String = "") {
        self.file = file
        self.line = line
        self.key = key
        self.reason = reason
        self.hint = hint
    }
    package var description: String {
        "\(file):\(line): " + (key.isEmpty ? "" : "\(key): ") + reason + (hint.isEmpty ? "" : "; \(hint)")
    }
}

// Reading single values.
extension SettingsNode {
    package func text(limit: Int = 4_096) throws(SettingsError) -> String {
        guard case .scalar(let text) = value else { throw error("is \(shape), not text") }
        guard text.utf8.count <= limit else { throw error("is \(text.utf8.count) bytes long; at most \(limit)") }
        return text
    }

    package func integer(in range: ClosedRange<Int>) throws(SettingsError) -> Int {
        let text = try text(limit: 64)
        guard let number = Int(text) else { throw error("\(text) is no whole number", hint: "\(range.lowerBound) to \(range.upperBound)") }
        guard range.contains(number) else {
            throw error("\(number) is out of range", hint: "\(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    package func unsigned() throws(SettingsError) -> UInt64 {
        let text = try text(limit: 64)
        guard let number = UInt64(text) else { throw error("\(text) is no whole number of 0 or more") }
        return number
    }

    /// A finite number of at least `minimum` and at most `maximum` (whole, for the message's sake).
    package func number(from minimum: Int, to maximum: Int) throws(SettingsError) -> Double {
        let text = try text(limit: 64)
        guard let number = Double(text), number.isFinite else { throw error("\(text) is no number") }
        guard number >= Double(minimum), number <= Double(maximum) else {
            throw error("\(text) is out of range", hint: "\(minimum) to \(maximum)")
        }
        return number
    }

    package func milliseconds(to maximum: Int) throws(SettingsError) -> Duration {
        .nanoseconds(Int64((try number(from: 0, to: maximum) * 1_000_000).rounded()))
    }

    package func flag() throws(SettingsError) -> Bool {
        switch try text(limit: 16) {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        case let other: throw error("\(other) is neither true nor false")
        }
    }

    /// A number of bytes: `4096`, `64KiB`, `16 MiB`, `1GiB`.
    package func bytes(in range: ClosedRange<UInt64>) throws(SettingsError) -> UInt64 {
        let text = try text(limit: 64)
        let digits = text.prefix { $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        let shifts = ["": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30]
        guard let number = UInt64(digits), let shift = shifts[String(unit)], number <= UInt64.max >> UInt64(shift) else {
            throw error("\(text) is no size", hint: "write 4096, 64KiB, 16MiB or 1GiB")
        }
        let bytes = number << UInt64(shift)
        guard range.contains(bytes) else {
            throw error("\(text) is out of range", hint: "\(range.lowerBound) to \(range.upperBound) bytes")
        }
        return bytes
    }

    package func list(limit: Int = 100_000) throws(SettingsError) -> [SettingsNode] {
        guard case .list(let nodes) = value else { throw error("is \(shape), not a list") }
        guard nodes.count <= limit else { throw error("has \(nodes.count) items; at most \(limit)") }
        return nodes
    }

    package func entries(limit: Int = 10_000) throws(SettingsError) -> [Entry] {
        guard case .table(let entries) = value else { throw error("is \(shape), not a table of keys") }
        guard entries.count <= limit else { throw error("has \(entries.count) keys; at most \(limit)") }
        return entries
    }

    /// A table whose keys are all known: an unknown or repeated key is an error that names it.
    package func table(_ known: [String]) throws(SettingsError) -> SettingsTable {
        let entries = try entries()
        for (index, entry) in entries.enumerated() {
            guard known.contains(entry.key) else {
                throw entry.value.error("unknown key", hint: Suggestion.sentence(for: entry.key, among: known))
            }
            guard !entries[..<index].contains(where: { $0.key == entry.key }) else { throw entry.value.error("given twice") }
        }
        return SettingsTable(node: self, entries: entries)
    }
}

/// A table of known keys.
package struct SettingsTable: Sendable {
    package let node: SettingsNode
    let entries: [SettingsNode.Entry]

    package subscript(key: String) -> SettingsNode? { entries.first { $0.key == key }?.value }

    package func required(_ key: String) throws(SettingsError) -> SettingsNode {
        guard let found = self[key] else {
            let path = node.path.isEmpty ? key : "\(node.path).\(key)"
            throw SettingsError(file: node.file, line: node.line, key: path, reason: "is missing")
        }
        return found
    }
}
