// Membership alone: how fast deaths are noticed and told, what was taken for dead and lived, and what it costs.
extension SimulationPage {
    func membershipTiles(_ membership: SimulationSummary.Membership) -> String {
        var out = tile(Figure.grouped(Double(membership.members)), "members that gossip, and nothing else")
        out += tile(
            Figure.grouped(Double(membership.falsePositives)),
            "times that a healthy member was taken for dead, after \(Figure.grouped(Double(membership.suspicions))) suspicions")
        if let quiet = membership.quiet { out += tile("\(Figure.bytes(UInt64(quiet.mean)))/s", "sent by a member while all is quiet") }
        return out
    }

    func membership() -> String {
        guard let membership = run.membership else { return "" }
        let times = membership.times.map { time in
            "<tr><td>\(escape(time.name))</td><td>\(time.count)</td>"
                + time.quantiles.map { "<td>\(Figure.duration($0 * 1_000))</td>" }.joined() + "</tr>\n"
        }
        func row(_ name: String, _ figure: (mean: Int, highest: Int)?) -> String {
            func text(_ bytes: Int?) -> String { bytes.map { "\(Figure.bytes(UInt64($0)))/s" } ?? "not measured" }
            return "<tr><td>\(name)</td><td>\(text(figure?.mean))</td><td>\(text(figure?.highest))</td></tr>\n"
        }
        let list = run.faults.prefix(80).map { "<li>\(Figure.duration($0.at * 1_000)): \(escape($0.text))</li>\n" }
        return """
            <section id="membership"><h2>Who is there</h2>
            <p>Times from a death on, over all seeds. Healthy members took healthy ones for dead
            \(Figure.grouped(Double(membership.falsePositivesAtHealthy))) times; starved members were taken for dead
            \(Figure.grouped(Double(membership.starvedTakenForDead))) times while their processes lived.</p>
            <div class="scroll"><table><thead><tr><th>time</th><th>count</th><th>p50</th><th>p90</th><th>most</th></tr></thead>
            <tbody>\(times.joined())</tbody></table></div>
            <h3>What a member sends</h3>
            <p>Datagrams with their seals and the headers of UDP and IPv4, and exchanges. Quiet: from 30 s to 60 s after the start.</p>
            <div class="scroll"><table><thead><tr><th></th><th>mean</th><th>the most of one member</th></tr></thead>
            <tbody>\(row("quiet", membership.quiet))\(row("with the faults", membership.loaded))</tbody></table></div>
            <details open><summary>What went wrong, and when</summary><ol>\(list.joined())</ol></details></section>

            """
    }
}
