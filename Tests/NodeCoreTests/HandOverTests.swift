import Filesystem
import NodeCore
import Primitives
import Testing

/// A leader that hands over in the middle of what it executes: whoever leads next executes it.
@Suite struct HandOverTests {
    private func cluster() throws -> (TestCluster, FilesystemID) {
        let cluster = TestCluster(
            [.init(name: "us", nodes: 3), .init(name: "eu", nodes: 1), .init(name: "ap", nodes: 1)], roundTrip: ClusterTests.roundTrip,
            seed: 6)
        try #require(cluster.settle())
        let id = try cluster.create(.nfs, "share", region: "us", on: 0)
        cluster.run(for: .seconds(10))
        return (cluster, id)
    }

    /// Begins `operation` in Europe, 35 ms away, and has the leader hand over `offset` later.
    private func perform(
        _ operation: FileOperation, _ session: SessionID, _ cluster: TestCluster, _ id: FilesystemID, handOverAfter offset: Duration
    ) throws -> FileFailure? {
        let leader = try #require(cluster.leader(of: id))
        let end = cluster.now + .seconds(30)
        let request = cluster.begin(on: 3) { .operation($0, session, operation, payload: nil, deadline: end) }
        cluster.post(.handOver, to: leader, after: offset)
        let reply = cluster.wait(request, on: 3)
        // The next one begins with another leader in office.
        cluster.run(for: .seconds(10)) { cluster.leader(of: id).map { $0 != leader } ?? false }
        cluster.run(for: .seconds(1))
        guard case .failed(let failure)? = reply else { return nil }
        return failure
    }

    @Test func aChangeIsMadeOnceWheneverItsLeaderHandsOver() throws {
        let (cluster, id) = try cluster()
        let session = try cluster.open(id, on: 3)
        var failures: [String] = []
        for step in 0..<32 {
            let name = FilePath("d\(step)")!
            let failure = try perform(
                .makeDirectory(path: name, mode: 0o755, parents: false), session, cluster, id,
                handOverAfter: .microseconds(103_000 + step * 250))
            if let failure { failures.append("\(step): \(failure)") }
        }
        #expect(failures == [])
        guard case .entries(let entries, _) = try cluster.perform(.list(path: .root, cookie: 0, limit: 100), session, on: 3).outcome.value
        else { return }
        #expect(entries.count == 32)
    }

    @Test func aFileIsWholeWheneverItsLeaderHandsOver() throws {
        let (cluster, id) = try cluster()
        let session = try cluster.open(id, on: 3)
        var failures: [String] = []
        for step in 0..<160 {
            let name = FilePath("f\(step)")!
            let bytes = ClusterDriver.bytes(step % 2 == 0 ? 300 : 9_000, seed: UInt64(step))
            let opened = try cluster.perform(.open(path: name, mode: .replace(mode: 0o644, refuseExisting: false)), session, on: 3)
            guard case .opened(let handle, _) = opened.outcome.value else { continue }
            _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: 3, bytes: bytes)
            let failure = try perform(
                .close(handle: handle, abandon: false), session, cluster, id, handOverAfter: .microseconds(31_000 + step * 50))
            if let failure {
                failures.append("\(step): \(failure)")
                continue
            }
            let read = try cluster.perform(.open(path: name, mode: .read), session, on: 3)
            guard case .opened(let reader, _) = read.outcome.value else { continue }
            #expect(try cluster.perform(.read(handle: reader, offset: 0, length: 10_000), session, on: 3).data == bytes)
            _ = try cluster.perform(.close(handle: reader, abandon: false), session, on: 3)
        }
        #expect(failures == [])
    }
}
