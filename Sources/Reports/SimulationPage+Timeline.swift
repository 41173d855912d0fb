// The run over its time: what was done and what failed, how long it took, and what went wrong when.
extension SimulationPage {
    func timeline() -> String {
        guard !run.series.isEmpty else { return "" }
        let faults = marks.map {
            "<li>\(moment($0.at)): \(escape($0.text))</li>\n"
        }
        let list = faults.isEmpty ? "" : "<details open><summary>What went wrong, and when</summary><ol>\(faults.joined())</ol></details>\n"
        return """
            <section id="timeline"><h2>What clients got</h2>
            <p>Jobs done each \(slice) (bars; below the line: failed), by kind and region; each lane has its own scale, of which the highest
            bar is told. Upright lines: faults and their ends, by their numbers in the list below.</p>
            <div class="figure-box wide-only">\(throughput(width: 1_000))</div>
            <div class="figure-box narrow-only">\(throughput(width: 360))</div>
            <h3>Latency</h3>
            <p>Median of the jobs that ended in each \(slice). Figures on the curves are those of the regions.</p>\(key())
            <div class="figure-box wide-only">\(latency(width: 1_000, height: 380))</div>
            <div class="figure-box narrow-only">\(latency(width: 360, height: 300))</div>
            \(availability())\(list)</section>

            """
    }

    /// Faults and phases in the order of the list, which numbers them.
    private var marks: [SimulationSummary.Mark] {
        let phases = run.phases.map { SimulationSummary.Mark(at: $0.at, text: "phase “\($0.text)” begins") }
        return (run.faults.prefix(80) + phases).sorted { $0.at < $1.at }
    }

    var slice: String { run.sliceSeconds == 1 ? "second" : "\(Figure.count(run.sliceSeconds)) s" }
    private var end: Double { max(1, run.simulated) }
    private func moment(_ seconds: Double) -> String { "\(Figure.rounded(seconds, seconds < 100 ? 2 : 1)) s" }

    /// A lane for each series.
    private func throughput(width: Double) -> String {
        let lane = 54.0
        let left = 8.0
        let right = width - 8
        func x(_ time: Double) -> Double { left + time / end * (right - left) }
        let top = 16.0
        let height = top + lane * Double(run.series.count) + 30
        var out = faultLines(x, top, height - 26)
        for (number, series) in run.series.enumerated() {
            let base = top + lane * Double(number) + 44
            let most = Double(max(1, series.slices.map(\.done).max() ?? 1))
            let mostFailed = Double(max(1, series.slices.map(\.failed).max() ?? 1))
            let bar = max(0.6, run.sliceSeconds / end * (right - left) - 0.4)
            for (place, slice) in series.slices.enumerated() {
                let at = x(Double(place) * run.sliceSeconds)
                if slice.done > 0 {
                    let tall = Double(slice.done) / most * 24
                    out += rectangle(at, base - tall, bar, tall, "fill-\(series.kind)")
                }
                if slice.failed > 0 { out += rectangle(at, base + 1, bar, max(2, Double(slice.failed) / mostFailed * 7), "fill-failed") }
            }
            out += SVG.line(left, base, right, base, className: "grid")
            out += SVG.text("\(words(series.kind)) · \(series.region)", left, base - 28, anchor: "start", size: 12, isHalo: true)
            let failed = series.slices.contains { $0.failed > 0 } ? ", failed \(Int(mostFailed))" : ""
            out += SVG.text(
                "at most \(Int(most))\(failed)", right, base - 28, anchor: "end", size: 12, className: "soft", isHalo: true)
        }
        return "<svg viewBox=\"0 0 \(SVG.number(width)) \(SVG.number(height))\" role=\"img\" aria-label=\"Jobs over time\">\(out)"
            + axis(x, height - 8) + "</svg>"
    }

