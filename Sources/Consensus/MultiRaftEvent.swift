package import Primitives

/// A timer of `MultiRaft`. Two are equal if they are the same timer, so that the host keys its table
/// of running timers by the value itself, or by `key`, which is the same: `startTimer` replaces the
/// running timer of an equal key. There are no generations: a timer that goes off although it was
/// replaced or cancelled does no harm, because a deadline counts only when it is past, and one that
/// goes off too early is started again.
package struct MultiRaftTimer: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nil for the one tick that all groups share for their heartbeats.
    package let group: GroupID?
    private init(group: GroupID?) { self.group = group }

    package static let tick = MultiRaftTimer(group: nil)
    package static func election(_ group: GroupID) -> MultiRaftTimer { MultiRaftTimer(group: group) }

    package var key: MultiRaftTimer { self }

    package static func < (a: MultiRaftTimer, b: MultiRaftTimer) -> Bool {
        switch (a.group, b.group) {
        case (nil, nil), (_?, nil): false
        case (nil, _?): true
        case (let a?, let b?): a < b
        }
    }
    package var description: String { group.map { "election(\($0))" } ?? "tick" }
}

/// Everything that can happen to the groups of a node.
package enum MultiRaftEvent: Sendable {
    case group(GroupID, RaftEvent)
    case batch(from: NodeID, RaftBatch)
    case timer(MultiRaftTimer)
    /// Every `persist` up to and with this token is durable.
    case persisted(token: UInt64)
    case roundTrips([(NodeID, Duration)])
    case unreachable(NodeID)
    case reachable(NodeID)
}

/// Everything that the groups of a node want done. See `RaftEffect`.
package enum MultiRaftEffect: Sendable {
    /// At most one for each node and call.
    case send(to: NodeID, RaftBatch)
    /// At most one for each call: one write and one sync of the shared log serve all groups. Tokens
    /// rise by one, and are durable in their order. Those inside `RaftPersist` are the groups' own:
    /// the host need not look at them.
    case persist(token: UInt64, [(GroupID, RaftPersist)])
    case startTimer(MultiRaftTimer, at: Instant)
    case cancelTimer(MultiRaftTimer)
    case apply(GroupID, [RaftEntry])
    case proposalAppended(GroupID, ProposalID, index: UInt64, term: UInt64)
    case proposalDropped(GroupID, ProposalID, reason: ProposalRefusal, leader: NodeID?)
    case readReady(GroupID, ReadToken, index: UInt64)
    case readFailed(GroupID, ReadToken, leader: NodeID?)
    case sendSnapshot(GroupID, to: NodeID, SnapshotMetadata)
    case roleChanged(GroupID, RaftRole, term: UInt64, leader: NodeID?)
    case membershipChanged(GroupID, RaftConfiguration)
}
