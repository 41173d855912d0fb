package import Primitives
package import Workloads

// From measurements to rows.
extension ResultRow {
    package init(_ measurement: Measurement, world: String, map: RegionMap, primary: RegionID) {
        let medians = measurement.repetitionMedians
        let middle = Measurement.percentile(0.5, of: medians)
        let deviation = middle.flatMap { middle in Measurement.percentile(0.5, of: medians.map { abs($0 - middle) }) }
        func ms(_ value: Double?) -> Double? { value.map { Figure.rounded($0, 4) } }
        let moved = measurement.bytesRead + measurement.bytesWritten
        self.init(
            workload: measurement.key.workload, kind: measurement.key.kind.word, region: measurement.key.region.name,
            operation: measurement.key.operation.rawValue, cache: measurement.key.cache.rawValue, world: world, samples: measurement.count,
            p50Ms: ms(measurement.percentile(0.5)), p90Ms: ms(measurement.percentile(0.9)), p99Ms: ms(measurement.percentile(0.99)),
            mibPerS: moved > 0 ? Figure.rounded(measurement.mebibytesPerSecond, 3) : nil,
            operationsPerS: Figure.rounded(measurement.operationsPerSecond, 5),
            wanRoundTrips: Figure.rounded(measurement.meanRoundTrips, 3), wanRoundTripsMedian: measurement.medianRoundTrips,
            wanBytes: measurement.wideAreaBytes, costUsd: Figure.rounded(measurement.dollars(map: map, primary: primary), 9),
            errors: measurement.errors, errorCodes: measurement.errorCodes.map { "\($0.cause) \($0.count)" },
            unavailableMs: Figure.rounded(measurement.unavailable.inMilliseconds, 1),
            repetitions: medians.count,
            spread: Spread(p50MinMs: ms(medians.min()), p50MaxMs: ms(medians.max()), madMs: ms(deviation)))
    }
}

extension ComparisonReport.WorkloadSummary {
    package init(_ workload: Workload, inputs: [ComparisonReport.InputSummary]) {
        self.init(
            name: workload.name, title: workload.title, imitates: workload.imitates, repetitions: workload.repetitions,
            mix: workload.mix.map {
                MixLine(
                    operation: $0.operation.rawValue, cold: $0.cold, warm: $0.warm, nfs: $0.operation.meaning(on: .nfs),
                    volume: $0.operation.meaning(on: .volume))
            }, inputs: inputs)
    }
}

extension ComparisonReport.MapSummary {
    /// `measured`: the cluster's own medians of a pair, in milliseconds.
    package init(_ map: RegionMap, primary: RegionID, shaping: String, measured: (RegionID, RegionID) -> Double?) {
        self.init(
            name: map.name, title: map.title, source: map.source, date: map.date, shaping: shaping, primary: primary.name,
            regions: map.regions.map { region in
                let rtt = region.id == primary ? 0 : measured(region.id, primary) ?? map.roundTrip(region.id, primary)?.inMilliseconds ?? 0
                return Region(
                    id: region.id.name, title: region.title, latitude: region.latitude, longitude: region.longitude,
                    rttMs: Figure.rounded(rtt, 3))
            },
            links: map.links.map { link in
                Link(
                    from: link.from.name, to: link.to.name, rttMs: link.roundTrip.inMilliseconds, jitterMs: link.jitter.inMilliseconds,
                    gbitPerS: Figure.rounded(Double(link.bytesPerSecond) / 125_000_000, 3),
                    flowMbitPerS: Figure.rounded(Double(link.flowBytesPerSecond) / 125_000, 1), usdPerGb: link.dollarsPerGigabyte,
                    measuredRttMs: measured(link.from, link.to).map { Figure.rounded($0, 3) })
            })
    }
}
