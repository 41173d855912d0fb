import Filesystem
import Membership
import Primitives
import Replication
import Testing

@testable import NodeCore

/// The leader of a volume's group, and a voter, follow those who write.
@Suite struct WriterTests {
    private static let three: [TestCluster.Region] = [
        .init(name: "us", nodes: 1), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1),
    ]

    private func cluster(_ regions: [TestCluster.Region] = three, seed: UInt64 = 1) throws -> TestCluster {
        let cluster = TestCluster(regions, roundTrip: ClusterTests.roundTrip, seed: seed)
        #expect(cluster.settle(), "the catalog has no leader after 30 s")
        return cluster
    }

    /// A client at a node that commits a small file now and then.
    private struct Writer {
        let cluster: TestCluster
        let filesystem: FilesystemID
        let node: Int
        let session: SessionID
        init(_ cluster: TestCluster, _ filesystem: FilesystemID, on node: Int) throws {
            (self.cluster, self.filesystem, self.node) = (cluster, filesystem, node)
            session = try cluster.open(filesystem, on: node)
        }
        func write() throws {
            let path = FilePath("d\(cluster.now.nanoseconds)")!
            _ = try cluster.perform(.makeDirectory(path: path, mode: 0o755, parents: false), session, on: node)
            if filesystem.kind == .volume { _ = try cluster.perform(.commit(CommitOptions()), session, on: node) }
        }
    }

    /// Writes for a while, `every` so often; who led at which moment, changes only.
    @discardableResult
    private func write(_ writers: [Writer], for span: Duration, every pause: Duration = .milliseconds(500)) throws -> [Int] {
        let cluster = writers[0].cluster
        let end = cluster.now + span
        var leaders: [Int] = []
        while cluster.now < end {
            for writer in writers { try writer.write() }
            cluster.run(for: pause)
            if let leader = cluster.leader(of: writers[0].filesystem), leader != leaders.last { leaders.append(leader) }
        }
        return leaders
    }

    @Test func theLeaderFollowsAWriterRoundTheWorldAndHome() throws {
        let cluster = try cluster()
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(60)) { cluster.isSettled && cluster.leader(of: volume) == 0 })
        for node in [1, 2, 0] {
            let leaders = try write([Writer(cluster, volume, on: node)], for: .seconds(70))
            #expect(leaders.last == node, "the writer is at node \(node), led by \(leaders)")
            #expect(leaders.count <= 2, "one move: \(leaders)")
        }
        #expect(cluster.catalog.filesystems[volume]?.writers == nil, "home is no preference of its own")
        #expect(cluster.catalog.filesystems[volume]?.region == RegionID("us"))
    }

    @Test func writersOfAllRegionsLeaveItWhereItIs() throws {
        let cluster = try cluster()
        let volume = try cluster.create(.volume, "data", region: "eu", on: 0)
        #expect(cluster.run(for: .seconds(60)) { cluster.isSettled && cluster.leader(of: volume) == 1 })
        let writers = try (0..<3).map { try Writer(cluster, volume, on: $0) }
        #expect(try write(writers, for: .seconds(90)) == [1])
        // Now and then is not much: no reason to move.
        #expect(try write([writers[2]], for: .seconds(90), every: .seconds(9)) == [1])
    }

    @Test func writersThatTakeTurnsMoveItSeldom() throws {
        let cluster = try cluster()
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(60)) { cluster.isSettled && cluster.leader(of: volume) == 0 })
        let writers = try [1, 2].map { try Writer(cluster, volume, on: $0) }
        var leaders: [Int] = []
        for turn in 0..<12 {
            for leader in try write([writers[turn % 2]], for: .seconds(10)) where leader != leaders.last { leaders.append(leader) }
        }
        // 120 s in turns of 10 s: at most one move in half a minute, and none with each turn.
        #expect(leaders.count <= 4, "\(leaders)")
        #expect(leaders.last != 0, "nobody writes at home")
    }

    @Test func aVoterFollowsToo() throws {
        let regions = Self.three + [.init(name: "sa", nodes: 2)]
        let cluster = try cluster(regions)
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(60)) { cluster.isSettled && cluster.leader(of: volume) == 0 })
        let before = try #require(cluster.catalog.filesystems[volume]?.plan)
        #expect(before.voters.count == 3 && !before.voterRegions.contains(RegionID("sa")))
        let writer = try Writer(cluster, volume, on: 3)
        try write([writer], for: .seconds(90))
        #expect(cluster.run(for: .seconds(60)) { cluster.isSettled && cluster.leader(of: volume).map { $0 >= 3 } == true })
        let now = try #require(cluster.configuration(of: volume))
        #expect(now.voters.count == 3 && now.voters.contains(NodeID(1)), "home votes on: \(now)")
        #expect(now.voters.contains { $0.rawValue >= 4 })
        #expect(now.voters.count + now.learners.count == 5, "everybody has its replica still")
        // And what was written before is there.
        let reader = try cluster.open(volume, on: 2)
        guard case .session(let status) = try cluster.perform(.sessionStatus, reader, on: 2).outcome.value else { return }
        #expect(status.version.rawValue > 50)
    }

    @Test func aMajorityAtHomeStaysThere() throws {
        let cluster = try cluster([.init(name: "us", nodes: 2), .init(name: "eu", nodes: 1)])
        let volume = try cluster.create(.volume, "data", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(60)) { cluster.isSettled && cluster.leader(of: volume).map { $0 < 2 } == true })
        #expect(try write([Writer(cluster, volume, on: 2)], for: .seconds(60)).allSatisfy { $0 < 2 })
    }

    @Test func aNetworkFileSystemStaysInItsPrimaryRegion() throws {
        let cluster = try cluster()
        let share = try cluster.create(.nfs, "share", region: "us", on: 0)
        #expect(cluster.run(for: .seconds(60)) { cluster.isSettled && cluster.leader(of: share) == 0 })
        #expect(try write([Writer(cluster, share, on: 2)], for: .seconds(60)) == [0])
    }

    // MARK: The tally alone

    private let home = RegionID("us")
    private let away = RegionID("eu")

    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func aTallyWaitsForgetsAndPrefersHome() {
        var tally = WriterTally(at: at(0))
        for _ in 0..<100 { tally.note(away) }
        #expect(tally.better(than: home, home: home, at: at(29)) == nil, "not before it has looked for a while")
        #expect(tally.better(than: home, home: home, at: at(30)) == away)
        #expect(tally.better(than: home, home: home, at: at(31)) == nil, "not so soon again")
        for _ in 0..<100 { tally.note(home) }
        #expect(tally.better(than: away, home: home, at: at(70)) == nil, "as many is not twice as many")
        tally.forget(at: at(200))
        for _ in 0..<100 { tally.note(home) }
        #expect(tally.better(than: away, home: home, at: at(200)) == home)
        tally.forget(at: at(10_000))
        #expect(tally.isEmpty)
        for _ in 0..<7 { tally.note(away) }
        #expect(tally.better(than: home, home: home, at: at(20_000)) == nil, "too few")
        tally.note(away)
        tally.note(RegionID("ap"))
        #expect(tally.better(than: RegionID("sa"), home: away, at: at(20_000)) == away)
        #expect(tally.better(than: away, home: away, at: at(30_000)) == nil)
    }

    @Test func homeWinsTies() {
        for other in ["ap", "zz"] {
            var tally = WriterTally(at: at(0))
            for _ in 0..<20 {
                tally.note(RegionID(other))
                tally.note(home)
            }
            #expect(tally.better(than: away, home: home, at: at(60)) == home)
        }
    }
}
