package import Primitives

/// What one call of `ChunkStore.sweep` did.
package struct SweepStep: Hashable, Sendable {
    package var chunks = 0
    /// Bytes of their frames: dead now, free after compaction.
    package var bytes: UInt64 = 0
    package init() {}
}

// Reclaiming: who collects garbage asks for chunks that nobody has stored or vouched for within some
// time, decides which of them nobody names, and has those deleted that are still untouched then.

extension ChunkStore {
    /// Keeps chunks from being taken for garbage, and says which of them are here for good, as `has` does.
    package func vouch(_ ids: [ChunkID]) throws(StorageError) -> [Bool] {
        // First the touch, then the look-up: a sweep between the two sees the touch, one before both
        // has the look-up say "no".
        touch(ids)
        return try has(ids)
    }

    package func touch(_ ids: [ChunkID]) {
        let now = options.now()
        touchGuard.withLock { for id in ids { touches.touch(id, now: now) } }
    }

    func touch(_ id: ChunkID) {
        let now = options.now()
        touchGuard.withLock { touches.touch(id, now: now) }
    }

    /// Chunks behind `after`, in the order of their names, that nobody has touched within `idle`; of the
    /// next `limit` that are stored. `next` is nil at the end.
    package func listIdle(after: ChunkID?, limit: Int, idle: Duration) throws(StorageError) -> (ids: [ChunkID], next: ChunkID?) {
        let rows = try index.rows(after: after, limit: limit)
        let horizon = options.now() - idle
        let ids = touchGuard.withLock { rows.map(\.id).filter { touches.isIdle($0, since: horizon) } }
        return (ids, rows.count < limit ? nil : rows.last?.id)
    }

    /// Deletes those of the chunks that nobody has touched within `idle`. A crash at any point leaves each
    /// of them whole or gone. Keep the batches small: touches wait meanwhile.
    package func sweep(_ ids: [ChunkID], idle: Duration) throws(StorageError) -> SweepStep {
        let horizon = options.now() - idle
        var step = SweepStep()
        touchGuard.lock()
        defer { touchGuard.unlock() }
        let victims = ids.filter { touches.isIdle($0, since: horizon) }
        guard !victims.isEmpty else { return step }
        let removed = try index.delete(victims)
        for id in victims { cache.remove(id) }
        step.chunks = removed.count
        step.bytes = removed.reduce(0) { $0 + UInt64($1.frameSize) }
        state.withLock {
            sweptChunks += UInt64(step.chunks)
            sweptBytes += step.bytes
        }
        return step
    }
}
