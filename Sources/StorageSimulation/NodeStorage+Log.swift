package import Consensus
package import NodeCore
package import Primitives
import ReplicaStorage
package import Simulation
import Storage

/// Writes on their way to the log, by the rules of the live node's `LogAppender`: the log answers in the order of the
/// appends; one that finds no room waits with all behind it, and they are written anew one by one, in their order.
struct LogWrites {
    struct Write {
        let records: [LogRecord]
        let token: UInt64?
        /// The group that it removes.
        let group: GroupID?
        let bytes: Int64
    }

    final class Answers: @unchecked Sendable { var list: [StorageError?] = [] }

    var waiting: [Write] = []
    /// What the log has said of those that it was given.
    let answers = Answers()
    var isFull = false
    var hasFailed = false
}

extension NodeStorage {
    package func append(_ writes: [(GroupID, RaftPersist)], token: UInt64) {
        let bytes = writes.reduce(64) { sum, write in write.1.entries.reduce(sum) { $0 + Int64($1.size) } }
        put(.init(records: ReplicaStorage.records(writes), token: token, group: nil, bytes: bytes))
    }

    package func forget(_ group: GroupID) {
        leaving.append(group)
        put(.init(records: [LogRecord(group, .groupRemoved)], token: nil, group: group, bytes: 64))
    }

    private func put(_ write: LogWrites.Write) {
        guard let log else { return }
        writes.waiting.append(write)
        guard !writes.isFull else { return }
        log.append(write.records) { [answers = writes.answers] in answers.list.append($0) }
    }

    package var waitingBytes: Int64? {
        writes.waiting.isEmpty || writes.hasFailed ? nil : writes.waiting.reduce(0) { $0 + $1.bytes }
    }

    package func sync() -> WorldSync {
        var outcome = WorldSync()
        guard let log, !writes.hasFailed else { return outcome }
        if writes.isFull {
            writes.isFull = false
            while let next = writes.waiting.first, outcome.failure == nil, !writes.isFull {
                log.append(next.records) { [answers = writes.answers] in answers.list.append($0) }
                turn(log)
                take(&outcome)
            }
        } else {
            turn(log)
            take(&outcome)
        }
        outcome.isFull = writes.isFull
        outcome.wasToFail = syncFailed || disk.isDown
        return outcome
    }

    /// Writes what was appended, whoever did it.
    func turn(_ log: WriteAheadLog) { while log.turn() {} }

    private func take(_ outcome: inout WorldSync) {
        for answer in writes.answers.list where !writes.isFull && !writes.hasFailed {
            switch answer {
            case nil:
                let write = writes.waiting.removeFirst()
                if let token = write.token { outcome.durable.append(token) }
                if let group = write.group { left(group) }
            case .noSpace?: writes.isFull = true
            case let error?:
                writes.hasFailed = true
                outcome.failure = "\(error)"
            }
        }
        writes.answers.list = []
    }

    /// The log has forgotten the group; its snapshots go. Not before: see the live `SnapshotExchange.delete`.
    private func left(_ group: GroupID) {
        try? snapshots?.deleteAll(group)
        if let place = leaving.firstIndex(of: group) { leaving.remove(at: place) }
    }

    // MARK: Snapshots

    package func snapshot(of group: GroupID) -> (SnapshotMetadata, GroupMachine)? {
        guard let snapshots, let info = (try? snapshots.latest(group)) ?? nil, let metadata = try? SnapshotMetadata(xdr: info.meta),
            let machine = try? GroupMachine(snapshot: try snapshots.load(info), group: group)
        else { return nil }
        return (metadata, machine)
    }

    /// Tells the log of a snapshot whose file is there; false where the group has left this node.
    func record(_ group: GroupID, _ metadata: SnapshotMetadata) throws(StorageError) -> Bool {
        guard let log, !leaving.contains(group) else { return false }
        let answers = LogWrites.Answers()
        log.append(ReplicaStorage.records(group, metadata)) { answers.list.append($0) }
        turn(log)
        if let error = answers.list.first ?? nil { throw error }
        return true
    }
}
