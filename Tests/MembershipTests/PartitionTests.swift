import Membership
import Primitives
import Testing

/// Partitions, region cuts, restarts, departures and doubles, nine nodes in three regions.
/// Node at place p is in region p % 3.
@Suite struct PartitionTests {
    @Test func regionCutIsOneEventAndHeals() {
        for seed in 0..<4 {
            var network = DetectionTests.warm(seed: UInt64(seed) + 200)
            network.changes = []
            network.groups = network.nodes.indices.map { $0 % 3 == 0 ? 1 : 0 }
            let cut = network.now
            let region = network.regions[0]
            let others = network.nodes.indices.filter { $0 % 3 != 0 }
            let seen = network.run(until: cut + .seconds(20)) { now in
                others.allSatisfy { now.nodes[$0].state.unreachableRegions == [region] }
            }
            #expect(seen.map { $0 - cut <= .seconds(8) } ?? false, "seed \(seed)")
            network.run(until: cut + .seconds(20)) { _ in false }
            for place in others {
                let id = network.nodes[place].state.me.id
                let reports = network.regionChanges.filter { $0.observer == id }
                #expect(reports.map(\.isReachable) == [false] && reports.map(\.region) == [region], "seed \(seed), \(id)")
                // The deaths that follow are marked as parts of it.
                let deaths = network.changes.filter { $0.observer == id && $0.status == .dead }
                #expect(deaths.count == 3 && deaths.allSatisfy(\.isCut), "seed \(seed), \(id)")
            }
            // From inside, both other regions are gone.
            #expect(network.nodes[0].state.unreachableRegions == [network.regions[1], network.regions[2]])

            network.groups = nil
            let healed = network.now
            network.regionChanges = []
            let all = Array(network.nodes.indices)
            let whole = network.run(until: healed + .seconds(60)) { $0.agreeAlive(all) }
            #expect(whole.map { $0 - healed <= .seconds(12) } ?? false, "seed \(seed): \(String(describing: whole))")
            for place in others {
                let id = network.nodes[place].state.me.id
                #expect(network.regionChanges.filter { $0.observer == id }.map(\.isReachable) == [true])
            }
            network.changes = []
            network.run(for: .seconds(30))
            #expect(!network.changes.contains { $0.status == .dead }, "the healed cluster is calm")
        }
    }

    @Test func healingMakesNoNewDeaths() {
        var network = DetectionTests.warm(seed: 250)
        network.groups = network.nodes.indices.map { $0 % 3 == 0 ? 1 : 0 }
        network.run(for: .seconds(30))
        network.groups = nil
        network.changes = []
        network.run(for: .seconds(30))
        #expect(!network.changes.contains { $0.status == .dead || $0.status == .suspect })
        #expect(network.agreeAlive(Array(network.nodes.indices)))
    }

    @Test func restartedNodeIsAcceptedAtOnce() {
        for (incarnation, port) in [(UInt64(1), UInt16(0)), (9, 1)] {
            var network = DetectionTests.warm(seed: 300)
            network.kill(5)
            network.run(for: .seconds(1))
            network.restart(5, incarnation: incarnation, port: port)
            let started = network.now
            let endpoint = network.nodes[5].endpoint
            let done = network.run(until: started + .seconds(20)) { now in
                now.nodes.indices.allSatisfy { place in
                    let record = now.nodes[place].state.member(now.nodes[5].state.me.id)
                    return record?.status == .alive && record?.gossip == endpoint && record?.run == now.nodes[5].state.me.run
                }
            }
            #expect(done.map { $0 - started <= .seconds(3) } ?? false, "incarnation \(incarnation)")
            #expect(network.conflicts.isEmpty)
            network.changes = []
            network.run(for: .seconds(15))
            #expect(!network.changes.contains { $0.status == .dead })
        }
    }

