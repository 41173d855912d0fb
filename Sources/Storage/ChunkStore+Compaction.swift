import Chunks
import Primitives

/// Where compaction is within a pack.
struct CompactionCursor {
    let pack: UInt64
    let entries: [PackEntry]
    var next = 0
}

/// What one call of `ChunkStore.compact` did.
package struct CompactionStep: Hashable, Sendable {
    /// Bytes of frames copied.
    package var copiedBytes = 0
    /// Bytes of packs removed.
    package var freedBytes: UInt64 = 0
    package var removedPacks = 0
    /// Whether nothing is worth compacting any more.
    package var isIdle = false
}

extension ChunkStore {
    /// Frees the space of dead chunks: copies what lives in the most fragmented pack to the active one,
    /// about `budget` bytes a call, and removes packs that nothing lives in. Call it at the rate that the disk
    /// can spare. Only packs below `fragmentationThreshold` are touched, so a byte is copied a bounded number of times.
    ///
    /// Safe at any crash: a pack goes only when the copies are synced and the index that names them is
    /// durable; copies that the index does not know are dead bytes of the active pack.
    package func compact(budget: Int) throws(StorageError) -> CompactionStep {
        compactor.lock()
        defer { compactor.unlock() }
        var step = CompactionStep()
        while step.copiedBytes < budget {
            if compaction == nil {
                guard let chosen = try mostFragmented(), let file = try files.reader(chosen) else {
                    step.isIdle = true
                    return step
                }
                compaction = CompactionCursor(pack: chosen, entries: try PackScanner.entries(file))
            }
            guard var cursor = compaction else { break }
            compaction = nil
            step.copiedBytes += try copy(&cursor, budget: budget - step.copiedBytes)
            if cursor.next < cursor.entries.count {
                compaction = cursor
            } else {
                guard try retire(cursor.pack, &step) else { break }
            }
        }
        return step
    }

    private func mostFragmented() throws(StorageError) -> UInt64? {
        try flush()
        try sealHollow()
        let current = writer.withLock { active?.number }
        var best: (number: UInt64, share: Double)?
        for row in try index.packs() where row.number != current {
            let share = Double(row.liveBytes) / Double(max(row.length, 1))
            let isCandidate = row.liveBytes == 0 || share < options.fragmentationThreshold
            if isCandidate, share < best?.share ?? .infinity { best = (row.number, share) }
        }
        return best?.number
    }

    /// Closes the pack that is being written where most of it is dead, so that its space comes back too.
    private func sealHollow() throws(StorageError) {
        guard let number = writer.withLock({ active?.number }), let row = try index.packs().first(where: { $0.number == number }),
            row.length > row.liveBytes, row.length - row.liveBytes >= options.hollowBytes,
            Double(row.liveBytes) / Double(row.length) < options.fragmentationThreshold
        else { return }
        writer.lock()
        defer { writer.unlock() }
        guard let pack = active, pack.number == number else { return }
        try seal(pack)
    }

    /// Copies live frames as they are, verified, and moves their rows.
    private func copy(_ cursor: inout CompactionCursor, budget: Int) throws(StorageError) -> Int {
        guard let file = try files.reader(cursor.pack) else { return 0 }
        var moves: [(id: ChunkID, from: ChunkLocation, to: ChunkLocation)] = []
        var last = StageTicket.durable
        var copied = 0
        while cursor.next < cursor.entries.count, copied < budget {
            let entry = cursor.entries[cursor.next]
            cursor.next += 1
            let from = ChunkLocation(pack: cursor.pack, entry: entry)
            guard let row = try index.lookup(entry.id), row.isSame(as: from) else { continue }
            let count = ChunkFrame.headerSize + Int(entry.storedLength)
            let bytes = try file.read(at: entry.offset, count: count)
            guard bytes.withUnsafeBytes({ (try? ChunkFrame(verifying: $0)) != nil }) else {
                try setApart(entry.id, at: from)
                continue
            }
            let (to, ticket) = try bytes.withBytes { buffer throws(StorageError) in
                writer.lock()
                defer { writer.unlock() }
                return try write(
                    head: buffer.part(0, ChunkFrame.headerSize), payload: buffer.part(ChunkFrame.headerSize, Int(entry.storedLength)),
                    usingReserve: true
                ) { _ in }
            }
            last = try last.merged(with: ticket)
            moves.append((entry.id, from, to))
            copied += entry.frameSize
        }
        try sync(through: last)
        try index.relocate(moves)
        return copied
    }

    /// Removes a pack in which nothing lives; false where something still does.
    private func retire(_ number: UInt64, _ step: inout CompactionStep) throws(StorageError) -> Bool {
        guard let row = try index.packs().first(where: { $0.number == number }), row.liveChunks == 0 else { return false }
        if options.mutant != .packRetiredEarly { try index.checkpoint() }
        let size = try files.reader(number)?.size() ?? 0
        try files.remove(number)
        _ = try index.drop(pack: number, scanningRows: false)
        step.freedBytes += size
        state.withLock { freedBytes += size }
        step.removedPacks += 1
        return true
    }
}
