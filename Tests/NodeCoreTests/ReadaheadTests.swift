import Filesystem
import NodeCore
import Primitives
import Testing

/// Reading a network file system from afar: readahead, and what is kept of earlier reads.
@Suite struct ReadaheadTests {
    private static let piece = 64 << 10
    private let cluster = TestCluster(ClusterTests.world, roundTrip: ClusterTests.roundTrip, seed: 5)
    /// Of the primary region, and of one that is far.
    private let near: SessionID
    private let far: SessionID
    private let share: FilesystemID

    init() throws {
        try #require(cluster.settle())
        share = try cluster.create(.nfs, "share", region: "us", on: 0)
        near = try cluster.open(share, on: 0)
        far = try cluster.open(share, on: 2)
    }

    private func open(_ name: String, _ mode: OpenMode, _ session: SessionID, on node: Int) throws -> (HandleID, UInt32) {
        let outcome = try cluster.perform(.open(path: FilePath(name)!, mode: mode), session, on: node).outcome
        guard case .opened(let handle, _) = outcome.value else { throw outcome.unexpected }
        return (handle, outcome.cost.wideAreaRoundTrips)
    }

    private func read(_ handle: HandleID, _ offset: Int, _ length: Int) throws -> (bytes: [UInt8], end: Bool, trips: UInt32) {
        let (outcome, data) = try cluster.perform(.read(handle: handle, offset: UInt64(offset), length: UInt32(length)), far, on: 2)
        guard case .data(let count, let end) = outcome.value, Int(count) == data?.count ?? 0 else { throw outcome.unexpected }
        return (data ?? [], end, outcome.cost.wideAreaRoundTrips)
    }

