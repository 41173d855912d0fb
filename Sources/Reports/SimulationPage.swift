/// `simulation.html`: one page that needs nothing else, in the manner of `report.html`.
package struct SimulationPage: Sendable {
    let run: SimulationSummary
    package init(_ run: SimulationSummary) { self.run = run }

    package func text() -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(escape(run.scenario)) · atoll simulate</title>
        <style>\(HTMLReport.style)
        .fill-commit { fill: var(--soft); } .line-commit { stroke: var(--ink); } .fill-failed { fill: var(--bad); }
        :root { --bad: #b3123f; } @media (prefers-color-scheme: dark) { :root { --bad: #ff6b8f; } }
        .tiles { background: none; border: 0; gap: 10px; border-radius: 0; } .tile { border: 1px solid var(--line); border-radius: 10px; }
        #checks .fairness { grid-template-columns: minmax(0, 34em) 1fr; }
        .bad { color: var(--bad); font-weight: 650; } .open { font-weight: 650; } .found { color: var(--bad); } #membership h3 { margin-top: 26px; } #checks .soft { color: var(--soft); font-weight: 400; } ol { columns: 2; font-size: 14px; padding-left: 2em; }
        ol li { margin-bottom: 3px; break-inside: avoid; } #timeline details { margin-top: 22px; }
        @media (max-width: 760px) { ol { columns: 1; } #timeline td:first-child { white-space: normal; min-width: 8em; } #checks .fairness { grid-template-columns: 1fr; } }
        </style>
        </head>
        <body>
        <main>
        \(header())\(tiles())\(checkers())\(map())\(timeline())\(membership())\(traffic())\(planning())\(seeds())\(footer())</main>
        </body>
        </html>

        """
    }

    func escape(_ text: String) -> String { HTMLReport.escape(text) }

    func tile(_ figure: String, _ words: String) -> String {
        "<div class=\"tile\"><div class=\"figure\">\(figure)</div><p>\(words)</p></div>\n"
    }

    private func tiles() -> String {
        let done = run.series.reduce(0) { $0 + $1.slices.reduce(0) { $0 + $1.done } }
        var out = tile("\(Figure.duration(run.simulated * 1_000))", "simulated, in \(Figure.grouped(Double(run.events))) events")
        if let membership = run.membership {
            out += membershipTiles(membership)
        } else {
            out += tile(
                Figure.grouped(Double(done)), "jobs of clients done; \(Figure.grouped(Double(run.failedOperations))) operations failed")
        }
        for (kind, words) in Self.kinds {
            guard let worst = run.series.filter({ $0.kind == kind }).max(by: { $0.longestGap < $1.longestGap }) else { continue }
            out += tile(
                "<span class=\"\(kind)\">\(Figure.duration(worst.longestGap * 1_000))</span>",
                "longest time without success: \(words), from \(escape(worst.region)), beginning at "
                    + "\(Figure.duration(worst.gapBegan * 1_000))")
        }
        if let recovery = run.seeds.first(where: { $0.seed == run.seed })?.recovery {
            out += tile(
                Figure.duration(recovery * 1_000),
                run.membership == nil
                    ? "from the end of the faults until all replicas agreed" : "from the end of the faults until all saw each other")
        }
        return "<div class=\"tiles\">\n\(out)</div>\n"
    }

    static let kinds = [("nfs", "network file system"), ("volume", "volume, reads and staged writes"), ("commit", "volume, commits")]

    private func map() -> String {
        """
        <section id="map"><h2>Where things are</h2>
        <p>Round trips of the map \(escape(run.map.title)), \(escape(run.map.date)). \
        \(run.membership == nil ? "The ring marks the home region of the first file system." : "The ring marks the region of the first member.")</p>
        <div class="figure-box wide-only">\(RegionDrawing(map: run.map).svg(width: 1_000, height: 400))</div>
        <div class="figure-box narrow-only">\(RegionDrawing(map: run.map).svg(width: 360, height: 300))</div>
        </section>

        """
    }

    private func traffic() -> String {
        guard !run.links.isEmpty else { return "" }
        let rows = run.links.map {
            "<tr><td>\(escape($0.from))</td><td class=\"left\">\(escape($0.to))</td><td>\(Figure.bytes($0.bytes))</td>"
                + "<td>\(Figure.dollars($0.usdPerGb))</td><td>\(Figure.dollars($0.dollars))</td></tr>\n"
        }
        return """
            <section id="traffic"><h2>Traffic</h2>
            <p>Bytes of messages, content and snapshots over each link, and their price where they leave a region, by the map's list prices.</p>
            <div class="scroll"><table><thead><tr><th>from</th><th class="left">to</th><th>bytes</th><th>price of a GB</th><th>price</th></tr></thead>
            <tbody>\(rows.joined())</tbody></table></div></section>

            """
    }

    private func seeds() -> String {
        guard run.seeds.count > 1 else { return "" }
        let rows = run.seeds.prefix(1_000).map { seed in
            "<tr><td>\(seed.seed)</td><td class=\"left\"><code>\(seed.traceHash)</code></td><td>\(Figure.duration(seed.simulated * 1_000))</td>"
                + "<td>\(seed.operations)</td><td>\(seed.commits)</td><td>\(seed.faults)</td>"
                + "<td>\(seed.recovery.map { Figure.duration($0 * 1_000) } ?? "–")</td>"
                + "<td>\(verdict(seed))</td></tr>\n"
        }
        return """
            <section id="seeds"><h2>All seeds</h2><div class="scroll"><table><thead><tr><th>seed</th><th class="left">trace</th>
            <th>simulated</th><th>operations</th><th>commits</th><th>faults</th><th>agreed after</th><th>promises</th></tr></thead>
            <tbody>\(rows.joined())</tbody></table></div></section>

            """
    }

    private func footer() -> String {
        """
        <footer><p>\(escape(run.version)). Repeat this run: <code>\(escape(run.command))</code><br>
        \(run.stop == nil ? "Its trace hash is <code>\(run.traceHash)</code>, the same in every process and build." : "It was stopped: its trace hash says nothing.")</p></footer>

        """
    }
}
