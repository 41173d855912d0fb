import Consensus
import Filesystem
import Namespace
package import Primitives
package import Replication

/// The machines of a node that does not run, rebuilt from what its disk holds: the newest snapshot of
/// each group, and the entries behind it that the node knew to be committed. Entries after those may
/// not be in force, and are left out.
package struct StoredMachines: Sendable {
    package struct Group: Sendable {
        package let id: GroupID
        /// Nil where the catalog on this disk does not name the group.
        package let record: FilesystemRecord?
        package let machine: GroupMachine
        /// What the machine has applied, and the last entry on the disk.
        package let applied: UInt64
        package let last: UInt64
    }

    package private(set) var catalog = CatalogState()
    /// File systems, by group.
    package private(set) var groups: [Group] = []
    /// Groups that have entries and neither a snapshot nor a name in the catalog: nothing can be made of them.
    package private(set) var unknown: [GroupID] = []

    package init(_ restored: NodeState.Restored) {
        if let (_, raft, machine) = restored.groups.first(where: { $0.0 == .catalog }) {
            catalog = Self.replay(machine ?? GroupMachine(), raft).machine.catalog
        }
        for (id, raft, machine) in restored.groups where id != .catalog {
            let record = catalog.filesystem(of: id)
            guard let first = machine ?? record.map({ GroupMachine(files: $0) }) else {
                unknown.append(id)
                continue
            }
            let (end, applied) = Self.replay(first, raft)
            let last = raft.entries.last?.index ?? raft.snapshot?.index ?? 0
            groups.append(Group(id: id, record: record, machine: end, applied: applied, last: max(last, applied)))
        }
    }

    private static func replay(_ machine: GroupMachine, _ raft: RaftRestored) -> (machine: GroupMachine, applied: UInt64) {
        var machine = machine
        var applied = raft.snapshot?.index ?? 0
        var adopted: [ChunkReference] = []
        for entry in raft.entries where entry.index > applied && entry.index <= raft.hardState.commit {
            if entry.kind == .command {
                _ = machine.apply(entry.payload, index: entry.index, adopting: &adopted)
                adopted.removeAll(keepingCapacity: true)
            }
            applied = entry.index
        }
        return (machine, applied)
    }

    /// Whether placement wants a chunk of this file system on a node, whoever is away.
    package func wants(_ chunk: ChunkID, on node: NodeID, in record: FilesystemRecord, region: RegionID) -> Bool {
        ChunkPlacement(plan: record.plan, policy: record.policy, table: catalog.regionTable)
            .targets(of: chunk, in: region, ignoringLiveness: true).contains(node)
    }
}
