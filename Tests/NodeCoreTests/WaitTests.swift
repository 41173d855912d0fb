import Filesystem
import NodeCore
import Primitives
import Replication
import Testing

/// What a node says of requests that wait: which file system, and who is missing.
@Suite struct WaitTests {
    private func cluster(regions: [TestCluster.Region] = ClusterTests.world) -> TestCluster {
        let cluster = TestCluster(regions, roundTrip: ClusterTests.roundTrip, seed: 3)
        #expect(cluster.settle())
        return cluster
    }

    private func volume(_ cluster: TestCluster) throws -> FilesystemID {
        let id = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.uploads(of: id) != nil } })
        return id
    }

    private func put(_ cluster: TestCluster, _ session: SessionID, _ name: String, _ size: Int, on node: Int) throws {
        let opened = try cluster.perform(
            .open(path: FilePath(name)!, mode: .replace(mode: 0o644, refuseExisting: false)), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else { return }
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: ClusterDriver.bytes(size, seed: 1))
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
    }

    /// Begins an operation, looks after `seconds`, and gives what is listed and what it ends with.
    private func look(_ operation: FileOperation, _ session: SessionID, on node: Int, _ cluster: TestCluster, after seconds: Int = 8) throws
        -> (waits: [RequestWait], failure: FileFailure?)
    {
        let end = cluster.now + .seconds(20)
        let request = cluster.begin(on: node) { .operation($0, session, operation, payload: nil, deadline: end) }
        cluster.run(for: .milliseconds(900))
        #expect(cluster.hosts[node].state.waits(longerThan: .seconds(1), now: cluster.now).isEmpty, "it has not waited for a second")
        cluster.run(for: .seconds(seconds))
        let waits = cluster.hosts[node].state.waits(longerThan: .seconds(1), now: cluster.now)
        guard case .failed(let failure)? = cluster.wait(request, on: node) else { return (waits, nil) }
        #expect(cluster.hosts[node].state.waits(longerThan: .seconds(1), now: cluster.now).isEmpty, "it is over")
        return (waits, failure)
    }

    @Test func aChangeWithoutAMajorityNamesTheVolumeAndTheRegionsOfItsVoters() throws {
        let cluster = cluster()
        let id = try volume(cluster)
        let session = try cluster.open(id, on: 0)
        try put(cluster, session, "small", 10, on: 0)
        cluster.cut = { ($0 == 0) != ($1 == 0) }
        cluster.run(for: .seconds(30))
        let (waits, failure) = try look(.commit(CommitOptions()), session, on: 0, cluster)
        let wait = try #require(waits.first)
        #expect(waits.count == 1)
        #expect(wait.operation == "commit" && wait.object == "volume 'data'" && wait.filesystem == id && wait.session == session)
        #expect(
            wait.waitsFor.contains("no leader of volume 'data' is heard; of its voters' regions ap, eu, us only us is alive"), "\(wait)")
        #expect(wait.waited > .seconds(8) && wait.waited < .seconds(10) && wait.waited + wait.left == .seconds(20))
        let said = try #require(failure)
        #expect(said.code == .timedOut && said.object == "volume 'data'")
        #expect(said.cause == "no answer before the deadline, waiting for \(wait.waitsFor)")
        // A reload of the newest version needs a leader too.
        let (_, reload) = try look(.reload(.latest, discard: true), session, on: 0, cluster)
        #expect(reload?.cause.contains("no leader of volume 'data' is heard") ?? false, "\(String(describing: reload))")
        cluster.cut = { _, _ in false }
        cluster.run(for: .seconds(60))
        let end = cluster.now + .seconds(20)
        _ = cluster.begin(on: 0) { .operation($0, session, .commit(CommitOptions()), payload: nil, deadline: end) }
        cluster.run(for: .seconds(5))
        #expect(cluster.hosts[0].state.waits(longerThan: .seconds(1), now: cluster.now).isEmpty)
    }

    @Test func aCommitThatWaitsForCopiesSaysWhichRegionsHaveThem() throws {
        let cluster = cluster()
        let id = try volume(cluster)
        let session = try cluster.open(id, on: 0)
        cluster.cut = { ($0 == 0) != ($1 == 0) }
        cluster.run(for: .seconds(30))
        try put(cluster, session, "large", 300_000, on: 0)
        let (waits, failure) = try look(.commit(CommitOptions()), session, on: 0, cluster)
        #expect(
            waits.first?.waitsFor == "copies of the content in other places: us holds it, not yet ap, eu; ap, eu do not answer", "\(waits)")
        #expect(failure?.cause.contains("us holds it, not yet ap, eu") ?? false)
    }

    @Test func aReadOfWhatNobodyGivesSaysWhoWasAsked() throws {
        let cluster = cluster()
        let id = try volume(cluster)
        let writer = try cluster.open(id, on: 0)
        try put(cluster, writer, "large", 300_000, on: 0)
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), writer, on: 0)
        let reader = try cluster.open(id, on: 2)
        guard case .opened(let handle, _) = try cluster.perform(.open(path: FilePath("large")!, mode: .read), reader, on: 2).outcome.value
        else { return }
        cluster.hosts[2].chunks = [:]
        // Both answer, and too late.
        cluster.slowness = { _ in .seconds(100) }
        let (waits, failure) = try look(.read(handle: handle, offset: 0, length: 1_000), reader, on: 2, cluster, after: 1)
        let words = try #require(waits.first).waitsFor
        #expect(words.hasPrefix("chunks from other nodes: ") && words.contains("asked ") && words.contains("node1 in us"), "\(words)")
        #expect(waits.first?.object.hasSuffix(" in volume 'data'") ?? false)
        #expect(failure?.cause.contains("n1") ?? false || failure?.cause.contains("node1") ?? false, "\(String(describing: failure))")
    }

    @Test func aNetworkFileSystemNamesTheVotersOfItsRegion() throws {
        let cluster = cluster(regions: [.init(name: "us", nodes: 3), .init(name: "eu", nodes: 1)])
        let id = try cluster.create(.nfs, "share", region: "us", on: 3)
        let session = try cluster.open(id, on: 3)
        cluster.cut = { ($0 == 3) != ($1 == 3) }
        cluster.run(for: .seconds(30))
        let (waits, _) = try look(.stat(path: FilePath("f")!, followLinks: true), session, on: 3, cluster)
        let words = try #require(waits.first).waitsFor
        #expect(words.hasPrefix("the leader of the primary region: "), "\(words)")
        #expect(words.hasSuffix("of its voters in us node1, node2, node3 none is alive"), "\(words)")
        #expect(waits.first?.object == "/f in network file system 'share'")
    }

    /// Opening a session ends by its own deadline, where it has one.
    @Test func anOpenEndsByItsDeadline() throws {
        let cluster = cluster()
        let id = try volume(cluster)
        // The leader is known still, and does not answer.
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        let began = cluster.now
        let request = cluster.begin(on: 2) { .openSession($0, id, SessionOptions(), deadline: began + .milliseconds(400)) }
        guard case .failed(let failure)? = cluster.wait(request, on: 2) else {
            throw FileFailure(.ioError, operation: "open", object: "data", cause: "it was opened after \(cluster.now - began)")
        }
        #expect(failure.code == .timedOut && failure.hint == "nothing was changed; try again", "\(failure)")
        #expect(cluster.now - began < .milliseconds(600), "after \(cluster.now - began)")
    }

    /// The list is bounded, the oldest first.
    @Test func atMostAHundredAreListed() throws {
        let cluster = cluster()
        let id = try cluster.create(.nfs, "share", region: "us", on: 2)
        let session = try cluster.open(id, on: 2)
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        let end = cluster.now + .seconds(20)
        for number in 0..<150 {
            let path = FilePath("f\(number)")!
            _ = cluster.begin(on: 2) { .operation($0, session, .stat(path: path, followLinks: true), payload: nil, deadline: end) }
            cluster.run(for: .milliseconds(1))
        }
        cluster.run(for: .seconds(5))
        let waits = cluster.hosts[2].state.waits(longerThan: .seconds(1), now: cluster.now)
        #expect(waits.count == NodeState.waitsShown)
        #expect(waits.first?.object == "/f0 in network file system 'share'" && waits.last?.object == "/f99 in network file system 'share'")
    }
}
