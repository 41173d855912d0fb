import Chunks
import Primitives

extension ChunkStore {
    package func stage(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> StagedChunk {
        guard bytes.count <= ChunkPolicy.largestChunk else {
            throw .tooLarge(what: "a chunk", size: bytes.count, limit: ChunkPolicy.largestChunk)
        }
        let reference = ChunkReference(id: SHA256.hash(bytes), length: UInt32(bytes.count))
        if let ticket = try known(reference.id) { return StagedChunk(reference: reference, ticket: ticket, isNew: false) }
        let compressor = compressors.borrow()
        defer { compressors.giveBack(compressor) }
        let compressed = compressor.compress(bytes)
        let (ticket, isNew) = try append(
            id: reference.id, codec: compressed == nil ? .stored : .zstd, rawLength: bytes.count, payload: compressed ?? bytes)
        return StagedChunk(reference: reference, ticket: ticket, isNew: isNew)
    }

    /// The ticket of a chunk that is in the store; nil where it is not.
    func known(_ id: ChunkID) throws(StorageError) -> StageTicket? {
        // Before the look-up, so that no sweep takes what is found.
        touch(id)
        state.lock()
        if isClosed {
            state.unlock()
            throw .closed(path: directory)
        }
        if let found = pending[id] {
            duplicateHits += 1
            let ticket = found.sequence <= synced ? .durable : StageTicket(epoch: epoch, sequence: found.sequence)
            state.unlock()
            return ticket
        }
        state.unlock()
        guard try index.lookup(id) != nil else { return nil }
        state.withLock { duplicateHits += 1 }
        return .durable
    }

    /// Appends a frame to the active pack, unless another thread was faster.
    func append(
        id: ChunkID, codec: ChunkCodec, rawLength: Int, payload: UnsafeRawBufferPointer
    ) throws(StorageError) -> (ticket: StageTicket, isNew: Bool) {
        var header = [UInt8](repeating: 0, count: ChunkFrame.headerSize)
        header.withUnsafeMutableBytes {
            ChunkFrame.writeHeader(into: $0, codec: codec, rawLength: rawLength, id: id, payload: payload)
        }
        writer.lock()
        defer { writer.unlock() }
        if let ticket = try known(id) { return (ticket, false) }
        let (_, ticket) = try header.withBytes { head throws(StorageError) in
            try write(head: head, payload: payload) { location in
                self.pending[id] = PendingChunk(location: location, sequence: self.appended)
                self.unindexed.append(UnindexedRow(id: id, location: location, sequence: self.appended))
            }
        }
        return (ticket, true)
    }

    /// Writes one frame at the tail of the active pack; the writer lock must be held. `register` runs
    /// under the state lock, once the frame has its place and sequence. Compaction may use the reserve: it gives back more.
    func write(
        head: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, usingReserve: Bool = false, register: (ChunkLocation) -> Void
    ) throws(StorageError) -> (location: ChunkLocation, ticket: StageTicket) {
        if let failure = state.withLock({ unindexed.count >= Self.unindexedLimit ? indexFailure : nil }) { throw failure }
        let frame: ChunkFrame
        do { frame = try ChunkFrame(header: head) } catch { preconditionFailure("a frame that was just made is bad: \(error)") }
        if options.reserveBytes > 0, !usingReserve, try system.freeBytes(directory) < options.reserveBytes + UInt64(frame.frameSize) {
            throw .noSpace(operation: "put", path: directory)
        }
        let pack = try packForAppending(frame.frameSize)
        let padding = [UInt8](repeating: 0, count: frame.frameSize - ChunkFrame.headerSize - payload.count)
        do throws(StorageError) {
            try padding.withBytes { padding throws(StorageError) in try pack.file.write([head, payload, padding], at: pack.tail) }
        } catch {
            // Half a frame lies behind the tail. The next append overwrites it; cutting it gives its space back.
            try? pack.file.truncate(to: pack.tail)
            throw error
        }
        let entry = PackEntry(offset: pack.tail, frame: frame)
        let location = ChunkLocation(pack: pack.number, entry: entry)
        state.lock()
        defer { state.unlock() }
        guard !pack.isBroken else { throw .lostBeforeSync(path: pack.file.path) }
        pack.tail += UInt64(frame.frameSize)
        pack.appendedTail = pack.tail
        pack.entries.append(entry)
        appended += 1
        register(location)
        if pack.tail - pack.writebackFrom >= 8 << 20 {
            pack.file.startWriteback(at: pack.writebackFrom, count: Int(pack.tail - pack.writebackFrom))
            pack.writebackFrom = pack.tail
        }
        return (location, StageTicket(epoch: epoch, sequence: appended))
    }

    /// The pack to append to: the active one, or a new one where that is full, broken or missing.
    private func packForAppending(_ frameSize: Int) throws(StorageError) -> ActivePack {
        if let pack = active {
            if state.withLock({ pack.isBroken }) {
                try? pack.file.truncate(to: pack.syncedTail)
                active = nil
            } else if pack.tail + UInt64(frameSize) <= options.packSize || pack.tail <= UInt64(PackHeader.size) {
                return pack
            } else {
                try seal(pack)
            }
        }
        // A pack of this number may have been removed before this start. The index must not fall back to what it said of it.
        if !isIndexSettled, options.mutant != .packNumberReused {
            try index.checkpoint()
            isIndexSettled = true
        }
        let header = PackHeader(number: nextPack, storeHigh: identity.high, storeLow: identity.low)
        let file = try files.create(header)
        nextPack += 1
        let pack = ActivePack(number: header.number, file: file, tail: UInt64(PackHeader.size), entries: [])
        active = pack
        state.withLock { syncingPack = pack }
        return pack
    }

    /// Closes the active pack: syncs it, writes its footer and leaves it. The writer lock must be held.
    func seal(_ pack: ActivePack) throws(StorageError) {
        try sync(through: state.withLock { StageTicket(epoch: epoch, sequence: appended) })
        let footer = PackFooter.bytes(at: pack.tail, entries: pack.entries)
        do throws(StorageError) {
            try pack.file.write(footer, at: pack.tail)
            try pack.file.sync()
            // Where rows wait for a failing index, the pack must be scanned again after a crash.
            let isIndexed = state.withLock { !unindexed.contains { $0.location.pack == pack.number } }
            if isIndexed { try index.seal(pack.number, length: pack.tail + UInt64(footer.count)) }
        } catch {
            // The footer only saves time later; without it the pack is complete too.
            try? pack.file.truncate(to: pack.tail)
        }
        active = nil
        state.withLock { syncingPack = nil }
    }
}
