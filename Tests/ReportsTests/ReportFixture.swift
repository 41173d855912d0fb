import Reports

/// A small report made of given medians: two workloads, three regions, both kinds.
enum ReportFixture {
    struct Cell {
        var operation: String
        var kind: String
        /// Median by region: primary, 70 ms away, 150 ms away; nil where not measured.
        var medians: [Double?]
        var trips: [Double] = [0, 0, 0]
        var errors = 0
    }

    static let regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]
    static let distances = [0.0, 70, 150]

    static func report(
        _ cells: [Cell], mix: [(String, Int)], nfsOffers: (String) -> Bool = { _ in true }, volumeOffers: (String) -> Bool = { _ in true }
    )
        -> ComparisonReport
    {
        let rows = cells.flatMap { cell in
            zip(regions, zip(cell.medians, cell.trips)).compactMap { region, pair -> ResultRow? in
                guard let median = pair.0 else { return nil }
                return ResultRow(
                    workload: "w", kind: cell.kind, region: region, operation: cell.operation, cache: "cold", world: "live", samples: 9,
                    p50Ms: median, p90Ms: median * 1.1, p99Ms: median * 1.2, mibPerS: 1, operationsPerS: 1_000 / median,
                    wanRoundTrips: pair.1, wanRoundTripsMedian: pair.1, wanBytes: 5, costUsd: 0.00001, errors: cell.errors,
                    unavailableMs: 0,
                    repetitions: 3, spread: .init(p50MinMs: median * 0.95, p50MaxMs: median * 1.05, madMs: median * 0.02))
            }
        }
        let places = zip(regions, distances).enumerated().map {
            ComparisonReport.MapSummary.Region(
                id: $1.0, title: "<\($1.0)>", latitude: Double(30 + $0), longitude: Double($0 * 60), rttMs: $1.1)
        }
        let links = [(0, 1, 70.0), (0, 2, 150), (1, 2, 200)].flatMap { a, b, rtt in
            [(a, b), (b, a)].map {
                ComparisonReport.MapSummary.Link(
                    from: regions[$0.0], to: regions[$0.1], rttMs: rtt, jitterMs: 0.3, gbitPerS: 4, flowMbitPerS: 100, usdPerGb: 0.02,
                    measuredRttMs: rtt)
            }
        }
        return ComparisonReport(
            software: .init(name: "atoll", version: "0.1.0", system: "Debian 12", machine: "2 cores & 8 GiB"),
            created: "2026-11-21T12:00:00Z", durationSeconds: 12.5, command: "atoll compare --workload \"w\"",
            map: .init(
                name: "aws", title: "AWS", source: "s", date: "d", shaping: "shaped in process", primary: regions[0], regions: places,
                links: links),
            durability: .init(nfs: "2 of 3 in the region", volume: "2 of 3 regions"), seeds: [.init(workload: "w", seed: 7)],
            workloads: [
                .init(
                    name: "w", title: "A <title>", imitates: "this & that", repetitions: 3,
                    mix: mix.map {
                        .init(
                            operation: $0.0, cold: $0.1, warm: 0, nfs: nfsOffers($0.0) ? "yes" : nil,
                            volume: volumeOffers($0.0) ? "yes" : nil)
                    }, inputs: [.init(kind: "nfs", treeFiles: 3, largeFiles: 0, bytes: 4_096, seconds: 1, origin: "/usr/include")])
            ], results: rows,
            traffic: [.init(workload: "w", kind: "nfs", phase: "measure", from: regions[1], to: regions[0], bytes: 5_000_000, usd: 0.0001)],
            dedup: [.init(workload: "w", kind: "volume", region: regions[0], logicalBytes: 1_000_000, wanBytes: 100_000, destinations: 2)],
            notes: ["one <note>"])
    }

    /// A file system as one would expect it: reads, creates with a commit, locks.
    static var usual: ComparisonReport {
        report(
            [
                Cell(operation: "open-read-close", kind: "nfs", medians: [2, 142, 302], trips: [0, 2, 2]),
                Cell(operation: "open-read-close", kind: "volume", medians: [1, 1.1, 1.05]),
                Cell(operation: "create-write-close", kind: "nfs", medians: [4, 284, 604], trips: [0, 4, 4]),
                Cell(operation: "create-write-close", kind: "volume", medians: [1, 1, 1]),
                Cell(operation: "commit", kind: "volume", medians: [72, 142, 222], trips: [1, 2, 2]),
                Cell(operation: "lock-cycle", kind: "nfs", medians: [2, 142, 302], trips: [0, 2, 2]),
                Cell(operation: "publish", kind: "nfs", medians: [10, 500, 1_060], trips: [0, 7, 7]),
                Cell(operation: "publish", kind: "volume", medians: [80, 150, 230], trips: [1, 2, 2]),
            ], mix: [("open-read-close", 10), ("create-write-close", 10), ("commit", 2), ("lock-cycle", 5), ("publish", 1)],
            nfsOffers: { $0 != "commit" }, volumeOffers: { $0 != "lock-cycle" })
    }
}
