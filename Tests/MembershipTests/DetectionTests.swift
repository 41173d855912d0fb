import Foundation
import Membership
import Primitives
import Testing

/// Detection times and false positives under virtual time: nine nodes in three regions (round trips of 70,
/// 160 and 220 ms, 10 % jitter), a hundred nodes, and nodes that are slow.
@Suite struct DetectionTests {
    /// More seeds than a quick run has: ATOLL_SEEDS=500.
    static let seeds = ProcessInfo.processInfo.environment["ATOLL_SEEDS"].flatMap { Int($0) } ?? 40

    static func warm(perRegion: Int = 3, seed: UInt64, loss: Double = 0.01, settings: SWIMSettings = SWIMSettings()) -> TestNetwork {
        let map = TestNetwork.threeRegions
        var network = TestNetwork(regions: map.names, roundTrips: map.roundTrips, seed: seed)
        network.loss = loss
        network.fill(perRegion: perRegion, settings: settings)
        network.run(for: .seconds(25))
        return network
    }

    @Test func everyoneMeets() {
        var network = Self.warm(seed: 1)
        #expect(network.agreeAlive(Array(network.nodes.indices)))
        #expect(network.packetBytesMax <= 1_200)
        // Idle: a ping and an ack a second from each node.
        network.packets = 0
        network.run(for: .seconds(20))
        #expect(network.packets <= 20 * 9 * 3)
        #expect(network.packets >= 20 * 9 * 3 / 2)
    }

    /// Nine nodes on three maps: the common one; three regions up to 256 ms apart; and eight regions of one node
    /// (one of them has two), up to 311 ms apart.
    static let maps: [(names: [String], roundTrips: [[Double]], perRegion: Int)] = {
        let far = [0, 2, 5]
        return [
            (TestNetwork.threeRegions.names, TestNetwork.threeRegions.roundTrips, 3),
            (far.map { DistanceTests.names[$0] }, far.map { a in far.map { DistanceTests.map[a][$0] } }, 3),
            (DistanceTests.names, DistanceTests.map, 1),
        ]
    }()

    @Test(arguments: maps.indices) func killedNodeIsDeadForAllWithinEightSeconds(_ place: Int) {
        let map = Self.maps[place]
        var warmed = TestNetwork(regions: map.names, roundTrips: map.roundTrips, seed: UInt64(place) + 10)
        warmed.loss = 0.01
        warmed.fill(perRegion: map.perRegion)
        if warmed.nodes.count < 9 { warmed.add(region: 0) }
        warmed.run(for: .seconds(25))
        var slowest = Duration.zero
        for seed in 0..<Self.seeds / 2 {
            var network = warmed
            network.generator = SeededGenerator(seed: UInt64(seed))
            network.run(for: .nanoseconds(Int64(network.generator.below(8_000_000_000))))
            network.changes = []
            let victim = network.generator.below(9)
            let killed = network.now
            network.kill(victim)
            let done = network.run(until: killed + .seconds(30)) { $0.everyoneElse(sees: victim, as: .dead) }
            let id = network.nodes[victim].state.me.id
            #expect(!network.changes.contains { $0.member != id && $0.status == .dead }, "seed \(seed): a living node was declared dead")
            let time = (done ?? .distantFuture) - killed
            // A refutation must have had its chance.
            #expect(time <= .seconds(8) && time >= .seconds(2), "seed \(seed): dead for all after \(time)")
            slowest = max(slowest, time)
        }
        if Self.seeds > 40 { print("map \(place): dead for all after \(slowest) at most, \(Self.seeds / 2) seeds") }
    }

    @Test func nobodyAliveIsDeclaredDeadAtOnePercentLoss() {
        var suspicions = 0
        for seed in 0..<max(2, Self.seeds / 20) {
            var network = Self.warm(seed: UInt64(seed) + 100)
            network.changes = []
            network.run(for: .seconds(200))
            #expect(!network.changes.contains { $0.status == .dead })
            suspicions += network.changes.filter { $0.status == .suspect }.count
        }
        // About 2,000 probes a seed; one in a million fails by loss alone.
        #expect(suspicions == 0)
    }

