internal import Foundation

// At which round trip the answer flips: a chart of representative lines, and the table of all.
extension HTMLReport {
    func crossover() -> String {
        guard !report.crossovers.isEmpty else { return "" }
        return """
            <section id="crossover"><h2>Where the answer flips</h2>
            <p>Time of one operation over the round trip R between the client and the primary region:</p>
            <p class="formula"><code>time(R) = home + trips × R</code></p>
            <p><i>home</i> is the median from a client in the primary region (a volume’s commit waits there for the nearest \
            majority, wherever the client is). <i>trips</i> is the count of wide-area round trips from the farthest region minus \
            the count at home; for operations on many bytes, whose windows nobody counts, it is read off the times. The lines \
            cross at R* = (home of the volume − home of the network file system) ÷ (trips of the network file system − trips of \
            the volume).</p>
            \(lineKey())
            <div class="figure-box wide-only">\(crossoverChart(width: 1_000, height: 380))</div>
            <div class="figure-box narrow-only">\(crossoverChart(width: 360, height: 330))</div>
            \(batchTable())\(crossoverTable())</section>

            """
    }

    struct Curve {
        var label: String
        var kind: String
        var dash: String
        var at: (Double) -> Double
    }

    /// Read and create a small file; on the volume with a commit and a reload for every 1, 10 and 100 files.
    private func curves() -> [Curve] {
        var out: [Curve] = []
        func find(_ operation: String) -> Crossover? { report.crossovers.first { $0.operation == operation } }
        if let read = find("open-read-close") {
            out.append(Curve(label: "read a small file", kind: "nfs", dash: "2 4", at: read.nfs))
            out.append(Curve(label: "read a small file", kind: "volume", dash: "2 4", at: read.volume))
        }
        if let create = find("create-write-close") {
            out.append(Curve(label: "create a small file", kind: "nfs", dash: "", at: create.nfs))
            for (files, dash) in [(1.0, ""), (10.0, "9 4"), (100.0, "16 4")] {
                guard let publish = publishing(create.workload) else { break }
                out.append(
                    Curve(label: "create, \(Int(files)) per commit", kind: "volume", dash: dash) {
                        create.volume(at: $0) + publish($0) / files
                    })
            }
        } else if let publish = find("publish") {
            out.append(Curve(label: "publish a file", kind: "nfs", dash: "", at: publish.nfs))
            out.append(Curve(label: "publish a file", kind: "volume", dash: "", at: publish.volume))
        }
        if out.isEmpty {
            for line in report.crossovers.prefix(2) {
                out.append(Curve(label: line.operation, kind: "nfs", dash: "", at: line.nfs))
                out.append(Curve(label: line.operation, kind: "volume", dash: "", at: line.volume))
            }
        }
        return out
    }

    /// A commit and a reader's reload over R.
    private func publishing(_ workload: String) -> ((Double) -> Double)? {
        guard let far = report.farthest else { return nil }
        let home = report.map.primary
        let lines = ["commit", "reload"].compactMap { operation -> (Double, Double)? in
            guard let near = report.row(workload, "volume", home, operation, "cold"), let local = near.p50Ms,
                let away = report.row(workload, "volume", far.id, operation, "cold")
            else { return nil }
            return (local, max(0, away.wanRoundTripsMedian - near.wanRoundTripsMedian))
        }
        guard lines.count == 2 else { return nil }
        return { rtt in lines.reduce(0) { $0 + $1.0 + $1.1 * rtt } }
    }

    private func lineKey() -> String {
        let items = curves().map { curve in
            "<span class=\"\(curve.kind)\"><svg width=\"34\" height=\"10\" class=\"\" aria-hidden=\"true\"><line x1=\"0\" "
                + "x2=\"34\" y1=\"5\" y2=\"5\" class=\"line-\(curve.kind)\" stroke-width=\"2.5\" "
                + "stroke-dasharray=\"\(curve.dash)\"/></svg> \(curve.kind == "nfs" ? "network file system" : "volume"): "
                + "\(escape(curve.label))</span>"
        }
        return "<p class=\"key\">\(items.joined(separator: "\n"))</p>\n"
    }

