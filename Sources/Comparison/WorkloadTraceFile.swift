internal import Filesystem
internal import Foundation
internal import Primitives
package import Workloads

/// A trace as a file of JSON lines: a header, then one object for each event (`docs/reference/workloads.md`).
/// Every error names file, line and key.
package enum WorkloadTraceFile {
    package static let schema = 1
    package static let sizeMax = 64 << 20
    static let keys = ["at", "client", "region", "op", "path", "to", "offset", "bytes"]

    package static func read(_ path: String) throws(SettingsError) -> Trace {
        func failure(_ reason: String) -> SettingsError { SettingsError(file: path, line: 1, key: "", reason: reason) }
        let data: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            guard size <= sizeMax else { throw failure("is \(size) bytes long; at most \(sizeMax)") }
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch let error as SettingsError {
            throw error
        } catch {
            throw failure("cannot be read: \(error.localizedDescription)")
        }
        guard let text = String(data: data, encoding: .utf8) else { throw failure("is not UTF-8 text") }
        return try parse(text, name: path)
    }

    package static func parse(_ text: String, name file: String) throws(SettingsError) -> Trace {
        var trace: Trace?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            let reader = try Line(line, file: file, number: index + 1)
            if trace == nil {
                trace = try header(reader)
            } else {
                try add(reader, to: &trace!)
            }
        }
        guard let trace else { throw SettingsError(file: file, line: 1, key: "", reason: "is empty") }
        guard !trace.events.isEmpty else { throw SettingsError(file: file, line: 1, key: "", reason: "has no events") }
        return trace
    }

    private static func header(_ line: Line) throws(SettingsError) -> Trace {
        try line.only(["atoll_trace", "name"])
        let version = try line.number("atoll_trace", 1...1_000_000)
        guard version == UInt64(schema) else {
            throw line.error("atoll_trace", "version \(version) is not known; this program reads version \(schema)")
        }
        let name = try line.text("name")
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ $0 == 45 || (97...122).contains($0) || (48...57).contains($0) })
        else { throw line.error("name", "\(name) is no name; use 1 to 64 of a–z, 0–9 and -") }
        return Trace(name: name, clients: [], events: [])
    }

    private static func add(_ line: Line, to trace: inout Trace) throws(SettingsError) {
        try line.only(keys)
        guard trace.events.count < Trace.eventsMax else { throw line.error("", "is one event more than \(Trace.eventsMax)") }
        let word = try line.text("op")
        guard let verb = Trace.Verb(rawValue: word) else {
            throw line.error("op", "unknown operation; \(Suggestion.sentence(for: word, among: Trace.Verb.allCases.map(\.rawValue)))")
        }
        let at = try line.seconds("at")
        if let last = trace.events.last, at < last.at { throw line.error("at", "is before the line above; events are in order of time") }
        let region = try line.text("region")
        let name = line.has("client") ? try line.text("client") : region
        var event = Trace.Event(at: at, client: try client(name, region, line, &trace), verb: verb)
        switch verb {
        case .commit, .reload: break
        case .list: event.path = line.has("path") ? try line.path("path") : ""
        default: event.path = try line.path("path")
        }
        if verb == .rename { event.to = try line.path("to") }
        guard verb == .read || verb == .write else { return trace.events.append(event) }
        event.offset = line.has("offset") ? try line.number("offset", 0...(1 << 40)) : 0
        // Longer ones are several.
        var left = try line.number("bytes", 1...(1 << 30))
        while left > 0 {
            event.bytes = UInt32(min(left, UInt64(Trace.bytesMax)))
            trace.events.append(event)
            event.offset += UInt64(event.bytes)
            left -= UInt64(event.bytes)
        }
    }

    private static func client(_ name: String, _ region: String, _ line: Line, _ trace: inout Trace) throws(SettingsError) -> Int {
        if let known = trace.clients.firstIndex(where: { $0.name == name }) {
            guard trace.clients[known].region == region else {
                throw line.error("client", "\(name) was in \(trace.clients[known].region) before; a client stays in its region")
            }
            return known
        }
        guard trace.clients.count < Trace.clientsMax else { throw line.error("client", "is one more than \(Trace.clientsMax)") }
        trace.clients.append(Trace.Client(name: name, region: region))
        return trace.clients.count - 1
    }

    /// The text of a trace, as `parse` reads it.
    package static func text(_ trace: Trace) -> String {
        func quoted(_ text: String) -> String {
            let data = (try? JSONSerialization.data(withJSONObject: text, options: [.fragmentsAllowed, .withoutEscapingSlashes])) ?? Data()
            return String(decoding: data, as: UTF8.self)
        }
        var out = "{\"atoll_trace\":\(schema),\"name\":\(quoted(trace.name))}\n"
        for event in trace.events {
            let client = trace.clients[event.client]
            out += "{\"at\":\(String(format: "%.6f", event.at.inMilliseconds / 1_000)),\"client\":\(quoted(client.name)),"
            out += "\"region\":\(quoted(client.region)),\"op\":\"\(event.verb.rawValue)\""
            if !event.path.isEmpty { out += ",\"path\":\(quoted(event.path))" }
            if event.verb == .rename { out += ",\"to\":\(quoted(event.to))" }
            if event.verb == .read || event.verb == .write { out += ",\"offset\":\(event.offset),\"bytes\":\(event.bytes)" }
            out += "}\n"
        }
        return out
    }
}

/// One line of a trace: a flat JSON object.
private struct Line {
    let file: String
    let number: Int
    private let values: [String: Any]

    init(_ text: Substring, file: String, number: Int) throws(SettingsError) {
        self.file = file
        self.number = number
        guard let values = (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] else {
            throw SettingsError(file: file, line: number, key: "", reason: "is no JSON object")
        }
        self.values = values
    }

    func error(_ key: String, _ reason: String) -> SettingsError { SettingsError(file: file, line: number, key: key, reason: reason) }

    func only(_ keys: [String]) throws(SettingsError) {
        for key in values.keys.sorted() where !keys.contains(key) {
            throw error(key, "unknown key; \(Suggestion.sentence(for: key, among: keys))")
        }
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    func text(_ key: String) throws(SettingsError) -> String {
        guard let value = values[key] else { throw error(key, "is missing") }
        guard let text = value as? String, !text.isEmpty, text.utf8.count <= 4_096 else {
            throw error(key, "is no text of 1 to 4096 bytes")
        }
        return text
    }

    func number(_ key: String, _ range: ClosedRange<UInt64>) throws(SettingsError) -> UInt64 {
        guard let value = values[key] else { throw error(key, "is missing") }
        guard let number = value as? NSNumber, let whole = UInt64(exactly: number), range.contains(whole) else {
            throw error(key, "is no whole number of \(range.lowerBound) to \(range.upperBound)")
        }
        return whole
    }

    func seconds(_ key: String) throws(SettingsError) -> Duration {
        guard let value = values[key] else { throw error(key, "is missing") }
        guard let number = (value as? NSNumber)?.doubleValue, (0...86_400).contains(number) else {
            throw error(key, "is no number of seconds from 0 to 86400")
        }
        return .nanoseconds(Int64((number * 1e9).rounded()))
    }

    /// Without a slash in front, without `.` and `..`.
    func path(_ key: String) throws(SettingsError) -> String {
        let text = try text(key)
        let parts = text.split(separator: "/").map(String.init)
        guard !parts.isEmpty, !parts.contains("."), !parts.contains(".."), FilePath(parts.joined(separator: "/")) != nil else {
            throw error(key, "\(text) is no path of a file")
        }
        return parts.joined(separator: "/")
    }
}
