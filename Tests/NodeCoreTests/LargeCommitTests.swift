import Filesystem
import NodeCore
import Primitives
import Replication
import Testing

/// Commits that are larger than an entry of the log, and commits whose answer is lost.
@Suite struct LargeCommitTests {
    private struct Desk {
        let cluster: TestCluster
        let id: FilesystemID

        init(seed: UInt64 = 1, nodes: Int = 1) throws {
            cluster = TestCluster(
                [.init(name: "us", nodes: nodes), .init(name: "eu", nodes: nodes), .init(name: "ap", nodes: nodes)],
                roundTrip: ClusterTests.roundTrip, seed: seed)
            #expect(cluster.settle())
            let made = try cluster.create(.volume, "v", region: "us", on: 0)
            id = made
            let all = cluster.hosts
            #expect(cluster.run(for: .seconds(30)) { all.allSatisfy { $0.state.uploads(of: made) != nil } })
            cluster.run(for: .seconds(10))
        }

        func put(_ session: SessionID, _ name: String, _ bytes: [UInt8], on node: Int) throws {
            let opened = try cluster.perform(
                .open(path: FilePath(name)!, mode: .replace(mode: 0o644, refuseExisting: false)), session, on: node)
            guard case .opened(let handle, _) = opened.outcome.value else { return }
            _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: bytes)
            _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
        }

        /// `directories` × `files` small files, made by copying the first directory.
        func fill(_ session: SessionID, directories: Int, files: Int, size: Int, on node: Int) throws {
            for number in 0..<files { try put(session, "d0/f\(number)", ClusterDriver.bytes(size, seed: UInt64(number)), on: node) }
            for number in 1..<directories {
                _ = try cluster.perform(
                    .copy(from: FilePath("d0")!, to: FilePath("d\(number)")!, recursive: true), session, on: node)
            }
        }

        func commit(_ session: SessionID, on node: Int, _ options: CommitOptions = CommitOptions(), limit: Duration = .seconds(600)) throws
            -> CommitReceipt
        {
            let done = try cluster.perform(.commit(options), session, on: node, limit: limit)
            guard case .receipt(let receipt) = done.outcome.value else {
                throw FileFailure(.ioError, operation: "commit", object: "", cause: "no receipt")
            }
            return receipt
        }

        func files(_ session: SessionID, on node: Int) throws -> UInt64 {
            guard case .statistics(let found) = try cluster.perform(.statistics, session, on: node).outcome.value else { return 0 }
            return found.files
        }

        func versions() -> Set<UInt64> {
            let id = id
            return Set(cluster.hosts.filter(\.isUp).map { $0.state.view.groups.first { $0.filesystem == id }!.version.rawValue })
        }

        func digests() -> Set<Digest> {
            let id = id
            return Set(cluster.hosts.filter(\.isUp).map { $0.state.view.groups.first { $0.filesystem == id }!.digest })
        }

