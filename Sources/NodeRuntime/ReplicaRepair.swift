import Consensus
import NodeCore
package import Primitives
package import ReplicaStorage
package import Replication
import Storage

/// Fills replicas of a node that does not run from what another node has applied.
///
/// That is what a leader does with a follower that is too far behind (Raft §7), and as safe: term, vote and the
/// entries behind the snapshot are in the log and stay, so nothing that this node has acknowledged is
/// forgotten, and a snapshot holds nothing but committed entries, whoever made it.
package final class ReplicaRepair: Sendable {
    package let damages: [ReplicaDamage]
    /// Of the catalog on this disk; empty where it is among the damaged.
    package let names: [GroupID: FilesystemRecord]
    /// The id of the cluster that the directory is of, as its catalog writes it.
    package var cluster: String { Base62.encode(high: directory.identity.cluster.high, low: directory.identity.cluster.low) }
    private let directory: DataDirectory
    private let recovered: [RecoveredGroup]

    /// Fails where the directory is no node's, is in use, or its log is destroyed.
    package init(_ path: String) throws(NodeStartError) {
        do {
            guard let identity = try DataDirectory.readIdentity(path) else {
                throw NodeStartError("\(path): it is no node's data directory")
            }
            directory = try DataDirectory(path, identity: identity)
            recovered = try LogCheck.recover(directory.log, identity: identity)
            let snapshots = SnapshotStore(reading: directory.snapshots)
            var damages: [ReplicaDamage] = []
            var sound: [RecoveredGroup] = []
            for group in recovered {
                do {
                    if group.compactedIndex > 0 || group.snapshot != nil { _ = try ReplicaStorage.snapshot(group, snapshots) }
                    sound.append(group)
                } catch let damage as ReplicaDamage {
                    damages.append(damage)
                }
            }
            self.damages = damages
            let catalog = sound.filter { $0.group == .catalog }
            let machines = StoredMachines(try NodeParts.restore(catalog, snapshots))
            var names: [GroupID: FilesystemRecord] = [:]
            for damage in damages { names[damage.group] = machines.catalog.filesystem(of: damage.group) }
            self.names = names
        } catch {
            throw error as? NodeStartError ?? NodeStartError("\(error)")
        }
    }

    /// Takes up what another node sent. Returns the name under which the destroyed file is kept, if there is one.
    package func fill(_ damage: ReplicaDamage, metadata: [UInt8], content: [UInt8]) throws(NodeStartError) -> String? {
        do {
            let snapshot = try SnapshotMetadata(xdr: metadata)
            guard let group = recovered.first(where: { $0.group == damage.group }) else {
                preconditionFailure("group \(damage.group) is not in the log")
            }
            guard snapshot.index >= group.compactedIndex,
                snapshot.index > group.compactedIndex || snapshot.term == group.compactedTerm
            else {
                throw NodeStartError(
                    "group \(damage.group): the other node has applied \(snapshot.index) entries, and the log here begins behind entry \(group.compactedIndex); wait until it has caught up, or name another node"
                )
            }
            _ = try GroupMachine(snapshot: content, group: damage.group)
            let snapshots = try SnapshotStore(directory.snapshots)
            var kept: String?
            for finding in try snapshots.destroyed(damage.group) { kept = try snapshots.setAside(finding) }
            let writer = try snapshots.begin(damage.group, index: snapshot.index, term: snapshot.term, meta: metadata)
            try writer.write(content)
            _ = try writer.finish()
            try record(snapshot, group)
            return kept
        } catch {
            throw error as? NodeStartError ?? NodeStartError("\(error)")
        }
    }

    /// The log's entries behind the snapshot stay where they are of the same history.
    private func record(_ snapshot: SnapshotMetadata, _ group: RecoveredGroup) throws {
        let (log, _) = try WriteAheadLog.open(directory.log, identity: directory.identity)
        defer { log.close() }
        var records: [LogRecord] = []
        let same = group.entries.first { $0.index == snapshot.index }
        if let same, same.term != snapshot.term { records.append(LogRecord(group.group, .truncateFrom(snapshot.index + 1))) }
        try log.append(records + ReplicaStorage.records(group.group, snapshot))
    }

    package func close() { directory.close() }
}
