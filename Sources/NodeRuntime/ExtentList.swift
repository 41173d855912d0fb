import Primitives

/// Lists of extents in the order of the file, without overlaps.
enum ExtentList {
    /// `above` over `below`, in one pass over both.
    static func lay(_ above: [Extent], over below: [Extent]) -> [Extent] {
        guard let first = above.first, let last = below.last else { return above + below }
        if last.end <= first.offset { return below + above }
        var out: [Extent] = []
        out.reserveCapacity(above.count + below.count)
        var next = 0
        for extent in below {
            var rest = extent
            // What lies above, up to the end of this one, goes in its place; what sticks out stays to the next.
            while next < above.count, above[next].offset < extent.end {
                if rest.offset < above[next].offset { out.append(part(of: rest, from: rest.offset, to: above[next].offset)) }
                rest = part(of: rest, from: min(max(rest.offset, above[next].end), extent.end), to: extent.end)
                if above[next].end > extent.end { break }
                out.append(above[next])
                next += 1
            }
            if rest.length > 0 { out.append(rest) }
        }
        out.append(contentsOf: above[next...])
        return out
    }

    /// What is left of them outside a range.
    static func remove(from start: UInt64, to end: UInt64, of extents: [Extent]) -> [Extent] {
        guard extents.contains(where: { $0.offset < end && start < $0.end }) else { return extents }
        return extents.flatMap { extent -> [Extent] in
            guard extent.offset < end, start < extent.end else { return [extent] }
            var left: [Extent] = []
            if extent.offset < start { left.append(part(of: extent, from: extent.offset, to: start)) }
            if extent.end > end { left.append(part(of: extent, from: end, to: extent.end)) }
            return left
        }
    }

    /// A part of an extent, by offsets of the file within it.
    private static func part(of extent: Extent, from start: UInt64, to end: UInt64) -> Extent {
        Extent(offset: start, length: end - start, chunk: extent.chunk, chunkOffset: extent.chunkOffset + UInt32(start - extent.offset))
    }
}
