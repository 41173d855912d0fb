// Finding things in a report.
extension ComparisonReport {
    /// The rows that the report speaks of: the measured ones; simulated ones where nothing was measured.
    package var mainRows: [ResultRow] {
        let live = results.filter { $0.world == "live" }
        return live.isEmpty ? results : live
    }

    package func row(_ workload: String, _ kind: String, _ region: String, _ operation: String, _ cache: String) -> ResultRow? {
        results.first {
            $0.workload == workload && $0.kind == kind && $0.region == region && $0.operation == operation && $0.cache == cache
        }
    }

    package func p50(_ workload: String, _ kind: String, _ region: String, _ operation: String, _ cache: String = "cold") -> Double? {
        row(workload, kind, region, operation, cache)?.p50Ms
    }

    /// Regions by distance from the primary, which comes first.
    package var regionsByDistance: [MapSummary.Region] {
        map.regions.sorted { ($0.id == map.primary ? -1 : $0.rttMs, $0.id) < ($1.id == map.primary ? -1 : $1.rttMs, $1.id) }
    }

    package var farthest: MapSummary.Region? { regionsByDistance.last.flatMap { $0.id == map.primary ? nil : $0 } }

    package func rtt(_ region: String) -> Double { map.regions.first { $0.id == region }?.rttMs ?? 0 }

    /// The measured round trip of a pair, or the map's.
    package func rtt(_ a: String, _ b: String) -> Double? {
        let links = map.links.filter { ($0.from == a && $0.to == b) || ($0.from == b && $0.to == a) }
        return links.compactMap(\.measuredRttMs).first ?? links.first?.rttMs
    }

    /// Operations of a workload's results in the order of its mix; `open` and the preparation come last.
    package func operations(of workload: String) -> [String] {
        let mix = workloads.first { $0.name == workload }?.mix.map(\.operation) ?? []
        var names: [String] = []
        for row in mainRows where row.workload == workload && !names.contains(row.operation) { names.append(row.operation) }
        let known = mix.filter(names.contains)
        return known + names.filter { !mix.contains($0) }.sorted()
    }
}
