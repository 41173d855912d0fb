import Consensus
import Filesystem
import Primitives
import Replication

/// A replica of a group on this node: its state machine, who leads it, and what waits for it.
struct HostedGroup {
    /// Who is told when a proposal made here is applied.
    enum Proposer: Hashable {
        case call(NodeID, CallID)
        case nobody
    }

    let id: GroupID
    /// Nil for the catalog, and for what the disk held until the catalog has named it.
    var filesystem: FilesystemID?
    var machine: GroupMachine
    var applied: UInt64
    var role = RaftRole.follower
    var term: UInt64 = 0
    var leader: NodeID?
    var configuration: RaftConfiguration
    /// Proposals given to Raft and not yet in its log; then those in the log, by index.
    var proposed = OrderedTable<UInt64, Proposer>()
    var appended = OrderedTable<UInt64, (term: UInt64, who: Proposer)>()
    /// Steps that wait until an index is applied.
    var appliedWaits: [(index: UInt64, token: WaitToken)] = []
    /// Reads on their way, by the token given to Raft.
    var snapshotIndex: UInt64
    var snapshotInProgress = false
    /// What is applied here was the newest at this moment, or newer things are applied since.
    var freshAsOf: Instant?
    /// Of a volume: how far its regions are.
    var lag = LagTable()
    /// Payload of entries applied since the last snapshot was begun.
    var bytesSinceSnapshot = 0
    /// Of a leader with parts of large commits: when it proposes the next tick.
    var tickAt: Instant?
    /// The revision of the plan, and the region, by which leaders are preferred.
    var planRevision: UInt64 = 0
    var leaderRegion: RegionID?

    var isLeader: Bool { role == .leader }
}

extension RaftRole {
    /// The word for it in lists and logs.
    var word: String {
        switch self {
        case .follower: "follower"
        case .preCandidate: "pre-candidate"
        case .candidate: "candidate"
        case .leader: "leader"
        }
    }
}

extension RaftRestored {
    /// The same, for a group that began with this configuration.
    func starting(from configuration: RaftConfiguration) -> RaftRestored {
        var copy = self
        copy.initialConfiguration = configuration
        return copy
    }
}
