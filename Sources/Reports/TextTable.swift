/// Columns aligned by their content, for a terminal; the same cells as Markdown.
package struct TextTable: Sendable {
    package enum Alignment: Sendable { case left, right }

    package var header: [String]
    package var alignments: [Alignment]
    package var rows: [[String]] = []

    /// Least width of each column; none by default.
    package var widthsMin: [Int] = []

    package init(_ columns: [(String, Alignment)]) {
        header = columns.map(\.0)
        alignments = columns.map(\.1)
    }

    package mutating func add(_ cells: [String]) {
        precondition(cells.count == header.count, "a row of \(cells.count) cells in a table of \(header.count)")
        rows.append(cells)
    }

    /// Width in characters; `×`, `–` and letters with accents take one column each.
    package var widths: [Int] {
        header.indices.map { column in
            max(([header] + rows).map { $0[column].count }.max() ?? 0, column < widthsMin.count ? widthsMin[column] : 0)
        }
    }

    package func text(indent: Int = 0) -> String {
        let widths = widths
        func line(_ cells: [String]) -> String {
            var out = String(repeating: " ", count: indent)
            for (column, cell) in cells.enumerated() {
                let gap = String(repeating: " ", count: widths[column] - cell.count)
                if column > 0 { out += "  " }
                out += alignments[column] == .left ? cell + gap : gap + cell
            }
            while out.hasSuffix(" ") { out.removeLast() }
            return out
        }
        return ([header] + rows).map(line).joined(separator: "\n") + "\n"
    }

    package func markdown() -> String {
        func line(_ cells: [String]) -> String {
            "| "
                + cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }.joined(separator: " | ")
                + " |\n"
        }
        var out = line(header)
        out += "|" + alignments.map { $0 == .left ? "---|" : "---:|" }.joined() + "\n"
        for row in rows { out += line(row) }
        return out
    }
}
