import Primitives
import Testing

@testable import Membership

/// Coordinates, the window of round trips, and the region table.
@Suite struct DistanceTests {
    /// Round trips in milliseconds between eight regions of AWS: cloudping.co's table, as sampled on 2023-03-08 in
    /// libp2p's jvm-libp2p (commit 267a4d46). The diagonal is within a region.
    static let names = [
        "us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "sa-east-1", "ap-south-1",
    ]
    static let upper: [[Double]] = [
        [4, 63.5, 69.5, 91.5, 146, 198.5, 113.5, 185.5],
        [3, 119, 140.5, 97.5, 140, 174, 217.5],
        [1, 26.5, 201, 256, 176.5, 120],
        [2, 223, 249, 204, 110],
        [4, 106.5, 256.5, 124.5],
        [1, 311.5, 145.5],
        [1, 297.5],
        [1],
    ]
    static let map: [[Double]] = names.indices.map { a in names.indices.map { b in upper[min(a, b)][max(a, b) - min(a, b)] } }

    @Test func coordinatesPredictTheMap() {
        var generator = SeededGenerator(seed: 11)
        let perRegion = 3
        var places = [NetworkCoordinate](repeating: NetworkCoordinate(), count: Self.names.count * perRegion)
        var windows = [RoundTripWindow](repeating: RoundTripWindow(), count: places.count * places.count)
        for _ in 0..<200 {
            for node in places.indices {
                var other = generator.below(places.count - 1)
                if other >= node { other += 1 }
                // Up to 10 % of jitter, and one sample in twenty is delayed by up to 50 ms more.
                var sample = Self.map[node / perRegion][other / perRegion] * (1 + 0.1 * generator.unit())
                if generator.below(20) == 0 { sample += 50 * generator.unit() }
                windows[node * places.count + other].add(UInt32(sample * 1_000))
                let smoothed = Double(windows[node * places.count + other].smoothed) / 1_000
                places[node].update(milliseconds: smoothed, to: places[other].quantised, using: &generator)
            }
        }
        var errors: [Double] = []
        for a in places.indices {
            for b in places.indices where a / perRegion != b / perRegion {
                let truth = Self.map[a / perRegion][b / perRegion]
                errors.append(abs(places[a].distance(to: places[b]) - truth) / truth)
            }
        }
        errors.sort()
        let median = errors[errors.count / 2]
        let p90 = errors[errors.count * 9 / 10]
        #expect(median < 0.12)
        #expect(p90 < 0.32)
        // The cloud stays at the origin, and each node knows how wrong it may be.
        for place in places {
            #expect(NetworkCoordinate.length(place.position) < 500)
            #expect(place.error < 0.5)
        }
    }

    @Test func wildSamplesAreIgnored() {
        var generator = SeededGenerator(seed: 3)
        var place = NetworkCoordinate()
        for sample in [0, -1, Double.nan, .infinity, 20_000] {
            place.update(milliseconds: sample, to: NetworkCoordinate(), using: &generator)
        }
        #expect(place == NetworkCoordinate())
    }

    @Test func quantisingIsIdempotent() throws {
        var generator = SeededGenerator(seed: 4)
        var place = NetworkCoordinate()
        for _ in 0..<50 {
            place.update(milliseconds: 10 + 200 * generator.unit(), to: NetworkCoordinate(), using: &generator)
            #expect(try NetworkCoordinate(xdr: place.xdrBytes) == place.quantised)
            #expect(place.quantised.quantised == place.quantised)
        }
    }

    @Test func windowAgreesWithSorting() {
        var generator = SeededGenerator(seed: 9)
        var window = RoundTripWindow()
        var all: [UInt32] = []
        for _ in 0..<200 {
            let sample = UInt32(generator.below(50))
            window.add(sample)
            all.append(sample)
            let last = all.suffix(RoundTripWindow.capacity)
            #expect(window.sorted == last.sorted())
            #expect(window.quantile(50) == last.sorted()[(last.count * 50 + 99) / 100 - 1])
            #expect(window.quantile(100) == last.max())
        }
        #expect(window.summary?.samples == 200)
    }

