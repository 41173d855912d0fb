import Primitives
import Testing

@testable import Consensus

/// What the timeouts are for: a lost leader is replaced soon, and a healthy one is left alone.
@Suite struct TimingTests {
    /// Five regions of a world map; one way, in microseconds. The longest round trip is 250 ms.
    private static let worldMap: [[Int]] = [
        [200, 38_000, 70_000, 105_000, 125_000],
        [38_000, 200, 36_000, 80_000, 98_000],
        [70_000, 36_000, 200, 110_000, 120_000],
        [105_000, 80_000, 110_000, 200, 46_000],
        [125_000, 98_000, 120_000, 46_000, 200],
    ]

    private func world(_ seed: UInt64, nodes: Int, jitter: Int) -> World {
        var options = World.Options()
        options.nodes = nodes
        options.voters = Array(1...nodes)
        options.delays = Self.worldMap
        options.jitter = jitter
        options.lossPermille = 2
        options.diskDelay = 1_000...12_000
        options.settings.quiesceAfter = nil
        return World(options, seed: seed)
    }

    private func measure(_ world: inout World) {
        for node in 1...world.options.nodes {
            let spans = (1...world.options.nodes).map { (World.id($0), Duration.microseconds(2 * Self.worldMap[node - 1][$0 - 1])) }
            world.send(MultiRaftEvent.roundTrips(spans), to: node)
        }
    }

    private func leader(_ world: World) -> Int? {
        (1...world.options.nodes).first { world.nodes[$0].raft?.status(GroupID(1))?.role == .leader }
    }

    /// While entries are written all the time a preferred voter that is far away never has the last of them. It gets the
    /// leadership all the same.
    @Test(arguments: [1, 2, 3]) func aFarVoterIsHandedToUnderLoad(seed: UInt64) throws {
        var world = world(seed, nodes: 3, jitter: 5_000)
        measure(&world)
        func prefer(_ heir: Int) {
            for node in 1...3 { world.send(.preference(preferredLeaders: [World.id(heir)]), to: node, group: GroupID(1)) }
        }
        prefer(1)
        world.run(until: 10_000_000)
        #expect(leader(world) == 1)
        prefer(3)
        let end = world.microseconds + 20_000_000
        while leader(world) != 3, world.microseconds < end {
            if let leader = leader(world) { world.propose(leader, [1]) }
            world.run(until: world.microseconds + 15_000)
        }
        #expect(leader(world) == 3, "nobody handed over in 20 s")
        #expect(world.checker.violations.isEmpty)
    }

    @Test(arguments: [3, 5]) func lostLeaderIsReplacedWithinFourSeconds(nodes: Int) throws {
        var worst: Int64 = 0
        for seed in UInt64(1)...40 {
            var world = world(seed, nodes: nodes, jitter: 20_000)
            measure(&world)
            world.run(until: 6_000_000)
            let old = try #require(leader(world))
            world.propose(old, [1])
            world.run(until: world.microseconds + 400_000 + Int64(seed) * 9_000)
            world.crash(old)
            let crashed = world.microseconds
            let before = world.checker.acknowledged
            // Clients try again and again, at whoever leads.
            while world.checker.acknowledged == before, world.microseconds < crashed + 10_000_000 {
                world.run(until: world.microseconds + 20_000)
                if let leader = leader(world), world.nodes[leader].raft?.status(GroupID(1))?.peers.isEmpty == false {
                    world.propose(leader, [2])
                }
            }
            worst = max(worst, world.microseconds - crashed)
            #expect(world.checker.violations.isEmpty)
        }
        #expect(worst < 4_000_000, "\(worst / 1_000) ms")
    }

    @Test func jitterElectsNobody() throws {
        for seed in UInt64(1)...12 {
            var world = world(seed, nodes: 5, jitter: 120_000)
            measure(&world)
            world.run(until: 6_000_000)
            let elections = world.checker.elections
            world.run(until: 60_000_000)
            #expect(world.checker.elections == elections, "seed \(seed)")
        }
    }

    @Test func spansFollowRoundTrips() {
        func timing(_ milliseconds: Int) -> RaftTiming {
            RaftTiming(settings: RaftSettings(), worstRoundTrip: .milliseconds(milliseconds))
        }
        #expect(timing(1).electionTimeout == .milliseconds(600) && timing(1).heartbeatInterval == .milliseconds(120))
        #expect(timing(250).electionTimeout == .seconds(1) && timing(250).heartbeatInterval == .milliseconds(200))
        #expect(timing(250).retry == .milliseconds(500) && timing(1).retry == .milliseconds(300))
        #expect(timing(5_000).electionTimeout == .seconds(3))
        #expect(timing(1).leaseMilliseconds == 600 && timing(400).leaseMilliseconds == 1_000)
    }
}
