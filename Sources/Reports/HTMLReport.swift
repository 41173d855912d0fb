/// `report.html`: one page that needs nothing else (no script, no font, no picture from elsewhere),
/// light or dark as the reader's system is, from a phone's width to a wide screen.
package struct HTMLReport: Sendable {
    package let report: ComparisonReport
    package init(_ report: ComparisonReport) { self.report = report }

    package func text() -> String {
        var out = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Network file system or volume? · atoll compare</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <main>

            """
        out += header() + tiles() + sweep() + advice() + verdict() + fairness() + mapSection()
        out += "<section id=\"operations\"><h2>Every operation</h2>\n" + legend()
        for workload in report.workloads { out += chart(workload) }
        out += "</section>\n" + faults() + prediction() + crossover() + checks() + traffic() + costs() + everything() + footer()
        return out + "</main>\n</body>\n</html>\n"
    }

    static func escape(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
        return out
    }

    func escape(_ text: String) -> String { Self.escape(text) }
}

// The first screen: the answer.
extension HTMLReport {
    private func header() -> String {
        let regions = report.regionsByDistance.map(\.id).joined(separator: " · ")
        return """
            <header>
            <p class="eyebrow">atoll compare · \(escape(report.created.prefix(10).description)) · \(escape(regions))</p>
            <h1>Network file system or volume?</h1>
            <p class="lead">\(escape(report.verdict.headline))</p>
            </header>

            """
    }

    private func tiles() -> String {
        var tiles: [(value: String, unit: String, text: String)] = []
        if let far = report.farthest {
            for (operation, what) in [
                ("open-read-close", "to open, read and close a small file"), ("create-write-close", "to create a small file"),
            ] {
                guard let name = report.workloads.first(where: { report.p50($0.name, "volume", far.id, operation) != nil })?.name,
                    let nfs = report.p50(name, "nfs", far.id, operation), let volume = report.p50(name, "volume", far.id, operation)
                else { continue }
                tiles.append(
                    (
                        "<span class=\"nfs\">\(Figure.milliseconds(nfs))</span><span class=\"vs\"> : </span><span "
                            + "class=\"volume\">\(Figure.milliseconds(volume))</span>",
                        "ms",
                        "\(what) from \(far.id), cold; on the volume "
                            + "\(operation == "create-write-close" ? "staged, until a commit" : "on the snapshot")"
                    ))
            }
        }
        if let commit = report.verdict.commit {
            tiles.append(
                (
                    "<span class=\"volume\">\(Figure.milliseconds(commit.medianMs))</span>", "ms",
                    "a commit of small files from \(report.map.primary); its floor, the round trip to the nearest majority, is "
                        + "\(Figure.milliseconds(commit.floorMs)) ms"
                ))
        }
        if let nfs = report.verdict.readRatio.nfs, let volume = report.verdict.readRatio.volume {
            tiles.append(
                (
                    "<span class=\"nfs\">\(Figure.factor(nfs))</span><span class=\"vs\"> : </span><span "
                        + "class=\"volume\">\(Figure.factor(volume))</span>",
                    "×",
                    "worst region’s median small read ÷ the best region’s"
                ))
        }
        guard !tiles.isEmpty else { return "" }
        let cells = tiles.map {
            "<div class=\"tile\"><div class=\"figure\">\($0.value)<span class=\"unit\"> \($0.unit)</span></div>"
                + "<p>\(escape($0.text))</p></div>\n"
        }
        return """
            <div class="tiles">
            \(cells.joined())</div>
            <p class="key"><span class="nfs"><svg class="mark" viewBox="-8 -8 16 16">\(Self.nfsMark())</svg> network file system</span>
            <span class="volume"><svg class="mark" viewBox="-8 -8 16 16">\(Self.volumeMark())</svg> volume</span></p>

            """
    }

    private func verdict() -> String {
        func items(_ texts: [String]) -> String { texts.map { "<li>\(escape($0))</li>\n" }.joined() }
        return """
            <section id="verdict"><h2>What to use</h2>
            <div class="choices">
            <div class="choice nfs-side"><h3>A network file system is right for</h3><ul>
            \(items(report.verdict.chooseNfs))</ul></div>
            <div class="choice volume-side"><h3>A volume is right for</h3><ul>
            \(items(report.verdict.chooseVolume))</ul></div>
            </div>
            \(passes())
            <ul class="numbers">
            \(items(report.verdict.sentences))</ul>
            </section>

            """
    }

    /// Who is faster, by workload and region.
    private func passes() -> String {
        let regions = report.regionsByDistance
        var rows = ""
        for workload in report.workloads {
            var cells = ""
            for region in regions {
                let found = report.verdict.passes.first { $0.workload == workload.name && $0.region == region.id && $0.cache == "cold" }
                cells += found.map(passCell) ?? "<td>–</td>"
            }
            rows += "<tr><th scope=\"row\">\(escape(workload.name))<small>\(escape(workload.title))</small></th>\(cells)</tr>\n"
        }
        let heads = regions.map { region in
            let distance = region.id == report.map.primary ? "primary" : "\(Figure.milliseconds(region.rttMs)) ms away"
            return "<th scope=\"col\">\(escape(region.id))<small>\(distance)</small></th>"
        }
        return """
            <h3>One pass of each workload, cold</h3>
            <p>All operations of the mix, each at its median (those on many bytes at their mean), with the commits and reloads \
            that a volume needs; what only one kind offers is left out of both.</p>
            <div class="scroll"><table class="passes"><thead><tr><th></th>\(heads.joined())</tr></thead><tbody>
            \(rows)</tbody></table></div>
            """
    }

    private func passCell(_ pass: Verdict.Pass) -> String {
        let times = "<small>\(Figure.duration(pass.nfsMs)) : \(Figure.duration(pass.volumeMs))</small>"
        return switch pass.faster {
        case .even: "<td><b>even</b>\(times)</td>"
        case .nfs: "<td class=\"won-nfs\"><b>NFS \(Figure.factor(pass.factor))×</b>\(times)</td>"
        case .volume: "<td class=\"won-volume\"><b>volume \(Figure.factor(pass.factor))×</b>\(times)</td>"
        }
    }

    private func fairness() -> String {
        let lines = report.fairness.map { "<dt>\(escape($0.name))</dt><dd>\(escape($0.text))</dd>\n" }
        return "<section id=\"fairness\"><h2>What makes it fair</h2>\n<dl class=\"fairness\">\n\(lines.joined())</dl></section>\n\n"
    }

    private func footer() -> String {
        """
        <footer><p>\(escape(report.software.name)) \(escape(report.software.version)) · \(escape(report.created)) · took \
        \(Figure.duration(report.durationSeconds * 1_000)) · report schema \(report.schema)</p>
        <p>Again: <code>\(escape(report.command))</code></p></footer>

        """
    }
}
