package import Consensus
package import Primitives
import Replication

extension NodeState {
    /// What this node has applied of a group, for a replica whose own snapshot is destroyed: everything in it is
    /// committed, so it may be taken up as one that a leader sent. Nil where nothing is applied, or none is held here.
    package func snapshot(of id: GroupID) -> (metadata: SnapshotMetadata, machine: GroupMachine)? {
        guard let group = groups[id], group.applied > 0, let metadata = raft.snapshotMetadata(of: id, at: group.applied) else { return nil }
        // Digests are cached in pages that the copy shares: computed here, they are only read where it is encoded.
        _ = group.machine.digest
        return (metadata, group.machine)
    }
}
