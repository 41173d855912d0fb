// Faults: a strip of time for each client, with the spans in which nothing succeeded; and the same as a table.
extension HTMLReport {
    func faults() -> String {
        guard let faults = report.faults, !(faults.records.isEmpty && faults.leftOut == nil) else { return "" }
        var out = "<section id=\"faults\"><h2>Under faults</h2>\n"
        if !faults.records.isEmpty { out += "<p>\(escape(faults.explanation(faults.mainRecords.first)))</p>\n" }
        out += "<ul class=\"numbers\">\(faults.sentences.map { "<li>\(escape($0))</li>\n" }.joined())</ul>\n"
        let regions = report.regionsByDistance.map(\.id)
        for record in faults.mainRecords {
            let rows = faults.table(record, regions)
            out += """
                <div class="panel"><h3>\(escape(record.title.prefix(1).uppercased() + record.title.dropFirst()))</h3>
                <p class="key"><span class="nfs"><svg class="mark" viewBox="-8 -8 16 16">\(Self.nfsMark())</svg> network file system</span>
                <span class="volume"><svg class="mark" viewBox="-8 -8 16 16">\(Self.volumeMark())</svg> volume</span>
                <span>thin line: operations succeed; bar: nothing succeeds; shaded: while the fault holds</span></p>
                <div class="plot strips">
                \(strips(record, regions))\(strip(axis: record))</div>
                <details><summary>Figures</summary>
                \(table(zip(rows.header, rows.alignments).map { ($0, $1 == .left) }, rows.rows))</details></div>

                """
        }
        return out + "</section>\n\n"
    }

    private func strips(_ record: FaultsSection.Record, _ regions: [String]) -> String {
        var out = ""
        for region in regions {
            var isFirst = true
            for kind in ["nfs", "volume"] {
                for operation in ["read", "write"] {
                    guard let client = record.client(kind, region, operation) else { continue }
                    let first = isFirst ? " first" : ""
                    let name = isFirst ? "<div class=\"op\">\(escape(region))</div>" : "<div class=\"wide-only\"></div>"
                    isFirst = false
                    out += """
                        \(name)<div class="where\(first)">\(kind == "nfs" ? "NFS" : "volume") \(operation)s</div>\
                        <div class="track wide-only\(first)">\(track(record, client))</div>\
                        <div class="read\(first)"><span class="\(kind)">\(escape(FaultsSection.cell(client)))</span></div>\
                        <div class="track narrow-only">\(track(record, client))</div>

                        """
                }
            }
        }
        return out
    }

    private func x(_ record: FaultsSection.Record, _ seconds: Double) -> Double {
        min(1, max(0, seconds / max(record.endedS, 0.001)))
    }

    private func track(_ record: FaultsSection.Record, _ client: FaultsSection.Client) -> String {
        let from = x(record, record.brokenS)
        let to = x(record, record.mendingS)
        var out = "<rect class=\"held\" x=\"\(percent(from))\" width=\"\(percent(to - from))\" y=\"0\" height=\"100%\"/>"
        out += "<line class=\"line-\(client.kind)\" stroke-width=\"2\" x1=\"0\" x2=\"100%\" y1=\"14\" y2=\"14\"/>"
        for outage in client.outages {
            let start = x(record, outage.fromS)
            let end = max(x(record, outage.toS), start + 0.003)
            let title = "\(Figure.duration((outage.toS - outage.fromS) * 1_000)): \(outage.cause)"
            out +=
                "<rect class=\"fill-\(client.kind)\" x=\"\(percent(start))\" width=\"\(percent(end - start))\" y=\"7\" height=\"14\">"
                + "<title>\(escape(title))</title></rect>"
        }
        let label = "\(client.kind) \(client.operation)s from \(client.region): \(FaultsSection.cell(client))"
        return "<svg role=\"img\" aria-label=\"\(escape(label))\">\(out)</svg>"
    }

    /// Seconds below the strips.
    private func strip(axis record: FaultsSection.Record) -> String {
        let step = record.endedS > 40 ? 10.0 : record.endedS > 12 ? 5.0 : 2.0
        var marks = ""
        var tick = 0.0
        while tick <= record.endedS {
            let position = x(record, tick)
            let anchor = position < 0.02 ? "start" : position > 0.97 ? "end" : "middle"
            marks += "<text class=\"soft\" x=\"\(percent(position))\" y=\"13\" text-anchor=\"\(anchor)\">\(Int(tick)) s</text>"
            tick += step
        }
        return
            "<div class=\"axis-gap\"></div><div class=\"axis-gap\"></div><div class=\"track axis\"><svg aria-hidden=\"true\">\(marks)</svg>"
            + "</div><div class=\"axis-gap\"></div>\n"
    }
}