    private func crossoverChart(width: Double, height: Double) -> String {
        let curves = curves()
        guard !curves.isEmpty else { return "" }
        let most = max(50, ((report.map.regions.map(\.rttMs).max() ?? 100) * 1.25 / 50).rounded(.up) * 50)
        let scale = LogScale(holding: curves.flatMap { [$0.at(0), $0.at(most)] })
        let left = 52.0
        let right = width - 12
        let top = 26.0
        let bottom = height - 44
        func x(_ rtt: Double) -> Double { left + rtt / most * (right - left) }
        func y(_ ms: Double) -> Double { bottom - scale.position(ms) * (bottom - top) }
        var out = ""
        for tick in scale.ticks {
            out += "<line class=\"grid\" x1=\"\(r(left))\" x2=\"\(r(right))\" y1=\"\(r(y(tick)))\" y2=\"\(r(y(tick)))\"/>"
            out += text(LogScale.label(tick), left - 8, y(tick) + 4, anchor: "end", size: 12, className: "soft")
        }
        let step = width < 500 ? 100.0 : 50.0
        for tick in stride(from: 0, through: most, by: step) {
            out += text("\(Int(tick))", x(tick), bottom + 18, anchor: tick == 0 ? "start" : "middle", size: 12, className: "soft")
        }
        out += text(
            "round trip between client and primary region, ms", (left + right) / 2, height - 6, anchor: "middle", size: 12,
            className: "soft")
        for region in report.regionsByDistance where region.rttMs > 0 {
            out +=
                "<line class=\"between\" stroke-dasharray=\"2 3\" x1=\"\(r(x(region.rttMs)))\" x2=\"\(r(x(region.rttMs)))\" "
                + "y1=\"\(r(top - 4))\" y2=\"\(r(bottom))\"/>"
            out += text(
                region.id, x(region.rttMs), top - 10, anchor: x(region.rttMs) > width * 0.8 ? "end" : "middle", size: 12, className: "soft")
        }
        for curve in curves {
            let points = stride(from: 0.0, through: 80, by: 1).map { index in
                let rtt = most * pow(index / 80, 2)  // closer together where a line bends on a log axis
                return "\(r(x(rtt))),\(r(y(curve.at(rtt))))"
            }
            out +=
                "<polyline fill=\"none\" class=\"line-\(curve.kind)\" stroke-width=\"2.5\" stroke-dasharray=\"\(curve.dash)\" "
                + "points=\"\(points.joined(separator: " "))\"/>"
        }
        return
            "<svg viewBox=\"0 0 \(r(width)) \(r(height))\" role=\"img\" aria-label=\"Time of an operation over the round "
            + "trip\">\(out)</svg>"
    }

    private func batchTable() -> String {
        guard !report.verdict.batches.isEmpty else { return "" }
        let rows = report.verdict.batches.map { batch in
            "<tr><td>\(escape(batch.workload))</td><td class=\"left\">\(escape(batch.region))</td>"
                + "<td>\(Figure.milliseconds(batch.nfsMs))</td><td>\(Figure.milliseconds(batch.volumeMs))</td>"
                + "<td>\(Figure.milliseconds(batch.commitMs + batch.reloadMs))</td><td>"
                + "<b>\(batch.files.map { "\($0)" } ?? "never")</b></td></tr>\n"
        }
        return """
            <h3>Files per commit from which the volume is cheaper</h3>
            <div class="scroll"><table><thead><tr><th>workload</th><th class="left">client in</th><th>create, NFS \
            ms</th><th>create, staged ms</th><th>commit + reload ms</th><th>files</th></tr></thead><tbody>
            \(rows.joined())</tbody></table></div><br>

            """
    }

    private func crossoverTable() -> String {
        let rows = report.crossovers.map { line in
            let side = line.answer == .volumeAlways ? "volume" : line.answer == .nfsAlways ? "nfs" : ""
            return
                "<tr><td>\(escape(line.workload))</td><td class=\"left\">\(escape(line.operation))</td><td "
                + "class=\"left\">\(MarkdownReport.formula(line.nfsHomeMs, line.nfsTrips))</td><td "
                + "class=\"left\">\(MarkdownReport.formula(line.volumeHomeMs, line.volumeTrips))</td><td class=\"left "
                + "\(side)\">\(line.words)</td></tr>\n"
        }
        return """
            <h3>Every operation that both kinds offer</h3>
            <div class="scroll"><table><thead><tr><th>workload</th><th class="left">operation</th><th class="left">network file \
            system</th><th class="left">volume</th><th class="left">faster</th></tr></thead><tbody>
            \(rows.joined())</tbody></table></div>

            """
    }
}
