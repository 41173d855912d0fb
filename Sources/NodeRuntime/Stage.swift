import Chunks
import Filesystem
import NIOCore
import NodeCore
import Primitives
import Storage

/// Written and not yet stored bytes of one open file. Later writes lie over earlier ones. One thread at
/// a time (its queue in the data plane).
///
/// Where a write begins says how it is cut: one at the front of the file, behind its end, or where the
/// last such write ended belongs to a *stream*, which goes through the content-defined chunker as it
/// comes. One that begins within what the file has is a *patch* and is cut at multiples of 64 KiB
/// (docs/rfcs/2026-11-22-fixed-blocks-for-patches.md).
final class Stage {
    /// One contiguous run of bytes from front to back.
    private struct Stream {
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

    private struct Held {
        var offset: UInt64
        var bytes: [UInt8]
        var overwrites: Bool
        var end: UInt64 { offset + UInt64(bytes.count) }
    }

    /// Bytes that a stream keeps in memory before it begins to store chunks.
    private static let headLimit = 64 << 10
    /// Out-of-order writes that are held until what is before them has come.
    private static let heldLimit = 16
    /// How far ahead of the stream they may be.
    private static let heldDistance: UInt64 = 32 << 20

    private let store: ChunkStore
    private var stream: Stream?
    private var held: [Held] = []
    /// Streams that ended, in order and without overlaps.
    private var extents: [Extent] = []
    /// They lie over all streams: a stream that goes over one takes it away, and none is over a stream that is
    /// still in memory.
    private var patches = StagePatches()
    private var ticket = StageTicket.durable
    /// Why something that was taken could not be stored: what is left must not be published as if it were whole.
    private var failure: StorageError?
    /// The end of what was written.
    private var end: UInt64 = 0

    init(store: ChunkStore) { self.store = store }

    /// `overwrites`: it begins within what the file has already, written here or before.
    func write(_ bytes: [UInt8], at offset: UInt64, overwrites: Bool) throws(StorageError) {
        guard !bytes.isEmpty else { return }
        if let failure { throw failure }
        do { try take(Held(offset: offset, bytes: bytes, overwrites: overwrites)) } catch {
            failure = error
            throw error
        }
    }

    private func take(_ piece: Held) throws(StorageError) {
        // What is held came before this write, and must not be laid over it later.
        while let under = held.firstIndex(where: { $0.offset < piece.end && piece.offset < $0.end }) { try put(held.remove(at: under)) }
        // Windows may overtake each other between regions: a little ahead is held back for a while.
        let expected = stream?.end ?? 0
        if piece.offset > expected, piece.offset - expected <= Self.heldDistance, held.count < Self.heldLimit {
            held.append(piece)
            return
        }
        try put(piece)
        while let next = held.firstIndex(where: { $0.offset == stream?.end }) { try put(held.remove(at: next)) }
    }

    private func put(_ piece: Held) throws(StorageError) {
        end = max(end, piece.end)
        if stream?.end != piece.offset {
            if piece.overwrites, piece.offset > 0 { return try patch(piece) }
            try endStream()
            stream = Stream(start: piece.offset)
        }
        patches.remove(from: piece.offset, to: piece.end)
        try feed(piece.bytes)
    }

    private func patch(_ piece: Held) throws(StorageError) {
        guard let open = stream, open.ingest == nil, piece.offset < open.end, open.start < piece.end else {
            return try insert(piece.bytes, at: piece.offset)
        }
        // Within what the stream still has in memory it goes into that, and behind it the stream goes on.
        let low = max(piece.offset, open.start)
        let high = min(piece.end, open.end)
        let (first, last) = (Int(low - piece.offset), Int(high - piece.offset))
        if first > 0 { try insert(Array(piece.bytes[..<first]), at: piece.offset) }
        stream!.head.replaceSubrange(Int(low - open.start)..<Int(high - open.start), with: piece.bytes[first..<last])
        guard last < piece.bytes.count else { return }
        patches.remove(from: high, to: piece.end)
        try feed(Array(piece.bytes[last...]))
    }

    private func insert(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        patches.insert(bytes, at: offset)
        if patches.isFull { ticket = try ticket.merged(with: patches.spill(into: store)) }
    }

    private func feed(_ bytes: [UInt8]) throws(StorageError) {
        stream!.end += UInt64(bytes.count)
        if let ingest = stream!.ingest { return try ingest.feed(bytes) }
        stream!.head.append(contentsOf: bytes)
        guard stream!.head.count > Self.headLimit else { return }
        let ingest = ChunkIngest(store, offset: stream!.start)
        stream!.ingest = ingest
        try ingest.feed(stream!.head)
        stream!.head = []
    }

    /// Another stream begins elsewhere. A short one becomes a patch, so that many of them cost little.
    private func endStream() throws(StorageError) {
        guard let ended = stream else { return }
        stream = nil
        guard let ingest = ended.ingest else { return try insert(ended.head, at: ended.start) }
        let stored = try ingest.end()
        ticket = try ticket.merged(with: stored.ticket)
        extents = ExtentList.lay(stored.extents, over: extents)
    }

    /// All of it, durable: inline where it ends early, else extents. `inPlace`: of what is not written here nothing is said.
    /// Throws what an earlier write threw.
    func finish(inPlace: Bool, inlineLimit: UInt32) throws(StorageError) -> StoredContent {
        if let failure { throw failure }
        for piece in held.sorted(by: { $0.offset < $1.offset }) { try put(piece) }
        held = []
        if end <= UInt64(inlineLimit), stream?.ingest == nil, extents.isEmpty, patches.stored.isEmpty {
            return inPlace ? .patches(written) : .inline(whole)
        }
        if let stream, stream.ingest == nil, !stream.head.isEmpty {
            let ingest = ChunkIngest(store, offset: stream.start)
            try ingest.feed(stream.head)
            self.stream!.ingest = ingest
        }
        try endStream()
        ticket = try ticket.merged(with: patches.spill(into: store))
        let all = ExtentList.lay(patches.stored, over: extents)
        try store.sync(through: ticket)
        // The first ones may have been stored long ago; from here on whoever names them has the whole grace.
        store.touch(all.map(\.chunk.id))
        return .extents(all, size: end)
    }

    /// The bytes of a small file that is all in memory.
    private var whole: [UInt8] {
        var whole = [UInt8](repeating: 0, count: Int(end))
        for piece in written { whole.replaceSubrange(Int(piece.offset)..<Int(piece.offset) + piece.bytes.count, with: piece.bytes) }
        return whole
    }

    /// What was written, where it is all in memory: later pieces lie over earlier ones.
    private var written: [ContentPatch] {
        let front = stream.map { [ContentPatch(offset: $0.start, bytes: $0.head)] } ?? []
        return front + patches.pieces.map { ContentPatch(offset: $0.start, bytes: $0.bytes) }
    }

    /// Chunks that are in the store already.
    var storedChunks: [ChunkID] { (extents + patches.stored).map(\.chunk.id) + (stream?.ingest?.storedChunks ?? []) }

    func cancel() {
        stream?.ingest?.cancel()
        stream = nil
        held = []
        extents = []
        patches = StagePatches()
    }
}
