package import Primitives

/// Names a proposal of this node's host, within its run.
package struct ProposalID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: ProposalID, b: ProposalID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "p\(rawValue)" }
}

/// Names a read of this node's host, within its run.
package struct ReadToken: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: ReadToken, b: ReadToken) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "q\(rawValue)" }
}

/// The timers of a group. One of each kind runs at most.
package enum RaftTimer: Hashable, Sendable {
    /// A follower or candidate waits for a leader.
    case election
    /// A leader shows itself, and looks after what takes time.
    case heartbeat
}

/// Everything that can happen to a group.
package enum RaftEvent: Sendable {
    case message(from: NodeID, RaftMessage)
    /// The timer went off. One that was cancelled or replaced may still arrive: it does no harm,
    /// because a deadline counts only when it is past.
    case timer(RaftTimer)
    case propose(ProposalID, payload: [UInt8])
    /// Asks for an index that a linearizable read must wait for.
    case read(ReadToken)
    /// Everything in `persist` effects up to and with this token is durable.
    case persisted(token: UInt64)
    /// The state machine has taken in everything through `index`.
    case applied(index: UInt64)
    /// A snapshot of the state machine through that index is durable here: the log may be cut.
    case compact(SnapshotMetadata)
    /// A snapshot from the leader is durable here; see `RaftState.accepts`.
    case snapshotReceived(SnapshotMetadata)
    case snapshotSendFinished(to: NodeID, ok: Bool)
    case transferLeadership(to: NodeID)
    /// `outgoing` of the target is ignored.
    case changeMembership(RaftConfiguration)
    /// The leader of a new group writes the configuration in force into the log, where none is in it: from
    /// then on a replica needs nothing but the log to know it.
    case recordMembership
    /// Medians as measured; nodes that are not members are ignored.
    case roundTrips([(NodeID, Duration)])
    case preference(preferredLeaders: [NodeID])
    case unreachable(NodeID)
    case reachable(NodeID)
}

package enum RaftRole: UInt8, Sendable, Hashable {
    case follower
    case preCandidate
    case candidate
    case leader
}

package enum ProposalRefusal: Sendable, Hashable {
    /// This node does not lead; ask the leader that is named, or try again in a moment.
    case notLeader
    /// Leadership is being handed over; try again in a moment.
    case transferring
    /// Too much is uncommitted; slow down.
    case overloaded
    /// The payload is longer than `RaftSettings.maximumEntryBytes`.
    case tooLarge
}
