import Filesystem
import Primitives
import Replication
import Testing

@testable import NodeCore

/// Reading a volume in order: what comes next is brought before it is asked for.
@Suite struct VolumeReadaheadTests {
    private static let piece = 64 << 10

    private func read(_ cluster: TestCluster, _ session: SessionID, _ offset: Int, _ handle: HandleID) throws -> ([UInt8], OperationCost) {
        let operation = FileOperation.read(handle: handle, offset: UInt64(offset), length: UInt32(Self.piece))
        let (outcome, data) = try cluster.perform(operation, session, on: 2)
        return (data ?? [], outcome.cost)
    }

    private func open(_ cluster: TestCluster, _ session: SessionID, _ mode: OpenMode, on node: Int) throws -> HandleID {
        let outcome = try cluster.perform(.open(path: FilePath("/f")!, mode: mode), session, on: node).outcome
        guard case .opened(let handle, _) = outcome.value else {
            throw FileFailure(.ioError, operation: "open", object: "f", cause: "\(outcome.value)")
        }
        return handle
    }

    /// A file whose content is in other regions only, read by a client that thinks for a round trip between reads:
    /// the beginning costs round trips, the rest none. Read from the end on, every piece costs one.
    @Test func aReaderInOrderWaitsAtTheBeginningOnly() throws {
        let cluster = TestCluster(ClusterTests.world, roundTrip: ClusterTests.roundTrip, seed: 9)
        try #require(cluster.settle())
        let volume = try cluster.create(.volume, "v", region: "us", on: 0)
        let writer = try cluster.open(volume, on: 0)
        cluster.isStarved = { $0 == 2 }
        let content = ClusterDriver.bytes(4 << 20, seed: 3)
        let made = try open(cluster, writer, .replace(mode: 0o644, refuseExisting: false), on: 0)
        for start in stride(from: 0, to: content.count, by: 1 << 20) {
            let part = Array(content[start..<start + (1 << 20)])
            _ = try cluster.perform(.write(handle: made, offset: UInt64(start)), writer, on: 0, bytes: part)
        }
        _ = try cluster.perform(.close(handle: made, abandon: false), writer, on: 0)
        _ = try cluster.perform(.commit(CommitOptions()), writer, on: 0)
        let reader = try cluster.open(volume, on: 2)
        _ = try cluster.perform(.reload(.latest, discard: false), reader, on: 2)
        let handle = try open(cluster, reader, .read, on: 2)
        cluster.isStarved = { _ in false }
        var waits: [Int] = []
        var offset = 0
        while offset < content.count {
            let (bytes, cost) = try read(cluster, reader, offset, handle)
            try #require(bytes == Array(content[offset..<offset + Self.piece]))
            if cost.wideAreaRoundTrips > 0 { waits.append(offset / Self.piece) }
            offset += Self.piece
            cluster.run(for: .milliseconds(Int64(ClusterTests.roundTrip("us", "ap"))))
        }
        #expect(!waits.isEmpty && waits.allSatisfy { $0 < 8 }, "\(waits)")
        #expect(cluster.hosts[2].state.readaheadsUnderWay == 0)
    }

    @Test func windows() {
        var reads = SequentialReads()
        #expect(reads.note(offset: 0, length: 100) == 100..<300)
        #expect(reads.note(offset: 100, length: 100) == 300..<600, "half of it is used: 200 read, 400 ahead of 200")
        #expect(reads.note(offset: 200, length: 50) == nil, "more than half of 500 is still ahead")
        #expect(reads.note(offset: 5_000, length: 100) == nil, "elsewhere")
        #expect(reads.note(offset: 5_100, length: 100) == 5_200..<5_400, "in order again, from there")
        #expect(reads.note(offset: 5_100, length: 100) == nil, "the same again is not in order")
        #expect(reads.note(offset: .max - 50, length: 50) == nil)
        var large = SequentialReads()
        let limit = SequentialReads.windowLimit
        #expect(large.note(offset: 0, length: 4 << 20) == (4 << 20)..<(4 << 20) + limit)
        for step in 1..<20 {
            guard let range = large.note(offset: UInt64(step) << 22, length: 4 << 20) else { continue }
            #expect(range.upperBound == UInt64(step + 1) << 22 + limit)
        }
    }
}
