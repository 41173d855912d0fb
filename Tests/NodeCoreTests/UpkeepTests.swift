import Filesystem
import Namespace
import NodeCore
import Primitives
import Replication
import Testing

/// What becomes of content after it was written: garbage goes, what is in use stays, what is missing
/// comes back, and a read finds it wherever it is.
@Suite struct UpkeepTests {
    static func settings(_ settings: inout NodeSettings) {
        settings.garbage.grace = .seconds(60)
        settings.upkeep.interval = .seconds(20)
        settings.upkeep.purgeDelay = .seconds(10)
        settings.upkeep.absence = .seconds(40)
    }

    private func cluster(_ regions: [TestCluster.Region], seed: UInt64 = 1) throws -> TestCluster {
        let cluster = TestCluster(regions, roundTrip: ClusterTests.roundTrip, seed: seed, settings: Self.settings)
        try #require(cluster.settle(), "the catalog has no leader after 30 s")
        return cluster
    }

    private func put(_ cluster: TestCluster, _ session: SessionID, _ name: String, _ bytes: [UInt8], on node: Int) throws {
        let mode = OpenMode.replace(mode: 0o644, refuseExisting: false)
        guard
            case .opened(let handle, _) = try cluster.perform(.open(path: FilePath(name)!, mode: mode), session, on: node).outcome.value
        else { return }
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: bytes)
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
    }

    private func get(_ cluster: TestCluster, _ session: SessionID, _ name: String, on node: Int) throws -> (
        bytes: [UInt8], cost: OperationCost
    ) {
        let opened = try cluster.perform(.open(path: FilePath(name)!, mode: .read), session, on: node)
        guard case .opened(let handle, let attributes) = opened.outcome.value else { return ([], OperationCost()) }
        let read = try cluster.perform(.read(handle: handle, offset: 0, length: UInt32(attributes.size)), session, on: node)
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
        return (read.data ?? [], read.outcome.cost)
    }

    private func replicated(_ cluster: TestCluster, _ filesystem: FilesystemID) {
        cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.namespace(of: filesystem) != nil } }
    }

    private func chunks(_ cluster: TestCluster) -> [Int] { cluster.hosts.map(\.chunks.count) }

    @Test func aDeletedFileSystemIsGoneEverywhere() throws {
        let cluster = try cluster([.init(name: "us", nodes: 3), .init(name: "eu", nodes: 2), .init(name: "ap", nodes: 1)])
        let kept = try cluster.create(.volume, "kept", region: "us", on: 0)
        let gone = try cluster.create(.volume, "gone", region: "us", on: 0)
        let share = try cluster.create(.nfs, "share", region: "us", on: 0)
        replicated(cluster, gone)
        for (index, filesystem) in [kept, gone].enumerated() {
            let session = try cluster.open(filesystem, on: 1)
            // One file that both have, and one of its own.
            for name in ["both", "own"] {
                try put(cluster, session, name, ClusterDriver.bytes(9_000, seed: name == "both" ? 1 : UInt64(index) + 2), on: 1)
            }
            _ = try cluster.perform(.commit(CommitOptions(wait: .all)), session, on: 1)
            cluster.post(.closeSession(session), to: 1, after: .zero)
        }
        let writer = try cluster.open(share, on: 4)
        try put(cluster, writer, "own", ClusterDriver.bytes(9_000, seed: 9), on: 4)
        cluster.run(for: .seconds(30))
        let before = chunks(cluster).reduce(0, +)
        for filesystem in [gone, share] { _ = try cluster.change(.deleteFilesystem(.id(filesystem), allowMissing: false), on: 2) }
        cluster.run(for: .seconds(300))
        var named: Set<ChunkID> = []
        cluster.hosts[0].state.namespace(of: kept)?.forEachReferencedChunk { named.insert($0.id) }
        #expect(named.count == 2)
        #expect(cluster.hosts.allSatisfy { named.isSuperset(of: $0.chunks.keys) }, "\(chunks(cluster))")
        for id in named {
            for holder in cluster.hosts[0].state.holders(of: id, in: kept) {
                #expect(cluster.hosts[Int(holder.rawValue) - 1].chunks[id] != nil)
            }
        }
        #expect(chunks(cluster).reduce(0, +) <= before - 3 - 5, "\(before) before, \(chunks(cluster)) after")
        for host in cluster.hosts {
            #expect(host.state.view.groups.count == 2, "the catalog's and the kept volume's")
            #expect(Array(host.state.catalog.filesystems.map(\.key)) == [kept], "the records have ended")
            #expect(host.state.counters.sweeps > 0 && host.state.counters.chunksMissing == 0)
        }
        let reader = try cluster.open(kept, on: 5)
        #expect(try get(cluster, reader, "both", on: 5).bytes == ClusterDriver.bytes(9_000, seed: 1))
    }

    @Test func whatASessionSeesStaysAsLongAsItIsOpen() throws {
        let cluster = try cluster([.init(name: "us", nodes: 3), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)])
        let volume = try cluster.create(.volume, "v", region: "us", on: 0, keptVersions: 1)
        replicated(cluster, volume)
        let writer = try cluster.open(volume, on: 0, options: SessionOptions(idleLimit: .seconds(86_400)))
        let contents = (0..<8).map { ClusterDriver.bytes(9_000, seed: UInt64($0)) }
        for (index, bytes) in contents.enumerated() { try put(cluster, writer, "f\(index)", bytes, on: 0) }
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), writer, on: 0)
        let readers = try (1...4).map { try cluster.open(volume, on: $0, options: SessionOptions(idleLimit: .seconds(86_400))) }
        // Staged and not committed for long.
        let slow = ClusterDriver.bytes(9_000, seed: 77)
        try put(cluster, readers[0], "slow", slow, on: 1)
        // The version that they see is not kept: nothing else names its files any more.
        for round in 0..<3 {
            for index in 0..<8 { try put(cluster, writer, "f\(index)", [UInt8(round)], on: 0) }
            _ = try cluster.perform(.commit(CommitOptions()), writer, on: 0)
        }
        cluster.run(for: .seconds(900))
        for (position, reader) in readers.enumerated() {
            for (index, bytes) in contents.enumerated() {
                #expect(try get(cluster, reader, "f\(index)", on: position + 1).bytes == bytes, "f\(index) on node \(position + 1)")
            }
        }
        let swept = cluster.swept.count
        _ = try cluster.perform(.commit(CommitOptions()), readers[0], on: 1)
        let id = SHA256.hash(slow)
        let holders = cluster.hosts[0].state.holders(of: id, in: volume)
        cluster.run(for: .seconds(10))
        for holder in holders { #expect(cluster.hosts[Int(holder.rawValue) - 1].chunks[id] != nil, "\(holder) lacks what was committed") }
        for (position, reader) in readers.enumerated() { cluster.post(.closeSession(reader), to: position + 1, after: .zero) }
        cluster.post(.closeSession(writer), to: 0, after: .zero)
        cluster.run(for: .seconds(300))
        #expect(cluster.swept.count > swept)
        for host in cluster.hosts { #expect(host.chunks.keys.allSatisfy { $0 == id }, "\(host.chunks.count) chunks are left") }
    }

    @Test func anEmptiedStoreIsFilledAgain() throws {
        let cluster = try cluster([.init(name: "us", nodes: 3), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)])
        let volume = try cluster.create(.volume, "v", region: "us", on: 0)
        let share = try cluster.create(.nfs, "s", region: "us", on: 0)
        replicated(cluster, volume)
        let session = try cluster.open(volume, on: 0)
        let client = try cluster.open(share, on: 0)
        for index in 0..<40 {
            try put(cluster, session, "f\(index)", ClusterDriver.bytes(5_000, seed: UInt64(index)), on: 0)
            try put(cluster, client, "g\(index)", ClusterDriver.bytes(5_000, seed: UInt64(1_000 + index)), on: 0)
        }
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), session, on: 0)
        cluster.run(for: .seconds(30))
        let before = cluster.hosts.map { Set($0.chunks.keys) }
        for lost in [1, 3] {
            cluster.hosts[lost].chunks = [:]
            cluster.run(for: .seconds(30))
            let wanted = before[lost].filter { id in
                [volume, share].contains { cluster.hosts[0].state.holders(of: id, in: $0).contains(NodeID(UInt64(lost) + 1)) }
            }
            let back = Set(cluster.hosts[lost].chunks.keys)
            #expect(!wanted.isEmpty && wanted.isSubset(of: back), "\(back.count) of \(wanted.count) on node \(lost + 1)")
            #expect(cluster.hosts[lost].state.counters.chunksRepaired > 0)
        }
        // A node that is lost for good: others of its region make up for its copies.
        cluster.crash(2)
        for peer in cluster.hosts.indices where peer != 2 { cluster.post(.peerLost(NodeID(3)), to: peer, after: .milliseconds(100)) }
        cluster.run(for: .seconds(180))
        let named = before.reduce(into: Set<ChunkID>()) { $0.formUnion($1) }
        for id in named { #expect([0, 1].allSatisfy { cluster.hosts[$0].chunks[id] != nil }, "a chunk has one copy in its region") }
    }

    @Test func readsOfOneChunkShareItsFlightAndPayWhatWasSent() throws {
        let cluster = try cluster(ClusterTests.world)
        let volume = try cluster.create(.volume, "v", region: "us", on: 0)
        replicated(cluster, volume)
        let writer = try cluster.open(volume, on: 0)
        let content = ClusterDriver.bytes(200_000, seed: 3)
        try put(cluster, writer, "big", content, on: 0)
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), writer, on: 0)
        cluster.run(for: .seconds(6))
        let reader = try cluster.open(volume, on: 2)
        guard
            case .opened(let handle, _) = try cluster.perform(.open(path: FilePath("big")!, mode: .read), reader, on: 2).outcome.value
        else { return }
        cluster.hosts[2].chunks = [:]
        let asked = cluster.fetchesAsked
        let end = cluster.now + .seconds(20)
        let requests = (0..<5).map { index in
            cluster.begin(on: 2) {
                .operation($0, reader, .read(handle: handle, offset: UInt64(index) * 40_000, length: 40_000), payload: nil, deadline: end)
            }
        }
        var bytes: [UInt8] = []
        var cost = OperationCost()
        for request in requests {
            guard case .outcome(let outcome, let buffer?)? = cluster.wait(request, on: 2) else {
                Issue.record("no bytes")
                return
            }
            #expect(outcome.cost.wideAreaRoundTrips == 1, "each waited for the other region once")
            cost = cost + outcome.cost
            bytes += cluster.hosts[2].buffers.removeValue(forKey: buffer) ?? []
        }
        #expect(bytes == content)
        #expect(cluster.fetchesAsked == asked + 1, "one chunk, one flight")
        // The cluster sends half the length, as if it had been compressed; it crossed once.
        #expect(cost.wideAreaBytes == 100_000)
    }

    @Test func manyFilesTravelTogetherAndALostAcknowledgementIsMadeUpFor() throws {
        let cluster = try cluster(ClusterTests.world)
        let volume = try cluster.create(.volume, "v", region: "us", on: 0)
        replicated(cluster, volume)
        let session = try cluster.open(volume, on: 0)
        for index in 0..<150 { try put(cluster, session, "f\(index)", ClusterDriver.bytes(4_500, seed: UInt64(index)), on: 0) }
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), session, on: 0)
        #expect(cluster.hosts.allSatisfy { $0.chunks.count == 150 })
        #expect(cluster.pushesSent < 150, "\(cluster.pushesSent) pushes for 150 files to two regions")
        cluster.losesAcknowledgements = { _ in true }
        try put(cluster, session, "late", ClusterDriver.bytes(4_500, seed: 999), on: 0)
        cluster.run(for: .seconds(10))
        cluster.losesAcknowledgements = { _ in false }
        let before = cluster.now
        _ = try cluster.perform(.commit(CommitOptions()), session, on: 0)
        #expect(cluster.now - before < .seconds(30), "the push was not sent again: \(cluster.now - before)")
    }

    @Test func aSlowOrEmptySourceIsPassedOver() throws {
        let cluster = try cluster([.init(name: "us", nodes: 3), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)])
        let volume = try cluster.create(.volume, "v", region: "us", on: 0)
        replicated(cluster, volume)
        let writer = try cluster.open(volume, on: 0)
        for index in 0..<12 { try put(cluster, writer, "f\(index)", ClusterDriver.bytes(9_000, seed: UInt64(index)), on: 0) }
        _ = try cluster.perform(.commit(CommitOptions(wait: .all)), writer, on: 0)
        cluster.run(for: .seconds(6))
        let reader = try cluster.open(volume, on: 3)
        // One of the nearest nodes answers after a minute.
        cluster.hosts[3].chunks = [:]
        cluster.slowness = { $0 == 0 ? .seconds(60) : .zero }
        let before = cluster.now
        for index in 0..<6 {
            #expect(try get(cluster, reader, "f\(index)", on: 3).bytes == ClusterDriver.bytes(9_000, seed: UInt64(index)))
        }
        #expect(cluster.now - before < .seconds(3), "hedged: \(cluster.now - before)")
        cluster.slowness = { _ in .zero }
        for host in 0..<3 { cluster.hosts[host].chunks = [:] }
        let (bytes, cost) = try get(cluster, reader, "f7", on: 3)
        #expect(bytes == ClusterDriver.bytes(9_000, seed: 7) && cost.wideAreaRoundTrips >= 2, "from the last region that has it")
        // Nobody has it: an error that says so, and no hang.
        cluster.hosts[3].chunks = [:]
        cluster.hosts[4].chunks = [:]
        #expect {
            try get(cluster, reader, "f8", on: 3)
        } throws: { ($0 as? FileFailure)?.code == .unavailable && "\($0)".contains("intact copy") }
    }
}
