import Chunks
import Foundation
import Primitives
import Storage

/// Measures one input: in each round, one after the other, the baseline, the ingest into a new store,
/// the ingest of the same bytes again, and the plain write. So a change of the machine's speed
/// falls on all of them, and a ratio is taken within its round.
struct ChunkBench {
    let input: BenchInput
    let rounds: Int
    let directory: String
    let stop: StopFlag

    struct Round: Sendable {
        var sequential: Lap
        var ingest: Lap
        var hashing: Lap
        var repeated: Lap
        var write: Lap
    }

    struct Outcome: Sendable {
        var chunks = 0
        /// What the store's frames take.
        var storedBytes: UInt64 = 0
        var rounds: [Round] = []
    }

    func run() throws -> Outcome {
        do {
            return try input.bytes.withUnsafeBytes { try run($0) }
        } catch let error as StorageError {
            throw CommandFailure("bench chunks", directory, "\(error)")
        }
    }

    private func run(_ bytes: UnsafeRawBufferPointer) throws -> Outcome {
        let baseline = ChunkBaseline(bytes: bytes, stop: stop)
        var outcome = Outcome()
        // The first write of a run finds the file system's and the processor's caches cold; it is not counted.
        try baseline.write(to: plain)
        unlink(plain)
        _ = try round(baseline, &outcome)
        for _ in 0..<rounds { outcome.rounds.append(try round(baseline, &outcome)) }
        return outcome
    }

    private var plain: String { "\(directory)/plain" }

    private func round(_ baseline: ChunkBaseline, _ outcome: inout Outcome) throws -> Round {
        let place = "\(directory)/store"
        defer {
            try? FileManager.default.removeItem(atPath: place)
            unlink(plain)
        }
        let sequential = try Lap.measure { try baseline.sequential(compressing: true) }
        let store = try ChunkStore(place)
        do {
            let ingest = try Lap.measure { outcome.chunks = try self.ingest(store, baseline.bytes) }
            outcome.storedBytes = try store.statistics().storedBytes
            let hashing = try Lap.measure { try baseline.sequential(compressing: false) }
            let repeated = try Lap.measure { _ = try self.ingest(store, baseline.bytes) }
            try store.close()
            let write = try Lap.measure { try baseline.write(to: plain) }
            return Round(sequential: sequential, ingest: ingest, hashing: hashing, repeated: repeated, write: write)
        } catch {
            try? store.close()
            throw error
        }
    }

    /// As a node takes a file in: durable on return. The count of its chunks.
    private func ingest(_ store: ChunkStore, _ bytes: UnsafeRawBufferPointer) throws -> Int {
        let ingest = ChunkIngest(store)
        do {
            for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
                try stop.check()
                try ingest.feed(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 1 << 20, bytes.count)]))
            }
        } catch {
            ingest.cancel()
            throw error
        }
        return try ingest.finish().count
    }
}
