/// Where to put a volume for a mix of clients: the homes of a map in order, by distance alone, the two
/// best of them checked by a simulated run.
package struct Advice: Codable, Sendable, Equatable {
    package struct Client: Codable, Sendable, Equatable {
        package var region: String
        package var count: Int
        package init(region: String, count: Int) {
            self.region = region
            self.count = count
        }
    }

    package struct Feed: Codable, Sendable, Equatable {
        package var from: String
        package var to: String
        package var rttMs: Double
        package var usdPerGb: Double
        package init(from: String, to: String, rttMs: Double, usdPerGb: Double) {
            self.from = from
            self.to = to
            self.rttMs = rttMs
            self.usdPerGb = usdPerGb
        }
    }

    /// What content costs that is committed in one region.
    package struct Writer: Codable, Sendable, Equatable {
        package var region: String
        package var usdPerGb: Double
        package init(region: String, usdPerGb: Double) {
            self.region = region
            self.usdPerGb = usdPerGb
        }
    }

    package struct Choice: Codable, Sendable, Equatable {
        package var home: String
        /// In the order in which they are to lead; home first.
        package var voters: [String]
        package var feeds: [Feed]
        /// Distance alone, the mean over all clients.
        package var commitMs: Double
        package var reloadMs: Double
        /// Of the region of clients that waits longest.
        package var worstCommitMs: Double
        /// For 10⁹ bytes of committed content to reach every region, the way home included: the mean over all clients.
        package var usdPerGb: Double
        /// The same by the region in which it is committed.
        package var writers: [Writer]
        /// Simulated means over all clients; null where it was not simulated.
        package var simulatedCommitMs: Double?
        package var simulatedReloadMs: Double?
        package init(
            home: String, voters: [String], feeds: [Feed], commitMs: Double, reloadMs: Double, worstCommitMs: Double, usdPerGb: Double,
            writers: [Writer] = []
        ) {
            self.home = home
            self.voters = voters
            self.feeds = feeds
            self.commitMs = commitMs
            self.reloadMs = reloadMs
            self.worstCommitMs = worstCommitMs
            self.usdPerGb = usdPerGb
            self.writers = writers
        }
    }

    package var clients: [Client]
    /// The best one first.
    package var choices: [Choice]
    package init(clients: [Client], choices: [Choice]) {
        self.clients = clients
        self.choices = choices
    }

    /// By region, where there are several, or one that is not the home.
    private func prices(_ choice: Choice) -> String {
        guard choice.writers.contains(where: { $0.region != choice.home }) else { return "" }
        let parts = choice.writers.map { "\(Figure.dollars($0.usdPerGb)) from \($0.region)" }
        return ", the way home included: \(Figure.joined(parts))"
    }

    package var sentences: [String] {
        guard let best = choices.first else { return [] }
        var out = [
            "Home in \(best.home): a commit waits \(Figure.duration(best.commitMs)) for distance at the mean, "
                + "\(Figure.duration(best.worstCommitMs)) from the farthest clients; a reload \(Figure.duration(best.reloadMs)). Reads of what "
                + "a region has wait for nothing.",
            "Voters: \(Figure.joined(best.voters)), to lead in this order. They follow from the home, with the regions nearest to it; "
                + "other sets of voters are not looked for.",
        ]
        if !best.feeds.isEmpty {
            let parts = best.feeds.map { "\($0.to) from \($0.from) (\(Figure.milliseconds($0.rttMs)) ms)" }
            out.append(
                "Content: \(Figure.joined(parts)). A GB that these clients commit costs \(Figure.dollars(best.usdPerGb)) to reach all\(prices(best))."
            )
        }
        for choice in choices {
            guard let commit = choice.simulatedCommitMs, let reload = choice.simulatedReloadMs else { continue }
            out.append(
                "Simulated with home in \(choice.home): a commit \(Figure.duration(commit)), a reload \(Figure.duration(reload)) at the mean "
                    + "(by distance \(Figure.duration(choice.commitMs)) and \(Figure.duration(choice.reloadMs))).")
        }
        if choices.count > 1, let a = choices[0].simulatedCommitMs, let b = choices[1].simulatedCommitMs,
            let c = choices[0].simulatedReloadMs, let d = choices[1].simulatedReloadMs
        {
            out.append(
                a + c <= b + d
                    ? "The simulation confirms the order of the two."
                    : "The simulation puts \(choices[1].home) first: the two are close, or local time counts more than distance.")
        }
        return out
    }
}

extension Advice {
    fileprivate var table: TextTable {
        var table = TextTable([
            ("home", .left), ("voters", .left), ("commit ms", .right), ("worst", .right), ("reload ms", .right),
            ("simulated commit", .right), ("reload", .right), ("a GB", .right),
        ])
        for choice in choices {
            table.add([
                choice.home, choice.voters.joined(separator: " "), Figure.milliseconds(choice.commitMs),
                Figure.milliseconds(choice.worstCommitMs), Figure.milliseconds(choice.reloadMs),
                choice.simulatedCommitMs.map { Figure.milliseconds($0) } ?? "",
                choice.simulatedReloadMs.map { Figure.milliseconds($0) } ?? "",
                Figure.dollars(choice.usdPerGb),
            ])
        }
        return table
    }

    fileprivate var clientsText: String { Figure.joined(clients.map { "\($0.count) in \($0.region)" }) }
}

extension TerminalReport {
    package func advice() -> String {
        guard let advice = report.advice else { return "" }
        return "Where to put a volume; clients: \(advice.clientsText)\n" + advice.table.text(indent: 2)
            + advice.sentences.map { wrap($0, indent: 4, bullet: "· ") }.joined() + "\n"
    }
}

extension MarkdownReport {
    func advice() -> String {
        guard let advice = report.advice else { return "" }
        return "\n## Where to put a volume\n\nClients: \(advice.clientsText).\n\n" + advice.sentences.map { "- \($0)\n" }.joined() + "\n"
            + advice.table.markdown()
    }
}

extension HTMLReport {
    func advice() -> String {
        guard let advice = report.advice else { return "" }
        let rows = advice.table
        return """
            <section id="advice"><h2>Where to put a volume</h2><p>Clients: \(escape(advice.clientsText)).</p>
            <ul class="numbers">\(advice.sentences.map { "<li>\(escape($0))</li>\n" }.joined())</ul>
            \(table(zip(rows.header, rows.alignments).map { ($0, $1 == .left) }, rows.rows))</section>

            """
    }
}
