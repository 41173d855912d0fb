import Chunks
package import Primitives

extension ChunkStore {
    /// Where a chunk lies; nil where it is not.
    func locate(_ id: ChunkID) throws(StorageError) -> ChunkLocation? {
        if let found = state.withLock({ pending[id] }) { return found.location }
        return try index.lookup(id)
    }

    package func get(_ id: ChunkID) throws(StorageError) -> [UInt8] {
        if let cached = cache.get(id) { return cached }
        let bytes = try load(id)
        cache.put(id, bytes)
        return bytes
    }

    /// Reads and verifies a chunk, past the cache.
    func load(_ id: ChunkID) throws(StorageError) -> [UInt8] {
        // Compaction may move a chunk between look-up and open: then the second look-up finds it.
        for _ in 0..<4 {
            guard let location = try locate(id) else {
                if let place = try index.quarantined(id) {
                    throw .corruptChunk(id, path: files.path(place.pack), offset: place.offset, what: "its bytes have decayed")
                }
                throw .missingChunk(id)
            }
            guard let file = try files.reader(location.pack) else { continue }
            return try read(id, at: location, in: file)
        }
        throw .missingChunk(id)
    }

    /// Reads the payload and proves it by its hash; what fails is set apart, so that a good copy can be put.
    private func read(_ id: ChunkID, at location: ChunkLocation, in file: File) throws(StorageError) -> [UInt8] {
        let start = location.offset + UInt64(ChunkFrame.headerSize)
        var problem: String?
        var raw: [UInt8] = []
        let stored = try file.read(at: start, count: Int(location.storedLength))
        if stored.count < Int(location.storedLength) {
            problem = "the pack ends within the chunk"
        } else {
            switch location.codec {
            case .stored: raw = stored
            case .zstd:
                let compressor = compressors.borrow()
                defer { compressors.giveBack(compressor) }
                raw = [UInt8](unsafeUninitializedCapacity: Int(location.rawLength)) { buffer, count in
                    let out = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<Int(location.rawLength)]))
                    let isSound = stored.withUnsafeBytes { compressor.decompress($0, into: out) }
                    count = isSound ? out.count : 0
                }
                if raw.count != Int(location.rawLength) { problem = "its bytes do not decompress" }
            }
        }
        if problem == nil, options.mutant != .packChecksumIgnored, SHA256.hash(raw) != id { problem = "its bytes do not match its name" }
        guard let problem else { return raw }
        try setApart(id, at: location)
        throw .corruptChunk(id, path: file.path, offset: location.offset, what: problem)
    }

    func setApart(_ id: ChunkID, at location: ChunkLocation) throws(StorageError) {
        cache.remove(id)
        try? flush()
        try index.quarantine(id, at: location)
    }

    /// Whoever is told "yes" counts on it, so what is staged is made durable first. Throws `.lostBeforeSync` or what the
    /// sync threw where that fails.
    package func has(_ ids: [ChunkID]) throws(StorageError) -> [Bool] {
        let (waiting, ticket) = state.withLock {
            let waiting = ids.map { pending[$0]?.sequence }
            return (waiting.map { $0 != nil }, StageTicket(epoch: epoch, sequence: waiting.compactMap { $0 }.max() ?? 0))
        }
        try sync(through: ticket)
        let found = try index.lookup(ids)
        return zip(waiting, found).map { $0 || $1 != nil }
    }

    package func length(_ id: ChunkID) throws(StorageError) -> UInt32? { try locate(id)?.rawLength }

    package func list(after: ChunkID?, limit: Int) throws(StorageError) -> [ChunkReference] {
        try flush()
        return try index.rows(after: after, limit: limit).map { ChunkReference(id: $0.id, length: $0.location.rawLength) }
    }

    /// Chunks that were found decayed and wait for a good copy, at most `limit`.
    package func quarantined(limit: Int = 1_000) throws(StorageError) -> [ChunkID] { try index.quarantinedChunks(limit: limit) }

    @discardableResult package func delete(_ ids: [ChunkID]) throws(StorageError) -> Int {
        try flush()
        let removed = try index.delete(ids)
        for id in ids { cache.remove(id) }
        return removed.count
    }

    /// Verifies chunks in the order of their names, about `budget` raw bytes of them, going on where the
    /// last call stopped. Call it at the rate that the disk can spare.
    package func scrub(budget: Int) throws(StorageError) -> ScrubStep {
        compactor.lock()
        defer { compactor.unlock() }
        var step = ScrubStep()
        while step.bytes < budget {
            let rows = try index.rows(after: scrubCursor, limit: 32)
            guard !rows.isEmpty else {
                scrubCursor = nil
                step.isRoundComplete = true
                return step
            }
            for (id, location) in rows {
                scrubCursor = id
                step.chunks += 1
                step.bytes += Int(location.rawLength)
                do throws(StorageError) {
                    _ = try load(id)
                } catch {
                    guard case .corruptChunk(_, let path, let offset, let what) = error else {
                        if case .missingChunk = error { continue }
                        throw error
                    }
                    step.corrupt.append(id)
                    step.findings.append(StorageFinding(path: path, offset: offset, what: "chunk \(id.hex): \(what)"))
                }
                if step.bytes >= budget { break }
            }
        }
        return step
    }
}

/// What one call of `ChunkStore.scrub` did.
package struct ScrubStep: Hashable, Sendable {
    package var chunks = 0
    /// Raw bytes verified.
    package var bytes = 0
    /// Chunks that have decayed; they are set apart, fetch them from another node.
    package var corrupt: [ChunkID] = []
    package var findings: [StorageFinding] = []
    /// Whether all chunks have been seen; the next call begins anew.
    package var isRoundComplete = false
}
