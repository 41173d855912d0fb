import Filesystem
import Namespace
import NodeCore
import Primitives
import Replication
import Testing

/// Content that somebody counts on though no replica's present state names it; and content that is hard
/// to find, or nowhere.
@Suite struct KeptContentTests {
    private func put(_ cluster: TestCluster, _ session: SessionID, _ name: String, _ bytes: [UInt8], on node: Int) throws {
        let mode = OpenMode.replace(mode: 0o644, refuseExisting: false)
        guard
            case .opened(let handle, _) = try cluster.perform(.open(path: FilePath(name)!, mode: mode), session, on: node).outcome.value
        else { return }
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: bytes)
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
    }

    private func get(_ cluster: TestCluster, _ session: SessionID, _ name: String, on node: Int) throws -> [UInt8]? {
        let opened = try cluster.perform(.open(path: FilePath(name)!, mode: .read), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else { return nil }
        defer { _ = try? cluster.perform(.close(handle: handle, abandon: false), session, on: node) }
        return try cluster.perform(.read(handle: handle, offset: 0, length: 100_000), session, on: node).data
    }

    private func content(_ index: Int) -> [UInt8] { ClusterDriver.bytes(9_000, seed: UInt64(index)) }
    private func chunk(_ index: Int) -> ChunkID { SHA256.hash(content(index)) }

    private func holders(_ cluster: TestCluster, of index: Int) -> [Int] {
        cluster.hosts.indices.filter { cluster.hosts[$0].chunks[chunk(index)] != nil }
    }

    /// A session outlives the replica that it reads by: the node drains, and the version that it sees is
    /// replaced and no longer kept.
    @Test func whatASessionSeesStaysWhenItsReplicaLeaves() throws {
        let cluster = TestCluster(
            [.init(name: "us", nodes: 2), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)], roundTrip: ClusterTests.roundTrip,
            seed: 3, grace: .seconds(600), settings: UpkeepTests.settings)
        try #require(cluster.settle())
        let volume = try cluster.create(.volume, "v", region: "us", on: 0, replicasPerRegion: 1, keptVersions: 1)
        try #require(cluster.run(for: .seconds(60)) { cluster.isSettled })
        let leaving = try #require((0..<2).first { cluster.catalog.filesystems[volume]!.plan.contains(NodeID(UInt64($0) + 1)) })
        let lasting = SessionOptions(idleLimit: .seconds(86_400))
        let writer = try cluster.open(volume, on: 2, options: lasting)
        for index in 0..<4 { try put(cluster, writer, "f\(index)", content(index), on: 2) }
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), writer, on: 2)
        let reader = try cluster.open(volume, on: leaving, options: lasting)
        _ = try cluster.change(.drainNode(NodeID(UInt64(leaving) + 1)), on: 2).get()
        try #require(
            cluster.run(for: .seconds(120)) {
                cluster.isSettled && !cluster.hosts[leaving].state.view.groups.contains { $0.filesystem == volume }
            })
        let before = (0..<4).map { holders(cluster, of: $0) }
        #expect(before.allSatisfy { $0.count == 4 })
        for index in 0..<4 { try put(cluster, writer, "f\(index)", [UInt8(index)], on: 2) }
        _ = try cluster.perform(.commit(CommitOptions()), writer, on: 2)
        cluster.run(for: .seconds(400))
        #expect(cluster.hosts.allSatisfy { $0.state.counters.sweeps > 3 })
        #expect((0..<4).map { holders(cluster, of: $0) } == before)
        for index in 0..<4 { #expect(try get(cluster, reader, "f\(index)", on: leaving) == content(index)) }
        cluster.post(.closeSession(reader), to: leaving, after: .zero)
        cluster.run(for: .seconds(400))
        #expect((0..<4).allSatisfy { holders(cluster, of: $0).isEmpty }, "nobody sees it any more")
    }

    /// A node that says that it has a chunk for a clone keeps it until the clone's tree can name it.
    @Test func whatACloneCountsOnStaysUntilItIsNamed() throws {
        let cluster = TestCluster(
            [.init(name: "us", nodes: 2), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)], roundTrip: ClusterTests.roundTrip,
            seed: 3
        ) {
            UpkeepTests.settings(&$0)
            $0.upkeep.interval = .seconds(1)
        }
        try #require(cluster.settle())
        let source = try cluster.create(.volume, "source", region: "us", on: 0, keptVersions: 1)
        cluster.run(for: .seconds(10))
        let session = try cluster.open(source, on: 0, options: SessionOptions(idleLimit: .seconds(86_400)))
        for index in 0..<4 { try put(cluster, session, "f\(index)", content(index), on: 0) }
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), session, on: 0)
        var (options, policy) = (FilesystemOptions(), ReplicationPolicy.standard(.volume))
        options.origin = source
        policy.durability = .all
        let target = try cluster.create(.volume, "target", region: "us", on: 0, policy: policy, options: options)
        // Everything lies there for longer than garbage may.
        cluster.run(for: .seconds(100))
        // One region has lost its copies, and gets them back slowly; the new file system wants one in each.
        cluster.hosts[3].chunks = [:]
        cluster.slowness = { _ in .seconds(60) }
        let end = cluster.now + .seconds(200)
        let request = cluster.begin(on: 0) { .operation($0, session, .clone(into: target, version: nil), payload: nil, deadline: end) }
        cluster.run(for: .milliseconds(300))
        func kept() -> [[Int]] { (0..<4).map { holders(cluster, of: $0).filter { $0 != 3 } } }
        let before = kept()
        #expect(before == Array(repeating: [0, 1, 2], count: 4))
        // Nothing names it any more: the source has another version, and its session moved on.
        for index in 0..<4 { try put(cluster, session, "f\(index)", [UInt8(index)], on: 0) }
        _ = try cluster.perform(.commit(CommitOptions()), session, on: 0)
        let sweeps = cluster.hosts[0...2].map { $0.state.counters.sweeps }
        cluster.run(for: .seconds(60)) {
            zip(cluster.hosts, sweeps).allSatisfy { $0.state.counters.sweeps > $1 + 3 } || cluster.hosts[0].replies[request] != nil
        }
        #expect(zip(cluster.hosts, sweeps).allSatisfy { $0.state.counters.sweeps > $1 + 3 }, "nothing was swept meanwhile")
        #expect(kept() == before)
        cluster.slowness = { _ in .zero }
        guard case .outcome? = cluster.wait(request, on: 0, limit: .seconds(120)) else {
            Issue.record("there is no clone")
            return
        }
        let reader = try cluster.open(target, on: 2)
        for index in 0..<4 { #expect(try get(cluster, reader, "f\(index)", on: 2) == content(index)) }
    }

    /// Whoever has a chunk is found, however many have not.
    @Test func theLastOfManyNodesIsAskedToo() throws {
        let cluster = TestCluster(
            [.init(name: "us", nodes: 18), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)], roundTrip: ClusterTests.roundTrip,
            seed: 2)
        try #require(cluster.settle())
        let volume = try cluster.create(.volume, "v", region: "us", on: 0)
        cluster.run(for: .seconds(10))
        let reader = try #require((0..<18).first { cluster.catalog.filesystems[volume]!.plan.contains(NodeID(UInt64($0) + 1)) })
        let session = try cluster.open(volume, on: reader)
        try put(cluster, session, "f", content(0), on: reader)
        _ = try cluster.perform(.commit(CommitOptions()), session, on: reader)
        for last in [17, 16, 12] where last != reader {
            for host in cluster.hosts { host.chunks = [:] }
            cluster.hosts[last].chunks[chunk(0)] = content(0)
            #expect(try get(cluster, session, "f", on: reader) == content(0), "n\(last + 1) has it")
        }
    }

    /// A chunk that no node has is told of once, looked for less and less often, and holds up no other.
    @Test func whatIsNowhereIsToldOnceAndLookedForSeldom() throws {
        let cluster = TestCluster(
            [.init(name: "us", nodes: 2), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)], roundTrip: ClusterTests.roundTrip,
            seed: 3, grace: .seconds(600)
        ) { $0.upkeep.interval = .seconds(360_000) }
        try #require(cluster.settle())
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        try #require(cluster.run(for: .seconds(60)) { cluster.isSettled })
        let session = try cluster.open(volume, on: 2)
        for index in 0..<6 { try put(cluster, session, "f\(index)", content(index), on: 2) }
        _ = try cluster.perform(.copy(from: FilePath("f1")!, to: FilePath("again")!, recursive: false), session, on: 2)
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), session, on: 2)
        cluster.run(for: .seconds(10))
        for host in cluster.hosts { host.chunks[chunk(1)] = nil }
        let kept = cluster.hosts[3].chunks[chunk(1)]
        #expect(kept == nil)
        _ = try cluster.change(.drainNode(NodeID(1)), on: 2).get()
        cluster.run(for: .seconds(60))
        func told() -> [[Int]] { cluster.hosts.flatMap(\.contentLost).map { [$0.chunks, $0.files] } }
        #expect(told() == [[1, 2]], "one chunk, of two files")
        let early = cluster.fetchesAsked
        #expect(early > 0)
        cluster.run(for: .seconds(240))
        let late = cluster.fetchesAsked
        cluster.run(for: .seconds(120))
        #expect(cluster.fetchesAsked - late <= early / 3, "\(early) in the first minute, \(cluster.fetchesAsked - late) in two")
        #expect(told() == [[1, 2]])
        #expect(cluster.catalog.holdings(of: NodeID(1)) == "content of data")
        for index in 0..<6 where index != 1 {
            let wanted = cluster.hosts[2].state.holders(of: chunk(index), in: volume).map { Int($0.rawValue) - 1 }
            #expect(wanted.allSatisfy { cluster.hosts[$0].chunks[chunk(index)] != nil }, "the others are where they belong")
        }
        // Somebody brings it back.
        cluster.hosts[3].chunks[chunk(1)] = content(1)
        cluster.post(.peerConnected(NodeID(4)), to: try #require(cluster.leader(of: volume)), after: .zero)
        #expect(cluster.run(for: .seconds(20)) { cluster.catalog.isDrained(NodeID(1)) })
    }
}
