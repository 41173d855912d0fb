import Filesystem
import Foundation
import NodeCore
import Primitives
import Replication
import Testing

/// The set of nodes changes while the cluster lives: nodes join, die for good, drain and are removed.
@Suite struct NodeSetTests {
    private func cluster(us: Int = 1, eu: Int = 1, ap: Int = 1, seed: UInt64 = 1) throws -> TestCluster {
        let cluster = TestCluster(
            [.init(name: "us", nodes: us), .init(name: "eu", nodes: eu), .init(name: "ap", nodes: ap)], roundTrip: ClusterTests.roundTrip,
            seed: seed, grace: .seconds(20))
        #expect(cluster.settle(), "the catalog has no leader after 30 s")
        return cluster
    }

    private func id(_ node: Int) -> NodeID { NodeID(UInt64(node) + 1) }

    private func settles(_ cluster: TestCluster, within: Duration = .seconds(120)) -> Bool {
        cluster.run(for: within) { cluster.isSettled }
    }

    /// A node joins a settled cluster, which is settled again.
    private func join(_ cluster: TestCluster, _ region: String, newRegion: Bool = false) -> Int {
        let node = cluster.join(region, newRegion: newRegion)
        #expect(cluster.run(for: .seconds(60)) { cluster.catalog.nodes[id(node)] != nil && cluster.isSettled })
        #expect(cluster.run(for: .seconds(20)) { cluster.hosts[node].state.catalog.nodes[id(node)] != nil })
        return node
    }

    private func put(_ cluster: TestCluster, _ filesystem: FilesystemID, _ name: String, _ bytes: [UInt8], on node: Int) throws {
        let session = try cluster.open(filesystem, on: node)
        let opened = try cluster.perform(
            .open(path: FilePath(name)!, mode: .replace(mode: 0o644, refuseExisting: false)), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else { return }
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: bytes)
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
        if filesystem.kind == .volume { _ = try cluster.perform(.commit(CommitOptions()), session, on: node) }
        cluster.post(.closeSession(session), to: node, after: .zero)
    }