    @Test func deadNodeComesBackFromTheDead() {
        var network = DetectionTests.warm(seed: 310)
        network.kill(2)
        network.run(for: .seconds(12))
        #expect(network.everyoneElse(sees: 2, as: .dead))
        network.restart(2, incarnation: 1)
        let started = network.now
        let done = network.run(until: started + .seconds(20)) { $0.agreeAlive([2]) }
        #expect(done.map { $0 - started <= .seconds(3) } ?? false)
    }

    @Test func leavingIsKnownToAllBeforeItEnds() {
        for seed in 0..<5 {
            var network = DetectionTests.warm(seed: UInt64(seed) + 400)
            network.changes = []
            network.feed(7, .leave)
            let begun = network.now
            let finished = network.run(until: begun + .seconds(10)) { $0.nodes[7].hasLeft }
            #expect(finished.map { $0 - begun <= .seconds(2) } ?? false)
            network.kill(7)
            // Half the longest round trip for the last packets.
            network.run(for: .milliseconds(400))
            #expect(network.everyoneElse(sees: 7, as: .left), "seed \(seed)")
            network.run(for: .seconds(20))
            #expect(network.everyoneElse(sees: 7, as: .left))
            #expect(!network.changes.contains { $0.status == .suspect || $0.status == .dead })
        }
    }

    @Test func twoNodesWithOneNameAreReported() {
        var network = DetectionTests.warm(seed: 500)
        // A twin of the node at place 4, in the same region, at another address.
        let twin = TestNetwork.record(
            network.nodes[4].state.me.id.rawValue, region: network.nodes[4].state.me.region, incarnation: 1, port: 9)
        network.add(
            TestNetwork.Node(
                state: SWIMState(self: twin, seeds: [network.nodes[0].endpoint], seed: 77, now: network.now), endpoint: twin.gossip!))
        network.run(for: .seconds(40))
        #expect(network.conflicts.contains(twin.id))
        #expect(network.conflicts.allSatisfy { $0 == twin.id })
    }

    @Test func doubtFindsDeathSooner() {
        var total = Duration.zero
        for seed in 0..<6 {
            var network = DetectionTests.warm(seed: 600)
            network.generator = SeededGenerator(seed: UInt64(seed))
            network.run(for: .milliseconds(network.generator.below(5_000)))
            network.kill(3)
            let killed = network.now
            // Connections break a round trip later.
            network.run(for: .milliseconds(220))
            for place in network.nodes.indices where place != 3 { network.feed(place, .doubt(network.nodes[3].state.me.id)) }
            let done = network.run(until: killed + .seconds(20)) { $0.everyoneElse(sees: 3, as: .dead) }
            total = total + ((done ?? .distantFuture) - killed)
        }
        #expect(total / 6 <= .seconds(5))
    }

    @Test func sameSeedSameRun() {
        func run() -> [TestNetwork.Change] {
            var network = DetectionTests.warm(seed: 700)
            network.kill(1)
            network.run(for: .seconds(12))
            return network.changes
        }
        #expect(run() == run())
    }

    @Test func factsReachEverybody() {
        var network = DetectionTests.warm(seed: 800)
        network.feed(
            6, .updateFacts(MemberFacts(capacityBytes: 10, freeBytes: 3, softwareVersion: "1.1", labels: [MemberLabel("rack", "b7")])))
        let id = network.nodes[6].state.me.id
        let done = network.run(until: network.now + .seconds(5)) { now in
            now.nodes.allSatisfy { $0.state.member(id)?.facts.freeBytes == 3 }
        }
        #expect(done != nil)
        // More changes than the period allows are held together, and the last one wins.
        for free in [4, 5, 6] as [UInt64] { network.feed(6, .updateFacts(MemberFacts(capacityBytes: 10, freeBytes: free))) }
        #expect(network.nodes[6].state.me.facts.freeBytes == 3)
        network.run(for: .seconds(10))
        #expect(network.nodes.allSatisfy { $0.state.member(id)?.facts.freeBytes == 6 })
        #expect(network.nodes[0].state.member(id)?.facts.version == 2)
    }
}
