import Foundation
import Primitives
import Replication
import Testing

@Suite struct PlacementTests {
    private let home = RegionID("east")

    private func table(_ weights: [UInt32]) -> RegionTable {
        RegionTable(nodes: weights.enumerated().map { .init(id: NodeID(UInt64($0.offset) + 1), region: home, weight: $0.element) })
    }

    private func placement(_ table: RegionTable, copies: UInt32 = 0) throws -> ChunkPlacement {
        var policy = ReplicationPolicy.volume
        policy.copiesPerRegion = copies
        // Every node has a replica.
        let replicas = table.nodes.map { ReplicaPlan.Replica(node: $0.id, region: $0.region) }
        let voters = min(3, replicas.count)
        let plan = ReplicaPlan(purpose: .volume, home: home, voters: Array(replicas[..<voters]), learners: Array(replicas[voters...]))
        return ChunkPlacement(plan: plan, policy: policy, table: table)
    }

    /// Who shall hold a chunk has the names of all.
    @Test func onlyReplicasHoldChunks() throws {
        let table = table([100, 100, 100, 100, 100])
        let plan = try ReplicaPlanner(group: GroupID(16), purpose: .volume, policy: .volume, table: table).plan(home: home)
        let placement = ChunkPlacement(plan: plan, policy: .volume, table: table)
        #expect(plan.replicas.count == 3)
        for name in chunks(200) { #expect(placement.targets(of: name, in: home).allSatisfy { plan.contains($0) }) }
    }

    private func chunks(_ count: Int) -> [ChunkID] {
        var generator = SeededGenerator(seed: 5)
        return (0..<count).map { _ in Digest(words: (generator.next(), generator.next(), generator.next(), generator.next())) }
    }

    @Test func theIntegerLogarithmIsOne() {
        var generator = SeededGenerator(seed: 3)
        var worst = 0.0
        for step in 0..<20_000 {
            let hash = step < 64 ? UInt64(1) << UInt64(step) | 1 : generator.next() | 1
            let exact = 64 - log2(Double(hash))
            worst = max(worst, abs(Double(Rendezvous.negativeLogarithm(hash)) / 4_294_967_296 - exact))
        }
        #expect(worst < 0x1p-21, "error \(worst)")
        // Never falling: of two hashes the greater has no greater logarithm.
        var previous = UInt64.max
        for high in 0..<8_192 as Range<UInt64> {
            let value = Rendezvous.negativeLogarithm(high << 51 | 0x3_FFFF_FFFF_FFFF)
            #expect(value <= previous)
            previous = value
        }
        // Golden values: every node of every version must place alike.
        #expect(Rendezvous.negativeLogarithm(0x8000_0000_0000_0001) == 4_294_967_296)
    }

    /// Golden placement: a change here moves data of existing clusters.
    @Test func placementIsForEver() throws {
        let placement = try placement(table([100, 100, 50, 200, 100]))
        let seen = chunks(8).map { placement.targets(of: $0, in: home).map(\.description).joined(separator: "+") }
        #expect(seen == Self.golden, "\(seen)")
    }
    private static let golden = ["n3+n4", "n4+n2", "n3+n1", "n5+n4", "n3+n1", "n1+n4", "n2+n4", "n2+n5"]

    @Test(arguments: [[100, 100, 100], [100, 100, 200, 400], [1, 1, 1, 1, 1, 1, 1, 1, 1], [1_048_576, 524_288]] as [[UInt32]])
    func loadFollowsWeight(weights: [UInt32]) throws {
        let placement = try placement(table(weights), copies: 1)
        let names = chunks(20_000)
        var counts = Array(repeating: 0, count: weights.count)
        for name in names { counts[Int(placement.targets(of: name, in: home)[0].rawValue) - 1] += 1 }
        let total = Double(weights.reduce(0) { $0 + UInt64($1) })
        for (slot, weight) in weights.enumerated() {
            let share = Double(weight) / total
            // Five standard deviations of the binomial distribution.
            let tolerance = 5 * (Double(names.count) * share * (1 - share)).squareRoot()
            #expect(abs(Double(counts[slot]) - Double(names.count) * share) <= tolerance, "node \(slot + 1): \(counts)")
        }
    }

    /// A node that joins takes copies from others and causes no other movement; its share is its weight's.
    @Test func joiningMovesOnlyWhatTheNewNodeTakes() throws {
        let before = try placement(table([100, 100, 100, 100]))
        let after = try placement(table([100, 100, 100, 100, 100]))
        var moved = 0
        let names = chunks(5_000)
        for name in names {
            let old = before.targets(of: name, in: home)
            let new = after.targets(of: name, in: home)
            #expect(new.count == 2)
            let gained = new.filter { !old.contains($0) }
            #expect(gained.isEmpty || gained == [NodeID(5)])
            moved += gained.count
        }
        #expect(abs(Double(moved) - Double(names.count) * 0.4) < 200, "\(moved) of \(names.count * 2) copies moved")
    }

    @Test func aDeadNodeIsReplacedByTheNextAndOnlyThere() throws {
        var table = table([100, 100, 100, 100])
        let before = try placement(table)
        table.setAlive(NodeID(2), false)
        let after = try placement(table)
        for name in chunks(500) {
            let old = before.targets(of: name, in: home)
            let new = after.targets(of: name, in: home)
            #expect(new.count == 2 && !new.contains(NodeID(2)))
            #expect(old.filter { $0 != NodeID(2) }.allSatisfy(new.contains))
            #expect(after.targets(of: name, in: home, ignoringLiveness: true) == old)
            #expect(before.isTarget(old[0], of: name) && after.isTarget(NodeID(2), of: name) == false)
        }
    }

    /// Many groups spread over all nodes of a region.
    @Test func groupsSpreadOverNodes() throws {
        let table = table([100, 100, 100, 100, 100, 100])
        var voters = Array(repeating: 0, count: 6)
        for group in 16..<616 as Range<UInt64> {
            let plan = try ReplicaPlanner(group: GroupID(group), purpose: .nfs, policy: .nfs, table: table).plan(home: home)
            for replica in plan.voters { voters[Int(replica.node.rawValue) - 1] += 1 }
        }
        #expect(voters.allSatisfy { (230...370).contains($0) }, "\(voters)")
    }

    @Test func aNetworkFileSystemNeedsAMajorityOfItsNodes() throws {
        let far = RegionID("west")
        let table = RegionTable(
            nodes: (1...5).map { .init(id: NodeID($0), region: home) } + [.init(id: NodeID(6), region: far)])
        let plan = try ReplicaPlanner(group: GroupID(16), purpose: .nfs, policy: .nfs, table: table).plan(home: home)
        let placement = ChunkPlacement(plan: plan, policy: .nfs, table: table)
        #expect(placement.regions == [home])
        let name = chunks(1)[0]
        #expect(placement.targets(of: name, in: home).sorted() == plan.voters.map(\.node))
        #expect(!placement.rule.isSatisfied(copiesIn: [home]))
        #expect(placement.rule.isSatisfied(copiesIn: [home, home]))
    }

    @Test func fetchPlansPreferTheRegion() throws {
        let west = RegionID("west")
        let north = RegionID("north")
        var table = RegionTable(
            nodes: [1, 2, 3].map { .init(id: NodeID($0), region: home) } + [4, 5].map { .init(id: NodeID($0), region: west) } + [
                .init(id: NodeID(6), region: north)
            ])
        table.setLink(home, west, RegionLink(roundTrip: .milliseconds(70), microdollarsPerGB: 20_000))
        table.setLink(home, north, RegionLink(roundTrip: .milliseconds(69), microdollarsPerGB: 147_000))
        let plan = try ReplicaPlanner(group: GroupID(16), purpose: .volume, policy: .volume, table: table).plan(home: home)
        func sources(_ table: RegionTable, price: UInt64 = 100, hints: [NodeID] = []) -> [FetchSource] {
            let placement = ChunkPlacement(plan: plan, policy: .volume, table: table)
            let fetch = FetchPlan(reader: NodeID(1), placement: placement, table: table, microsecondsPerMicrodollar: price)
            return fetch.sources(of: chunks(1)[0], hints: hints)
        }
        let near = sources(table)
        #expect(near.prefix(2).allSatisfy { !$0.isWideArea } && near.dropFirst(2).allSatisfy(\.isWideArea))
        #expect(!near.contains { $0.node == NodeID(1) }, "a node does not ask itself")
        #expect(near.last?.node == NodeID(6), "dearer than it is near")
        #expect(sources(table, price: 0).dropFirst(2).first?.node == NodeID(6), "by time alone it is nearer")
        #expect(sources(table, hints: [NodeID(5)]).first { $0.isWideArea }?.node == NodeID(5))
        table.setAlive(NodeID(2), false)
        #expect(sources(table).last?.node == NodeID(2), "the dead are asked last")
    }
}
