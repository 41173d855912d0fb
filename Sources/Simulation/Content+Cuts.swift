import Primitives

// Where content is cut into chunks. Fixed sizes do for histories of whole values; what a second version
// shares with the first shows only where cuts follow the content, as the real chunker's do.
extension Content {
    /// The lengths of its chunks by content: each stream has cuts of its own, on average `size` bytes
    /// apart, wherever in a file it lies. No chunk is shorter than a quarter of `size` (but the last) or
    /// longer than four times it, the bounds of the real chunker.
    func cuts(size: UInt64) -> [UInt64] {
        precondition(size >= 4, "chunks of \(size) bytes")
        var out: [UInt64] = []
        var start: UInt64 = 0
        var position: UInt64 = 0
        func cut(_ place: UInt64) {
            while place - start > 4 * size {
                out.append(4 * size)
                start += 4 * size
            }
            guard place - start >= size / 4 else { return }
            out.append(place - start)
            start = place
        }
        for piece in pieces {
            if case .stream(let tag, let from, let count) = piece, tag != Self.zeroTag {
                // The k-th cut of a stream lies at a place of its own within the k-th `size` bytes.
                for k in (from / size)...((from + count) / size) {
                    let place = k * size + SeededGenerator.mix(tag ^ SeededGenerator.mix(k)) % size
                    if place > from, place < from + count { cut(position + place - from) }
                }
            }
            position += piece.length
        }
        while length - start > 4 * size { cut(start + 4 * size) }
        if length > start { out.append(length - start) }
        return out
    }

    /// The chunks' lengths, by content or of one size.
    func chunkLengths(size: UInt64, byContent: Bool) -> [UInt64] {
        guard !byContent else { return cuts(size: size) }
        return stride(from: 0, to: length, by: Int(size)).map { min(size, length - $0) }
    }
}
