package import Primitives

/// What happens to the membership of a node.
package enum SWIMEvent: Hashable, Sendable {
    /// Begins probing and joins the seeds; first of all events, once.
    case start
    /// A datagram that was unsealed and decoded.
    case packet(from: Endpoint, SWIMPacket)
    /// A timer came due. Fired ones with an old generation are ignored, so a cancellation may be late.
    case timer(SWIMTimer, generation: UInt64)
    /// Somebody began an exchange; answered by the effect `syncReply` with the same token.
    case syncRequest(SyncToken, SyncPayload)
    /// The other half of the exchange that the effect `sync` began.
    case syncReply(SyncID, SyncPayload)
    case syncFailed(SyncID)
    /// More places to look for members at: peer endpoints.
    case join([Endpoint])
    /// Something outside lost contact, such as a broken connection: probe it now, out of turn.
    case doubt(NodeID)
    /// This node's own facts changed; their version is set here. The caller has asked `MemberRecord.problem` of
    /// a record with them (so for endpoints): facts that cannot travel are a programming error.
    case updateFacts(MemberFacts)
    /// This node's own endpoints changed.
    case updateEndpoints([NamedEndpoint])
    /// Say goodbye; `leaveFinished` follows within `leaveTimeout`.
    case leave
}

/// What the membership of a node asks for.
package enum SWIMEffect: Hashable, Sendable {
    /// Encode, seal, send; may be lost.
    case send(to: Endpoint, SWIMPacket)
    /// Replaces a running timer of the same name.
    case startTimer(SWIMTimer, generation: UInt64, at: Instant)
    case cancelTimer(SWIMTimer)
    /// Connect to the peer endpoint, send the payload, await the other's. `node` is who should answer, where
    /// that is known: the connection should check it. Ends in `syncReply` or `syncFailed`.
    case sync(SyncID, with: Endpoint, node: NodeID?, SyncPayload)
    case syncReply(SyncToken, SyncPayload)
    /// `previous` is nil for a member never seen before. `regionCut` marks a change that is part of a region's
    /// going, reported as one `regionUnreachable`.
    case memberChanged(MemberRecord, previous: MemberStatus?, regionCut: Bool)
    /// An alive member's facts or endpoints changed.
    case factsChanged(MemberRecord)
    /// A tombstone was dropped, or made room.
    case memberForgotten(NodeID)
    /// No member of the region (not this node's own) is reachable any more.
    case regionUnreachable(RegionID, members: [NodeID])
    case regionReachable(RegionID)
    /// Two running processes claim one NodeID, at these gossip endpoints: an operator must stop one of them.
    case identityConflict(NodeID, Endpoint?, Endpoint?)
    case leaveFinished
}

/// The timers of the membership, by name; each has one running instance at most.
package enum SWIMTimer: Hashable, Sendable {
    /// The next probe.
    case tick
    /// A probe's ack is due; named by the probe's first sequence number.
    case probe(UInt32)
    /// A helper's nack is due; named by its own ping's sequence number.
    case relay(UInt32)
    case suspicion(NodeID)
    case gossip
    /// The next periodic exchange.
    case sync
    case syncTimeout(SyncID)
    case rejoin
    case table
    case leave
}

/// An exchange that this node began.
package struct SyncID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: SyncID, b: SyncID) -> Bool { a.rawValue < b.rawValue }
}

/// The interpreter's name for an exchange that another node began.
package struct SyncToken: Hashable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A timer that runs: its generation, and when it is due.
struct ArmedTimer: Hashable, Sendable {
    let generation: UInt64
    let at: Instant
}
