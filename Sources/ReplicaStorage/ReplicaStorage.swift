package import Consensus
package import NodeCore
package import Primitives
package import Storage

/// What the replicas of a node have on its disk: Raft's writes as records of the log, snapshots, and both read back
/// when the node starts. The live node and the simulator's machines use the same, so that what is simulated is what runs.
package enum ReplicaStorage {
    // MARK: Written

    package static func records(_ writes: [(GroupID, RaftPersist)]) -> [LogRecord] {
        var records: [LogRecord] = []
        for (group, write) in writes {
            if let from = write.truncateFrom { records.append(LogRecord(group, .truncateFrom(from))) }
            for entry in write.entries {
                records.append(LogRecord(group, .entry(index: entry.index, term: entry.term, payload: entry.xdrBytes)))
            }
            if let hard = write.hardState { records.append(LogRecord(group, .hardState(hard.xdrBytes))) }
        }
        return records
    }

    /// What the log is told of a snapshot whose file is there.
    package static func records(_ group: GroupID, _ metadata: SnapshotMetadata) -> [LogRecord] {
        [
            LogRecord(group, .snapshot(metadata.xdrBytes)),
            LogRecord(group, .compactedThrough(index: metadata.index, term: metadata.term)),
        ]
    }

    /// Writes a snapshot, tells the log of it (`record`), and only then lets older ones go: a log that names a snapshot
    /// which is not there keeps the node from starting. False where `record` says that the group has left this node.
    package static func save(
        _ group: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine, in snapshots: SnapshotStore,
        record: () throws(StorageError) -> Bool
    ) throws(StorageError) -> Bool {
        let writer = try snapshots.begin(group, index: metadata.index, term: metadata.term, meta: metadata.xdrBytes)
        try machine.encodeSnapshot { (piece) throws(StorageError) in try writer.write(piece) }
        _ = try writer.finish()
        guard try record() else { return false }
        try snapshots.deleteOlder(group, than: metadata.index)
        return true
    }

    // MARK: Read back

    /// The snapshot that a group's log begins with. Throws `ReplicaDamage` where it is destroyed or gone.
    package static func snapshot(_ group: RecoveredGroup, _ snapshots: SnapshotStore) throws -> (SnapshotMetadata, GroupMachine) {
        func damage(_ path: String, _ offset: UInt64, _ what: String) -> ReplicaDamage {
            ReplicaDamage(group: group.group, compacted: group.compactedIndex, path: path, offset: offset, what: what)
        }
        let info = try snapshots.latest(group.group)
        guard let info, info.index >= group.compactedIndex else {
            // One that is destroyed is not in the list.
            if let found = try snapshots.destroyed(group.group).first { throw damage(found.path, found.offset, found.what) }
            throw damage(snapshots.folder(of: group.group), 0, "the snapshot before the log's entries is missing")
        }
        do {
            return (try SnapshotMetadata(xdr: info.meta), try GroupMachine(snapshot: try snapshots.load(info), group: group.group))
        } catch StorageError.corrupt(let path, let offset, let what) {
            throw damage(path, offset, what)
        } catch let error as MachineSnapshotError {
            throw damage(snapshots.path(of: info), 0, error.cause)
        } catch let error as XDRError {
            throw damage(snapshots.path(of: info), 0, "its metadata can not be read: \(error)")
        }
    }

    /// What the log and the snapshots hold, as Raft wants it. Throws `ReplicaDamage` and `ReplicaRefusal`, and what the
    /// disk says.
    package static func restore(_ recovered: [RecoveredGroup], _ snapshots: SnapshotStore) throws -> NodeState.Restored {
        var out = NodeState.Restored()
        for group in recovered {
            var machine: GroupMachine?
            var metadata: SnapshotMetadata?
            if group.compactedIndex > 0 || group.snapshot != nil { (metadata, machine) = try snapshot(group, snapshots) }
            let entries = try group.entries.map { try RaftEntry(xdr: $0.payload) }
            let hard = try group.hardState.map { try HardState(xdr: $0) } ?? HardState()
            let raft = RaftRestored(hardState: hard, snapshot: metadata, entries: entries, initialConfiguration: .empty)
            if let problem = raft.problem { throw ReplicaRefusal(group: group.group, problem: problem) }
            out.groups.append((group.group, raft, machine))
        }
        return out
    }
}
