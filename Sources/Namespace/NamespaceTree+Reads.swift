package import Primitives

/// One entry of a listing.
package struct DirectoryEntry: Hashable, Sendable {
    package let cookie: UInt64
    package let name: [UInt8]
    package let inode: InodeID
    package let type: InodeType
}

extension NamespaceTree {
    /// Entries after `cookie` (0 to begin), about `limit` of them, and whether they were the last. The
    /// cookie of an entry is a hash of its name, so it stays where it is while others come and go:
    /// an entry that is there all along is listed exactly once. Names whose hashes are equal are
    /// listed in one go, so there may be a few more than `limit`.
    package func readDirectory(_ id: InodeID, after cookie: UInt64 = 0, limit: Int) throws(NamespaceError) -> (
        entries: [DirectoryEntry], atEnd: Bool
    ) {
        _ = try directory(id)
        guard limit > 0 else { throw NamespaceError(.invalid, object: "\(id)", cause: "a listing needs a positive limit") }
        var entries: [DirectoryEntry] = []
        guard cookie < .max else { return ([], true) }
        var iterator = records.scan(from: NamespaceKey(id, .entry, offset: cookie + 1))
        while let (key, record) = iterator.next(), key.inode == id.rawValue, case .entry(let target, let type) = record {
            if entries.count >= limit, entries[entries.count - 1].cookie != key.offset { return (entries, false) }
            entries.append(DirectoryEntry(cookie: key.offset, name: key.name, inode: target, type: type))
        }
        return (entries, true)
    }

    /// The pieces of chunks that make up `range` of a file, cut to the range and in order; what they
    /// do not cover is inline content or a hole. At most `limit` of them.
    package func extents(of id: InodeID, in range: Range<UInt64>, limit: Int = .max) throws(NamespaceError) -> [Extent] {
        _ = try file(id)
        var found: [Extent] = []
        forEachExtent(of: id, in: range) { extent in
            found.append(extent.clipped(to: range))
            return found.count < limit
        }
        return found
    }

    /// Calls `body` with the extents that touch `range`, uncut and in order, until it returns false.
    func forEachExtent(of id: InodeID, in range: Range<UInt64> = 0..<UInt64.max, _ body: (Extent) -> Bool) {
        guard !range.isEmpty else { return }
        let begin = NamespaceKey(id, .extent, offset: range.lowerBound)
        if range.lowerBound > 0, let (key, record) = records.last(before: begin), key.inode == id.rawValue,
            let extent = Extent(key, record), extent.end > range.lowerBound
        {
            guard body(extent) else { return }
        }
        records.forEach(from: begin, to: NamespaceKey(id, .extent, offset: range.upperBound)) { key, record in
            guard let extent = Extent(key, record) else { return false }
            return body(extent)
        }
    }

    /// The first bytes of a small file; empty where it has none inline. Extents cover what they cover.
    package func inlineContent(of id: InodeID) throws(NamespaceError) -> [UInt8] {
        _ = try file(id)
        return inlineBytes(of: id) ?? []
    }

    func inlineBytes(of id: InodeID) -> [UInt8]? {
        guard case .bytes(let bytes)? = records[NamespaceKey(id, .inline)] else { return nil }
        return bytes
    }

    package func readLink(_ id: InodeID) throws(NamespaceError) -> [UInt8] {
        guard try attributes(of: id).type == .symlink, let target = inlineBytes(of: id) else {
            throw NamespaceError(.invalid, object: "\(id)", cause: "it is no symlink")
        }
        return target
    }

    package func xattr(of id: InodeID, _ name: [UInt8]) throws(NamespaceError) -> [UInt8] {
        _ = try attributes(of: id)
        guard case .bytes(let value)? = records[NamespaceKey(id, .xattr, name: name)] else {
            throw NamespaceError(.noData, object: "\(id)", cause: "it has no extended attribute \(display(name))")
        }
        return value
    }

    package func xattrNames(of id: InodeID) throws(NamespaceError) -> [[UInt8]] {
        _ = try attributes(of: id)
        return xattrs(of: id).map(\.name)
    }

    func xattrs(of id: InodeID) -> [Xattr] {
        var found: [Xattr] = []
        records.forEach(from: NamespaceKey(id, .xattr), to: NamespaceKey(id, .link)) { key, record in
            if case .bytes(let value) = record { found.append(Xattr(name: key.name, value: value)) }
            return true
        }
        return found
    }
}

extension Extent {
    init?(_ key: NamespaceKey, _ record: NamespaceRecord) {
        guard case .extent(let length, let chunk, let chunkOffset) = record else { return nil }
        self.init(offset: key.offset, length: length, chunk: chunk, chunkOffset: chunkOffset)
    }

    var record: NamespaceRecord { .extent(length: length, chunk: chunk, chunkOffset: chunkOffset) }

    /// The part within `range`, which it touches.
    func clipped(to range: Range<UInt64>) -> Extent {
        let start = Swift.max(offset, range.lowerBound)
        let stop = Swift.min(end, range.upperBound)
        return Extent(offset: start, length: stop - start, chunk: chunk, chunkOffset: chunkOffset + UInt32(start - offset))
    }
}

/// An extended attribute.
package struct Xattr: Hashable, Sendable, XDRCodable {
    package let name: [UInt8]
    package let value: [UInt8]
    package init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
    package func encode(to writer: inout XDRWriter) {
        writer.write(opaque: name)
        writer.write(opaque: value)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            name: Array(try reader.opaque(limit: NamespaceLimits.nameBytes)),
            value: Array(try reader.opaque(limit: NamespaceLimits.xattrBytes)))
    }
}
