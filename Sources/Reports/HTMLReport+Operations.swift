// A chart for each workload: operations down, time across (log), a row for each region with the two
// kinds as marks, whiskers from the least to the greatest repetition's median. The rows are HTML
// and the marks are placed by percentages, so that they fit any width with letters at full size.
extension HTMLReport {
    func legend() -> String {
        """
        <p>Median time of one operation by the client’s region, on a logarithmic axis; for operations on many bytes the mean, and \
        MiB a second beside it. Filled marks: cold, the first touch in that region. Hollow marks: warm, again in the same \
        session. Whiskers: from the least to the greatest median of a repetition.</p>
        <p class="key"><span class="nfs"><svg class="mark" viewBox="-8 -8 16 16">\(Self.nfsMark())</svg> network file system</span>
        <span class="volume"><svg class="mark" viewBox="-8 -8 16 16">\(Self.volumeMark())</svg> volume</span></p>

        """
    }

    func chart(_ workload: ComparisonReport.WorkloadSummary) -> String {
        let rows = report.mainRows.filter { $0.workload == workload.name && $0.p50Ms != nil }
        let scale = LogScale(holding: rows.flatMap { [$0.typicalMs, $0.spread.p50MinMs, $0.spread.p50MaxMs].compactMap { $0 } })
        var body = ""
        for operation in report.operations(of: workload.name) where operation != "put-file" && operation != "commit-all" {
            var isFirst = true
            for region in report.regionsByDistance {
                let cells = rows.filter { $0.operation == operation && $0.region == region.id }
                guard !cells.isEmpty else { continue }
                body += line(isFirst ? operation : "", region, cells, scale, isFirst: isFirst)
                isFirst = false
            }
        }
        return """
            <div class="panel" id="\(escape(workload.name))"><h3>\(escape(workload.name)): \(escape(workload.title))</h3>
            <p>\(escape(workload.imitates))</p>
            <div class="plot">
            \(body)\(axis(scale))</div></div>

            """
    }

    private func line(
        _ operation: String, _ region: ComparisonReport.MapSummary.Region, _ rows: [ResultRow], _ scale: LogScale, isFirst: Bool
    ) -> String {
        let cold = rows.filter { $0.cache == "cold" }
        let nfs = cold.first { $0.kind == "nfs" }
        let volume = cold.first { $0.kind == "volume" }
        let figures = [(nfs, "nfs"), (volume, "volume")].map { row, kind in
            let value = cold.first?.isBulk == true ? row?.mibPerS : row?.p50Ms
            return value.map { "<span class=\"\(kind)\">\(Figure.milliseconds($0))</span>" } ?? "–"
        }
        let unit = cold.first?.isBulk == true ? "MiB/s" : "ms"
        let first = isFirst ? " first" : ""
        let name = isFirst ? "<div class=\"op\">\(escape(operation))</div>" : "<div class=\"wide-only\"></div>"
        return """
            \(name)<div class="where\(first)">\(escape(region.id))</div>\
            <div class="track wide-only\(first)">\(track(rows, scale))</div>\
            <div class="read\(first)">\(figures.joined(separator: " : ")) \(unit)</div>\
            <div class="track narrow-only">\(track(rows, scale))</div>

            """
    }

    private func track(_ rows: [ResultRow], _ scale: LogScale) -> String {
        var out = scale.ticks.map { tick in
            let x = percent(scale.position(tick))
            return "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"0\" y2=\"100%\"/>"
        }.joined()
        let cold = rows.filter { $0.cache == "cold" }.compactMap(\.typicalMs).map { scale.position($0) }
        if let low = cold.min(), let high = cold.max(), cold.count == 2 {
            out += "<line class=\"between\" x1=\"\(percent(low))\" x2=\"\(percent(high))\" y1=\"14\" y2=\"14\"/>"
        }
        // Warm below cold, so that a filled mark is never hidden.
        for row in rows.sorted(by: { $0.cache > $1.cache }) {
            guard let median = row.p50Ms, let shown = row.typicalMs else { continue }
            let cache = row.cache == "warm" ? "ring" : "fill"
            if row.cache == "cold", !row.isBulk, let low = row.spread.p50MinMs, let high = row.spread.p50MaxMs {
                out +=
                    "<line class=\"line-\(row.kind)\" stroke-width=\"3\" stroke-opacity=\".55\" "
                    + "x1=\"\(percent(scale.position(low)))\" x2=\"\(percent(scale.position(high)))\" y1=\"14\" y2=\"14\"/>"
            }
            let mark = row.kind == "nfs" ? Self.nfsMark("\(cache)-nfs") : Self.volumeMark("\(cache)-volume")
            let title =
                "\(row.kind) \(row.cache): median \(Figure.duration(median)), p90 \(Figure.duration(row.p90Ms)), \(row.samples) "
                + "samples, \(Figure.count(row.wanRoundTrips)) round trips"
            out += "<svg x=\"\(percent(scale.position(shown)))\" y=\"14\" overflow=\"visible\"><title>\(escape(title))</title>\(mark)</svg>"
        }
        return "<svg role=\"img\" aria-label=\"\(escape(label(rows)))\">\(out)</svg>"
    }

    private func label(_ rows: [ResultRow]) -> String {
        rows.map { "\($0.kind) \($0.cache) \(Figure.milliseconds($0.p50Ms)) ms" }.joined(separator: ", ")
    }

    private func axis(_ scale: LogScale) -> String {
        let marks = scale.ticks.map { tick -> String in
            let position = scale.position(tick)
            let anchor = position < 0.02 ? "start" : position > 0.98 ? "end" : "middle"
            return "<text class=\"soft\" x=\"\(percent(position))\" y=\"13\" text-anchor=\"\(anchor)\">\(LogScale.label(tick))</text>"
        }
        let svg = "<svg aria-hidden=\"true\">\(marks.joined())</svg>"
        return
            "<div class=\"axis-gap\"></div><div class=\"axis-gap\"></div><div class=\"track axis\">\(svg)</div><div "
            + "class=\"axis-gap\"></div>\n"
    }

    func percent(_ share: Double) -> String { "\(Figure.rounded(share * 100, 2))%" }
}
