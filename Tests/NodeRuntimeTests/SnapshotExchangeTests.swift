import Consensus
import Foundation
import Logging
import NIOCore
import NIOPosix
import NodeCore
import Primitives
import Storage
import Synchronization
import Testing
import Transport

@testable import NodeRuntime

/// What snapshots do to the log of their group: nothing that was acknowledged is cut off, and what a
/// group leaves behind never keeps its node from starting.
@Suite(.serialized) struct SnapshotExchangeTests {
    private static let authority = try! ClusterAuthority.create(clusterID: "test")
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let group = GroupID.catalog

    /// The log and the snapshots of a node, with an exchange between them; nobody is connected.
    private final class Desk: Sendable {
        let folder = NSTemporaryDirectory() + "atoll-snapshots-\(UUID().uuidString)"
        let log: WriteAheadLog
        let store: SnapshotStore
        let exchange: SnapshotExchange
        private let sink = Sink()
        private let news = DispatchSemaphore(value: 0)

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            (log, store) = try Self.open(folder).opened
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let network = try PeerNetwork(
                identity: SnapshotExchangeTests.authority.issue(node: NodeID(1)), region: RegionID("here"), clusterSettings: .zero,
                incarnation: 1, group: SnapshotExchangeTests.loops, logger: logger)
            let (sink, news) = (sink, news)
            exchange = SnapshotExchange(snapshots: store, log: log, network: network, logger: logger) { event in
                sink.events.withLock { $0.append(event) }
                news.signal()
            }
        }

        private final class Sink: Sendable { let events = Mutex<[Event]>([]) }

        deinit {
            log.close()
            try? FileManager.default.removeItem(atPath: folder)
        }

        static func open(_ folder: String) throws -> (opened: (WriteAheadLog, SnapshotStore), groups: [RecoveredGroup]) {
            let identity = StorageIdentity(cluster: ClusterID(high: 1, low: 2), node: NodeID(1))
            let store = try SnapshotStore(folder + "/snapshots")
            let (log, groups) = try WriteAheadLog.open(folder + "/log", identity: identity)
            return ((log, store), groups)
        }

        /// The next event that the exchange tells.
        func next() -> Event? {
            guard news.wait(timeout: .now() + .seconds(30)) == .success else { return nil }
            return sink.events.withLock { $0.removeFirst() }
        }

        /// What the disk holds for the next start: the group's log, and its newest snapshot.
        func restarted(_ group: GroupID) throws -> (log: RecoveredGroup?, snapshot: SnapshotInfo?) {
            log.close()
            let (opened, groups) = try Self.open(folder)
            defer { opened.0.close() }
            return (groups.first { $0.group == group }, try opened.1.latest(group))
        }
    }

    private func append(_ entries: ClosedRange<UInt64>, to desk: Desk) throws {
        try desk.log.append(entries.map { LogRecord(group, .entry(index: $0, term: 1, payload: [UInt8($0)])) })
    }

    private func metadata(_ index: UInt64) -> SnapshotMetadata {
        SnapshotMetadata(index: index, term: 1, configuration: RaftConfiguration(voters: [NodeID(1), NodeID(2)], learners: []))
    }

    private var content: [UInt8] {
        var bytes: [UInt8] = []
        GroupMachine().encodeSnapshot { bytes += $0 }
        return bytes
    }

    private func piece(_ index: UInt64, token: UInt64, _ range: Range<Int>, to desk: Desk) {
        let content = content
        desk.exchange.received(
            .snapshot(
                token: token, group, metadata: metadata(index).xdrBytes, offset: UInt64(range.lowerBound), total: UInt64(content.count),
                SHA256.hash(content)), from: NodeID(2), attachment: ByteBuffer(bytes: content[range]))
    }

    @Test func aSnapshotThatComesLateLeavesWhatWasAcknowledgedSince() throws {
        let desk = try Desk()
        try append(1...20, to: desk)
        piece(10, token: 1, 0..<content.count, to: desk)
        guard case .snapshotReceived(_, let taken, _)? = desk.next() else {
            Issue.record("it was not taken in")
            return
        }
        #expect(taken.index == 10)
        let (log, snapshot) = try desk.restarted(group)
        #expect(snapshot?.meta == metadata(10).xdrBytes && log?.compactedIndex == 10)
        #expect(log?.entries.map(\.index) == Array(11...20), "entries behind the snapshot were acknowledged")
    }

    @Test func aSnapshotThatIsSavedWhileItsGroupLeavesIsNotTold() throws {
        let desk = try Desk()
        try append(1...20, to: desk)
        desk.exchange.end(group)
        try desk.log.append([LogRecord(group, .groupRemoved)])
        desk.exchange.save(group, metadata(10), GroupMachine())
        desk.exchange.delete(group)
        guard case .snapshotSaved(_, _, let ok)? = desk.next() else {
            Issue.record("nothing was told")
            return
        }
        #expect(!ok)
        // The exchange works in order: what is told next is behind the removal.
        piece(5, token: 7, 1..<2, to: desk)
        desk.exchange.save(GroupID(9), metadata(1), GroupMachine())
        #expect(desk.next() != nil)
        let (log, snapshot) = try desk.restarted(group)
        #expect(snapshot == nil)
        #expect(log?.snapshot == nil && log?.compactedIndex ?? 0 == 0, "a log that names a snapshot which is not there cannot be opened")
    }

    @Test func aSnapshotOfTheLifeThatEndsIsNotTakenInByTheNext() throws {
        let desk = try Desk()
        let half = content.count / 2
        piece(10, token: 1, 0..<half, to: desk)
        desk.exchange.end(group)
        // Its end comes while the group leaves, and after it has left.
        piece(10, token: 1, half..<content.count, to: desk)
        try desk.log.append([LogRecord(group, .groupRemoved)])
        desk.exchange.delete(group)
        piece(10, token: 1, half..<content.count, to: desk)
        piece(30, token: 2, 0..<content.count, to: desk)
        guard case .snapshotReceived(_, let taken, _)? = desk.next() else {
            Issue.record("the group came back, and was given nothing")
            return
        }
        #expect(taken.index == 30)
        let (log, snapshot) = try desk.restarted(group)
        #expect(log?.compactedIndex == 30 && snapshot?.meta == metadata(30).xdrBytes)
    }
}
