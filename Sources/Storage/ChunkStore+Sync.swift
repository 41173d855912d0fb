import Chunks
import Primitives

extension ChunkStore {
    package func sync(through ticket: StageTicket) throws(StorageError) {
        guard !ticket.isDurable else { return }
        state.lock()
        defer { state.unlock() }
        while true {
            guard ticket.epoch == epoch else { throw .lostBeforeSync(path: directory) }
            if synced >= ticket.sequence { return }
            if isSyncing { state.wait() } else { try lead() }
        }
    }

    /// Returns when everything staged is durable and in the index.
    package func flush() throws(StorageError) {
        state.lock()
        defer { state.unlock() }
        let (target, started) = (appended, epoch)
        while synced < target || unindexed.contains(where: { $0.sequence <= target }) {
            guard started == epoch else { throw .lostBeforeSync(path: directory) }
            if isSyncing {
                state.wait()
                continue
            }
            try lead()
            if let failure = indexFailure { throw failure }
        }
    }

    /// Syncs on behalf of all who wait, then writes the index rows of what became durable. The state
    /// lock is held on entry and on return, and let go during I/O. Other leaders wait until the rows are
    /// written: rows enter the index in the order of their frames, or its covered length would lie.
    private func lead() throws(StorageError) {
        isSyncing = true
        defer {
            isSyncing = false
            state.broadcast()
        }
        let target = appended
        if synced < target, let pack = syncingPack {
            let tail = pack.appendedTail
            state.unlock()
            var failure: StorageError?
            do throws(StorageError) {
                if options.mutant == .indexBeforeData { try index.add(rowsToWrite(through: target)) }
                if options.mutant != .packNotSynced { try pack.file.sync() }
            } catch { failure = error }
            state.lock()
            if let failure {
                loseUnsynced(of: pack)
                throw failure
            }
            synced = target
            pack.syncedTail = tail
            syncCount += 1
            state.broadcast()
        }
        let rows = Array(unindexed.prefix { $0.sequence <= synced })
        guard !rows.isEmpty else { return }
        state.unlock()
        var failure: StorageError?
        do throws(StorageError) { try index.add(rows.map { ($0.id, $0.location) }) } catch { failure = error }
        state.lock()
        indexFailure = failure
        guard failure == nil else { return }
        unindexed.removeFirst(rows.count)
        for row in rows where pending[row.id]?.sequence == row.sequence { pending[row.id] = nil }
    }

    private func rowsToWrite(through sequence: UInt64) -> [(id: ChunkID, location: ChunkLocation)] {
        state.withLock { unindexed.prefix { $0.sequence <= sequence }.map { ($0.id, $0.location) } }
    }

    /// After a failed sync the pages may be gone, whatever a later sync says: whatever was not synced before
    /// is lost, its owners are told by the epoch, and the pack takes nothing more.
    private func loseUnsynced(of pack: ActivePack) {
        epoch += 1
        pack.isBroken = true
        for row in unindexed where row.sequence > synced { pending[row.id] = nil }
        unindexed.removeAll { $0.sequence > synced }
        synced = appended
    }
}
