// What a client waits for on the scenario's own map, by kind of file system and region, and where the answer flips: a
// comparison of its own, without faults, with the code and the drawings of `atoll compare --simulated`.
extension SimulationPage {
    func planning() -> String {
        guard let report = run.planning else {
            guard !run.planningLeftOut.isEmpty else { return "" }
            return "<section id=\"planning\"><h2>Network file system or volume?</h2><p>\(escape(run.planningLeftOut))</p></section>\n"
        }
        let page = HTMLReport(report)
        return """
            <section id="planning"><h2>Network file system or volume, on this map</h2>
            <p>\(escape(report.verdict.headline))</p>
            <p>Not from the run above: the same machines without faults and with nobody else at work, one workload, seed \
            \(run.seed), by the code of <code>atoll compare --simulated</code>; local time by its table of costs.</p>
            \(page.legend())\(report.workloads.map(page.chart).joined())</section>
            \(page.crossover())\(page.sweep())
            """
    }

    /// Of each kind of work from each region: how much of what was asked for was given.
    func availability() -> String {
        guard !run.series.isEmpty else { return "" }
        let order = Self.kinds.map(\.0)
        let sorted = order.flatMap { kind in run.series.filter { $0.kind == kind } } + run.series.filter { !order.contains($0.kind) }
        let rows = sorted.map { series in
            let done = series.slices.reduce(0) { $0 + $1.done }
            let failed = series.slices.reduce(0) { $0 + $1.failed }
            let share = done + failed == 0 ? "–" : "\(Figure.rounded(Double(done) / Double(done + failed) * 100, 1)) %"
            let medians = series.slices.compactMap(\.medianMs).sorted()
            let median = medians.isEmpty ? nil : medians[medians.count / 2]
            return "<tr><td>\(escape(words(series.kind)))</td><td class=\"left\">\(escape(series.region))</td>"
                + "<td>\(Figure.grouped(Double(done)))</td><td>\(Figure.grouped(Double(failed)))</td><td>\(share)</td>"
                + "<td>\(Figure.duration(series.longestGap * 1_000))</td><td>\(median.map { Figure.duration($0) } ?? "–")</td>"
                + "<td>\(medians.last.map { Figure.duration($0) } ?? "–")</td></tr>\n"
        }
        return """
            <h3>Availability</h3>
            <p>The longest time without success counts where somebody tried; latencies are the middle and the highest of the medians \
            of each \(slice).</p>
            <div class="scroll"><table><thead><tr><th>work</th><th class="left">from</th><th>done</th><th>failed</th><th>share \
            done</th><th>longest gap</th><th>latency</th><th>highest</th></tr></thead>
            <tbody>\(rows.joined())</tbody></table></div>

            """
    }
}
