package import Primitives

/// Where a staged chunk stands on its way to the disk. Hand it to `sync(through:)`.
package struct StageTicket: Hashable, Sendable {
    /// Rises when a failed sync loses what was staged before it.
    let epoch: UInt64
    /// 0 where the chunk was durable already.
    let sequence: UInt64

    /// Of a chunk that needs no sync.
    package static let durable = StageTicket(epoch: 0, sequence: 0)
    package var isDurable: Bool { sequence == 0 }
}

/// A chunk that is in the store but not yet acknowledged.
package struct StagedChunk: Hashable, Sendable {
    package let reference: ChunkReference
    package let ticket: StageTicket
    /// Whether the bytes were new to the store.
    package let isNew: Bool
}

/// What a store holds and has done since it was opened.
package struct ChunkStatistics: Hashable, Sendable {
    package var chunks = 0
    /// Uncompressed bytes of all chunks.
    package var rawBytes: UInt64 = 0
    /// Bytes that their frames take.
    package var storedBytes: UInt64 = 0
    /// Bytes of all packs; what exceeds `storedBytes` is dead, and compaction can free it.
    package var packBytes: UInt64 = 0
    package var packs = 0
    /// Chunks set apart because their bytes have decayed.
    package var quarantined = 0
    package var cacheBytes = 0
    package var cacheHits: UInt64 = 0
    package var cacheMisses: UInt64 = 0
    /// Chunks put that were there already.
    package var duplicateHits: UInt64 = 0
    package var syncs: UInt64 = 0
    /// Chunks swept since the store was opened, the bytes of their frames, and the bytes of packs given back.
    package var sweptChunks: UInt64 = 0
    package var sweptBytes: UInt64 = 0
    package var freedBytes: UInt64 = 0
    package init() {}
}

/// A content-addressed store of chunks. Safe to call from any thread; calls block, so never from the
/// cooperative pool. `ChunkStore` keeps them on disk, `MemoryChunkStore` in memory; one suite of tests
/// holds both to this contract.
///
/// - A chunk's name is the SHA-256 of its bytes. Putting bytes that are there costs a look-up.
/// - `put` returns when the bytes are durable. `stage` returns earlier; `sync(through:)` makes up for it.
/// - `get` verifies the hash of everything that it reads from a disk: wrong bytes are never returned.
/// - Deleting a chunk that is not there is no error. Who deletes answers for nobody needing it.
package protocol ChunkBackend: AnyObject, Sendable {
    /// Puts the bytes in, without waiting for the disk.
    func stage(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> StagedChunk
    /// Returns when the chunk of this ticket, and all staged before it, are durable. Throws
    /// `.lostBeforeSync` where they are gone: stage them again.
    func sync(through ticket: StageTicket) throws(StorageError)
    /// The raw bytes. Throws `.missingChunk` or `.corruptChunk`.
    func get(_ id: ChunkID) throws(StorageError) -> [UInt8]
    /// Whether each of the chunks can be read, now and after a crash: what is staged is synced for it.
    func has(_ ids: [ChunkID]) throws(StorageError) -> [Bool]
    /// Raw bytes of the chunk; nil where it is not there.
    func length(_ id: ChunkID) throws(StorageError) -> UInt32?
    /// The count of chunks that were there.
    @discardableResult func delete(_ ids: [ChunkID]) throws(StorageError) -> Int
    /// Up to `limit` chunks that can be read, in the order of their names, beginning behind `after`.
    func list(after: ChunkID?, limit: Int) throws(StorageError) -> [ChunkReference]
    func statistics() throws(StorageError) -> ChunkStatistics
}

extension ChunkBackend {
    /// Puts one chunk in; durable on return.
    @discardableResult package func put(_ bytes: [UInt8]) throws(StorageError) -> ChunkReference {
        try put([bytes])[0]
    }

    /// Puts a batch in with one sync; durable on return. Where it throws, some of them may have been stored.
    @discardableResult package func put(_ batch: [[UInt8]]) throws(StorageError) -> [ChunkReference] {
        var references: [ChunkReference] = []
        references.reserveCapacity(batch.count)
        var last = StageTicket.durable
        for bytes in batch {
            let staged = try bytes.withBytes { buffer throws(StorageError) in try stage(buffer) }
            last = try last.merged(with: staged.ticket)
            references.append(staged.reference)
        }
        try sync(through: last)
        return references
    }

    /// A part of a chunk, copied into `out`. The range must lie within the chunk.
    package func read(_ id: ChunkID, at offset: Int, into out: UnsafeMutableRawBufferPointer) throws(StorageError) {
        let bytes = try get(id)
        guard offset >= 0, offset <= bytes.count, out.count <= bytes.count - offset else {
            throw .invalid(
                operation: "read of chunk \(id.hex)", what: "bytes \(offset)..<\(offset + out.count) asked for, it has \(bytes.count)")
        }
        bytes.withUnsafeBytes { source in
            out.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + out.count]))
        }
    }
}

extension StageTicket {
    /// The later of two tickets; throws where a failed sync lies between them.
    package func merged(with other: StageTicket) throws(StorageError) -> StageTicket {
        if isDurable { return other }
        if other.isDurable { return self }
        guard epoch == other.epoch else { throw .lostBeforeSync(path: "chunk store") }
        return StageTicket(epoch: epoch, sequence: max(sequence, other.sequence))
    }
}
