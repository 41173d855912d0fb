import Comparison
import Membership
import Primitives
import Testing
import Workloads

@testable import Simulation

/// Membership alone, with members that are starved now and then: what the protocol's guards are worth.
@Suite struct GossipTests {
    /// Fifteen machines in one region, the packets of three of which wait for eight seconds of nine.
    private static func starved(_ gossip: GossipProtocol) throws -> Scenario {
        let map = try SettingsLibrary.map("aws")
        var options = WorldOptions(map: map, machines: [WorldOptions.Machines(region: RegionID("us-east-1"), count: 15)])
        options.weather.loss = 100
        var scenario = Scenario(name: "starved", title: "starved", options: options)
        scenario.gossipOnly = true
        scenario.gossipProtocol = gossip
        scenario.duration = .seconds(30)
        for round in 0..<3 {
            for node in [0, 5, 10] {
                let at = Duration.seconds(1 + Int64(round) * 9 + Int64(node) / 5)
                scenario.faults.append(Scenario.TimedFault(at: at, fault: .stallPackets(node, nanoseconds: 8_000_000_000)))
            }
        }
        return scenario
    }

    private static func figures(_ gossip: GossipProtocol) throws -> GossipFigures {
        let result = Simulation.run(try starved(gossip), seed: 1)
        #expect(result.violations.isEmpty, "\(gossip): \(result.violations)")
        return try #require(result.gossip)
    }

    /// The switch changes who is accused, and for the worse.
    @Test func lifeguardAccusesFewer() throws {
        let full = try Self.figures(.full)
        let without = try Self.figures(.withoutLifeguard)
        #expect(full.falsePositives < without.falsePositives)
        #expect(full.falsePositivesAtHealthy <= without.falsePositivesAtHealthy)
        #expect(full.suspicions < without.suspicions)
        print("starved: \(full) and without Lifeguard \(without)")
    }

    @Test func theSwitchTakesPartsOut() {
        #expect(GossipProtocol.full.settings == SWIMSettings())
        let (without, bare) = (GossipProtocol.withoutLifeguard.settings.guards, GossipProtocol.bare.settings.guards)
        #expect(!without.localHealth && !without.dynamicSuspicion && !without.buddySystem && without.selfDoubt)
        #expect(!bare.localHealth && !bare.dynamicSuspicion && !bare.buddySystem && !bare.selfDoubt)
    }

    @Test func bandwidthIsMeasured() throws {
        var scenario = try Self.starved(.full)
        scenario.faults = []
        let figures = try #require(Simulation.run(scenario, seed: 1).gossip)
        // Two packets a second, and an exchange of fifteen records every half minute.
        #expect((200...1_000).contains(figures.quiet.mean) && figures.quiet.highest >= figures.quiet.mean)
        #expect((200...1_000).contains(figures.loaded.mean))
        #expect(figures.falsePositives == 0 && figures.suspicions == 0)
    }
}
