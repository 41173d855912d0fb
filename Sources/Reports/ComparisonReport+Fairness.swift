// What makes the comparison fair, as lines of a name and a text.
extension ComparisonReport {
    package var fairness: [(name: String, text: String)] {
        var out: [(String, String)] = [
            ("Durability, network file system", durability.nfs),
            ("Durability, volume", durability.volume),
            ("Region map", "\(map.title) (\(map.name)), \(map.date); \(map.source)"),
            ("Links", linkText),
            ("Repetitions", repetitionText),
            (
                "Percentiles",
                "exact over all samples of all repetitions, linear interpolation between ranks; spread is the least and greatest "
                    + "median of a repetition"
            ),
            ("Seeds", seeds.map { "\($0.workload) \($0.seed)" }.joined(separator: ", ")),
        ]
        for workload in workloads {
            for input in workload.inputs.prefix(1) {
                let tree = input.treeFiles > 0 ? "\(input.treeFiles) files of a tree" : ""
                let large = input.largeFiles > 0 ? "\(input.largeFiles) large files" : ""
                let what = Figure.joined([tree, large].filter { !$0.isEmpty })
                out.append(
                    (
                        "Input of \(workload.name)",
                        (what.isEmpty ? "" : what + ", ")
                            + "\(Figure.bytes(input.bytes))\(input.origin.isEmpty ? "" : ", from \(input.origin)")"
                    ))
            }
        }
        out.append(("Software", "\(software.name) \(software.version) on both sides; \(software.system)"))
        out.append(("Machine", software.machine))
        for (index, note) in notes.enumerated() { out.append((index == 0 ? "Method" : "", note)) }
        return out
    }

    /// Shaped links beside the map: the largest deviation.
    private var linkText: String {
        var worst: (link: MapSummary.Link, measured: Double, off: Double)?
        for link in map.links {
            guard let measured = link.measuredRttMs else { continue }
            let off = abs(measured - link.rttMs)
            if off > (worst?.off ?? -1) { worst = (link, measured, off) }
        }
        guard let worst else { return "\(map.shaping); no measurement of the links was at hand" }
        return
            "\(map.shaping); measured round trips differ from the map by at most \(Figure.milliseconds(worst.off)) ms "
            + "(\(worst.link.from)–\(worst.link.to): map \(Figure.milliseconds(worst.link.rttMs)) ms, measured "
            + "\(Figure.milliseconds(worst.measured)) ms)"
    }

    private var repetitionText: String {
        let counts = workloads.map(\.repetitions)
        guard let low = counts.min(), let high = counts.max() else { return "none" }
        return (low == high ? "\(low)" : "\(low) to \(high)") + " of each cell"
    }

    /// Rows of a workload: by operation of the mix, region by distance, kind, cache.
    package func ordered(_ workload: String) -> [ResultRow] {
        let operations = operations(of: workload)
        let regions = regionsByDistance.map(\.id)
        func rank(_ row: ResultRow) -> (Int, Int, Int, Int) {
            (
                operations.firstIndex(of: row.operation) ?? 0, regions.firstIndex(of: row.region) ?? 0, row.kind == "nfs" ? 0 : 1,
                row.cache == "cold" ? 0 : 1
            )
        }
        return mainRows.filter { $0.workload == workload }.sorted { rank($0) < rank($1) }
    }
}
