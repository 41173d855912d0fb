// Sweeps for a terminal, Markdown and HTML.
extension Sweep {
    fileprivate func table(_ curve: Curve) -> TextTable {
        var table = TextTable([
            (parameter, .left), ("network file system ms", .right), ("volume ms", .right), ("×", .right), ("faster", .left),
        ])
        for (index, point) in points.enumerated() {
            let nfs = curve.nfsMs[index]
            let volume = curve.volumeMs[index]
            var factor = ""
            var faster = ""
            if let nfs, let volume, nfs > 0, volume > 0 {
                factor = Figure.factor(nfs / volume)
                let ratio = max(nfs / volume, volume / nfs)
                faster = ratio < Verdict.evenFactor ? "even" : nfs > volume ? "volume" : "network file system"
            }
            table.add([point.label, Figure.milliseconds(nfs), Figure.milliseconds(volume), factor, faster])
        }
        return table
    }
}

extension TerminalReport {
    package func sweep() -> String {
        guard let sweep = report.sweep else { return "" }
        var out = "Sweep over \(sweep.parameter): \(sweep.meaning). One cold pass, mean over the regions of clients.\n"
        for curve in sweep.curves { out += "\(curve.workload)\n" + sweep.table(curve).text(indent: 2) }
        return out + sweep.sentences.map { wrap($0, indent: 4, bullet: "· ") }.joined() + "\n"
    }
}

extension MarkdownReport {
    func sweep() -> String {
        guard let sweep = report.sweep else { return "" }
        var out = "\n## Sweep over \(sweep.parameter)\n\n\(sweep.meaning). One cold pass, mean over the regions of clients.\n\n"
        for sentence in sweep.sentences { out += "- \(sentence)\n" }
        for curve in sweep.curves { out += "\n### \(curve.workload)\n\n" + sweep.table(curve).markdown() }
        return out
    }
}

extension HTMLReport {
    func sweep() -> String {
        guard let sweep = report.sweep, !sweep.points.isEmpty else { return "" }
        var out = """
            <section id="sweep"><h2>Sweep over \(escape(sweep.parameter))</h2>
            <p>\(escape(sweep.meaning.prefix(1).uppercased() + sweep.meaning.dropFirst())). Time of one cold pass of each workload, mean over the regions of clients.</p>
            <ul class="numbers">\(sweep.sentences.map { "<li>\(escape($0))</li>\n" }.joined())</ul>

            """
        for curve in sweep.curves {
            let rows = sweep.table(curve)
            out += """
                <h3>\(escape(curve.workload))</h3>
                <div class="figure-box wide-only">\(chart(sweep, curve, width: 1_000, height: 300))</div>
                <div class="figure-box narrow-only">\(chart(sweep, curve, width: 360, height: 280))</div>
                <details><summary>Figures</summary>
                \(table(zip(rows.header, rows.alignments).map { ($0, $1 == .left) }, rows.rows))</details>

                """
        }
        return out + "</section>\n"
    }

    /// Points side by side in their order, time up (log).
    private func chart(_ sweep: Sweep, _ curve: Sweep.Curve, width: Double, height: Double) -> String {
        let scale = LogScale(holding: (curve.nfsMs + curve.volumeMs).compactMap { $0 })
        let left = 56.0
        let right = width - 40
        let bottom = height - 42
        let step = sweep.points.count > 1 ? (right - left - 40) / Double(sweep.points.count - 1) : 0
        func x(_ index: Int) -> Double { left + 20 + Double(index) * step }
        func y(_ ms: Double) -> Double { bottom - scale.position(ms) * (bottom - 14) }
        var out = ""
        for tick in scale.ticks {
            out += "<line class=\"grid\" x1=\"\(r(left))\" x2=\"\(r(right))\" y1=\"\(r(y(tick)))\" y2=\"\(r(y(tick)))\"/>"
            out += text(LogScale.label(tick), left - 8, y(tick) + 4, anchor: "end", size: 12, className: "soft")
        }
        // Labels that would touch are left out, from the front, but for the ends.
        let every = max(1, Int((Double(sweep.points.map(\.label.count).max() ?? 1) * 8 / max(step, 1)).rounded(.up)))
        for (index, point) in sweep.points.enumerated() where index % every == 0 {
            out += text(point.label, x(index), bottom + 18, anchor: "middle", size: 12, className: "soft")
        }
        out += text(sweep.parameter, (left + right) / 2, height - 4, anchor: "middle", size: 12, className: "soft")
        for (values, kind) in [(curve.nfsMs, "nfs"), (curve.volumeMs, "volume")] {
            let places = values.enumerated().compactMap { index, ms in ms.map { (x(index), y($0)) } }
            let line = places.map { "\(r($0.0)),\(r($0.1))" }.joined(separator: " ")
            out += "<polyline fill=\"none\" class=\"line-\(kind)\" stroke-width=\"2.5\" points=\"\(line)\"/>"
            for place in places {
                let mark = kind == "nfs" ? Self.nfsMark() : Self.volumeMark()
                out += "<svg x=\"\(r(place.0))\" y=\"\(r(place.1))\" overflow=\"visible\">\(mark)</svg>"
            }
        }
        return
            "<svg viewBox=\"0 0 \(r(width)) \(r(height))\" role=\"img\" aria-label=\"\(escape(curve.workload)) over "
            + "\(escape(sweep.parameter))\">\(out)</svg>"
    }
}
