import Filesystem
import NodeCore
import Primitives
import Replication
import Testing

/// Clones of either kind into either kind.
@Suite struct CloneTests {
    private static let sizes = [10, 3_000, 90_000, 250_000]

    private func put(_ cluster: TestCluster, _ session: SessionID, _ size: Int, seed: Int = 0, on node: Int) throws {
        let opened = try cluster.perform(
            .open(path: FilePath("dir/f\(size)")!, mode: .replace(mode: 0o640, refuseExisting: false)), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else { return }
        let bytes = ClusterDriver.bytes(size, seed: UInt64(seed))
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: bytes)
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
    }

    private func get(_ cluster: TestCluster, _ session: SessionID, _ size: Int, on node: Int) throws -> [UInt8]? {
        let opened = try cluster.perform(.open(path: FilePath("dir/f\(size)")!, mode: .read), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else { return nil }
        return try cluster.perform(.read(handle: handle, offset: 0, length: UInt32(size) + 1), session, on: node).data
    }

    private func begin(seed: UInt64 = 1) -> TestCluster {
        let cluster = TestCluster(
            [.init(name: "us", nodes: 2), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)], roundTrip: ClusterTests.roundTrip,
            seed: seed)
        #expect(cluster.settle())
        return cluster
    }

    /// A file system with files in it, as a session on `node` left it.
    private func fill(_ cluster: TestCluster, _ kind: FilesystemKind) throws -> FilesystemID {
        let id = try cluster.create(kind, "source", region: "us", on: 0)
        cluster.run(for: .seconds(10))
        let session = try cluster.open(id, on: 0)
        for size in Self.sizes { try put(cluster, session, size, on: 0) }
        if kind == .volume { _ = try cluster.perform(.commit(CommitOptions()), session, on: 0) }
        return id
    }

    @Test(arguments: [FilesystemKind.nfs, .volume], [FilesystemKind.nfs, .volume])
    func aCloneHasTheContentAndOutlivesItsSource(from: FilesystemKind, to: FilesystemKind) throws {
        let cluster = begin()
        let source = try fill(cluster, from)
        var options = FilesystemOptions()
        options.origin = source
        let home = to == .nfs ? "ap" : "us"
        let target = try cluster.create(to, "target", region: home, on: 2, options: options)
        cluster.run(for: .seconds(2))
        // Asked in another region than the source's.
        let session = try cluster.open(source, on: 2)
        if to == .volume {
            #expect { try cluster.open(target, on: 2) } throws: { ($0 as? FileFailure)?.code == .busy }
        } else {
            let early = try cluster.open(target, on: 2)
            #expect { try get(cluster, early, 10, on: 2) } throws: { ($0 as? FileFailure)?.code == .busy }
        }
        _ = try cluster.perform(.clone(into: target, version: nil), session, on: 2)
        // Every durable copy of the source's own is gone with it.
        _ = try cluster.change(.deleteFilesystem(.id(source), allowMissing: false), on: 1).get()
        let holders = cluster.hosts.indices.filter { index in
            cluster.hosts[0].state.catalog.filesystems[target]!.plan.contains(NodeID(UInt64(index) + 1))
        }
        cluster.run(for: .seconds(30))
        for index in cluster.hosts.indices where !holders.contains(index) { cluster.hosts[index].chunks = [:] }
        for node in [0, 2, 3] {
            let reader = try cluster.open(target, on: node)
            for size in Self.sizes {
                #expect(try get(cluster, reader, size, on: node) == ClusterDriver.bytes(size, seed: 0), "\(size) on \(node)")
            }
        }
        // It is a file system like any other.
        let writer = try cluster.open(target, on: 2)
        try put(cluster, writer, 20, seed: 1, on: 2)
        if to == .volume {
            guard case .receipt(let receipt) = try cluster.perform(.commit(CommitOptions()), writer, on: 2).outcome.value else { return }
            #expect(receipt.version == VersionID(2))
        }
        #expect(try get(cluster, writer, 20, on: 2) == ClusterDriver.bytes(20, seed: 1))
    }

    @Test func aPastVersionIsClonedAndTheSourceStaysAsItIs() throws {
        let cluster = begin()
        let source = try fill(cluster, .volume)
        let session = try cluster.open(source, on: 0)
        try put(cluster, session, 3_000, seed: 2, on: 0)
        _ = try cluster.perform(.commit(CommitOptions()), session, on: 0)
        var options = FilesystemOptions()
        options.origin = source
        let old = try cluster.create(.volume, "old", region: "us", on: 0, options: options)
        cluster.run(for: .seconds(2))
        #expect { try cluster.perform(.clone(into: old, version: VersionID(9)), session, on: 0) } throws: {
            ($0 as? FileFailure)?.code == .notFound
        }
        _ = try cluster.perform(.clone(into: old, version: VersionID(1)), session, on: 0)
        let reader = try cluster.open(old, on: 3)
        #expect(try get(cluster, reader, 3_000, on: 3) == ClusterDriver.bytes(3_000, seed: 0))
        #expect(try get(cluster, session, 3_000, on: 0) == ClusterDriver.bytes(3_000, seed: 2))
        // What has content of its own is not overwritten.
        #expect { try cluster.perform(.clone(into: old, version: nil), session, on: 0) } throws: { ($0 as? FileFailure)?.code == .exists }
        #expect { try cluster.perform(.clone(into: FilesystemID(kind: .volume, high: 9, low: 9), version: nil), session, on: 0) } throws: {
            ($0 as? FileFailure)?.code == .notFound
        }
    }
}
