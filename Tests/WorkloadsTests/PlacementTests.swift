import Primitives
import Testing
import Workloads

/// Where a volume's home should be: checked by hand on a map with round numbers.
@Suite struct PlacementTests {
    /// Five regions on a line, 10 ms apart; the ends cost more.
    static let map: RegionMap = {
        let names = ["a", "b", "c", "d", "e"]
        var links: [RegionMap.Link] = []
        for (i, from) in names.enumerated() {
            for (j, to) in names.enumerated() where i != j {
                links.append(
                    .init(
                        from: RegionID(from), to: RegionID(to), roundTrip: .milliseconds(10 * abs(i - j)), jitter: .zero,
                        bytesPerSecond: 1 << 30, flowWindow: 1 << 20, dollarsPerGigabyte: i == 0 || i == 4 ? 0.1 : 0.02))
            }
        }
        return RegionMap(
            name: "line", title: "", source: "", date: "", sameZone: .zero, betweenZones: .zero,
            regions: names.map { .init(id: RegionID($0), title: $0, latitude: 0, longitude: 0) }, links: links)
    }()

    @Test func distanceAlone() throws {
        let middle = try #require(Placement(home: RegionID("c"), map: Self.map))
        #expect(middle.voters.map(\.name) == ["c", "b", "d", "a", "e"])
        #expect(middle.majority == 10)
        #expect(
            middle.commit(from: RegionID("c")) == 10 && middle.commit(from: RegionID("e")) == 30 && middle.reload(from: RegionID("e")) == 20
        )
        let end = try #require(Placement(home: RegionID("a"), map: Self.map))
        #expect(end.majority == 20 && end.commit(from: RegionID("e")) == 60)
        #expect(Placement(home: RegionID("z"), map: Self.map) == nil)
    }

    @Test func clientsDrawTheHome() {
        let even = ClientMix(["a", "b", "c", "d", "e"].map { .init(region: RegionID($0), count: 1) })
        #expect(Placement.ranked(Self.map, for: even).first?.home.name == "c")
        let left = ClientMix([.init(region: RegionID("a"), count: 50), .init(region: RegionID("e"), count: 1)])
        #expect(Placement.ranked(Self.map, for: left).first?.home.name == "a")
    }

    @Test func contentComesFromTheNearest() throws {
        let map = try Self.map.restricted(to: ["a", "b", "c", "d"])
        let placement = try #require(Placement(home: RegionID("a"), map: map))
        #expect(placement.voters.map(\.name) == ["a", "b", "c"])
        #expect(placement.feeds.map { "\($0.from)\($0.to)" } == ["ab", "ac", "cd"])
        // From home 0.1 to b and to c each, from c 0.02 to d.
        func price(_ region: String) -> Double { placement.dollarsPerGigabyte(from: RegionID(region)) }
        #expect(abs(price("a") - 0.22) < 1e-9)
        // The way home first, 0.02; what b has need not come back.
        #expect(abs(price("b") - 0.14) < 1e-9)
        #expect(abs(price("d") - 0.22) < 1e-9)
    }

    /// Where times are equal, the price decides, and that depends on where is written.
    @Test func thePriceFollowsTheClients() throws {
        let map = try Self.map.restricted(to: ["a", "b"])
        let (a, b) = (RegionID("a"), RegionID("b"))
        let home = try #require(Placement(home: a, map: map))
        #expect(ClientMix([.init(region: a, count: 9)]).mean(home.dollarsPerGigabyte) == 0.1)
        #expect(ClientMix([.init(region: b, count: 9)]).mean(home.dollarsPerGigabyte) == 0.02)
    }
}
