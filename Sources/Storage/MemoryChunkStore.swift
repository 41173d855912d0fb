import Chunks
package import Primitives

/// Chunks in memory: for tests and simulations, with the same contract as the disk.
package final class MemoryChunkStore: ChunkBackend, @unchecked Sendable {
    private let monitor = Monitor()
    private var chunks: [ChunkID: [UInt8]] = [:]
    private var rawBytes: UInt64 = 0
    private var duplicates: UInt64 = 0
    private let capacity: UInt64

    /// At most `capacity` bytes of chunks; beyond it puts fail as on a full disk.
    package init(capacity: UInt64 = .max) { self.capacity = capacity }

    package func stage(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> StagedChunk {
        guard bytes.count <= ChunkPolicy.largestChunk else {
            throw .tooLarge(what: "a chunk", size: bytes.count, limit: ChunkPolicy.largestChunk)
        }
        let reference = ChunkReference(id: SHA256.hash(bytes), length: UInt32(bytes.count))
        monitor.lock()
        defer { monitor.unlock() }
        if chunks[reference.id] != nil {
            duplicates += 1
            return StagedChunk(reference: reference, ticket: .durable, isNew: false)
        }
        guard rawBytes + UInt64(bytes.count) <= capacity else { throw .noSpace(operation: "put", path: "memory") }
        chunks[reference.id] = [UInt8](bytes)
        rawBytes += UInt64(bytes.count)
        return StagedChunk(reference: reference, ticket: .durable, isNew: true)
    }

    package func sync(through ticket: StageTicket) throws(StorageError) {}

    package func get(_ id: ChunkID) throws(StorageError) -> [UInt8] {
        guard let bytes = monitor.withLock({ chunks[id] }) else { throw .missingChunk(id) }
        return bytes
    }

    package func has(_ ids: [ChunkID]) throws(StorageError) -> [Bool] {
        monitor.withLock { ids.map { chunks[$0] != nil } }
    }

    package func length(_ id: ChunkID) throws(StorageError) -> UInt32? {
        monitor.withLock { chunks[id].map { UInt32($0.count) } }
    }

    @discardableResult package func delete(_ ids: [ChunkID]) throws(StorageError) -> Int {
        monitor.withLock {
            var count = 0
            for id in ids {
                guard let bytes = chunks.removeValue(forKey: id) else { continue }
                rawBytes -= UInt64(bytes.count)
                count += 1
            }
            return count
        }
    }

    package func list(after: ChunkID?, limit: Int) throws(StorageError) -> [ChunkReference] {
        let all = monitor.withLock { chunks.map { ChunkReference(id: $0.key, length: UInt32($0.value.count)) } }
        let behind = all.filter { reference in after.map { $0 < reference.id } ?? true }
        return Array(behind.sorted { $0.id < $1.id }.prefix(limit))
    }

    package func statistics() throws(StorageError) -> ChunkStatistics {
        monitor.withLock {
            var statistics = ChunkStatistics()
            statistics.chunks = chunks.count
            statistics.rawBytes = rawBytes
            statistics.storedBytes = rawBytes
            statistics.packBytes = rawBytes
            statistics.duplicateHits = duplicates
            return statistics
        }
    }
}
