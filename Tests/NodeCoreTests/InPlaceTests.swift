import Filesystem
import Primitives
import Testing

@testable import NodeCore

/// Writers of one small file at the same time: each changes what it writes, and nothing else.
@Suite struct InPlaceTests {
    private let cluster: TestCluster

    init() throws {
        cluster = TestCluster(ClusterTests.world, roundTrip: ClusterTests.roundTrip, seed: 12)
        try #require(cluster.settle())
    }

    private func open(_ session: SessionID, _ mode: OpenMode) throws -> HandleID {
        let value = try cluster.perform(.open(path: FilePath("f")!, mode: mode), session, on: 0).outcome.value
        guard case .opened(let handle, _) = value else {
            throw FileFailure(.ioError, operation: "open", object: "f", cause: "\(value)")
        }
        return handle
    }

    private func put(_ session: SessionID, _ writes: [(UInt64, [UInt8])], _ mode: OpenMode = .write) throws -> HandleID {
        let handle = try open(session, mode)
        for (offset, bytes) in writes { _ = try cluster.perform(.write(handle: handle, offset: offset), session, on: 0, bytes: bytes) }
        return handle
    }

    /// Both at once.
    private func together(_ operations: [(SessionID, FileOperation)]) {
        let end = cluster.now + .seconds(60)
        let waiting = operations.map { session, operation in
            cluster.begin(on: 0) { .operation($0, session, operation, payload: nil, deadline: end) }
        }
        for id in waiting {
            guard case .outcome? = cluster.wait(id, on: 0) else {
                Issue.record("no outcome of \(operations)")
                continue
            }
        }
    }

    private func content(_ session: SessionID) throws -> [UInt8] {
        let handle = try open(session, .read)
        return try cluster.perform(.read(handle: handle, offset: 0, length: 10_000), session, on: 0).data ?? []
    }

    /// `isLarge`: one of them makes the file too large to stay in the namespace.
    @Test(arguments: [false, true]) func writersOfDifferentPlacesLoseNothing(isLarge: Bool) throws {
        let filesystem = try cluster.create(.nfs, "share", region: "us", on: 0)
        let (one, other) = (try cluster.open(filesystem, on: 0), try cluster.open(filesystem, on: 0))
        let made = try put(one, [(0, [UInt8](repeating: 1, count: 100))], .create(mode: 0o644, exclusive: true, truncate: false))
        _ = try cluster.perform(.close(handle: made, abandon: false), one, on: 0)
        let added = [UInt8](repeating: 3, count: isLarge ? 6_000 : 50)
        let first = try put(one, [(10, [2, 2]), (20, [2])])
        let second = try put(other, [(100, added)])
        together([(one, .close(handle: first, abandon: false)), (other, .close(handle: second, abandon: false))])
        var expected = [UInt8](repeating: 1, count: 100) + added
        for place in [10, 11, 20] { expected[place] = 2 }
        #expect(try content(one) == expected)
        #expect(try content(other) == expected)
    }

    /// What another cut off does not come back.
    @Test func aTruncatedFileStaysSo() throws {
        let filesystem = try cluster.create(.nfs, "share", region: "us", on: 0)
        let (one, other) = (try cluster.open(filesystem, on: 0), try cluster.open(filesystem, on: 0))
        let made = try put(one, [(0, [UInt8](repeating: 1, count: 100))], .create(mode: 0o644, exclusive: true, truncate: false))
        _ = try cluster.perform(.close(handle: made, abandon: false), one, on: 0)
        let handle = try put(one, [(2, [7, 7])])
        together([
            (one, .close(handle: handle, abandon: false)),
            (other, .setAttributes(path: FilePath("f")!, changes: AttributeChanges(size: 0))),
        ])
        let found = try content(other)
        #expect(found == [] || found == [0, 0, 7, 7])
    }

    /// Two open files of one session of a volume.
    @Test func openFilesOfOneVolumeSession() throws {
        let filesystem = try cluster.create(.volume, "data", region: "us", on: 0)
        let session = try cluster.open(filesystem, on: 0)
        let made = try put(session, [(0, [UInt8](repeating: 1, count: 100))], .create(mode: 0o644, exclusive: true, truncate: false))
        _ = try cluster.perform(.close(handle: made, abandon: false), session, on: 0)
        let first = try put(session, [(10, [2, 2])])
        let second = try put(session, [(30, [3])])
        together([(session, .close(handle: first, abandon: false)), (session, .close(handle: second, abandon: false))])
        var expected = [UInt8](repeating: 1, count: 100)
        (expected[10], expected[11], expected[30]) = (2, 2, 3)
        #expect(try content(session) == expected)
    }
}