    @Test func logarithms() {
        #expect(Logarithm.base2(1) == 0)
        #expect(Logarithm.base2(1_024) == 10)
        #expect(abs(Logarithm.base10(1_000) - 3) < 0.03)
    }

    // MARK: The region table

    static func fact(_ reporter: UInt64, _ from: String, _ to: String, median: UInt32, version: UInt32 = 1, incarnation: UInt64 = 1)
        -> RegionLinkFact
    {
        RegionLinkFact(
            reporter: NodeID(reporter), from: RegionID(from), to: RegionID(to), incarnation: incarnation, version: version, median: median,
            p90: median + 10, minimum: median - 10, samples: 5)
    }

    @Test func tableTakesTheMedianOfFreshReporters() throws {
        var table = RegionTable()
        let start = Instant.zero
        func expect(_ isNews: Bool, _ fact: RegionLinkFact, at moment: Instant) {
            let wasNews = table.merge(fact, now: moment)
            #expect(wasNews == isNews)
        }
        expect(true, Self.fact(1, "a", "b", median: 100), at: start)
        expect(true, Self.fact(2, "a", "b", median: 300), at: start)
        expect(true, Self.fact(3, "a", "b", median: 200), at: start)
        expect(true, Self.fact(9, "b", "a", median: 900), at: start)
        table.checkInvariants()
        var cell = try #require(table.link(from: RegionID("a"), to: RegionID("b")))
        #expect(cell.median == .microseconds(200) && cell.minimum == .microseconds(90) && cell.samples == 15 && cell.reporters == 3)
        // An old or equal version is not news; a higher incarnation begins anew.
        expect(false, Self.fact(1, "a", "b", median: 500), at: start)
        expect(true, Self.fact(1, "a", "b", median: 500, version: 0, incarnation: 2), at: start)
        expect(false, Self.fact(1, "a", "b", median: 100, version: 9), at: start)
        // Reporters that fell silent no longer count.
        expect(true, Self.fact(2, "a", "b", median: 310, version: 2), at: start + .seconds(400))
        cell = try #require(table.link(from: RegionID("a"), to: RegionID("b")))
        #expect(cell.median == .microseconds(310) && cell.reporters == 1)
        #expect(table.regions == [RegionID("a"), RegionID("b")])
        #expect(table.links.map { "\($0.from)-\($0.to)" } == ["a-b", "b-a"])
        table.drop(reporter: NodeID(9))
        #expect(table.link(from: RegionID("b"), to: RegionID("a")) == nil)
        #expect(table.medianNanoseconds(between: RegionID("b"), and: RegionID("a")) == 310_000)
    }

    /// Every node can print the whole matrix, within the jitter of what the network does.
    @Test func everyNodeKnowsTheWholeMatrix() throws {
        var network = DetectionTests.warm(seed: 900)
        network.run(for: .seconds(40))
        for node in network.nodes {
            for (a, from) in network.regions.enumerated() {
                for (b, to) in network.regions.enumerated() {
                    let truth = network.roundTrips[a][b]
                    let cell = try #require(node.state.regionTable.link(from: from, to: to), "\(node.state.me.id): \(from) to \(to)")
                    #expect(cell.median.inMilliseconds >= truth && cell.median.inMilliseconds <= truth * 1.1 + 1)
                    #expect(node.state.rtt(from: from, to: to) == cell.median)
                }
            }
            let far = network.nodes.first { $0.state.me.region != node.state.me.region }!.state.me.id
            #expect(node.state.roundTrip(to: far) != nil)
            #expect(node.state.estimatedRoundTrip(to: far) == node.state.roundTrip(to: far)?.median)
        }
    }

    /// Before anything is measured between two far regions, coordinates rank them.
    @Test func coordinatesServeWhereNothingIsMeasured() {
        let network = DetectionTests.warm(seed: 901)
        var state = network.nodes[0].state
        state.regionTable = RegionTable()
        let near = state.rtt(from: RegionID("eu-west-1"), to: RegionID("us-east-1"))
        let far = state.rtt(from: RegionID("ap-northeast-1"), to: RegionID("eu-west-1"))
        #expect(near.map { abs($0.inMilliseconds - 70) < 40 } ?? false)
        #expect(far.map { abs($0.inMilliseconds - 220) < 60 } ?? false)
    }
}