    @Test func tenPercentLossSuspectsButDoesNotKill() {
        var network = Self.warm(seed: 3, loss: 0.1)
        network.changes = []
        network.run(for: .seconds(120))
        #expect(!network.changes.contains { $0.status == .dead })
        #expect(network.agreeAlive(Array(network.nodes.indices)) || network.changes.last?.status == .suspect)
    }

    @Test func twoNodesSurviveLossAndDetectDeath() {
        var network = TestNetwork(regions: ["a", "b"], roundTrips: [[1, 90], [90, 1]], seed: 5)
        network.loss = 0.03
        network.fill(perRegion: 1)
        network.run(for: .seconds(300))
        #expect(!network.changes.contains { $0.status == .dead })
        let killed = network.now
        network.kill(1)
        let done = network.run(until: killed + .seconds(30)) { $0.everyoneElse(sees: 1, as: .dead) }
        #expect(done.map { $0 - killed <= .seconds(8) } ?? false)
    }

    @Test func hundredNodes() {
        let map = TestNetwork.threeRegions
        var network = TestNetwork(
            regions: map.names + ["sa-east-1"], roundTrips: map.roundTrips.map { $0 + [190] } + [[190, 190, 190, 1]], seed: 7)
        network.loss = 0.01
        network.checkEvery = 64
        network.fill(perRegion: 25)
        let joined = network.run(until: .zero + .seconds(20)) { $0.agreeAlive([0, 40, 99]) && $0.nodes[50].state.presentMembers == 100 }
        #expect(joined != nil)
        network.run(for: .seconds(5))
        network.changes = []
        let killed = network.now
        network.kill(57)
        let done = network.run(until: killed + .seconds(30)) { $0.everyoneElse(sees: 57, as: .dead) }
        #expect(done.map { $0 - killed <= .seconds(15) } ?? false)
        #expect(!network.changes.contains { $0.member != NodeID(58) && $0.status == .dead })
        #expect(network.packetBytesMax <= 1_200)
    }

    // MARK: Lifeguard

    /// While the node at place 4 is in trouble: the healthy nodes that it suspects, and those that anybody declares dead.
    static func accusations(settings: SWIMSettings, seed: UInt64, _ trouble: (inout TestNetwork) -> Void) -> (suspect: Int, dead: Int) {
        var network = warm(seed: seed, settings: settings)
        network.changes = []
        trouble(&network)
        let slow = network.nodes[4].state.me.id
        let healthy = network.changes.filter { $0.member != slow }
        return (healthy.filter { $0.status == .suspect && $0.observer == slow }.count, healthy.filter { $0.status == .dead }.count)
    }

    /// A process that is stopped again and again for up to four seconds.
    @Test func stoppedProcessAccusesNobody() {
        let seen = Self.accusations(settings: SWIMSettings(), seed: 40) { network in
            for _ in 0..<15 {
                network.nodes[4].asleepUntil = network.now + .milliseconds(1_500 + network.generator.below(3_000))
                network.run(for: .milliseconds(4_500 + network.generator.below(1_500)))
            }
        }
        #expect(seen == (0, 0))
    }

    /// A node that reads its packets up to twelve seconds late although its timers are prompt.
    @Test func slowNodeBlamesItself() {
        func compare(_ settings: SWIMSettings) -> (suspect: Int, dead: Int) {
            var sum = (suspect: 0, dead: 0)
            for seed in 0..<4 {
                let one = Self.accusations(settings: settings, seed: UInt64(seed) + 50) { network in
                    network.nodes[4].lag = 12_000_000_000
                    network.run(for: .seconds(60))
                }
                sum = (sum.suspect + one.suspect, sum.dead + one.dead)
            }
            return sum
        }
        var plain = SWIMSettings()
        plain.healthMaximum = 0
        let guarded = compare(SWIMSettings())
        let bare = compare(plain)
        #expect(guarded.suspect * 2 < bare.suspect)
        #expect(guarded.dead == 0)
    }
}
