package import Primitives

extension ChunkBackend {
    /// Assembles `out.count` bytes of a file from `offset` on. `extents` must be sorted by offset and must not
    /// overlap; where none covers a byte the file has a hole and the byte is zero. Returns the chunks
    /// that are missing or decayed, each once, in file order; their bytes in `out` are zero. Fetch them and
    /// read again: a non-empty answer must not be served.
    package func read(
        _ extents: [Extent], at offset: UInt64, into out: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> [ChunkReference] {
        guard !out.isEmpty else { return [] }
        let end = offset + UInt64(out.count)
        var missing: [ChunkReference] = []
        var position = offset
        for extent in extents[firstIndex(in: extents, reaching: offset)...] {
            guard extent.offset < end else { break }
            let start = max(extent.offset, position)
            let stop = min(extent.end, end)
            guard start < stop else { continue }
            zero(out, from: position - offset, to: start - offset)
            position = stop
            let target = UnsafeMutableRawBufferPointer(rebasing: out[Int(start - offset)..<Int(stop - offset)])
            do throws(StorageError) {
                try read(extent.chunk.id, at: Int(UInt64(extent.chunkOffset) + (start - extent.offset)), into: target)
            } catch {
                switch error {
                case .missingChunk, .corruptChunk:
                    zero(out, from: start - offset, to: stop - offset)
                    if !missing.contains(extent.chunk) { missing.append(extent.chunk) }
                default: throw error
                }
            }
        }
        zero(out, from: position - offset, to: UInt64(out.count))
        return missing
    }

    /// The first extent that ends behind `offset` (binary search).
    private func firstIndex(in extents: [Extent], reaching offset: UInt64) -> Int {
        var low = 0
        var high = extents.count
        while low < high {
            let middle = (low + high) / 2
            if extents[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func zero(_ out: UnsafeMutableRawBufferPointer, from: UInt64, to: UInt64) {
        guard from < to else { return }
        UnsafeMutableRawBufferPointer(rebasing: out[Int(from)..<Int(to)]).initializeMemory(as: UInt8.self, repeating: 0)
    }
}
