import Consensus
import Dispatch
import Logging
import NIOCore
import NodeCore
import Primitives
import ReplicaStorage
import Storage
import Synchronization
import Transport

/// Snapshots: saved from a copy of the state machine, streamed to replicas that are too far behind,
/// one piece a round trip, checked by digest, and taken up whole or not at all.
final class SnapshotExchange: Sendable {
    private static let pieceBytes = 4 << 20

    private let snapshots: SnapshotStore
    private let log: WriteAheadLog
    private let network: PeerNetwork
    private let worker: BoundedExecutor
    private let logger: Logger
    private let post: @Sendable (Event) -> Void

    private struct Outgoing {
        let group: GroupID
        let node: NodeID
        let info: SnapshotInfo
        var offset: UInt64
    }
    private struct Arriving {
        let token: UInt64
        let writer: SnapshotWriter
        let metadata: SnapshotMetadata
    }
    private struct State {
        var outgoing: [UInt64: Outgoing] = [:]
        var arriving: [GroupID: Arriving] = [:]
        var next: UInt64 = 1
        /// Groups that have left this node and whose snapshots are not deleted yet, and how often. Until they
        /// are, no snapshot of the group is taken in: it may be of the life that ends, or be deleted with it.
        var ending: [GroupID: Int] = [:]
    }
    private let state = Mutex(State())

    init(
        snapshots: SnapshotStore, log: WriteAheadLog, network: PeerNetwork, logger: Logger, post: @escaping @Sendable (Event) -> Void
    ) {
        self.snapshots = snapshots
        self.log = log
        self.network = network
        self.logger = logger
        self.post = post
        worker = BoundedExecutor(label: "atoll.snapshots", width: 1)
    }

    func save(_ group: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine) {
        worker.run { [self] in
            do throws(StorageError) {
                let isSaved = try ReplicaStorage.save(group, metadata, machine, in: snapshots) { () throws(StorageError) in
                    try record(group, metadata)
                }
                post(.snapshotSaved(group, metadata, ok: isSaved))
            } catch {
                logger.warning("a snapshot cannot be saved", metadata: ["group": "\(group)", "error": "\(error)"])
                post(.snapshotSaved(group, metadata, ok: false))
            }
        }
    }

