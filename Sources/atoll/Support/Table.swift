import APISchema
import Foundation

/// Rows for people and programs: aligned with a header on a terminal, plain lines with tabs in a
/// pipe, and with `--json` an object under one key.
struct Table {
    struct Column {
        var title: String
        var isRight = false
    }

    var columns: [Column]
    var rows: [[String]] = []

    /// Titles; those that begin with `>` are aligned to the right.
    init(_ titles: String...) {
        columns = titles.map { $0.hasPrefix(">") ? Column(title: String($0.dropFirst()), isRight: true) : Column(title: $0) }
    }

    mutating func add(_ cells: String...) {
        precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns")
        rows.append(cells.map(Terminal.escaped))
    }

    func show() {
        guard Terminal.outputIsTerminal else {
            for row in rows { Terminal.line(row.joined(separator: "\t")) }
            return
        }
        let widths = columns.indices.map { index in ([columns[index].title] + rows.map { $0[index] }).map(\.count).max() ?? 0 }
        Terminal.line(aligned(columns.map(\.title), widths))
        for row in rows { Terminal.line(aligned(row, widths)) }
    }

    private func aligned(_ cells: [String], _ widths: [Int]) -> String {
        let padded = cells.indices.map { index in
            let space = String(repeating: " ", count: widths[index] - cells[index].count)
            return columns[index].isRight ? space + cells[index] : cells[index] + space
        }
        var line = padded.joined(separator: "  ")
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}

enum Show {
    static func json(_ body: (inout JSONWriter) -> Void) { Terminal.line(JSONWriter.text(body)) }

    static func json<Row: JSONEncodable>(_ name: String, _ rows: [Row]) { json { writer in writer.object { $0.field(name, rows) } } }

    /// `512 B`, `1.5 KiB`, `20.0 MiB`.
    static func bytes(_ count: UInt64) -> String {
        guard count >= 1_024 else { return "\(count) B" }
        var value = Double(count)
        var unit = -1
        while value >= 1_024, unit < 5 {
            value /= 1_024
            unit += 1
        }
        return String(format: "%.1f ", value) + ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][unit]
    }

    /// Three figures or so: `0.123`, `12.3`, `1234`.
    static func figure(_ value: Double) -> String {
        let size = abs(value)
        return String(format: size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f", value)
    }

    static func milliseconds(_ value: Double?) -> String { value.map { String(format: "%.1f", $0) } ?? "-" }
}
