/// The comparison for a terminal of 120 columns: a table for each workload, then the verdict.
package struct TerminalReport: Sendable {
    package static let width = 120
    package let report: ComparisonReport

    package init(_ report: ComparisonReport) { self.report = report }

    package func text() -> String {
        var out = ""
        for workload in report.workloads { out += table(workload) + "\n" }
        out += "Median milliseconds (means for operations on many bytes). Cold: first touch in that region; warm: again in the same\n"
        out += "session; ×: network file system ÷ volume; !: some operations failed; –: not offered by that kind, or not done there.\n\n"
        return out + faults() + prediction() + verdict() + leading()
    }

    /// What was asked for in particular comes last, where a terminal shows it.
    private func leading() -> String {
        let parts = sweep() + advice()
        return parts.isEmpty ? "" : "\n" + parts
    }

    /// Up to three regions side by side; more are put below.
    package func table(_ workload: ComparisonReport.WorkloadSummary) -> String {
        var out = "\(workload.name) · \(workload.title)\n"
        let regions = report.regionsByDistance
        for start in stride(from: 0, to: regions.count, by: 3) {
            out += block(workload, Array(regions[start..<min(start + 3, regions.count)]))
        }
        return out
    }

    private func block(_ workload: ComparisonReport.WorkloadSummary, _ regions: [ComparisonReport.MapSummary.Region]) -> String {
        var columns: [(String, TextTable.Alignment)] = [("operation", .left), ("cache", .left)]
        for _ in regions { columns += [("nfs", .right), ("volume", .right), ("×", .right)] }
        var table = TextTable(columns)
        table.widthsMin = [20, 5] + regions.flatMap { _ in [7, 7, 6] }
        for operation in report.operations(of: workload.name) {
            for cache in ["cold", "warm"] {
                let cells = regions.flatMap { measured(workload.name, $0.id, operation, cache) }
                if cells.contains(where: { $0 != "–" && $0 != "" }) { table.add([operation, cache] + cells) }
            }
        }
        // Names of the regions above their three columns.
        let widths = table.widths
        var head = "  " + String(repeating: " ", count: widths[0] + 2 + widths[1])
        for (index, region) in regions.enumerated() {
            let block = widths[(2 + 3 * index)..<(5 + 3 * index)].reduce(4, +)
            let name = "\(region.id)" + (region.id == report.map.primary ? " (primary)" : " \(Figure.milliseconds(region.rttMs)) ms")
            head += "  " + pad(String(name.prefix(block)), to: block)
        }
        return head + "\n" + table.text(indent: 2)
    }

    private func pad(_ text: String, to width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }

    private func measured(_ workload: String, _ region: String, _ operation: String, _ cache: String) -> [String] {
        let nfs = report.row(workload, "nfs", region, operation, cache)
        let volume = report.row(workload, "volume", region, operation, cache)
        func cell(_ row: ResultRow?) -> String {
            guard let row else { return "–" }
            return (row.p50Ms == nil ? "failed" : Figure.milliseconds(row.typicalMs)) + (row.errors > 0 && row.p50Ms != nil ? "!" : "")
        }
        var ratio = ""
        if let a = nfs?.typicalMs, let b = volume?.typicalMs, b > 0 { ratio = Figure.factor(a / b) }
        return [cell(nfs), cell(volume), ratio]
    }

    package func verdict() -> String {
        var out = "Verdict\n" + wrap(report.verdict.headline, indent: 2)
        for sentence in report.verdict.workloads + report.verdict.sentences { out += wrap(sentence, indent: 4, bullet: "· ") }
        out += "\nA network file system is right for\n"
        for sentence in report.verdict.chooseNfs { out += wrap(sentence, indent: 4, bullet: "· ") }
        out += "A volume is right for\n"
        for sentence in report.verdict.chooseVolume { out += wrap(sentence, indent: 4, bullet: "· ") }
        return out
    }

    /// Words in lines of at most 120 columns.
    func wrap(_ text: String, indent: Int, bullet: String = "") -> String {
        let margin = String(repeating: " ", count: indent)
        var out = ""
        var line = String(repeating: " ", count: indent - bullet.count) + bullet
        for word in text.split(separator: " ") {
            if line.count + word.count + 1 > Self.width, line.count > indent {
                out += line + "\n"
                line = margin
            }
            line += (line.count > indent ? " " : "") + word
        }
        return out + line + "\n"
    }
}
