package import Primitives

/// What must become durable, in this order: drop entries from `truncateFrom` on, append `entries`,
/// replace the hard state. After a snapshot was received `truncateFrom` is 1, the whole log, and
/// what is appended next begins behind the snapshot. Entries that are cut off because a snapshot
/// covers them (`compact`) are not mentioned: the host may drop what is before `RaftStatus.firstIndex`.
package struct RaftPersist: Sendable, Hashable {
    package var token: UInt64
    package var hardState: HardState?
    package var truncateFrom: UInt64?
    package var entries: [RaftEntry]

    package init(token: UInt64, hardState: HardState? = nil, truncateFrom: UInt64? = nil, entries: [RaftEntry] = []) {
        self.token = token
        self.hardState = hardState
        self.truncateFrom = truncateFrom
        self.entries = entries
    }
}

/// Everything that a group wants done.
package enum RaftEffect: Sendable {
    case send(to: NodeID, RaftMessage)
    /// Answered with `persisted(token)`; effects persist in their order.
    case persist(RaftPersist)
    /// Replaces a running timer of the same kind.
    case startTimer(RaftTimer, at: Instant)
    case cancelTimer(RaftTimer)
    /// Committed entries of all kinds, in order, without gaps; answered with `applied`, before which
    /// no more are handed over.
    case apply([RaftEntry])
    /// The proposal is in the leader's log at that place. It is committed if and only if the entry
    /// applied at `index` has this `term`.
    case proposalAppended(ProposalID, index: UInt64, term: UInt64)
    case proposalDropped(ProposalID, reason: ProposalRefusal, leader: NodeID?)
    /// The read sees everything if it is served from a state through `index` or later.
    case readReady(ReadToken, index: UInt64)
    case readFailed(ReadToken, leader: NodeID?)
    /// Stream a snapshot at least as new to the peer; answered with `snapshotSendFinished`.
    case sendSnapshot(to: NodeID, SnapshotMetadata)
    case roleChanged(RaftRole, term: UInt64, leader: NodeID?)
    /// Another configuration is in force. It may not be committed yet.
    case membershipChanged(RaftConfiguration)
}
