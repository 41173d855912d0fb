import Consensus
package import Membership
package import Namespace
package import Primitives
import Replication

/// What a node shows of itself, copied between two events.
package struct NodeView: Sendable {
    package struct Member: Sendable {
        package let record: MemberRecord
        package let roundTrip: Duration?
    }
    package struct Group: Sendable {
        package let id: GroupID
        package let filesystem: FilesystemID?
        package let role: String
        package let term: UInt64
        package let leader: NodeID?
        package let commitIndex: UInt64
        package let appliedIndex: UInt64
        package let digest: Digest
        package let voters: [NodeID]
        package let learners: [NodeID]
        package let version: VersionID
    }
    package struct Pair: Sendable {
        package let from: RegionID
        package let to: RegionID
        package let median: Duration
        package let p90: Duration
        /// The shortest of those round trips that are remembered: what the way takes when nothing is busy.
        package let least: Duration
        package let samples: UInt64
    }
    package let members: [Member]
    package let groups: [Group]
    package let regions: [Pair]
    package let counters: Counters
}

extension NodeState {
    /// Whether the catalog is as the cluster has it, as far as this node can tell: a leader is known, and
    /// all of the log that is here has been applied. After a restart the end of the log is applied only then.
    package var knowsCatalog: Bool {
        guard raft.leader(of: .catalog) != nil, let last = raft.lastIndex(of: .catalog) else { return false }
        return groups.with(.catalog) { $0.machine.catalog.cluster != nil && $0.applied >= last } ?? false
    }

    /// A file system as the replica here has it; nil where there is none.
    package func namespace(of filesystem: FilesystemID) -> NamespaceState? {
        group(of: filesystem).flatMap { groups[$0]?.machine.files?.namespace }
    }

    /// The nodes that shall hold a chunk of a file system, whoever is away.
    package func holders(of chunk: ChunkID, in filesystem: FilesystemID) -> [NodeID] {
        guard let record = catalogRecord(filesystem) else { return [] }
        let placement = ChunkPlacement(plan: record.plan, policy: record.policy, table: regionTable())
        return placement.regions.flatMap { placement.targets(of: chunk, in: $0, ignoringLiveness: true) }
    }

    package var view: NodeView {
        NodeView(
            members: swim.members.map { NodeView.Member(record: $0, roundTrip: swim.roundTrip(to: $0.id)?.median) },
            groups: groups.map { id, group in
                NodeView.Group(
                    id: id, filesystem: group.filesystem, role: group.role.word, term: group.term, leader: group.leader,
                    commitIndex: raft.status(id)?.commitIndex ?? group.applied, appliedIndex: group.applied, digest: group.machine.digest,
                    voters: group.configuration.voters, learners: group.configuration.learners,
                    version: group.machine.files?.namespace.version ?? VersionID(0))
            },
            regions: swim.regionTable.links.map {
                NodeView.Pair(from: $0.from, to: $0.to, median: $0.median, p90: $0.p90, least: $0.minimum, samples: $0.samples)
            },
            counters: counters)
    }
}
