package import Primitives
package import Replication

/// Work on this node's chunks, and on what others keep for it, beside reads and copies.
package enum ChunkWork: Sendable {
    /// Which of these cannot be read here: answers `audited`.
    case audit([ChunkReference], WaitToken)
    /// The same, and those that can be read are kept for another grace: somebody counts on them.
    case claim([ChunkReference], WaitToken)
    /// Nobody needs the rest of this fetch any more; no event about it is needed.
    case cancelFetch(WaitToken)
    /// Tells a peer that these are in use, so that it keeps them for another grace. Nothing is answered,
    /// and where it is lost nothing is done: it is told again.
    case vouch([ChunkReference], to: NodeID)
    /// Of the next `limit` chunks stored behind `after`, those that nobody has touched within `idle`:
    /// answers `idle`.
    case listIdle(after: ChunkID?, limit: Int, idle: Duration, WaitToken)
    /// Deletes those of them that nobody has touched within `idle`: answers `swept`.
    case sweep([ChunkID], idle: Duration, WaitToken)
}

/// What came of it.
package enum ChunkReport: Sendable {
    /// A part of a fetch is here, verified and durable.
    case arrived(WaitToken, [FetchedChunk])
    case audited(WaitToken, missing: [ChunkReference])
    /// `next` is nil where the store has no more.
    case idle(WaitToken, [ChunkID], next: ChunkID?)
    case swept(WaitToken, chunks: UInt64, bytes: UInt64)
    /// The store could not be asked.
    case failed(WaitToken)
    /// Chunks were found that have decayed; they are set apart.
    case decayed
}
