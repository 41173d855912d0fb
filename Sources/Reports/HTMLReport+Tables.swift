// The tables below the charts.
extension HTMLReport {
    func table(_ columns: [(name: String, isLeft: Bool)], _ rows: [[String]]) -> String {
        let head = columns.map { "<th scope=\"col\"\($0.isLeft ? " class=\"left\"" : "")>\(escape($0.name))</th>" }.joined()
        let body = rows.map { cells in
            "<tr>" + zip(cells, columns).map { "<td\($1.isLeft ? " class=\"left\"" : "")>\(escape($0))</td>" }.joined() + "</tr>\n"
        }
        return "<div class=\"scroll\"><table><thead><tr>\(head)</tr></thead><tbody>\n\(body.joined())</tbody></table></div>\n"
    }

    func checks() -> String {
        guard let far = report.roundTripChecks.first else { return "" }
        let agreeing = report.roundTripChecks.count(where: \.agrees)
        let rows = report.roundTripChecks.map { check in
            [
                check.workload, check.operation, check.cache, Figure.count(check.roundTrips), Figure.milliseconds(check.localMs),
                Figure.milliseconds(check.predictedMs), Figure.milliseconds(check.measuredMs), Figure.percent(check.error),
                check.agrees ? "yes" : "no",
            ]
        }
        return """
            <section id="checks"><h2>Does count × round trip explain the latency?</h2>
            <p>Network file system, client in \(escape(far.region)), round trip \(Figure.milliseconds(far.rttMs)) ms. Predicted: \
            the median count of round trips × the measured round trip + the same operation’s median at home. \(agreeing) of \
            \(report.roundTripChecks.count) medians agree within 10 % or 5 ms.</p>
            \(table([("workload", true), ("operation", true), ("cache", true), ("round trips", false), ("local ms", false), ("predicted ms", false), ("measured ms", false), ("error", false), ("agrees", false)], rows))</section>

            """
    }

    func traffic() -> String {
        let moved = report.traffic.filter { $0.bytes > 0 }
        guard !moved.isEmpty else { return "" }
        let rows = moved.map { row in
            [row.workload, row.kind, row.phase, "\(row.from) → \(row.to)", Figure.bytes(row.bytes), Figure.dollars(row.usd)]
        }
        return """
            <section id="traffic"><h2>Bytes between regions, and their price</h2>
            <p>All that crossed each link while a phase ran, replication and Raft included; priced by the map. One run’s \
            bytes cost little: what counts is the ratio between the kinds.</p>
            \(linkTotals())\(dedupTable())
            <details><summary>By workload, phase and direction</summary>
            \(table([("workload", true), ("kind", true), ("phase", true), ("link", true), ("bytes", false), ("price", false)], rows))</details></section>

            """
    }

    /// Each direction of each link, by kind.
    private func linkTotals() -> String {
        var rows: [[String]] = []
        for link in report.map.links {
            func total(_ kind: String) -> (UInt64, Double) {
                report.traffic.filter { $0.kind == kind && $0.from == link.from && $0.to == link.to }
                    .reduce((0, 0)) { ($0.0 + $1.bytes, $0.1 + $1.usd) }
            }
            let nfs = total("nfs")
            let volume = total("volume")
            guard nfs.0 + volume.0 > 0 else { continue }
            rows.append([
                "\(link.from) → \(link.to)", "$\(link.usdPerGb)", Figure.bytes(nfs.0), Figure.dollars(nfs.1), Figure.bytes(volume.0),
                Figure.dollars(volume.1),
            ])
        }
        return table(
            [
                ("link", true), ("per GB", false), ("NFS bytes", false), ("NFS price", false), ("volume bytes", false),
                ("volume price", false),
            ], rows)
    }

    private func dedupTable() -> String {
        guard !report.dedup.isEmpty else { return "" }
        let rows = report.dedup.map { row in
            let saved = row.saved.map { Figure.percent($0) } ?? "–"
            return [
                row.region, row.kind, Figure.bytes(row.logicalBytes), "\(row.destinations)", Figure.bytes(row.wanBytes), saved,
            ]
        }
        return """
            <br><h3>Second versions of files: what was not sent again</h3>
            \(table([("client in", true), ("kind", true), ("size of the files", false), ("regions to reach", false), ("moved between regions", false), ("saved", false)], rows))<br>

            """
    }

    func everything() -> String {
        var out = "<section id=\"everything\"><h2>All results</h2>\n"
        out +=
            "<p>Medians: least and greatest of a repetition. Round trips: mean of an operation. Bytes and price: all samples "
            + "together.</p>\n"
        for workload in report.workloads {
            let rows = report.ordered(workload.name).map { row in
                [
                    row.operation, row.region, row.kind, row.cache, "\(row.samples)", Figure.milliseconds(row.p50Ms),
                    Figure.milliseconds(row.p90Ms), Figure.milliseconds(row.p99Ms),
                    "\(Figure.milliseconds(row.spread.p50MinMs))–\(Figure.milliseconds(row.spread.p50MaxMs))",
                    row.mibPerS.map { Figure.milliseconds($0) } ?? "", Figure.count(row.wanRoundTrips), Figure.bytes(row.wanBytes),
                    Figure.dollars(row.costUsd), row.errorCodes.joined(separator: ", "),
                    row.unavailableMs == 0 ? "" : Figure.duration(row.unavailableMs),
                ]
            }
            out += "<details><summary>\(escape(workload.name))</summary>\n"
            out += table(
                [
                    ("operation", true), ("client in", true), ("kind", true), ("cache", true), ("n", false), ("p50 ms", false),
                    ("p90", false),
                    ("p99", false), ("medians", false), ("MiB/s", false), ("trips", false), ("bytes", false), ("price", false),
                    ("errors", false), ("unavailable", false),
                ], rows)
            out += "</details>\n"
        }
        return out + "</section>\n"
    }
}
