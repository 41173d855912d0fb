import Filesystem
import Namespace
import NodeCore
import Primitives
import Replication
import Testing

/// File systems rebuilt from what a node's disk holds (`atoll check namespace`).
@Suite struct StoredMachinesTests {
    private func put(_ cluster: TestCluster, _ session: SessionID, _ name: String, _ size: Int) throws {
        let opened = try cluster.perform(
            .open(path: FilePath(name)!, mode: .replace(mode: 0o644, refuseExisting: false)), session, on: 0)
        guard case .opened(let handle, _) = opened.outcome.value else { return }
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: 0, bytes: ClusterDriver.bytes(size, seed: UInt64(size)))
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: 0)
    }

    @Test(arguments: [1 << 20, 20]) func whatTheDiskHoldsIsWhatTheNodeHad(snapshotEntries: Int) throws {
        let cluster = TestCluster(ClusterTests.world, roundTrip: ClusterTests.roundTrip, seed: 9) { settings in
            settings.snapshotEntries = UInt64(snapshotEntries)
        }
        #expect(cluster.settle())
        let id = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.uploads(of: id) != nil } })
        let session = try cluster.open(id, on: 0)
        for round in 1...30 {
            try put(cluster, session, "f\(round % 4)", 100_000 + round)
            _ = try cluster.perform(.commit(CommitOptions(wait: .all)), session, on: 0)
        }
        cluster.run(for: .seconds(20))
        for (index, host) in cluster.hosts.enumerated() {
            let stored = StoredMachines(host.disk.restored)
            let group = try #require(stored.groups.first { $0.record?.id == id })
            let view = try #require(host.state.view.groups.first { $0.filesystem == id })
            #expect(stored.unknown.isEmpty && group.record?.name == "data")
            // That an entry is committed is written down with the next one: the last few may not be known to be.
            #expect(group.applied <= view.appliedIndex && group.last >= view.appliedIndex && group.applied + 8 > view.appliedIndex)
            if group.applied == view.appliedIndex { #expect(group.machine.digest == view.digest) }
            let namespace = try #require(group.machine.files?.namespace)
            let live = try #require(host.state.namespace(of: id)?.history.versions.first { $0.id == namespace.version })
            #expect(live.digest == namespace.tree.digest, "node \(index + 1) at \(namespace.version)")
            let node = NodeID(UInt64(index) + 1)
            let check = try #require(NamespaceCheck(group, of: stored, on: node, holds: { host.chunks[$0] != nil }))
            #expect(check.isSound && check.statistics.files == 4 && check.versions > 24, "\(check)")
            #expect(check.chunks > 24 && check.absentHere == 0)
            // Every region keeps a copy of everything: what is not here was lost.
            let empty = try #require(NamespaceCheck(group, of: stored, on: node, holds: { _ in false }))
            #expect(!empty.isSound && empty.lost == empty.chunks && empty.absentHere == empty.chunks)
            #expect(empty.absent.contains { $0.isLost && $0.paths.first?.hasPrefix("/f") ?? false }, "\(empty.absent)")
        }
    }
}