    private func latency(width: Double, height: Double) -> String {
        let scale = LogScale(holding: run.series.flatMap { $0.slices.compactMap(\.medianMs) })
        let left = 60.0
        let right = width - 12
        let (top, bottom) = (16.0, height - 26)
        func x(_ time: Double) -> Double { left + time / end * (right - left) }
        func y(_ ms: Double) -> Double { bottom - scale.position(ms) * (bottom - top) }
        var out = faultLines(x, top, bottom)
        for tick in scale.ticks {
            out += SVG.line(left, y(tick), right, y(tick), className: "grid")
            out += SVG.text(LogScale.label(tick), left - 8, y(tick) + 4, anchor: "end", size: 12, className: "soft")
        }
        for (number, series) in run.series.enumerated() {
            // A gap in time is a gap in the line.
            var piece: [String] = []
            func flush() {
                if piece.count > 1 {
                    out +=
                        "<polyline fill=\"none\" class=\"line-\(series.kind)\" stroke-width=\"1.6\" stroke-dasharray=\"\(dash(series.region))\" "
                        + "points=\"\(piece.joined(separator: " "))\"/>"
                }
                piece = []
            }
            for (place, slice) in series.slices.enumerated() {
                guard let median = slice.medianMs else {
                    flush()
                    continue
                }
                piece.append("\(SVG.number(x((Double(place) + 0.5) * run.sliceSeconds))),\(SVG.number(y(median)))")
            }
            flush()
            // Dashes alone do not tell many regions apart; each figure stands at another time.
            let drawn = series.slices.indices.filter { series.slices[$0].medianMs != nil }
            guard regions.count > 1, !drawn.isEmpty else { continue }
            let place = drawn[drawn.count * (number + 1) / (run.series.count + 1)]
            guard let median = series.slices[place].medianMs, let region = regions.firstIndex(of: series.region) else { continue }
            out += SVG.text(
                "\(region + 1)", x((Double(place) + 0.5) * run.sliceSeconds), y(median) + 4, anchor: "middle", size: 12, isHalo: true)
        }
        return "<svg viewBox=\"0 0 \(SVG.number(width)) \(SVG.number(height))\" role=\"img\" aria-label=\"Latency over time\">\(out)"
            + axis(x, height - 6) + "</svg>"
    }

    private func faultLines(_ x: (Double) -> Double, _ top: Double, _ bottom: Double) -> String {
        var out = run.faults.prefix(80).map {
            SVG.line(x($0.at), top, x($0.at), bottom, className: "between", more: " stroke-dasharray=\"2 3\"")
        }.joined()
        // A figure at each, as far as they do not overlap.
        var free = -Double.infinity
        for (number, mark) in marks.enumerated() where run.faults.contains(where: { $0.at == mark.at && $0.text == mark.text }) {
            let at = x(mark.at)
            guard at >= free else { continue }
            out += SVG.text("\(number + 1)", at, top - 4, anchor: "middle", size: 11, className: "soft")
            free = at + (number < 9 ? 14 : 20)
        }
        return out
    }

    private func axis(_ x: (Double) -> Double, _ y: Double) -> String {
        let most = x(end) - x(0) < 500 ? 4.0 : 8
        let step = [1.0, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 36_000, 86_400].first { end / $0 <= most } ?? end
        return stride(from: 0, through: end, by: step).map { time in
            SVG.text("\(Figure.grouped(time)) s", x(time), y, anchor: time == 0 ? "start" : "middle", size: 12, className: "soft")
        }.joined()
    }

    private func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ className: String) -> String {
        "<rect class=\"\(className)\" x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" width=\"\(SVG.number(width))\" height=\"\(SVG.number(height))\"/>"
    }

    private var regions: [String] {
        var names: [String] = []
        for series in run.series where !names.contains(series.region) { names.append(series.region) }
        return names
    }

    private func dash(_ region: String) -> String {
        ["none", "7 3", "2 3", "9 3 2 3", "12 4", "4 4", "1 4", "9 3 2 3 2 3"][(regions.firstIndex(of: region) ?? 0) % 8]
    }

    func words(_ kind: String) -> String { Self.kinds.first { $0.0 == kind }?.1 ?? kind }

    private func key() -> String {
        let kinds = Self.kinds.filter { kind, _ in run.series.contains { $0.kind == kind } }.map { kind, words in
            "<span><svg class=\"mark\" viewBox=\"0 0 13 13\"><rect class=\"fill-\(kind)\" width=\"13\" height=\"13\" rx=\"2\"/></svg> \(words)</span>"
        }
        let lines = regions.enumerated().map { number, region in
            "<span><svg class=\"mark\" style=\"width:30px\" viewBox=\"0 0 30 13\"><line x1=\"0\" x2=\"30\" y1=\"7\" y2=\"7\" stroke=\"currentColor\" "
                + "stroke-width=\"2\" stroke-dasharray=\"\(dash(region))\"/></svg> \(regions.count > 1 ? "\(number + 1) " : "")\(escape(region))</span>"
        }
        return "<p class=\"key\">\((kinds + lines).joined(separator: "\n"))</p>\n"
    }
}