    private func get(_ cluster: TestCluster, _ filesystem: FilesystemID, _ name: String, on node: Int) throws -> (
        bytes: [UInt8], far: UInt32
    ) {
        let session = try cluster.open(filesystem, on: node)
        let opened = try cluster.perform(.open(path: FilePath(name)!, mode: .read), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else { return ([], 0) }
        let read = try cluster.perform(.read(handle: handle, offset: 0, length: 1 << 20), session, on: node)
        cluster.post(.closeSession(session), to: node, after: .zero)
        return (read.data ?? [], opened.outcome.cost.wideAreaRoundTrips + read.outcome.cost.wideAreaRoundTrips)
    }

    private let content = ClusterDriver.bytes(200_000, seed: 5)

    // MARK: Joining

    @Test func aNodeJoinsAndHoldsWhatPlacementGivesIt() throws {
        let cluster = try cluster()
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(settles(cluster))
        try put(cluster, volume, "a", content, on: 0)
        let node = join(cluster, "eu")
        #expect(cluster.catalog.catalogPlan?.learners.map(\.node) == [id(node)])
        #expect(cluster.configuration(of: nil)?.learners == [id(node)])
        let plan = try #require(cluster.catalog.filesystems[volume]?.plan)
        #expect(plan.contains(id(node)) && !plan.isVoter(id(node)), "its region gets a second replica")
        #expect(cluster.run(for: .seconds(20)) { cluster.hosts[node].state.view.groups.contains { $0.filesystem == volume } })
        let read = try get(cluster, volume, "a", on: node)
        #expect(read.bytes == content && read.far == 0, "what was there before it came is read within its region")
        try put(cluster, volume, "b", content.reversed(), on: node)
        #expect(try get(cluster, volume, "b", on: 2).bytes == content.reversed())
    }

    @Test func aNodeMayBeginARegion() throws {
        let cluster = try cluster()
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(settles(cluster))
        try put(cluster, volume, "a", content, on: 0)
        let node = join(cluster, "sa", newRegion: true)
        let read = try get(cluster, volume, "a", on: node)
        #expect(read.bytes == content && read.far == 0)
    }

    @Test func whoMayNotJoinIsToldWhy() throws {
        let cluster = try cluster()
        #expect(settles(cluster))
        func refusal(_ node: Int) -> String {
            cluster.run(for: .seconds(20)) { !cluster.hosts[node].faults.isEmpty }
            return cluster.hosts[node].faults.first ?? "nothing"
        }
        cluster.run(for: .seconds(10))
        let before = cluster.catalog.nodes
        #expect(
            refusal(cluster.join("us", name: "node2"))
                == "node join 'node2': n2 has that name and is in region eu, not us; choose another name, or remove n2 first")
        #expect(
            refusal(cluster.join("us", name: "other", number: 2))
                == "node join 'other': the number n2 belongs to 'node2' in eu; issue a certificate with a number that no node has or had")
        #expect(refusal(cluster.join("eu", name: "node2", number: 2, store: 77)).contains("n2 joined with another data directory"))
        #expect(refusal(cluster.join("mars", name: "rover")).contains("the cluster has no region 'mars'; it has ap, eu, us"))
        #expect(cluster.catalog.nodes.values == before.values, "nothing has changed")
        #expect(cluster.hosts.allSatisfy { host in host.state.view.members.count == 3 || !host.faults.isEmpty }, "nobody heard of them")
    }

    @Test func aNodeJoinsWhileASeedIsDownAndComesBackAfterARestart() throws {
        let cluster = try cluster()
        cluster.fail(0)
        let node = cluster.join("us")
        #expect(cluster.run(for: .seconds(60)) { cluster.hosts[node].state.catalog.nodes[id(node)] != nil })
        cluster.fail(node)
        cluster.restart(0)
        cluster.run(for: .seconds(5))
        cluster.restart(node)
        #expect(settles(cluster))
        _ = try cluster.create(.volume, "late", region: "us", on: node)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.catalog.filesystems.count == 1 } })
    }

    // MARK: Losing nodes for good

    @Test func aVoterThatIsDeadIsReplaced() throws {
        let cluster = try cluster(us: 4)
        let share = try cluster.create(.nfs, "share", region: "us", on: 0)
        #expect(settles(cluster))
        let voters = try #require(cluster.catalog.filesystems[share]?.plan.voters.map(\.node))
        let spare = try #require((0..<4).first { !voters.contains(id($0)) })
        let victim = try #require((0..<4).last { voters.contains(id($0)) })
        try put(cluster, share, "a", content, on: 4)
        cluster.fail(victim)
        cluster.run(for: .seconds(15))
        #expect(cluster.catalog.filesystems[share]?.plan.isVoter(id(victim)) == true, "not before the grace is over")
        #expect(
            cluster.run(for: .seconds(60)) { cluster.configuration(of: share)?.voters.contains(id(spare)) == true && cluster.isSettled })
        let now = try #require(cluster.configuration(of: share))
        #expect(now.voters.count == 3 && !now.voters.contains(id(victim)) && now.learners.isEmpty)
        // One more may go now, and everything is still there.
        let second = try #require(cluster.leader(of: share))
        cluster.fail(second)
        let reader = try #require((0..<6).first { cluster.hosts[$0].isUp })
        #expect(try get(cluster, share, "a", on: reader).bytes == content)
        // The lost one comes back, has no replica to keep, and is of use again.
        cluster.restart(victim)
        #expect(cluster.run(for: .seconds(60)) { !cluster.hosts[victim].state.view.groups.contains { $0.filesystem == share } })
    }

    @Test func aLostVoterOfTheCatalogIsReplaced() throws {
        let cluster = try cluster(us: 2)
        #expect(settles(cluster))
        let voters = try #require(cluster.catalog.catalogPlan?.voters.map(\.node))
        let victim = try #require((0..<2).first { voters.contains(id($0)) })
        cluster.fail(victim)
        #expect(
            cluster.run(for: .seconds(90)) { cluster.configuration(of: nil)?.voters.contains(id(1 - victim)) == true && cluster.isSettled })
        #expect(cluster.configuration(of: nil)?.voters.count == 3)
        #expect(cluster.configuration(of: nil)?.learners == [id(victim)], "it is told everything when it comes back")
        cluster.restart(victim)
        _ = try cluster.create(.volume, "x", region: "us", on: 2)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.catalog.filesystems.count == 1 } })
    }

    @Test func nothingMovesWhereNobodyCanStandIn() throws {
        let cluster = try cluster()
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(settles(cluster))
        cluster.fail(2)
        cluster.run(for: .seconds(60))
        #expect(cluster.catalog.filesystems[volume]?.planRevision == 1 && cluster.catalog.catalogPlanRevision == 1)
    }

    // MARK: Draining

    @Test func aFounderDrainsAndIsRemoved() throws {
        let cluster = try cluster(us: 2)
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        let share = try cluster.create(.nfs, "share", region: "us", on: 0)
        #expect(settles(cluster))
        _ = join(cluster, "us")
        try put(cluster, volume, "a", content, on: 0)
        try put(cluster, share, "b", content, on: 0)
        #expect(cluster.run(for: .seconds(60)) { cluster.configuration(of: share)?.voters.count == 3 && cluster.isSettled })
        let node = 0
        _ = try cluster.change(.drainNode(id(node)), on: 2).get()
        #expect(throws: CatalogError.self) { try cluster.change(.removeNode(id(node), force: false), on: 2).get() }
        // Three voters of the share are all there are in its region: they stay until another node comes.
        cluster.run(for: .seconds(40))
        #expect(cluster.catalog.filesystems[share]?.plan.isVoter(id(node)) == true)
        #expect(cluster.catalog.isDrained(id(node)) == false)
        _ = join(cluster, "us")
        #expect(cluster.run(for: .seconds(90)) { cluster.catalog.isDrained(id(node)) })
        let voting = cluster.hosts[node].state.view.groups.filter { $0.voters.contains(id(node)) }.map(\.id)
        #expect(voting == [], "it votes nowhere")
        #expect(cluster.run(for: .seconds(20)) { cluster.hosts[node].state.view.groups.map(\.id) == [.catalog] }, "it has the catalog only")
        _ = try cluster.change(.removeNode(id(node), force: false), on: 2).get()
        #expect(cluster.run(for: .seconds(20)) { cluster.hosts[node].faults.contains { $0.contains("was removed from the cluster") } })
        cluster.crash(node)
        #expect(try get(cluster, volume, "a", on: 1).bytes == content)
        #expect(try get(cluster, share, "b", on: 3).bytes == content)
        #expect(settles(cluster))
        #expect(cluster.catalog.catalogPlan?.contains(id(node)) == false)
        // Its number is never used again, by whomever.
        let again = cluster.join("us", name: "again", number: id(node).rawValue)
        #expect(cluster.run(for: .seconds(20)) { !cluster.hosts[again].faults.isEmpty })
        #expect(cluster.hosts[again].faults.first?.contains("numbers are not used again") == true)
    }

    @Test func aDrainIsTakenBack() throws {
        let cluster = try cluster(us: 4)
        let share = try cluster.create(.nfs, "share", region: "us", on: 0)
        #expect(settles(cluster))
        let node = try #require((0..<4).first { cluster.catalog.filesystems[share]?.plan.isVoter(id($0)) == true })
        _ = try cluster.change(.drainNode(id(node)), on: 4).get()
        cluster.run(for: .milliseconds(1_500))
        _ = try cluster.change(.resumeNode(id(node)), on: 4).get()
        #expect(settles(cluster))
        let voters = try #require(cluster.configuration(of: share)?.voters)
        #expect(voters.count == 3 && voters == cluster.catalog.filesystems[share]?.plan.voters.map(\.node))
    }

    // MARK: Stopping

    @Test func aNodeHandsOverWhatItLeads() throws {
        let cluster = try cluster(us: 3)
        let share = try cluster.create(.nfs, "share", region: "us", on: 0)
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(settles(cluster))
        let leader = try #require(cluster.leader(of: share))
        cluster.post(.handOver, to: leader, after: .zero)
        #expect(cluster.run(for: .seconds(2)) { cluster.hosts[leader].hasHandedOver })
        #expect(!cluster.hosts[leader].state.view.groups.contains { $0.role == "leader" }, "it leads nothing")
        cluster.crash(leader)
        // No election is waited for: the others lead already.
        #expect(cluster.run(for: .milliseconds(400)) { cluster.leader(of: share) != nil && cluster.leader(of: volume) != nil })
    }
}
