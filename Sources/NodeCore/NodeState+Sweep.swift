import Filesystem
import Primitives
import Replication

// The second half of a round of upkeep: what is stored and nobody names goes. And the end of deleted
// file systems, whose names are the first that nobody names any more.

extension NodeState {
    /// Chunks deleted at once: whoever stores a chunk waits for it.
    private static let sweepBatch = 256

    mutating func beginSweep() {
        upkeep.phase = .sweeping
        upkeep.waiting = nil
        upkeep.candidates = []
        upkeep.cursor = nil
        upkeep.isLastPage = false
    }

    /// One turn: the next page of stored names, or the next batch of those to be deleted.
    mutating func sweepTurn(into effects: inout [Effect]) {
        guard upkeep.waiting == nil, let idle = try? upkeep.marks.idle(now: now) else { return }
        if upkeep.candidates.isEmpty, upkeep.isLastPage {
            endSweep()
            return
        }
        let token = requests.makeToken()
        upkeep.waiting = token
        guard upkeep.candidates.isEmpty else {
            let batch = Array(upkeep.candidates.prefix(Self.sweepBatch))
            upkeep.candidates.removeFirst(batch.count)
            effects.append(.chunks(.sweep(batch, idle: idle, token)))
            return
        }
        effects.append(.chunks(.listIdle(after: upkeep.cursor, limit: ChunkUpkeep.page, idle: idle, token)))
    }

    private mutating func endSweep() {
        counters.sweeps += 1
        upkeep.marks.end()
        upkeep.advanceRanges()
        upkeep.phase = .idle
        upkeep.due = now + (upkeep.foundMissing ? settings.upkeep.interval / 10 : settings.upkeep.interval)
    }

    mutating func chunkReport(_ report: ChunkReport, into effects: inout [Effect]) {
        switch report {
        case .arrived(let token, let chunks): chunksArrived(token, chunks)
        case .audited(let token, let missing): audited(token, missing, into: &effects)
        case .idle(let token, let ids, let next):
            guard upkeep.waiting == token else { return }
            upkeep.waiting = nil
            upkeep.cursor = next
            upkeep.isLastPage = next == nil
            upkeep.candidates = (try? upkeep.marks.sweepable(ids)) ?? []
        case .swept(let token, let chunks, let bytes):
            counters.chunksSwept += chunks
            counters.bytesSwept += bytes
            if upkeep.waiting == token { upkeep.waiting = nil }
        case .failed(let token):
            // The store cannot be asked now: the round ends here, the next one begins anew.
            if upkeep.audits.remove(token) != nil { upkeep.maySweep = false }
            resolve(token, .failed(FileFailure(.ioError, operation: "look for", object: "chunks", cause: "the store can not be asked")))
            guard upkeep.waiting == token else { return }
            upkeep.waiting = nil
            upkeep.candidates = []
            upkeep.isLastPage = true
        case .decayed: hastenUpkeep()
        }
    }

    // MARK: Deleted file systems

    /// Ends what is left here of file systems that are gone. One that the catalog does not name any more
    /// was purged if its number had been given out: numbers are never given out twice.
    mutating func removeDeletedGroups(among ids: [GroupID], _ state: CatalogState, into effects: inout [Effect]) {
        for id in ids where id != .catalog && groups.contains(id) {
            if let isActive = state.with(id, { $0.isActive }) {
                if isActive { continue }
            } else if id.rawValue >= state.nextGroup {
                continue
            }
            _ = restoredRaft.remove(id)
            removeGroup(id, into: &effects)
        }
    }

    /// The catalog's leader ends the records of file systems that were deleted a while ago. A node that
    /// was away all the time removes its replica when it hears of it.
    mutating func purgeDeleted(into effects: inout [Effect]) {
        guard now.nanoseconds / 1_000_000_000 % 5 == 0, groups.with(.catalog, { $0.isLeader }) == true else { return }
        let time = civil
        let due = catalog.filesystems.keys { record in
            guard case .deleting(let at, _) = record.state else { return false }
            return time.nanoseconds - at.nanoseconds >= settings.upkeep.purgeDelay.inNanoseconds
        }
        // A bounded number at a time.
        for id in due.prefix(64) {
            let command = CatalogCommand(at: civil, by: "node \(settings.id)", action: .purgeFilesystem(id))
            propose(.catalog, command.xdrBytes, answering: .nobody, into: &effects)
        }
    }
}
