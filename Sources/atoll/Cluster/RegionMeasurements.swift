import APIClient
import APISchema
import Foundation
import Primitives
import Workloads

/// What the nodes of a cluster have measured between its regions.
struct RegionMeasurements {
    /// From one region to another, as the best informed node of the first sees it.
    struct Pair {
        var from: String
        var to: String
        var medianMilliseconds: Double?
        var p90Milliseconds: Double?
        /// Probes that were answered; 0 where nobody has measured this pair yet.
        var samples: UInt64
    }

    /// Every ordered pair of two regions, in the order in which the cluster names them.
    var pairs: [Pair]

    /// A cluster that has just started has not probed all its links yet: waits for that, `patience` at most.
    static func collect(
        _ file: ClusterFile, _ directory: ClusterDirectory, for verb: String, patience: Duration
    ) async throws -> RegionMeasurements {
        try await collect(ClusterNodes(file, directory), for: verb, patience: patience)
    }

    static func collect(_ cluster: ClusterNodes, for verb: String, patience: Duration) async throws -> RegionMeasurements {
        let end = ContinuousClock.now + patience
        while true {
            let now = try await collect(cluster, for: verb)
            guard now.pairs.contains(where: { $0.samples == 0 }), ContinuousClock.now < end else { return now }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private static func collect(_ cluster: ClusterNodes, for verb: String) async throws -> RegionMeasurements {
        let views = try await cluster.ask(for: verb) { client in try await client.regions() }
        guard !views.isEmpty else { throw CommandFailure(verb, "", "no node answers", hint: "see `atoll status`") }
        var pairs: [Pair] = []
        for from in cluster.regions {
            for to in cluster.regions where from != to {
                // The view with the most samples of a node in that region: it measured this pair itself.
                let best = views.filter { $0.node.region == from }.flatMap { $0.answer }
                    .filter { $0.from.name == from && $0.to.name == to }.max { $0.samples < $1.samples }
                pairs.append(
                    Pair(
                        from: from, to: to, medianMilliseconds: best?.medianMilliseconds, p90Milliseconds: best?.p90Milliseconds,
                        samples: best?.samples ?? 0))
            }
        }
        return RegionMeasurements(pairs: pairs)
    }

    /// As a map: distances as they were measured, links as wide as a machine's own, no prices.
    func map(of regions: [String]) -> RegionMap {
        let links = pairs.map { pair in
            let median = pair.medianMilliseconds ?? 0
            return RegionMap.Link(
                from: RegionID(pair.from), to: RegionID(pair.to), roundTrip: .nanoseconds(Int64(median * 1e6)),
                jitter: .nanoseconds(Int64(max(0, (pair.p90Milliseconds ?? median) - median) * 1e6)),
                bytesPerSecond: RegionMap.localBytesPerSecond, flowWindow: 16 << 20, dollarsPerGigabyte: 0)
        }
        return RegionMap(
            name: "measured", title: "As the nodes measured it", source: "the probes of this cluster's own nodes",
            date: Date.now.formatted(.iso8601), sameZone: .microseconds(100), betweenZones: .microseconds(100),
            regions: regions.map { RegionMap.Region(id: RegionID($0), title: $0, latitude: 0, longitude: 0) }, links: links)
    }
}
