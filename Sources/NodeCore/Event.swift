package import Consensus
package import Filesystem
package import Membership
package import Primitives
package import Replication

/// Everything that can happen to a node. Each effect that takes time answers with one of these. What is large and rare
/// is kept elsewhere (`indirect`): hundreds of thousands of events a second wait in the simulator's heap.
package enum Event: Sendable {
    // Front ends.
    /// Without a deadline it is given up after 30 s.
    indirect case openSession(RequestID, FilesystemID, SessionOptions, deadline: Instant? = nil)
    case closeSession(SessionID)
    /// `payload` and its length for a `write`; the buffer is the core's from here on.
    indirect case operation(RequestID, SessionID, FileOperation, payload: Payload?, deadline: Instant)
    indirect case changeCatalog(RequestID, CatalogCommand, deadline: Instant)
    /// The front end gave up; the answer, if one comes, is dropped.
    case abandoned(RequestID)

    // Peers.
    case message(from: NodeID, Message, attachment: Payload?)
    case peerConnected(NodeID)
    case peerLost(NodeID)

    // Gossip.
    case gossip(from: Endpoint, SWIMPacket)
    case syncRequest(SyncToken, SyncPayload)
    case syncReply(SyncID, SyncPayload)
    case syncFailed(SyncID)

    // Completions.
    /// `generation` as it was in `startTimer`.
    case timer(TimerKey, generation: UInt64)
    case logDurable(token: UInt64)
    case logFailed(token: UInt64, reason: String)
    case snapshotSaved(GroupID, SnapshotMetadata, ok: Bool)
    /// A snapshot that the leader streamed is complete, durable and decoded.
    indirect case snapshotReceived(GroupID, SnapshotMetadata, GroupMachine)
    case snapshotSent(GroupID, to: NodeID, ok: Bool)
    case stageWritten(WaitToken, ok: Bool, reason: String)
    indirect case stageStored(WaitToken, StoredContent)
    indirect case stageFailed(WaitToken, FileFailure)
    case bytesRead(WaitToken, Payload)
    case bytesMissing(WaitToken, [ChunkID], reason: String)
    case chunksPushed(WaitToken, ok: Bool)
    case chunksFetched(WaitToken, missing: [ChunkID])
    indirect case chunks(ChunkReport)

    // Joining.
    /// A node that wants to join, or to know whether it still belongs, asks; its certificate names `from`.
    indirect case joinRequest(SyncToken, from: NodeID, JoinRequest)
    /// What a seed answered; nil where it could not be asked.
    indirect case joinReply(JoinReply?)

    /// Hand over what is led here, and tell when that is done (`NodeNotice.handedOver`).
    case handOver
    case leave
}

/// Bytes that the data plane holds, and how many.
package struct Payload: Hashable, Sendable {
    package let buffer: BufferID
    package let length: UInt32
    package init(buffer: BufferID, length: UInt32) {
        self.buffer = buffer
        self.length = length
    }
}

/// Names the wait of one step of one request.
package struct WaitToken: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: WaitToken, b: WaitToken) -> Bool { a.rawValue < b.rawValue }
}

/// A stage of the data plane: one open file's written and not yet stored bytes.
package struct StageID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: StageID, b: StageID) -> Bool { a.rawValue < b.rawValue }
}

/// Which timer; those of Raft and SWIM carry their own generations.
package enum TimerKey: Hashable, Sendable {
    case raft(MultiRaftTimer)
    case swim(SWIMTimer)
    /// Deadlines, retries and leases: every 50 ms while anything waits.
    case sweep
    /// Hedges, time-outs and deadlines of fetches.
    case fetches
    /// One turn of a round of upkeep.
    case upkeep
    /// Reconciling groups, chunk copies and leases: every second.
    case housekeeping
    /// Looking after the leaderships that are being handed over: every 50 ms.
    case handOver
}