    private func close(_ handle: HandleID, _ session: SessionID, on node: Int) throws {
        _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node)
    }

    private func put(_ name: String, _ content: [UInt8], _ session: SessionID, on node: Int) throws {
        let handle = try open(name, .replace(mode: 0o644, refuseExisting: false), session, on: node).0
        _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: content)
        try close(handle, session, on: node)
    }

    /// A whole file in small pieces, as a program reads that asks until it has come to the end.
    private func readAll(_ handle: HandleID) throws -> (bytes: [UInt8], trips: UInt32) {
        var content: [UInt8] = []
        var trips: UInt32 = 0
        while true {
            let part = try read(handle, content.count, Self.piece)
            content += part.bytes
            trips += part.trips
            if part.end { return (content, trips) }
            try #require(part.bytes.count == Self.piece, "a short read is only at the end of the file")
        }
    }

    @Test func smallReadsInOrderCostOneRoundTripAMebibyte() throws {
        let content = ClusterDriver.bytes(2 << 20 | 70_000, seed: 1)
        try put("/f", content, near, on: 0)
        let (handle, trips) = try open("/f", .read, far, on: 2)
        #expect(trips == 1)
        let first = try readAll(handle)
        #expect(first.bytes == content)
        #expect(first.trips == 3)
        let again = try readAll(handle)
        #expect(again.bytes == content)
        #expect(again.trips == 0)
        try close(handle, far, on: 2)
        let warm = try open("/f", .read, far, on: 2)
        #expect(warm.1 == 1, "opening always asks")
        let third = try readAll(warm.0)
        #expect(third.bytes == content)
        #expect(third.trips == 0)
        #expect(cluster.rangesKept() == 3)
        #expect(cluster.hosts[2].state.keptReads.bytes == UInt64(content.count))
        try end()
    }

    @Test func aChangeOfAnotherClientIsSeenAfterTheNextOpen() throws {
        let (before, after) = (ClusterDriver.bytes(200_000, seed: 1), ClusterDriver.bytes(150_000, seed: 2))
        try put("/f", before, near, on: 0)
        let handle = try open("/f", .read, far, on: 2).0
        #expect(try readAll(handle).bytes == before)
        let change = try open("/f", .write, near, on: 0).0
        _ = try cluster.perform(.write(handle: change, offset: 0), near, on: 0, bytes: after)
        try close(change, near, on: 0)
        let now = after + before[after.count...]
        let again = try open("/f", .read, far, on: 2).0
        let seen = try readAll(again)
        #expect(seen.bytes == now)
        #expect(seen.trips == 1)
        #expect(try readAll(handle).bytes == now, "older open files of the session see no less")
        try end()
    }

    /// An open file is asked about again when its attributes would be.
    @Test func whatIsKeptIsNotBelievedForLongerThanAttributes() throws {
        try put("/f", ClusterDriver.bytes(100_000, seed: 1), near, on: 0)
        let handle = try open("/f", .read, far, on: 2).0
        #expect(try readAll(handle).trips == 1)
        #expect(try readAll(handle).trips == 0)
        cluster.run(for: .seconds(3))
        #expect(try readAll(handle).trips == 1)
        #expect(cluster.rangesKept() == 1)
        try end()
    }

    @Test func ownWritesAreReadBack() throws {
        var content = ClusterDriver.bytes(100_000, seed: 1)
        try put("/f", content, near, on: 0)
        let (reader, writer) = (try open("/f", .read, far, on: 2).0, try open("/f", .write, far, on: 2).0)
        #expect(try readAll(reader).bytes == content)
        let change = ClusterDriver.bytes(300, seed: 3)
        _ = try cluster.perform(.write(handle: writer, offset: 5_000), far, on: 2, bytes: change)
        content.replaceSubrange(5_000..<5_300, with: change)
        #expect(try readAll(writer).bytes == content)
        #expect(try readAll(reader).bytes == content)
        _ = try cluster.perform(.setAttributes(path: FilePath("/f")!, changes: AttributeChanges(size: 70_000)), far, on: 2)
        #expect(try readAll(writer).bytes == Array(content.prefix(70_000)))
        try close(writer, far, on: 2)
        try put("/f", change, far, on: 2)
        let replaced = try open("/f", .read, far, on: 2).0
        #expect(try readAll(replaced).bytes == change)
        _ = try cluster.perform(.remove(path: FilePath("/f")!, recursive: false), far, on: 2)
        #expect(cluster.hosts[2].state.keptReads.bytes <= 70_000, "nothing is kept of what the session has removed")
        try end()
    }

    @Test func readsOutOfOrderFetchWhatTheyAskForAndAreBounded() throws {
        let content = ClusterDriver.bytes(1_200_000, seed: 1)
        try put("/f", content, near, on: 0)
        let handle = try open("/f", .read, far, on: 2).0
        for number in 0..<300 {
            let offset = 1_190_000 - number * 3_000
            let part = try read(handle, offset, 1_000)
            #expect(part.bytes == Array(content[offset..<offset + 1_000]) && part.trips == 1)
        }
        #expect(cluster.hosts[2].state.keptReads.ranges == NFSReadCache.rangeLimit)
        #expect(cluster.hosts[2].state.keptReads.bytes == UInt64(NFSReadCache.rangeLimit * 1_000))
        #expect(cluster.hosts[2].buffers.count == NFSReadCache.rangeLimit)
        #expect(try read(handle, 1_190_000 - 299 * 3_000, 1_000).trips == 0)
        #expect(try read(handle, 1_190_000, 1_000).trips == 1)
        try end()
    }

    @Test func aLockTakenShowsWhatItsLastHolderWrote() throws {
        try put("/f", ClusterDriver.bytes(1_000, seed: 1), near, on: 0)
        let handle = try open("/f", .write, far, on: 2).0
        #expect(try readAll(handle).trips == 1)
        let after = ClusterDriver.bytes(1_000, seed: 2)
        let writer = try open("/f", .write, near, on: 0).0
        _ = try cluster.perform(.write(handle: writer, offset: 0), near, on: 0, bytes: after)
        try close(writer, near, on: 0)
        _ = try cluster.perform(
            .lock(handle: handle, range: LockRange(start: 0, length: .max), exclusive: true, wait: false), far, on: 2)
        #expect(try readAll(handle).bytes == after)
        try end()
    }

    /// Reads whose file or session is closed before they are answered leave no buffer.
    @Test(arguments: [false, true]) func whatIsClosedBeforeItsAnswerLeavesNothing(session: Bool) throws {
        try put("/f", ClusterDriver.bytes(100_000, seed: 1), near, on: 0)
        let handle = try open("/f", .read, far, on: 2).0
        let limit = cluster.now + .seconds(20)
        let reading = cluster.begin(on: 2) {
            .operation($0, far, .read(handle: handle, offset: 0, length: 1_000), payload: nil, deadline: limit)
        }
        cluster.run(for: .milliseconds(20))
        if session { cluster.post(.closeSession(far), to: 2, after: .zero) } else { try close(handle, far, on: 2) }
        guard case .failed? = cluster.wait(reading, on: 2) else {
            Issue.record("a read of what is closed was answered")
            return
        }
        try end()
    }

    @Test func aSessionThatAsksEachTimeKeepsNothing() throws {
        let content = ClusterDriver.bytes(200_000, seed: 1)
        try put("/f", content, near, on: 0)
        let strict = try cluster.open(share, on: 2, options: SessionOptions(attributeCache: .zero))
        let handle = try open("/f", .read, strict, on: 2).0
        for _ in 0..<2 {
            let read = try cluster.perform(.read(handle: handle, offset: 0, length: 1_000), strict, on: 2)
            #expect(read.data == Array(content.prefix(1_000)))
            #expect(read.outcome.cost.wideAreaRoundTrips == 1)
        }
        #expect(cluster.rangesKept() == 0)
        try end()
    }

    /// The sessions end: every buffer has been dropped.
    private func end() throws {
        #expect(cluster.buffersHeld() == 0)
        for (session, node) in [(near, 0), (far, 2)] { cluster.post(.closeSession(session), to: node, after: .zero) }
        cluster.run(for: .seconds(1))
        #expect(cluster.rangesKept() == 0)
        #expect(cluster.hosts.allSatisfy { $0.buffers.isEmpty })
        #expect(cluster.faults == [])
    }
}

extension FileOutcome {
    fileprivate var unexpected: FileFailure { FileFailure(.ioError, operation: "test", object: "answer", cause: "\(value)") }
}
