import Chunks
import Primitives
import Storage
import StorageSimulation
import Testing

/// Batches of chunks that another node had stored.
@Suite struct StoredBatchTests {
    private func chunk(_ text: String) -> StoredChunk {
        let bytes = Array(text.utf8)
        return StoredChunk(reference: ChunkReference(id: SHA256.hash(bytes), length: UInt32(bytes.count)), codec: .stored, payload: bytes)
    }

    private func options() -> ChunkStoreOptions {
        var options = ChunkStoreOptions()
        options.workers = 1
        options.reserveBytes = 0
        options.now = { Instant(nanoseconds: 1) }
        return options
    }

    /// The last chunk of the batch is there already and needs no sync; those before it do.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aBatchThatEndsWithAKnownChunkIsDurable(seed: UInt64) throws {
        let disk = SimulatedFileSystem(seed: seed)
        var store: ChunkStore? = try ChunkStore("/chunks", options: options(), system: disk)
        let known = chunk("was there")
        try store?.put([known])
        let fresh = chunk("came with it")
        try store?.put([fresh, known])
        disk.restart(losesPower: true)
        store = nil
        store = try ChunkStore("/chunks", options: options(), system: disk)
        #expect(try store?.get(fresh.reference.id) == fresh.payload)
        #expect(try store?.get(known.reference.id) == known.payload)
    }

    /// A sync that fails between two chunks of the batch takes the first one with it.
    @Test func aBatchAcrossAFailedSyncIsRefused() throws {
        let disk = SimulatedFileSystem(seed: 1)
        let store = try ChunkStore("/chunks", options: options(), system: disk)
        let first = try store.stage(chunk("first"))
        disk.failingSyncs = 1
        #expect(throws: StorageError.self) { try store.sync(through: first.ticket) }
        // Staged anew by whoever sends the batch again.
        try store.put([chunk("first"), chunk("second")])
        #expect(try store.get(chunk("first").reference.id) == chunk("first").payload)
    }
}
