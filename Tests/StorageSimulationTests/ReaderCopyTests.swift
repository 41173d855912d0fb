import Chunks
import Primitives
import Storage
import StorageSimulation
import Testing

/// Chunks that were fetched for a reader: it goes on as soon as they are proved, whatever the disk does.
@Suite struct ReaderCopyTests {
    static func copy(_ bytes: [UInt8]) -> StoredChunk {
        StoredChunk(
            reference: ChunkReference(id: SHA256.hash(bytes), length: UInt32(bytes.count)), codec: .stored, payload: bytes)
    }
    static let bytes = (0..<3_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    @Test func readersDoNotWaitForTheDisk() throws {
        let disk = SimulatedFileSystem(seed: 1)
        let store = try ChunkStore("/data/chunks", system: disk)
        let copy = Self.copy(Self.bytes)
        disk.failingSyncs = 1
        var read: [UInt8]?
        #expect(throws: StorageError.self) { try store.putForReaders([copy]) { read = try? store.get(copy.reference.id) } }
        #expect(read == Self.bytes)
        #expect(try store.has([copy.reference.id]) == [false], "what is only in memory is not said to be here")
        try store.putForReaders([copy]) {}
        #expect(try store.has([copy.reference.id]) == [true])
        disk.restart(losesPower: true)
        #expect(try ChunkStore("/data/chunks", system: disk).get(copy.reference.id) == Self.bytes)
    }

    /// What memory does not hold is readable once it is written, and not before.
    @Test(arguments: [0, 4_000]) func withoutRoomInMemoryTheyWaitForTheWrite(cache: Int) throws {
        let disk = SimulatedFileSystem(seed: 2)
        var options = ChunkStoreOptions()
        options.cacheBytes = cache
        let store = try ChunkStore("/data/chunks", options: options, system: disk)
        let copy = Self.copy(Self.bytes)
        var read: [UInt8]?
        try store.putForReaders([copy]) { read = try? store.get(copy.reference.id) }
        #expect(read == Self.bytes)
        try store.close()
    }

    @Test func wrongBytesAreNeverReadable() throws {
        let store = try ChunkStore("/data/chunks", system: SimulatedFileSystem(seed: 3))
        var wrong = Self.copy(Self.bytes)
        wrong.payload[7] ^= 1
        let right = Self.copy([1, 2, 3])
        var isReadable = false
        for codec in [ChunkCodec.stored, .zstd] {
            let bad = StoredChunk(reference: wrong.reference, codec: codec, payload: wrong.payload)
            #expect(throws: StorageError.self) { try store.putForReaders([right, bad]) { isReadable = true } }
        }
        #expect(!isReadable)
        #expect(throws: StorageError.self) { try store.get(wrong.reference.id) }
        try store.close()
    }
}
