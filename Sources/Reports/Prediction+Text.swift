internal import Workloads

// The prediction for a terminal and for Markdown, and the table of costs.
extension TerminalReport {
    /// Predicted, measured and error for each operation, regions side by side.
    package func prediction() -> String {
        guard let prediction = report.prediction else { return "" }
        var out = "Predicted : measured medians, ms, and the prediction's error\n"
        let regions = report.regionsByDistance
        for workload in report.workloads {
            for start in stride(from: 0, to: regions.count, by: 3) {
                let shown = Array(regions[start..<min(start + 3, regions.count)])
                var columns: [(String, TextTable.Alignment)] = [(workload.name, .left), ("cache", .left), ("kind", .left)]
                for region in shown { columns += [(String(region.id.prefix(16)), .right), ("", .right), ("error", .right)] }
                var table = TextTable(columns)
                for operation in report.operations(of: workload.name) {
                    for cache in ["cold", "warm"] {
                        for kind in ["nfs", "volume"] {
                            let rows = shown.map { region in
                                prediction.rows.first {
                                    $0.workload == workload.name && $0.operation == operation && $0.cache == cache && $0.kind == kind
                                        && $0.region == region.id
                                }
                            }
                            guard rows.contains(where: { $0 != nil }) else { continue }
                            table.add([operation, cache, kind] + rows.flatMap(Self.cells))
                        }
                    }
                }
                if !table.rows.isEmpty { out += table.text(indent: 2) + "\n" }
            }
        }
        return out + prediction.sentences.map { wrap($0, indent: 4, bullet: "· ") }.joined() + "\n"
    }

    private static func cells(_ row: Prediction.Row?) -> [String] {
        guard let row else { return ["–", "", ""] }
        return [
            Figure.milliseconds(row.predictedMs), Figure.milliseconds(row.measuredMs),
            Figure.percent(row.error) + (row.isWithin ? "" : " !"),
        ]
    }
}

extension MarkdownReport {
    func prediction() -> String {
        guard let prediction = report.prediction else { return "" }
        var out = "\n## Predicted and measured\n\n"
        for sentence in prediction.sentences { out += "- \(sentence)\n" }
        var table = TextTable([
            ("workload", .left), ("operation", .left), ("kind", .left), ("region", .left), ("cache", .left), ("trips", .right),
            ("predicted ms", .right), ("measured ms", .right), ("error", .right), ("cause", .left),
        ])
        for row in prediction.rows { table.add(row.cells) }
        return out + "\n" + table.markdown()
    }

    func costs() -> String {
        guard let costs = report.costs, !costs.entries.isEmpty else { return "" }
        var table = TextTable([("kind", .left), ("call", .left), ("µs", .right), ("ns a unit", .right), ("unit", .left)])
        for row in costs.cells { table.add(row) }
        return "\n## What local calls cost in the simulation\n\n\(costs.origin)\n\n" + table.markdown()
    }
}

extension HTMLReport {
    func prediction() -> String {
        guard let prediction = report.prediction else { return "" }
        let columns = [
            ("workload", true), ("operation", true), ("kind", true), ("client in", true), ("cache", true), ("trips", false),
            ("predicted ms", false), ("measured ms", false), ("error", false), ("why", true),
        ]
        return """
            <section id="prediction"><h2>Predicted and measured</h2>
            <p>The same workloads on the same map in the simulator, beside the measured medians.</p>
            <ul class="numbers">\(prediction.sentences.map { "<li>\(escape($0))</li>\n" }.joined())</ul>
            <details><summary>All \(prediction.rows.count) medians</summary>
            \(table(columns, prediction.rows.map(\.cells)))</details></section>

            """
    }

    func costs() -> String {
        guard let costs = report.costs, !costs.entries.isEmpty else { return "" }
        return """
            <section id="costs"><h2>What local calls cost in the simulation</h2><p>\(escape(costs.origin))</p>
            <details><summary>\(costs.entries.count) kinds of calls</summary>
            \(table([("kind", true), ("call", true), ("µs", false), ("ns a unit", false), ("unit", true)], costs.cells))</details></section>

            """
    }
}

extension Prediction.Row {
    var cells: [String] {
        let trips =
            predictedTrips == measuredTrips
            ? Figure.count(measuredTrips) : "\(Figure.count(predictedTrips)) : \(Figure.count(measuredTrips))"
        return [
            workload, operation, kind, region, cache, trips, Figure.milliseconds(predictedMs), Figure.milliseconds(measuredMs),
            Figure.percent(error), cause?.rawValue ?? "",
        ]
    }
}

extension WorkloadCosts {
    var cells: [[String]] {
        entries.map { entry in
            let slope = entry.nanosecondsPerUnit
            return [
                entry.kind, entry.call.rawValue, Figure.fixed(entry.microseconds, 1), slope == 0 ? "" : Figure.fixed(slope, 3),
                slope == 0 ? "" : entry.call.unit,
            ]
        }
    }
}
