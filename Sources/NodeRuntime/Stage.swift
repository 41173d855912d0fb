import Chunks
import Filesystem
import NIOCore
import NodeCore
import Primitives
import Storage

/// Written and not yet stored bytes of one open file. A stream from front to back goes through the
/// chunker as it comes; a write elsewhere begins another run. Later writes lie over earlier ones.
/// One thread at a time (its queue in the data plane).
final class Stage {
    /// One contiguous run of bytes.
    private final class Run {
        let start: UInt64
        var end: UInt64
        /// Kept while small, so that a small whole file can stay inline.
        var head: [UInt8] = []
        var ingest: ChunkIngest?
        init(start: UInt64) {
            self.start = start
            end = start
        }
    }

    /// Bytes that a run keeps in memory before it begins to store chunks.
    private static let headLimit = 64 << 10
    /// Out-of-order writes that are held until what is before them has come.
    private static let heldLimit = 16

    private let store: ChunkStore
    private var runs: [Run] = []
    private var held: [(offset: UInt64, bytes: [UInt8])] = []

    init(store: ChunkStore) { self.store = store }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        let expected = runs.last?.end ?? 0
        // Windows may overtake each other between regions: a little ahead is held back for a while.
        if offset > expected, offset - expected <= 32 << 20, held.count < Self.heldLimit {
            held.append((offset, bytes))
            return
        }
        try put(bytes, at: offset)
        while let next = held.firstIndex(where: { $0.offset == runs.last?.end }) {
            let piece = held.remove(at: next)
            try put(piece.bytes, at: piece.offset)
        }
    }

    private func put(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        if runs.last?.end != offset { runs.append(Run(start: offset)) }
        let run = runs[runs.count - 1]
        run.end += UInt64(bytes.count)
        if let ingest = run.ingest {
            try ingest.feed(bytes)
            return
        }
        run.head.append(contentsOf: bytes)
        guard run.head.count > Self.headLimit else { return }
        let ingest = ChunkIngest(store, offset: run.start)
        run.ingest = ingest
        try ingest.feed(run.head)
        run.head = []
    }

    /// All of it, durable: inline where the whole is small, else extents, later runs over earlier.
    func finish(base: [UInt8]?, inlineLimit: UInt32) throws(StorageError) -> StoredContent {
        for piece in held.sorted(by: { $0.offset < $1.offset }) { try put(piece.bytes, at: piece.offset) }
        held = []
        let end = max(runs.map(\.end).max() ?? 0, UInt64(base?.count ?? 0))
        if end <= UInt64(inlineLimit), runs.allSatisfy({ $0.ingest == nil }) {
            var whole = [UInt8](repeating: 0, count: Int(end))
            if let base { whole.replaceSubrange(0..<base.count, with: base) }
            for run in runs { whole.replaceSubrange(Int(run.start)..<Int(run.end), with: run.head) }
            return .inline(whole)
        }
        var extents: [Extent] = []
        if let base, !base.isEmpty {
            let below = ChunkIngest(store, offset: 0)
            try below.feed(base)
            extents = try below.finish()
        }
        for run in runs where run.end > run.start {
            let ingest = run.ingest ?? ChunkIngest(store, offset: run.start)
            if run.ingest == nil { try ingest.feed(run.head) }
            let stored = try ingest.finish()
            extents = Self.overlay(stored, from: run.start, to: run.end, on: extents)
        }
        // The first ones may have been stored long ago; from here on whoever names them has the whole grace.
        store.touch(extents.map(\.chunk.id))
        return .extents(extents, size: end)
    }

    /// Chunks that are in the store already.
    var storedChunks: [ChunkID] { runs.flatMap { $0.ingest?.storedChunks ?? [] } }

    func cancel() {
        for run in runs { run.ingest?.cancel() }
        runs = []
        held = []
    }

    /// `above`, which covers start ..< end, laid over `below`.
    static func overlay(_ above: [Extent], from start: UInt64, to end: UInt64, on below: [Extent]) -> [Extent] {
        var out: [Extent] = []
        for extent in below {
            if extent.offset < start {
                var left = extent
                left.length = min(extent.end, start) - extent.offset
                out.append(left)
            }
            if extent.end > end {
                var right = extent
                let cut = max(extent.offset, end)
                right.chunkOffset += UInt32(cut - extent.offset)
                right.length = extent.end - cut
                right.offset = cut
                out.append(right)
            }
        }
        return (out + above).sorted { $0.offset < $1.offset }
    }
}
