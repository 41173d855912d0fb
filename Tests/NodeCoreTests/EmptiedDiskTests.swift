import NodeCore
import Primitives
import Replication
import Testing

/// Nodes that come back without their data (docs/rfcs/2026-11-21-a-disk-that-was-emptied.md).
@Suite struct EmptiedDiskTests {
    private func cluster(_ seed: UInt64) throws -> TestCluster {
        let cluster = TestCluster(ClusterTests.world, roundTrip: ClusterTests.roundTrip, seed: seed, grace: .seconds(600))
        try #require(cluster.settle(), "the catalog has no leader after 30 s")
        try #require(cluster.run(for: .seconds(60)) { cluster.isSettled })
        return cluster
    }

    private func names(_ cluster: TestCluster, _ node: Int) -> [String] {
        cluster.hosts[node].state.catalog.filesystems.values.map(\.label).sorted()
    }

    private func leads(_ cluster: TestCluster, _ node: Int) -> Bool {
        cluster.hosts[node].isUp && cluster.hosts[node].state.view.groups.contains { $0.role == "leader" }
    }

    /// `kept` and `lost` acknowledge something that `late` misses. Then `kept` is away, and `lost` comes back
    /// without its disk: with its vote `late` would lead, and what was acknowledged would be overwritten.
    @Test(arguments: [UInt64(1), 2, 3], [[0, 1, 2], [1, 2, 0], [2, 0, 1]])
    func aVoteThatWasForgottenElectsNobody(seed: UInt64, roles: [Int]) throws {
        let (kept, lost, late) = (roles[0], roles[1], roles[2])
        let cluster = try cluster(seed)
        _ = try cluster.create(.volume, "before", region: "us", on: kept)
        cluster.run(for: .seconds(10))
        cluster.cut = { ($0 == late) != ($1 == late) }
        _ = try cluster.create(.volume, "acknowledged", region: "us", on: kept)
        cluster.fail(kept)
        cluster.fail(lost)
        cluster.cut = { _, _ in false }
        cluster.restartEmptied(lost)
        cluster.run(for: .seconds(60))
        #expect(!leads(cluster, lost) && !leads(cluster, late), "two that miss it agree on a leader")
        #expect(cluster.hosts[lost].state.view.groups.isEmpty, "it takes no part before it is let in")
        cluster.restart(kept)
        #expect(
            cluster.run(for: .seconds(60)) { [kept, late].allSatisfy { names(cluster, $0) == ["acknowledged", "before"] } },
            "\(names(cluster, kept)), \(names(cluster, late))")
        #expect(cluster.run(for: .seconds(20)) { cluster.hosts[lost].faults.contains { $0.contains("another data directory") } })
        // The way out that the refusal names.
        let gone = NodeID(UInt64(lost) + 1)
        _ = try cluster.change(.removeNode(gone, force: true), on: kept).get()
        let region = ClusterTests.world[lost].name
        let fresh = cluster.join(region)
        #expect(cluster.run(for: .seconds(120)) { names(cluster, fresh) == ["acknowledged", "before"] && cluster.isSettled })
        #expect(
            cluster.run(for: .seconds(60)) {
                cluster.configuration(of: nil).map { $0.voters.count == 3 && !$0.voters.contains(gone) } ?? false
            })
    }

    /// A founder that was slow, or stopped before it had written anything, is no such node.
    @Test(arguments: [UInt64(1), 2]) func aFounderThatComesLateIsLetIn(seed: UInt64) throws {
        let cluster = TestCluster(ClusterTests.world, roundTrip: ClusterTests.roundTrip, seed: seed, grace: .seconds(600), absent: [2])
        cluster.run(for: .seconds(20))
        #expect(cluster.hosts[0...1].allSatisfy { $0.state.catalog.cluster == nil }, "one of three may know another cluster")
        cluster.restart(2)
        cluster.run(for: .milliseconds(10))
        cluster.crash(1)
        cluster.restart(1)
        #expect(cluster.settle())
        #expect(cluster.run(for: .seconds(20)) { cluster.hosts.allSatisfy { $0.state.knowsCatalog } })
        #expect(cluster.catalog.nodes.values.map(\.store) == [1, 2, 3], "the catalog begins with the directories of its founders")
        #expect(cluster.hosts.allSatisfy { $0.faults.isEmpty })
    }

    /// Of five voters one may be away when the cluster begins, and is registered when it comes.
    @Test func aClusterOfFiveBeginsWithFour() throws {
        let cluster = TestCluster(
            ["us", "eu", "ap", "sa", "af"].map { .init(name: $0, nodes: 1) }, roundTrip: { _, _ in 80 }, seed: 4, grace: .seconds(600),
            absent: [4])
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts[0...3].allSatisfy { $0.state.knowsCatalog } })
        cluster.restart(4)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts[4].state.knowsCatalog })
        #expect(cluster.run(for: .seconds(10)) { cluster.catalog.nodes.values.map(\.store) == [1, 2, 3, 4, 5] })
    }

    /// Founders that start, stop, are cut off and lose a minority of their disks, at any moment from the very
    /// first: what was acknowledged is known to all that kept theirs.
    @Test(arguments: Array(1...20) + [55]) func whatWasAcknowledgedOutlivesAMinorityOfDisks(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        let count = chance.below(2) == 0 ? 3 : 5
        let cluster = TestCluster(
            ["us", "eu", "ap", "sa", "af"].prefix(count).map { .init(name: $0, nodes: 1) }, roundTrip: { _, _ in 80 }, seed: seed,
            grace: .seconds(600), absent: (0..<count).filter { _ in chance.below(4) == 0 })
        var emptied: Set<Int> = []
        var asked: [(node: Int, request: RequestID, name: EnvironmentName)] = []
        for round in 0..<60 {
            let node = chance.below(count)
            switch chance.below(8) {
            case 0: if cluster.hosts[node].isUp { cluster.fail(node) }
            case 1, 2: cluster.restart(node)
            case 3 where emptied.count < (count - 1) / 2 && !emptied.contains(node):
                if cluster.hosts[node].isUp { cluster.fail(node) }
                cluster.restartEmptied(node)
                emptied.insert(node)
            case 4: cluster.cut = { ($0 == node) != ($1 == node) }
            case 5: cluster.cut = { _, _ in false }
            default:
                guard cluster.hosts[node].isUp else { continue }
                let name = EnvironmentName(name: "e\(round)")
                let command = CatalogCommand(at: WallTime(nanoseconds: 0), by: "test", action: .createEnvironment(name))
                let end = cluster.now + .seconds(8)
                asked.append((node, cluster.begin(on: node) { .changeCatalog($0, command, deadline: end) }, name))
            }
            cluster.run(for: .milliseconds(chance.below(round < 10 ? 400 : 4_000)))
        }
        cluster.run(for: .seconds(10))
        let acknowledged = asked.filter {
            if case .catalog(.success)? = cluster.hosts[$0.node].replies[$0.request] { true } else { false }
        }.map(\.name)
        cluster.cut = { _, _ in false }
        for node in 0..<count where !emptied.contains(node) { cluster.restart(node) }
        func knows(_ node: Int) -> Bool {
            let catalog = cluster.hosts[node].state.catalog
            return catalog.cluster != nil && acknowledged.allSatisfy { catalog.environments.contains($0) }
        }
        // Those that never began hold nothing either, and nobody may be left who can tell that it was never more.
        let whole = (0..<count).filter { !emptied.contains($0) && cluster.hosts[$0].disk.groups[.catalog] != nil }
        if whole.count > count / 2 {
            #expect(cluster.run(for: .seconds(120)) { whole.allSatisfy(knows) }, "\(acknowledged.count) of \(whole) without \(emptied)")
        } else {
            cluster.run(for: .seconds(120))
        }
        for node in 0..<count where cluster.hosts[node].isUp && cluster.hosts[node].state.knowsCatalog {
            #expect(knows(node), "n\(node + 1) knows less than \(acknowledged.count) that were acknowledged")
        }
        #expect(cluster.faults.isEmpty)
    }
}