    /// Tells the log of a snapshot whose file is there; false where the group has left this node meanwhile.
    private func record(_ group: GroupID, _ metadata: SnapshotMetadata) throws(StorageError) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<StorageError?>(nil)
        // Under the lock, so that it comes either before the record that ends the group or not at all.
        let isAppended = state.withLock { state in
            guard state.ending[group] == nil else { return false }
            log.append(ReplicaStorage.records(group, metadata)) { error in
                outcome.withLock { $0 = error }
                done.signal()
            }
            return true
        }
        guard isAppended else { return false }
        done.wait()
        if let error = outcome.withLock({ $0 }) { throw error }
        return true
    }

    /// A group leaves this node: what is under way of it is void. Called before the log is told.
    func end(_ group: GroupID) { state.withLock { $0.ending[group, default: 0] += 1 } }

    /// The log has forgotten the group; its snapshots go. Not before: a log that names a snapshot which is
    /// not there keeps the node from starting.
    func delete(_ group: GroupID) {
        worker.run { [self] in
            state.withLock { $0.arriving.removeValue(forKey: group) }?.writer.abort()
            do throws(StorageError) {
                try snapshots.deleteAll(group)
            } catch {
                logger.warning("a group's files cannot be removed", metadata: ["group": "\(group)", "error": "\(error)"])
            }
            state.withLock { state in
                let left = state.ending[group, default: 1] - 1
                state.ending[group] = left > 0 ? left : nil
            }
        }
    }

    func send(_ group: GroupID, to node: NodeID, _ metadata: SnapshotMetadata) {
        worker.run { [self] in
            guard let info = (try? snapshots.latest(group)) ?? nil else {
                post(.snapshotSent(group, to: node, ok: false))
                return
            }
            let token = state.withLock { state in
                let token = state.next
                state.next += 1
                state.outgoing[token] = Outgoing(group: group, node: node, info: info, offset: 0)
                return token
            }
            sendPiece(token)
        }
    }

    private func sendPiece(_ token: UInt64) {
        guard let going = state.withLock({ $0.outgoing[token] }) else { return }
        let count = Int(min(UInt64(Self.pieceBytes), going.info.length - going.offset))
        let message = DataMessage.snapshot(
            token: token, going.group, metadata: going.info.meta, offset: going.offset, total: going.info.length, going.info.digest)
        guard let bytes = try? snapshots.read(going.info, at: going.offset, count: count),
            case .accepted = network.send(to: going.node, lane: .bulk, header: message.frameHeader, attachment: ByteBuffer(bytes: bytes))
        else {
            finish(token, ok: false)
            return
        }
        _ = state.withLock { $0.outgoing[token]?.offset += UInt64(count) }
    }

    private func finish(_ token: UInt64, ok: Bool) {
        guard let going = state.withLock({ $0.outgoing.removeValue(forKey: token) }) else { return }
        post(.snapshotSent(going.group, to: going.node, ok: ok))
    }

    func lost(_ peer: NodeID) {
        let tokens = state.withLock { $0.outgoing.filter { $0.value.node == peer }.map(\.key) }
        for token in tokens { finish(token, ok: false) }
    }

    func received(_ message: DataMessage, from node: NodeID, attachment: ByteBuffer?) {
        switch message {
        case .snapshotReceived(let token, let ok, let done):
            worker.run { [self] in
                if !ok || done { finish(token, ok: ok) } else { sendPiece(token) }
            }
        case .snapshot(let token, let group, let metadata, let offset, let total, let digest):
            worker.run { [self] in
                let outcome = arrived(token, group, metadata, offset, total, digest, attachment)
                let answer = DataMessage.snapshotReceived(token: token, ok: outcome != nil, done: outcome == true)
                _ = network.send(to: node, lane: .control, header: answer.frameHeader, attachment: nil)
            }
        default: preconditionFailure("no message of snapshots")
        }
    }

    /// Takes one piece. Nil: refused; true: the snapshot is complete and handed to the node.
    private func arrived(
        _ token: UInt64, _ group: GroupID, _ encoded: [UInt8], _ offset: UInt64, _ total: UInt64, _ digest: Digest,
        _ attachment: ByteBuffer?
    ) -> Bool? {
        do throws(StorageError) {
            if offset == 0 {
                guard let metadata = try? SnapshotMetadata(xdr: encoded), state.withLock({ $0.ending[group] == nil }) else { return nil }
                state.withLock { $0.arriving[group] }?.writer.abort()
                let writer = try snapshots.begin(group, index: metadata.index, term: metadata.term, meta: encoded)
                state.withLock { $0.arriving[group] = Arriving(token: token, writer: writer, metadata: metadata) }
            }
            guard let arriving = state.withLock({ $0.arriving[group] }), arriving.token == token, arriving.writer.written == offset else {
                return nil
            }
            if let bytes = attachment { try arriving.writer.write(Array(bytes.readableBytesView)) }
            guard arriving.writer.written >= total else { return false }
            state.withLock { $0.arriving[group] = nil }
            let info = try arriving.writer.finish(expecting: digest)
            let machine: GroupMachine
            do { machine = try GroupMachine(snapshot: try snapshots.load(info), group: group) } catch {
                logger.error("a received snapshot cannot be read", metadata: ["group": "\(group)", "error": "\(error)"])
                return nil
            }
            let metadata = arriving.metadata
            // What lies behind the snapshot in the log stays: where it is not of the same history Raft cuts it off
            // when it takes the snapshot up. A snapshot of an earlier leader that comes late is not taken up at all,
            // and entries behind it may have been acknowledged.
            guard try record(group, metadata) else { return nil }
            post(.snapshotReceived(group, metadata, machine))
            return true
        } catch {
            logger.warning("a snapshot cannot be taken in", metadata: ["group": "\(group)", "error": "\(error)"])
            return nil
        }
    }
}