        var leader: Int? {
            let id = id
            return cluster.hosts.firstIndex { $0.isUp && $0.state.view.groups.contains { $0.filesystem == id && $0.role == "leader" } }
        }
    }

    @Test func sixtyThousandFilesAreOneVersion() throws {
        let desk = try Desk()
        let session = try desk.cluster.open(desk.id, on: 2)
        try desk.fill(session, directories: 240, files: 250, size: 300, on: 2)
        let reader = try desk.cluster.open(desk.id, on: 1)
        let receipt = try desk.commit(session, on: 2, CommitOptions(wait: .all))
        #expect(receipt.version == VersionID(1))
        #expect(receipt.changes == 60_000)
        #expect(receipt.conflicts.isEmpty)
        #expect(try desk.files(reader, on: 1) == 0, "a snapshot stays as it is")
        _ = try desk.cluster.perform(.reload(.local, discard: false), reader, on: 1)
        #expect(try desk.files(reader, on: 1) == 60_000)
        #expect(desk.digests().count == 1)
        #expect(desk.cluster.hosts.allSatisfy { $0.state.uploads(of: desk.id)?.isEmpty == true }, "no part is left")
    }

    /// The committing node dies when some parts are in the log: no version, then or later, and the parts go.
    @Test(arguments: [UInt64(1), 2, 3]) func aNodeThatDiesBetweenPartsPublishesNothing(seed: UInt64) throws {
        let desk = try Desk(seed: seed)
        let session = try desk.cluster.open(desk.id, on: 2)
        try desk.fill(session, directories: 8, files: 250, size: 4_000, on: 2)
        _ = desk.cluster.begin(on: 2) {
            .operation($0, session, .commit(CommitOptions()), payload: nil, deadline: desk.cluster.now + .seconds(60))
        }
        #expect(desk.cluster.run(for: .seconds(30)) { (desk.cluster.hosts[0].state.uploads(of: desk.id)?.partCount ?? 0) > Int(seed) })
        desk.cluster.crash(2)
        desk.cluster.run(for: .seconds(30))
        #expect(desk.versions() == [0])
        let left = desk.cluster.hosts[0...1].map { $0.state.uploads(of: desk.id) }
        #expect(left[0] == left[1] && left[0]?.isEmpty == false)
        // Another client goes on.
        let other = try desk.cluster.open(desk.id, on: 1)
        try desk.put(other, "x", [1], on: 1)
        #expect(try desk.commit(other, on: 1).version == VersionID(1))
        // A snapshot carries the parts.
        let machine = try #require(desk.cluster.hosts[0].state.machine(of: desk.id))
        var bytes: [UInt8] = []
        machine.encodeSnapshot { bytes += $0 }
        #expect(try GroupMachine(snapshot: bytes, group: GroupID(3)).files?.uploads == left[0])
        desk.cluster.run(for: .seconds(1_200))
        #expect(desk.cluster.hosts[0...1].allSatisfy { $0.state.uploads(of: desk.id)?.isEmpty == true }, "old parts are dropped")
        #expect(desk.versions() == [1])
    }

    @Test func aLeaderThatIsLostBetweenPartsIsReplaced() throws {
        let desk = try Desk(nodes: 3)
        let leader = try #require(desk.leader)
        let node = 7
        let session = try desk.cluster.open(desk.id, on: node)
        try desk.fill(session, directories: 8, files: 250, size: 4_000, on: node)
        let request = desk.cluster.begin(on: node) {
            .operation($0, session, .commit(CommitOptions()), payload: nil, deadline: desk.cluster.now + .seconds(60))
        }
        #expect(desk.cluster.run(for: .seconds(30)) { (desk.cluster.hosts[leader].state.uploads(of: desk.id)?.partCount ?? 0) > 1 })
        desk.cluster.crash(leader)
        for peer in desk.cluster.hosts.indices where peer != leader {
            desk.cluster.post(.peerLost(NodeID(UInt64(leader) + 1)), to: peer, after: .milliseconds(100))
        }
        guard case .outcome(let outcome, _)? = desk.cluster.wait(request, on: node), case .receipt(let receipt) = outcome.value else {
            Issue.record("the commit did not go through")
            return
        }
        #expect(receipt.version == VersionID(1) && receipt.changes == 2_000)
        desk.cluster.run(for: .seconds(5))
        #expect(desk.digests().count == 1 && desk.versions() == [1])
        #expect(desk.cluster.hosts.filter(\.isUp).allSatisfy { $0.state.uploads(of: desk.id)?.isEmpty == true })
    }

    /// The age of parts is no matter of anybody's civil time: not of a member that commits between them, and
    /// not of the leader.
    @Test(arguments: [0, 1]) func aClockThatIsAheadDropsNobodysParts(ahead: Int) throws {
        let desk = try Desk()
        let session = try desk.cluster.open(desk.id, on: 2)
        let other = try desk.cluster.open(desk.id, on: ahead)
        try desk.fill(session, directories: 8, files: 250, size: 4_000, on: 2)
        try desk.put(other, "x", [1], on: ahead)
        let civil = 1_700_000_000_000_000_000 + desk.cluster.now.nanoseconds + 1_200_000_000_000
        desk.cluster.hosts[ahead].state.setCivil(WallTime(nanoseconds: civil), now: desk.cluster.now)
        let end = desk.cluster.now + .seconds(60)
        let request = desk.cluster.begin(on: 2) { .operation($0, session, .commit(CommitOptions()), payload: nil, deadline: end) }
        #expect(desk.cluster.run(for: .seconds(30)) { (desk.cluster.hosts[0].state.uploads(of: desk.id)?.partCount ?? 0) > 1 })
        #expect(desk.versions() == [0])
        _ = try desk.commit(other, on: ahead)
        guard case .outcome(let outcome, _)? = desk.cluster.wait(request, on: 2), case .receipt(let receipt) = outcome.value else {
            Issue.record("the commit did not go through")
            return
        }
        #expect(receipt.changes == 2_000)
        #expect(try desk.files(session, on: 2) == 2_001)
    }

    /// A session that ends takes its parts with it; one whose commit was given up does too.
    @Test func aCommitThatIsGivenUpLeavesNoParts() throws {
        let desk = try Desk()
        let session = try desk.cluster.open(desk.id, on: 2)
        try desk.fill(session, directories: 8, files: 250, size: 4_000, on: 2)
        #expect(throws: FileFailure.self) { try desk.commit(session, on: 2, limit: .milliseconds(250)) }
        desk.cluster.run(for: .seconds(30))
        #expect(desk.cluster.hosts.allSatisfy { $0.state.uploads(of: desk.id)?.isEmpty == true })
        #expect(desk.versions() == [0])
        #expect(try desk.commit(session, on: 2).changes == 2_000, "what was staged is staged still")
    }

    /// The answer of a commit is lost; repeated in the same session it gives the version that it made.
    @Test(arguments: [false, true]) func aRepeatedCommitDoesNotMeetItself(large: Bool) throws {
        let desk = try Desk()
        let session = try desk.cluster.open(desk.id, on: 2)
        try desk.put(session, "f", [1], on: 2)
        _ = try desk.commit(session, on: 2)
        try desk.put(session, "f", [2], on: 2)
        if large { try desk.fill(session, directories: 4, files: 250, size: 4_000, on: 2) }
        let request = desk.cluster.begin(on: 2) {
            .operation($0, session, .commit(CommitOptions(ifUnchanged: true)), payload: nil, deadline: desk.cluster.now + .seconds(60))
        }
        // Given up while the leader has applied it and its answer is on the way.
        #expect(desk.cluster.run(for: .seconds(30)) { desk.versions().contains(2) })
        desk.cluster.post(.abandoned(request), to: 2, after: .zero)
        desk.cluster.run(for: .seconds(3))
        let again = try desk.commit(session, on: 2, CommitOptions(ifUnchanged: true))
        #expect(again.version == VersionID(2) && again.conflicts.isEmpty)
        #expect(again.changes == (large ? 1_001 : 1), "a replaced file is one change")
        #expect(desk.versions() == [2])
        #expect(try desk.files(session, on: 2) == (large ? 1_001 : 1))
    }

    /// What is staged between a lost answer and the repetition is published by the repetition.
    @Test func stagingGoesOnWhileTheOutcomeIsNotKnown() throws {
        let desk = try Desk()
        let session = try desk.cluster.open(desk.id, on: 2)
        try desk.put(session, "dir/f", [1], on: 2)
        let request = desk.cluster.begin(on: 2) {
            .operation($0, session, .commit(CommitOptions()), payload: nil, deadline: desk.cluster.now + .seconds(60))
        }
        #expect(desk.cluster.run(for: .seconds(30)) { desk.versions().contains(1) })
        desk.cluster.post(.abandoned(request), to: 2, after: .zero)
        desk.cluster.run(for: .milliseconds(1))
        try desk.put(session, "dir/f", [2, 2], on: 2)
        try desk.put(session, "dir/g", ClusterDriver.bytes(100_000, seed: 5), on: 2)
        // A reload would lose it.
        #expect { try desk.cluster.perform(.reload(.latest, discard: false), session, on: 2) } throws: {
            ($0 as? FileFailure)?.code == .conflict
        }
        let again = try desk.commit(session, on: 2, CommitOptions(ifUnchanged: true, wait: .all))
        #expect(again.version == VersionID(2) && again.conflicts.isEmpty, "\(again)")
        #expect(try desk.files(session, on: 2) == 2)
        let reader = try desk.cluster.open(desk.id, on: 1)
        guard
            case .attributes(let found) = try desk.cluster.perform(.stat(path: FilePath("dir/f")!, followLinks: true), reader, on: 1)
                .outcome.value
        else { return }
        #expect(found.size == 2)
        let conflicts = try desk.cluster.perform(.conflicts(limit: 10), session, on: 2).outcome.value
        #expect(conflicts == .conflicts([]))
    }
}
