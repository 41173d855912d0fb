import Filesystem
import Foundation
import NodeCore
import Primitives
import Replication
import Testing

/// Whole nodes under virtual time: both kinds of file system, their costs in round trips, and what
/// happens when regions and leaders are lost.
@Suite struct ClusterTests {
    static let world: [TestCluster.Region] = [.init(name: "us", nodes: 1), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)]
    static func roundTrip(_ a: String, _ b: String) -> Int {
        switch Set([a, b]) {
        case ["us", "eu"]: 70
        case ["us", "ap"]: 150
        default: 220
        }
    }

    private func path(_ text: String) -> FilePath { FilePath(text)! }

    private func cluster(_ regions: [TestCluster.Region] = world, seed: UInt64 = 1) throws -> TestCluster {
        let cluster = TestCluster(regions, roundTrip: Self.roundTrip, seed: seed)
        #expect(cluster.settle(), "the catalog has no leader after 30 s")
        return cluster
    }

    private func put(_ cluster: TestCluster, _ session: SessionID, _ name: String, _ bytes: [UInt8], on node: Int) throws -> OperationCost {
        var cost = OperationCost()
        let opened = try cluster.perform(.open(path: path(name), mode: .replace(mode: 0o644, refuseExisting: false)), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else {
            throw FileFailure(.ioError, operation: "open", object: name, cause: "not opened")
        }
        cost = cost + opened.outcome.cost
        cost = cost + (try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: bytes).outcome.cost)
        cost = cost + (try cluster.perform(.close(handle: handle, abandon: false), session, on: node).outcome.cost)
        return cost
    }

    private func get(_ cluster: TestCluster, _ session: SessionID, _ name: String, on node: Int) throws -> (
        bytes: [UInt8], cost: OperationCost
    ) {
        let opened = try cluster.perform(.open(path: path(name), mode: .read), session, on: node)
        guard case .opened(let handle, let attributes) = opened.outcome.value else {
            throw FileFailure(.ioError, operation: "open", object: name, cause: "not opened")
        }
        let read = try cluster.perform(.read(handle: handle, offset: 0, length: UInt32(max(attributes.size, 1))), session, on: node)
        let closed = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
        return (read.data ?? [], opened.outcome.cost + read.outcome.cost + closed.outcome.cost)
    }

    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    @Test(arguments: [100, 5_000, 200_000]) func aNetworkFileSystemIsSeenFromEveryRegion(size: Int) throws {
        let cluster = try cluster()
        let id = try cluster.create(.nfs, "shared", region: "us", on: 2)
        let writer = try cluster.open(id, on: 2)
        let content = bytes(size, seed: 3)
        let cost = try put(cluster, writer, "dir/file", content, on: 2)
        #expect(cost.wideAreaRoundTrips == 1, "a small whole file goes in one compound")
        for node in 0..<3 {
            let reader = try cluster.open(id, on: node)
            let (read, cost) = try get(cluster, reader, "dir/file", on: node)
            #expect(read == content)
            #expect((cost.wideAreaRoundTrips == 0) == (node == 0), "only the primary region reads without the wide area")
        }
        cluster.run(for: .seconds(1))
        #expect(cluster.buffersHeld() == 0, "every buffer is dropped when its request is over")
    }

    /// What others publish at the same moment is seen after a reload: else the next commit would count
    /// as having seen what its client has not.
    @Test func aCommitMovesItsSessionToItsOwnVersion() throws {
        let cluster = try cluster()
        let id = try cluster.create(.volume, "vol", region: "us", on: 0)
        cluster.run(for: .seconds(5))
        // The commit from the farther region comes to the leader first, and hears of it last.
        let nodes = [2, 1, 0]
        let sessions = try nodes.map { try cluster.open(id, on: $0) }
        for (node, session) in zip(nodes, sessions) { _ = try put(cluster, session, "f\(node)", bytes(10, seed: 1), on: node) }
        var requests: [RequestID] = []
        for (place, node) in nodes.enumerated() {
            let end = cluster.now + .seconds(30)
            let session = sessions[place]
            requests.append(
                cluster.begin(on: node) { .operation($0, session, .commit(CommitOptions()), payload: nil, deadline: end) })
            cluster.run(for: .milliseconds(35))
        }
        for (place, node) in nodes.enumerated() {
            guard case .outcome(let outcome, _)? = cluster.wait(requests[place], on: node), case .receipt(let receipt) = outcome.value
            else {
                Issue.record("commit \(place) was not answered")
                continue
            }
            let status = try cluster.perform(.sessionStatus, sessions[place], on: node).outcome.value
            guard case .session(let session) = status else {
                Issue.record("no status")
                continue
            }
            #expect(session.version == receipt.version)
        }
    }

    /// The round trips of Linux's client, as measured (docs/internals/nfs-client-model.md).
    @Test func operationsPayTheRoundTripsOfARealClient() throws {
        let cluster = try cluster()
        let id = try cluster.create(.nfs, "shared", region: "us", on: 0)
        let session = try cluster.open(id, on: 2, options: SessionOptions(attributeCache: .zero))
        func cost(_ operations: [FileOperation]) throws -> UInt32 {
            try operations.reduce(0) { $0 + (try cluster.perform($1, session, on: 2).outcome.cost.wideAreaRoundTrips) }
        }
        let made = try cluster.perform(
            .open(path: path("a"), mode: .create(mode: 0o644, exclusive: false, truncate: false)), session, on: 2)
        guard case .opened(let handle, _) = made.outcome.value else { return }
        let wrote = try cluster.perform(.write(handle: handle, offset: 0), session, on: 2, bytes: bytes(4_096, seed: 1))
        let closed = try cluster.perform(.close(handle: handle, abandon: false), session, on: 2)
        #expect((made.outcome.cost + wrote.outcome.cost + closed.outcome.cost).wideAreaRoundTrips == 4, "create, write 4 KiB, close")
        #expect(try get(cluster, session, "a", on: 2).cost.wideAreaRoundTrips == 2, "open, read, close")
        #expect(try cost([.stat(path: path("a"), followLinks: true)]) == 1)
        #expect(try cost([.rename(from: path("a"), to: path("b"), noReplace: false)]) == 3)
        #expect(try cost([.remove(path: path("b"), recursive: false)]) == 3)
        #expect(try cost([.makeDirectory(path: path("d"), mode: 0o755, parents: false)]) == 2)
    }

    @Test func aVolumeReadsLocallyAndCommitsAtOnce() throws {
        let cluster = try cluster()
        let id = try cluster.create(.volume, "models", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.view.groups.count == 2 } })
        let writer = try cluster.open(id, on: 0)
        let content = bytes(300_000, seed: 9)
        #expect(try put(cluster, writer, "weights/big", content, on: 0).wideAreaRoundTrips == 0)
        #expect(try put(cluster, writer, "weights/small", [1, 2, 3], on: 0).wideAreaRoundTrips == 0)
        let before = try cluster.open(id, on: 1)
        #expect(throws: FileFailure.self) { try get(cluster, before, "weights/small", on: 1) }
        let commit = try cluster.perform(.commit(CommitOptions(wait: .all)), writer, on: 0)
        guard case .receipt(let receipt) = commit.outcome.value else {
            throw FileFailure(.ioError, operation: "commit", object: "", cause: "no receipt")
        }
        #expect(receipt.version == VersionID(1))
        #expect(receipt.completeRegions == [RegionID("ap"), RegionID("eu"), RegionID("us")])
        // A snapshot stays as it is until it is reloaded.
        #expect(throws: FileFailure.self) { try get(cluster, before, "weights/small", on: 1) }
        _ = try cluster.perform(.reload(.local, discard: false), before, on: 1)
        for node in 0..<3 {
            let reader = try cluster.open(id, on: node)
            let read = try get(cluster, reader, "weights/big", on: node)
            #expect(read.bytes == content)
            #expect(read.cost.wideAreaRoundTrips == 0, "content was copied to every region before the commit was answered")
        }
        #expect(try get(cluster, before, "weights/small", on: 1).bytes == [1, 2, 3])
        let digests = cluster.hosts.map { host in host.state.view.groups.first { $0.filesystem == id }!.digest }
        #expect(Set(digests).count == 1)
    }

    @Test func theLaterCommitWinsAndTheLoserIsKept() throws {
        let cluster = try cluster()
        let id = try cluster.create(.volume, "v", region: "us", on: 0)
        cluster.run(for: .seconds(2))
        let first = try cluster.open(id, on: 0)
        _ = try put(cluster, first, "f", [0], on: 0)
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), first, on: 0)
        let a = try cluster.open(id, on: 1)
        let b = try cluster.open(id, on: 2)
        _ = try put(cluster, a, "f", [1], on: 1)
        _ = try put(cluster, b, "f", [2], on: 2)
        _ = try cluster.perform(.commit(CommitOptions()), a, on: 1)
        #expect(throws: FileFailure.self) { try cluster.perform(.commit(CommitOptions(ifUnchanged: true)), b, on: 2) }
        let second = try cluster.perform(.commit(CommitOptions()), b, on: 2)
        guard case .receipt(let receipt) = second.outcome.value else { return }
        #expect(receipt.conflicts.map(\.path) == [path("f")])
        #expect(try get(cluster, b, "f", on: 2).bytes == [2])
        let listed = try cluster.perform(.conflicts(limit: 10), b, on: 2)
        guard case .conflicts(let conflicts) = listed.outcome.value else { return }
        #expect(conflicts.count == 1)
    }

    @Test func aReloadNeverLosesStagedChanges() throws {
        let cluster = try cluster()
        let id = try cluster.create(.volume, "v", region: "us", on: 0)
        cluster.run(for: .seconds(2))
        let session = try cluster.open(id, on: 0)
        _ = try put(cluster, session, "f", [0], on: 0)
        #expect {
            try cluster.perform(.reload(.latest, discard: false), session, on: 0)
        } throws: { ($0 as? FileFailure)?.code == .conflict }
        #expect(try get(cluster, session, "f", on: 0).bytes == [0])
        _ = try cluster.perform(.reload(.latest, discard: true), session, on: 0)
        #expect(throws: FileFailure.self) { try get(cluster, session, "f", on: 0) }
    }

    @Test func locksHoldAcrossRegionsAndEndWithTheirSession() throws {
        let cluster = try cluster()
        let id = try cluster.create(.nfs, "locks", region: "us", on: 0)
        let a = try cluster.open(id, on: 1)
        let b = try cluster.open(id, on: 2)
        func handle(_ session: SessionID, _ node: Int) throws -> HandleID {
            let opened = try cluster.perform(
                .open(path: path("l"), mode: .create(mode: 0o644, exclusive: false, truncate: false)), session, on: node)
            guard case .opened(let id, _) = opened.outcome.value else {
                throw FileFailure(.ioError, operation: "open", object: "l", cause: "")
            }
            return id
        }
        let whole = LockRange(start: 0, length: .max)
        let first = try handle(a, 1)
        let second = try handle(b, 2)
        _ = try cluster.perform(.lock(handle: first, range: whole, exclusive: true, wait: false), a, on: 1)
        #expect {
            try cluster.perform(.lock(handle: second, range: whole, exclusive: true, wait: false), b, on: 2)
        } throws: { ($0 as? FileFailure)?.code == .wouldBlock }
        cluster.post(.closeSession(a), to: 1, after: .zero)
        _ = try cluster.perform(.lock(handle: second, range: whole, exclusive: true, wait: true), b, on: 2)
    }

    @Test func aLostLeaderIsReplacedAndCommitsGoOn() throws {
        let cluster = try cluster([.init(name: "us", nodes: 3), .init(name: "eu", nodes: 3), .init(name: "ap", nodes: 3)])
        let id = try cluster.create(.volume, "v", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.view.groups.count == 2 } })
        cluster.run(for: .seconds(10))
        let leader = cluster.hosts.firstIndex { $0.state.view.groups.contains { $0.filesystem == id && $0.role == "leader" } }
        let lost = try #require(leader)
        let writer = (lost + 1) % 3 + 3
        let session = try cluster.open(id, on: writer)
        _ = try put(cluster, session, "a", [1], on: writer)
        _ = try cluster.perform(.commit(CommitOptions()), session, on: writer)
        cluster.crash(lost)
        for peer in cluster.hosts.indices where peer != lost {
            cluster.post(.peerLost(NodeID(UInt64(lost) + 1)), to: peer, after: .milliseconds(100))
        }
        _ = try put(cluster, session, "b", [2], on: writer)
        let before = cluster.now
        _ = try cluster.perform(.commit(CommitOptions()), session, on: writer)
        #expect(cluster.now - before < .seconds(4))
    }

    @Test func aRegionCutOffKeepsReadingItsVolumesAndCannotReachAFarNetworkFileSystem() throws {
        let cluster = try cluster()
        let nfs = try cluster.create(.nfs, "n", region: "us", on: 0)
        let volume = try cluster.create(.volume, "vol", region: "us", on: 0)
        cluster.run(for: .seconds(5))
        let writer = try cluster.open(volume, on: 0)
        _ = try put(cluster, writer, "f", bytes(10_000, seed: 2), on: 0)
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), writer, on: 0)
        let reader = try cluster.open(volume, on: 2)
        let client = try cluster.open(nfs, on: 2)
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        #expect(try get(cluster, reader, "f", on: 2).bytes == bytes(10_000, seed: 2))
        #expect {
            try cluster.perform(.stat(path: path("x"), followLinks: true), client, on: 2, limit: .seconds(20))
        } throws: { ($0 as? FileFailure)?.code == .timedOut }
        _ = try put(cluster, writer, "g", [1], on: 0)
        _ = try cluster.perform(.commit(CommitOptions()), writer, on: 0)
        cluster.cut = { _, _ in false }
        #expect {
            try cluster.perform(.stat(path: path("x"), followLinks: true), client, on: 2)
        } throws: { ($0 as? FileFailure)?.code == .notFound }
        _ = try cluster.perform(.reload(.latest, discard: false), reader, on: 2)
        #expect(try get(cluster, reader, "g", on: 2).bytes == [1])
    }

    @Test func theSameSeedGivesTheSameRun() throws {
        func trace(_ seed: UInt64) throws -> [Counters] {
            let cluster = try cluster(seed: seed)
            _ = try cluster.create(.volume, "v", region: "us", on: 0)
            cluster.run(for: .seconds(20))
            return cluster.hosts.map { $0.state.counters }
        }
        #expect(try trace(5) == trace(5))
        #expect(try trace(5) != trace(6))
    }
}
