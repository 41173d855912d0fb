package import Consensus
package import Filesystem
package import Primitives
package import Replication

/// What nodes say to each other (docs/reference/wire.md). Bytes of file content travel beside a
/// message, never in it.
package enum Message: Sendable {
    case raft(RaftBatch)
    /// A request that is answered once, or not at all where the connection breaks.
    case call(CallID, Call)
    case answer(CallID, Answer)
}

/// Unique within the caller's run.
package struct CallID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: CallID, b: CallID) -> Bool { a.rawValue < b.rawValue }
}

package enum Call: Sendable {
    /// Executed by the leader of the file system's group; bytes of a `write` come beside it. The
    /// stamp is that of its one change, so that a repeated compound changes once.
    case compound(Compound, ClientStamp?)
    /// Appended to the group's log by its leader and answered when applied there. The envelope
    /// carries client and sequence, so that a repeated call is applied once.
    case propose(GroupID, envelope: [UInt8])
    /// Answered when this node has applied the group's log up to `index` and has synced its own copy of it.
    case awaitApplied(GroupID, index: UInt64)
    /// The session of a network file system is alive: its locks and stages are kept.
    case renew([SessionLease])
    /// What the sender has of its volumes; not answered.
    case progress([VolumeProgress])
    /// Executed by the leader of the source, answered when the clone has its content.
    case clone(CloneOrder)
    /// Who leads this group? Answered with `notLeader`, by the leader too.
    case leader(GroupID)
    package static let progressLimit = 4_096
    /// Answered when this node holds all of these chunks of the group's file system: it fetches what it has not.
    case bring(GroupID, [ChunkReference])
}

/// Sessions of one group that a client node vouches for.
package struct SessionLease: Hashable, Sendable {
    package let group: GroupID
    package let sessions: [SessionID]
    package init(group: GroupID, sessions: [SessionID]) {
        self.group = group
        self.sessions = sessions
    }
}

package enum Answer: Sendable {
    /// The bytes of a `read` come beside it.
    case compound([FileResult])
    case applied(index: UInt64, result: [UInt8])
    case done
    /// To `bring`: these are on no node that could be asked; the others are here.
    case lacking([ChunkID])
    /// Ask the other one; nil where nobody is known to lead.
    case notLeader(NodeID?)
    case failed(FileFailure)
}
