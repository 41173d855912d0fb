import Filesystem
import Primitives
import Testing
import Workloads

@Suite struct MeasurementTests {
    static let key = Measurement.Key(workload: "w", kind: .nfs, region: RegionID("east"), operation: .stat, cache: .cold)

    static func sample(_ ms: Int, repetition: Int = 0, trips: UInt32 = 1, failure code: FileFailure.Code? = nil) -> Sample {
        Sample(
            workload: "w", kind: .nfs, region: RegionID("east"), operation: .stat, cache: .cold, repetition: repetition,
            latency: .milliseconds(ms), bytesRead: 1 << 20, bytesWritten: 0,
            cost: OperationCost(wideAreaRoundTrips: trips, wideAreaBytes: 500_000_000),
            failure: code.map { FileFailure($0, operation: "stat", object: "x", cause: "y") })
    }

    /// The figures of numpy.percentile([10, 20, 30, 40, 1000], [0, 50, 90, 99, 100]).
    @Test func percentilesInterpolateLinearly() throws {
        var measurement = Measurement(key: Self.key)
        for ms in [30, 10, 1_000, 20, 40] { measurement.add(Self.sample(ms)) }
        let figures = try [0, 0.5, 0.9, 0.99, 1].map { try #require(measurement.percentile($0)) }
        for (figure, expected) in zip(figures, [10, 30, 616, 961.6, 1_000]) { #expect(abs(figure - expected) < 1e-9) }
        #expect(Measurement.percentile(0.5, of: []) == nil)
        #expect(Measurement.percentile(0.99, of: [7]) == 7)
    }

    @Test func failuresAreErrorsAndNotLatencies() {
        var measurement = Measurement(key: Self.key)
        measurement.add(Self.sample(10, repetition: 0))
        measurement.add(Self.sample(20, repetition: 2))
        measurement.add(Self.sample(500, repetition: 1, failure: .unavailable))
        measurement.add(Self.sample(70, repetition: 1, failure: .conflict))
        #expect(measurement.count == 2 && measurement.errors == 2)
        #expect(measurement.errorCodes.map(\.cause) == ["unavailable", "conflict"] && measurement.errorCodes.map(\.count) == [1, 1])
        #expect(measurement.unavailable == .milliseconds(500))
        #expect(measurement.repetitionMedians == [10, 20])
        #expect(measurement.meanRoundTrips == 1)
        #expect(abs(measurement.mebibytesPerSecond - 2 / 0.03) < 1e-6)
        #expect(abs(measurement.operationsPerSecond - 2 / 0.03) < 1e-6)
    }

    @Test func pricesFollowTheDirection() {
        let map = RegionMap(
            name: "m", title: "", source: "", date: "", sameZone: .microseconds(100), betweenZones: .microseconds(500),
            regions: ["east", "west"].map { RegionMap.Region(id: RegionID($0), title: $0, latitude: 0, longitude: 0) },
            links: [("east", "west", 0.10), ("west", "east", 0.02)].map {
                RegionMap.Link(
                    from: RegionID($0.0), to: RegionID($0.1), roundTrip: .milliseconds(20), jitter: .zero, bytesPerSecond: 500_000_000,
                    flowWindow: 1 << 20, dollarsPerGigabyte: $0.2)
            })
        var measurement = Measurement(key: Self.key)
        measurement.add(Self.sample(10))
        measurement.add(Self.sample(10))
        // 10⁹ bytes read by a client in the east from the west.
        #expect(abs(measurement.dollars(map: map, primary: RegionID("west")) - 0.02) < 1e-9)
        // In the primary region itself what crosses goes out.
        #expect(abs(measurement.dollars(map: map, primary: RegionID("east")) - 0.10) < 1e-9)
        #expect(map.link(from: RegionID("east"), to: RegionID("west"))?.flowBytesPerSecond == 52_428_800)
        #expect(map.link(from: RegionID("east"), to: RegionID("nowhere")) == nil)
        #expect(map.link(from: RegionID("east"), to: RegionID("east"))?.roundTrip == .microseconds(500))
    }

    @Test func tableGathersByKeyInOrder() {
        var table = MeasurementTable()
        for kind in [FilesystemKind.volume, .nfs, .volume] {
            var sample = Self.sample(5)
            sample.kind = kind
            table.add(sample)
        }
        #expect(table.sorted.map(\.key.kind) == [.nfs, .volume])
        #expect(table.sorted.map(\.count) == [1, 2])
    }

    @Test(arguments: [
        ("us-eats-1", ["us-east-1", "us-west-1"], ["us-east-1"]),
        ("dataset", ["podcast", "datasets"], ["datasets"]),
        ("zzzz", ["podcast", "datasets"], []),
    ])
    func suggestions(name: String, known: [String], expected: [String]) {
        #expect(Suggestion.names(for: name, among: known).prefix(1) == expected.prefix(1))
    }
}
