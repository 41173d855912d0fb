import Filesystem
import Membership
import NodeCore
import Primitives
import Replication
import Testing

/// What a volume says of its regions: lag, the bound that it may put on it, and what a commit waits for.
@Suite struct LagTests {
    private func cluster(_ durability: Durability, seed: UInt64 = 1, nodes: Int = 1) throws -> (TestCluster, FilesystemID) {
        let cluster = TestCluster(
            [.init(name: "us", nodes: nodes), .init(name: "eu", nodes: nodes), .init(name: "ap", nodes: nodes)],
            roundTrip: ClusterTests.roundTrip, seed: seed)
        #expect(cluster.settle())
        var policy = ReplicationPolicy.volume
        policy.durability = durability
        let id = try cluster.create(.volume, "v", region: "us", on: 0, policy: policy)
        #expect(cluster.run(for: .seconds(30)) { cluster.hosts.allSatisfy { $0.state.uploads(of: id) != nil } })
        cluster.run(for: .seconds(10))
        return (cluster, id)
    }

    private func put(_ cluster: TestCluster, _ session: SessionID, _ name: String, _ size: Int, on node: Int) throws {
        let opened = try cluster.perform(
            .open(path: FilePath(name)!, mode: .replace(mode: 0o644, refuseExisting: false)), session, on: node)
        guard case .opened(let handle, _) = opened.outcome.value else { return }
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: ClusterDriver.bytes(size, seed: UInt64(size)))
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
    }

    private func commit(_ cluster: TestCluster, _ session: SessionID, on node: Int, _ wait: CommitWait = .policy) throws -> CommitReceipt {
        let value = try cluster.perform(.commit(CommitOptions(wait: wait)), session, on: node, limit: .seconds(30)).outcome.value
        guard case .receipt(let receipt) = value else {
            throw FileFailure(.ioError, operation: "commit", object: "", cause: "no receipt")
        }
        return receipt
    }

    private func lag(_ cluster: TestCluster, _ session: SessionID, on node: Int) throws -> [String: RegionLag] {
        guard case .session(let status) = try cluster.perform(.sessionStatus, session, on: node).outcome.value else { return [:] }
        return Dictionary(uniqueKeysWithValues: status.lag.map { ($0.region.name, $0) })
    }

    /// A region that is cut off does not say that others are where it saw them last, and reads on at once:
    /// there is no leader to wait for.
    @Test func aRegionThatIsCutOffKnowsThat() throws {
        let (cluster, id) = try cluster(.majority)
        let session = try cluster.open(id, on: 0)
        try put(cluster, session, "a", 100_000, on: 0)
        _ = try commit(cluster, session, on: 0, .all)
        cluster.run(for: .seconds(8))
        #expect(try lag(cluster, session, on: 0).values.allSatisfy(\.isInTouch))
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        cluster.run(for: .seconds(15))
        try put(cluster, session, "b", 50_000, on: 0)
        _ = try commit(cluster, session, on: 0)
        #expect(try lag(cluster, session, on: 0).mapValues(\.isInTouch) == ["us": true, "eu": true, "ap": false])
        let began = cluster.now
        let far = try cluster.open(id, on: 2)
        #expect(cluster.now < began + .milliseconds(500), "it took \(cluster.now - began)")
        let seen = try lag(cluster, far, on: 2)
        #expect(seen.mapValues(\.isInTouch) == ["us": false, "eu": false, "ap": true])
        // Healed, a new session waits for the newest version again.
        cluster.cut = { _, _ in false }
        #expect(
            cluster.run(for: .seconds(30)) {
                (try? lag(cluster, session, on: 0).values.allSatisfy(\.isInTouch)) == true
            })
        let again = try cluster.open(id, on: 2)
        guard case .session(let status) = try cluster.perform(.sessionStatus, again, on: 2).outcome.value else { return }
        #expect(status.version == VersionID(2))
    }

    /// Regions that are there lag by nothing; one that is cut off lags by what it misses.
    @Test func lagIsToldInSecondsCommitsAndBytes() throws {
        let (cluster, id) = try cluster(.majority)
        let session = try cluster.open(id, on: 0)
        try put(cluster, session, "a", 100_000, on: 0)
        _ = try commit(cluster, session, on: 0, .all)
        cluster.run(for: .seconds(8))
        for region in try lag(cluster, session, on: 0).values {
            #expect(region == RegionLag(region: region.region, version: VersionID(1), commits: 0, bytes: 0, time: .zero))
        }
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        for size in [50_000, 60_000] {
            try put(cluster, session, "b\(size)", size, on: 0)
            _ = try commit(cluster, session, on: 0)
            cluster.run(for: .seconds(5))
        }
        let seen = try lag(cluster, session, on: 0)
        let far = try #require(seen["ap"])
        #expect(far.version == VersionID(1) && far.commits == 2)
        #expect(far.bytes == 110_000)
        #expect(far.time >= .seconds(10) && far.time < .seconds(12))
        #expect(seen["us"]?.commits == 0 && seen["eu"]?.commits == 0)
        cluster.cut = { _, _ in false }
        cluster.run(for: .seconds(40))
        #expect(try lag(cluster, session, on: 0)["ap"]?.commits == 0)
        // Each region says the same of all.
        for node in 0..<3 {
            let other = try cluster.open(id, on: node)
            #expect(try lag(cluster, other, on: node).values.allSatisfy { $0.commits == 0 && $0.version == VersionID(3) })
        }
    }

    @Test(arguments: [Durability.bounded(lag: .seconds(5)), .bounded(lag: nil, bytes: 80_000)])
    func aBoundedVolumeRefusesCommitsWhileARegionLagsTooFar(durability: Durability) throws {
        let (cluster, id) = try cluster(durability)
        let session = try cluster.open(id, on: 0)
        // With all regions there, commits follow each other.
        for round in 0..<5 {
            try put(cluster, session, "near\(round)", 50_000 + round, on: 0)
            _ = try commit(cluster, session, on: 0)
            cluster.run(for: .milliseconds(700))
        }
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        try put(cluster, session, "x", 60_000, on: 0)
        _ = try commit(cluster, session, on: 0)
        try put(cluster, session, "y", 61_000, on: 0)
        _ = try commit(cluster, session, on: 0)
        cluster.run(for: .seconds(6))
        try put(cluster, session, "z", 10, on: 0)
        let failure = #expect(throws: FileFailure.self) { try commit(cluster, session, on: 0) }
        #expect(failure?.code == .unavailable && failure?.cause.contains("ap lags by") == true, "\(String(describing: failure))")
        #expect(cluster.hosts[0].state.view.groups.first { $0.filesystem == id }?.version == VersionID(7), "nothing was published")
        cluster.cut = { _, _ in false }
        cluster.run(for: .seconds(30))
        #expect(try commit(cluster, session, on: 0).version == VersionID(8), "what was staged is published once the region is back")
    }

    /// Each word of `--wait` means its own thing.
    @Test func aCommitWaitsForWhatItNames() throws {
        let (cluster, id) = try cluster(.region)
        let session = try cluster.open(id, on: 2)
        func timed(_ name: String, _ wait: CommitWait) throws -> (Duration, [String]) {
            try put(cluster, session, name, 100_000, on: 2)
            let before = cluster.now
            let receipt = try commit(cluster, session, on: 2, wait)
            return (cluster.now - before, receipt.completeRegions.map(\.name))
        }
        let local = try timed("a", .local)
        #expect(local.1.contains("ap") && local.1.contains("us"), "the client's region, and home by durability: \(local)")
        let majority = try timed("b", .majority)
        let all = try timed("c", .all)
        #expect(all.1 == ["ap", "eu", "us"])
        #expect(try timed("d", .regions([RegionID("eu")])).1.contains("eu"))
        #expect(majority.0 <= all.0)
        // Europe is gone: all is not to be had, the others are.
        cluster.cut = { ($0 == 1) != ($1 == 1) }
        #expect(try timed("e", .majority).1 == ["ap", "us"])
        #expect(try timed("f", .local).1 == ["ap", "us"])
        try put(cluster, session, "g", 10, on: 2)
        #expect { try commit(cluster, session, on: 2, .all) } throws: { ($0 as? FileFailure)?.code == .timedOut }
        #expect { try commit(cluster, session, on: 2, .regions([RegionID("mars")])) } throws: { ($0 as? FileFailure)?.code == .notFound }
    }

    /// Looking for the chunks of a version needs a place among the requests, and waits for one.
    @Test func aVersionThatComesWhileTheTableOfRequestsIsFullIsLookedForLater() throws {
        let (cluster, id) = try cluster(.majority)
        let share = try cluster.create(.nfs, "share", region: "eu", on: 1)
        cluster.run(for: .seconds(5))
        let writer = try cluster.open(id, on: 0)
        let client = try cluster.open(share, on: 2, options: SessionOptions(attributeCache: .zero))
        try put(cluster, writer, "a", 50_000, on: 0)
        // Nobody answers those who ask Europe.
        cluster.cut = { ($0 == 1) != ($1 == 1) }
        let end = cluster.now + .seconds(20)
        let asked = (0..<8_300).map { _ in
            cluster.begin(on: 2) {
                .operation($0, client, .stat(path: FilePath("x")!, followLinks: true), payload: nil, deadline: end)
            }
        }
        cluster.run(for: .milliseconds(10))
        #expect(
            cluster.hosts[2].replies.values.count { if case .failed(let failure) = $0 { failure.code == .overloaded } else { false } } > 0)
        _ = try commit(cluster, writer, on: 0)
        #expect(cluster.run(for: .seconds(5)) { cluster.hosts[2].state.view.groups.first { $0.filesystem == id }?.version == VersionID(1) })
        #expect(cluster.now < end, "the table is still full")
        cluster.run(for: .seconds(30)) { asked.allSatisfy { cluster.hosts[2].replies[$0] != nil } }
        cluster.cut = { _, _ in false }
        cluster.run(for: .seconds(30))
        #expect(
            try lag(cluster, writer, on: 0)["ap"]
                == RegionLag(region: RegionID("ap"), version: VersionID(1), commits: 0, bytes: 0, time: .zero))
    }

    /// A region whose content is still on its way: who asks the leader reads from afar, who asks nobody gets the
    /// newest version that is here whole, and never an older one than it had.
    @Test func whatARegionHasIsWhatItHasWhole() throws {
        let (cluster, id) = try cluster(.majority)
        let writer = try cluster.open(id, on: 0)
        try put(cluster, writer, "a", 100_000, on: 0)
        _ = try commit(cluster, writer, on: 0, .all)
        cluster.run(for: .seconds(8))
        cluster.isStarved = { $0 == 2 }
        let before = try cluster.open(id, on: 2)
        try put(cluster, writer, "b", 60_000, on: 0)
        _ = try commit(cluster, writer, on: 0)
        #expect(cluster.run(for: .seconds(5)) { cluster.hosts[2].state.view.groups.first { $0.filesystem == id }?.version == VersionID(2) })
        func version(_ mode: ReloadMode, _ session: SessionID) throws -> VersionID? {
            guard case .session(let status) = try cluster.perform(.reload(mode, discard: false), session, on: 2).outcome.value else {
                return nil
            }
            return status.version
        }
        #expect(try version(.local, before) == VersionID(1))
        #expect(try version(.latest, before) == VersionID(2))
        #expect(try version(.local, before) == VersionID(2), "a session does not go back")
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        #expect(cluster.run(for: .seconds(30)) { (try? lag(cluster, before, on: 2))?["us"]?.isInTouch == false })
        let cutOff = try cluster.open(id, on: 2)
        #expect(try version(.local, cutOff) == VersionID(1))
        let opened = try cluster.perform(.open(path: FilePath("a")!, mode: .read), cutOff, on: 2)
        guard case .opened(let handle, _) = opened.outcome.value else {
            throw FileFailure(.ioError, operation: "open", object: "a", cause: "\(opened.outcome.value)")
        }
        #expect(try cluster.perform(.read(handle: handle, offset: 0, length: 100_000), cutOff, on: 2).data?.count == 100_000)
        cluster.isStarved = { _ in false }
        cluster.cut = { _, _ in false }
        #expect(cluster.run(for: .seconds(60)) { (try? version(.local, cutOff)) == VersionID(2) })
    }

    /// A node that has just started has not heard how far its neighbours are: cut off, it shows what it has itself.
    @Test func aVolumeNeverSeemsEmptyAfterAStart() throws {
        let (cluster, id) = try cluster(.majority, nodes: 2)
        let writer = try cluster.open(id, on: 0)
        try put(cluster, writer, "a", 100_000, on: 0)
        _ = try commit(cluster, writer, on: 0, .all)
        cluster.run(for: .seconds(8))
        cluster.cut = { ($0 >= 4) != ($1 >= 4) }
        cluster.restart(5)
        #expect(
            cluster.run(for: .seconds(30)) {
                cluster.hosts[5].state.view.members.contains { $0.record.id == NodeID(5) && $0.record.status == .alive }
            })
        let session = try cluster.open(id, on: 5)
        guard case .session(let status) = try cluster.perform(.sessionStatus, session, on: 5).outcome.value else {
            throw FileFailure(.ioError, operation: "status", object: "v", cause: "no status")
        }
        #expect(status.version == VersionID(1))
    }

    /// Durability `all`: metadata too. A commit without chunks returns when every region has applied it, and one that a
    /// region would miss is refused before it is published.
    @Test func durabilityAllHoldsForMetadata() throws {
        let (cluster, id) = try cluster(.all)
        let session = try cluster.open(id, on: 0)
        func versions() -> [VersionID?] {
            cluster.hosts.map { $0.state.view.groups.first { $0.filesystem == id }?.version }
        }
        for number in 1...3 {
            try put(cluster, session, "small", 10 * number, on: 0)
            let receipt = try commit(cluster, session, on: 0)
            #expect(versions() == Array(repeating: VersionID(UInt64(number)), count: 3), "all had it when the commit returned")
            #expect(receipt.completeRegions.map(\.name) == ["ap", "eu", "us"])
        }
        cluster.cut = { ($0 == 2) != ($1 == 2) }
        #expect(
            cluster.run(for: .seconds(30)) {
                cluster.hosts[0].state.view.members.contains { $0.record.id == NodeID(3) && $0.record.status == .dead }
            })
        try put(cluster, session, "small", 5, on: 0)
        let failure = #expect(throws: FileFailure.self) { try commit(cluster, session, on: 0) }
        #expect(
            failure?.code == .unavailable && failure?.cause.hasSuffix("no replica answers in ap") == true, "\(String(describing: failure))")
        #expect(versions()[0] == VersionID(3), "nothing was published")
        cluster.cut = { _, _ in false }
        #expect(cluster.run(for: .seconds(60)) { (try? lag(cluster, session, on: 0))?.values.allSatisfy(\.isInTouch) == true })
        #expect(try commit(cluster, session, on: 0).version == VersionID(4))
    }

    /// Whoever sees a version can read it, from wherever the durability keeps it.
    @Test func aVersionIsReadableWhereItIsSeen() throws {
        let (cluster, id) = try cluster(.majority)
        let session = try cluster.open(id, on: 0)
        try put(cluster, session, "f", 200_000, on: 0)
        _ = try commit(cluster, session, on: 0)
        // The committer's region dies at once; the two others make do with what they hold.
        cluster.crash(0)
        for peer in [1, 2] {
            cluster.post(.peerLost(NodeID(1)), to: peer, after: .milliseconds(10))
            let reader = try cluster.open(id, on: peer)
            _ = try cluster.perform(.reload(.latest, discard: false), reader, on: peer)
            let opened = try cluster.perform(.open(path: FilePath("f")!, mode: .read), reader, on: peer)
            guard case .opened(let handle, _) = opened.outcome.value else { continue }
            let read = try cluster.perform(.read(handle: handle, offset: 0, length: 200_000), reader, on: peer)
            #expect(read.data == ClusterDriver.bytes(200_000, seed: 200_000))
        }
    }
}
