import Chunks
import Primitives
import Storage

/// Writes within what a file has, of one stage: pieces in memory up to a bound, then chunks. No piece
/// goes over a multiple of the block, so equal blocks are equal chunks wherever their writes began, and
/// later writes to a block replace what they cover and leave its neighbours as they are.
struct StagePatches {
    struct Piece {
        var start: UInt64
        var bytes: [UInt8]
        var end: UInt64 { start + UInt64(bytes.count) }
    }

    private static let policy = ChunkPolicy.randomWrites
    private static let block = UInt64(policy.maximumLength)
    /// What is kept in memory: bytes, and pieces.
    private static let byteLimit = 8 << 20
    private static let pieceLimit = 4_096

    /// In order, without overlaps; those of one block that adjoin are one.
    private(set) var pieces: [Piece] = []
    private var bytes = 0
    /// Pieces that were stored to make room; those in memory lie over them.
    private(set) var stored: [Extent] = []

    var isFull: Bool { bytes > Self.byteLimit || pieces.count > Self.pieceLimit }

    mutating func insert(_ new: [UInt8], at offset: UInt64) {
        var position = 0
        while position < new.count {
            let start = offset + UInt64(position)
            let room = Int(Self.block - start % Self.block)
            let count = min(room, new.count - position)
            insert(block: new[position..<position + count], at: start)
            position += count
        }
    }

    private mutating func insert(block new: ArraySlice<UInt8>, at start: UInt64) {
        let end = start + UInt64(new.count)
        let blockStart = start - start % Self.block
        // The first that reaches up to this one, within the block.
        var first = firstEnding(behind: start == 0 ? 0 : start - 1)
        if first < pieces.count, pieces[first].start < blockStart { first += 1 }
        var last = first
        while last < pieces.count, pieces[last].start <= end, pieces[last].start < blockStart + Self.block { last += 1 }
        guard first < last else {
            pieces.insert(Piece(start: start, bytes: Array(new)), at: first)
            bytes += new.count
            return
        }
        let touched = pieces[first..<last].reduce(0) { $0 + $1.bytes.count }
        if last - first > 1 || start < pieces[first].start {
            pieces.replaceSubrange(first..<last, with: [Self.joined(Array(pieces[first..<last]), with: start..<end)])
        }
        let from = Int(start - pieces[first].start)
        let to = min(from + new.count, pieces[first].bytes.count)
        pieces[first].bytes.replaceSubrange(from..<to, with: new)
        bytes += pieces[first].bytes.count - touched
    }

    /// One piece over all of these and the range, which is left to be filled.
    private static func joined(_ old: [Piece], with range: Range<UInt64>) -> Piece {
        let start = min(old[0].start, range.lowerBound)
        let end = max(old[old.count - 1].end, range.upperBound)
        var out = [UInt8](repeating: 0, count: Int(end - start))
        for piece in old { out.replaceSubrange(Int(piece.start - start)..<Int(piece.end - start), with: piece.bytes) }
        return Piece(start: start, bytes: out)
    }

    /// Takes away what a stream has gone over.
    mutating func remove(from start: UInt64, to end: UInt64) {
        stored = ExtentList.remove(from: start, to: end, of: stored)
        let first = firstEnding(behind: start)
        var last = first
        while last < pieces.count, pieces[last].start < end { last += 1 }
        guard first < last else { return }
        var left: [Piece] = []
        for piece in pieces[first..<last] {
            bytes -= piece.bytes.count
            if piece.start < start { left.append(Piece(start: piece.start, bytes: Array(piece.bytes.prefix(Int(start - piece.start))))) }
            if piece.end > end { left.append(Piece(start: end, bytes: Array(piece.bytes.suffix(Int(piece.end - end))))) }
        }
        bytes += left.reduce(0) { $0 + $1.bytes.count }
        pieces.replaceSubrange(first..<last, with: left)
    }

    /// Stores the pieces in memory; they are durable when the store has synced through the ticket.
    mutating func spill(into store: ChunkStore) throws(StorageError) -> StageTicket {
        guard !pieces.isEmpty else { return .durable }
        let ingest = ChunkIngest(store, policy: Self.policy)
        for piece in pieces {
            try ingest.seek(to: piece.start)
            try ingest.feed(piece.bytes)
        }
        let new = try ingest.end()
        stored = ExtentList.lay(new.extents, over: stored)
        pieces = []
        bytes = 0
        return new.ticket
    }

    /// The first piece that ends behind an offset; the count of pieces where none does.
    private func firstEnding(behind offset: UInt64) -> Int {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
