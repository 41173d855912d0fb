package import Consensus
package import Filesystem
package import Membership
package import Primitives
package import Replication

/// Everything that a node wants done. The live interpreter does it with sockets and disks, the
/// simulator with an event heap. Lists of effects are copied and walked for each event: what is large and rare is kept
/// elsewhere (`indirect`), so that the others stay small.
package enum Effect: Sendable {
    case send(to: NodeID, Lane, Message, attachment: BufferID?)
    case gossip(to: Endpoint, SWIMPacket)
    case sync(SyncID, with: Endpoint, node: NodeID?, SyncPayload)
    case answerSync(SyncToken, SyncPayload)
    /// Asks the node at this address (of its peer port) to be let in; `joinReply`.
    indirect case join(with: Endpoint, JoinRequest)
    indirect case answerJoin(SyncToken, JoinReply)
    /// A member is new, or its state or endpoints changed: where to dial it, or no longer.
    case peer(MemberRecord)

    /// Replaces a running timer of the same key; the generation comes back with the event.
    case startTimer(TimerKey, generation: UInt64, at: Instant)
    case cancelTimer(TimerKey)

    /// One append to the shared log; `logDurable(token)` after `fdatasync`.
    case persist(token: UInt64, [(GroupID, RaftPersist)])
    /// Encodes and stores a copy of the machine as it is in this effect.
    indirect case saveSnapshot(GroupID, SnapshotMetadata, GroupMachine)
    /// Streams the newest saved snapshot to a peer, piece by piece.
    case sendSnapshot(GroupID, to: NodeID, SnapshotMetadata)
    /// The log and the snapshots of a group that is gone.
    case removeGroup(GroupID)

    /// `overwrites`: it begins within what the file has already. Such bytes are cut into fixed blocks,
    /// unless they go on where others have ended.
    case stageWrite(StageID, offset: UInt64, BufferID, overwrites: Bool, WaitToken)
    /// Chunk, hash, compress, append and fsync all that the stage holds, then forget the stage. What ends by `inlineLimit`
    /// comes back inline: the whole, or `inPlace` the patches that were written.
    case storeStage(StageID, inPlace: Bool, inlineLimit: UInt32, WaitToken)
    case dropStage(StageID)
    /// Assembles bytes of a file from local chunks; answers `bytesRead` or `bytesMissing`.
    /// `under` is inline content, which fills what the extents leave open.
    case readExtents([Extent], under: [UInt8], offset: UInt64, length: UInt32, WaitToken)
    /// Bytes that the core knows (inline content) as a buffer.
    case makeBuffer([UInt8], WaitToken)
    /// A part of a buffer as a buffer of its own, which outlives the whole; answers `bytesRead`.
    case sliceBuffer(BufferID, offset: UInt32, length: UInt32, WaitToken)
    case pushChunks([ChunkReference], to: NodeID, WaitToken)
    /// Parts of it come as `chunks(.arrived)`, its end as `chunksFetched`.
    case fetchChunks([ChunkReference], from: NodeID, WaitToken)
    indirect case chunks(ChunkWork)
    case dropBuffer(BufferID)

    indirect case reply(RequestID, Reply)
    indirect case publish(NodeNotice)
}

package enum Reply: Sendable {
    case session(SessionID)
    case outcome(FileOutcome, data: BufferID?)
    case catalog(CatalogResult)
    case failed(FileFailure)
}

/// Connections of their own, so that bulk bytes never delay a heartbeat.
package enum Lane: Sendable, Hashable {
    case control
    case bulk
}

/// Changes of state worth a line in the log.
package enum NodeNotice: Sendable, Hashable {
    case roleChanged(GroupID, role: String, term: UInt64, leader: NodeID?)
    case member(NodeID, status: String)
    case region(RegionID, reachable: Bool)
    case groupStarted(GroupID, FilesystemID?)
    case groupRemoved(GroupID)
    case fault(String)
    /// Chunks that a file system names, and that no node has which could be asked: how many, and how many
    /// files of its live tree want them (0: past versions only). The node goes on.
    case contentLost(FilesystemID, name: String, chunks: Int, files: Int)
    /// The leave has been told; the node may stop.
    case left
    /// The cluster has let this node in, or has said that it still belongs.
    case joined(NodeID)
    /// It could not be asked, or cannot answer yet.
    case joinDelayed(String)
    /// Nothing is led here that another voter could lead.
    case handedOver
}
