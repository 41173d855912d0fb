import Primitives

// How the content of a file is kept. Extents and inline bytes may both be there: where both cover an
// offset the extent holds, and the inline bytes below it are zeros. `allocated` is the lengths of the
// extents and of the inline bytes added up.
extension NamespaceTree {
    /// Makes `range` of the file a hole, splitting the extents at its ends exactly. The caller stores
    /// the attributes.
    mutating func clear(_ range: Range<UInt64>, of id: InodeID, _ inode: inout Inode) {
        guard !range.isEmpty else { return }
        clearInline(range, of: id, &inode)
        var tail: Extent?
        if range.lowerBound > 0, let (key, record) = records.last(before: NamespaceKey(id, .extent, offset: range.lowerBound)),
            key.inode == id.rawValue, let before = Extent(key, record), before.end > range.lowerBound
        {
            put(before.clipped(to: before.offset..<range.lowerBound), in: id)
            inode.allocated -= min(before.end, range.upperBound) - range.lowerBound
            if before.end > range.upperBound { tail = before.clipped(to: range.upperBound..<before.end) }
        }
        let low = NamespaceKey(id, .extent, offset: range.lowerBound)
        let high = NamespaceKey(id, .extent, offset: range.upperBound)
        var count = 0
        var only: NamespaceKey?
        records.forEach(from: low, to: high) { key, record in
            guard let extent = Extent(key, record) else { return false }
            count += 1
            only = key
            inode.allocated -= min(extent.end, range.upperBound) - extent.offset
            if extent.end > range.upperBound { tail = extent.clipped(to: range.upperBound..<extent.end) }
            return true
        }
        if count == 1, let only { records.removeValue(forKey: only) } else if count > 1 { records.removeRange(from: low, to: high) }
        if let tail { put(tail, in: id) }
    }

    private mutating func put(_ extent: Extent, in id: InodeID) {
        records.updateValue(extent.record, forKey: NamespaceKey(id, .extent, offset: extent.offset))
    }

    private mutating func clearInline(_ range: Range<UInt64>, of id: InodeID, _ inode: inout Inode) {
        guard range.lowerBound < UInt64(NamespaceLimits.inlineBytes), var bytes = inlineBytes(of: id),
            range.lowerBound < UInt64(bytes.count)
        else { return }
        let low = Int(range.lowerBound)
        if range.upperBound >= UInt64(bytes.count) {
            bytes.removeSubrange(low...)
        } else {
            for index in low..<Int(range.upperBound) { bytes[index] = 0 }
        }
        setInline(bytes, of: id, &inode)
    }

    mutating func setInline(_ bytes: [UInt8], of id: InodeID, _ inode: inout Inode) {
        let key = NamespaceKey(id, .inline)
        var before = 0
        if case .bytes(let old)? = bytes.isEmpty ? records.removeValue(forKey: key) : records.updateValue(.bytes(bytes), forKey: key) {
            before = old.count
        }
        inode.allocated = inode.allocated - UInt64(before) + UInt64(bytes.count)
    }

    /// Replaces what the extents cover. They ascend and do not overlap.
    mutating func write(_ extents: [Extent], to id: InodeID, _ inode: inout Inode) {
        guard let first = extents.first, let last = extents.last else { return }
        // One search for all where nothing lies there, as when a file is written from front to back.
        if inode.allocated > 0, !isHole(first.offset..<last.end, of: id) {
            for extent in extents { clear(extent.offset..<extent.end, of: id, &inode) }
        }
        for extent in extents {
            put(extent, in: id)
            inode.allocated += extent.length
        }
    }

    private func isHole(_ range: Range<UInt64>, of id: InodeID) -> Bool {
        if range.lowerBound < UInt64(NamespaceLimits.inlineBytes), records.contains(NamespaceKey(id, .inline)) { return false }
        guard let (key, record) = records.last(before: NamespaceKey(id, .extent, offset: range.upperBound)),
            key.inode == id.rawValue, let extent = Extent(key, record)
        else { return true }
        return extent.end <= range.lowerBound
    }

    /// Cuts or extends the file. What is beyond is gone; what comes anew is a hole.
    mutating func resize(_ id: InodeID, _ inode: inout Inode, to size: UInt64) {
        if size < inode.size { clear(size..<UInt64.max, of: id, &inode) }
        inode.size = size
    }

    /// Replaces the whole content.
    mutating func setContent(_ content: FileContent, of id: InodeID, _ inode: inout Inode) {
        clear(0..<UInt64.max, of: id, &inode)
        if !content.inline.isEmpty { setInline(content.inline, of: id, &inode) }
        write(content.extents, to: id, &inode)
        inode.size = content.size
    }

    func content(of id: InodeID, _ inode: Inode) -> FileContent {
        var extents: [Extent] = []
        forEachExtent(of: id) { extent in
            extents.append(extent)
            return true
        }
        return FileContent(inline: inlineBytes(of: id) ?? [], extents: extents, size: inode.size)
    }
}
