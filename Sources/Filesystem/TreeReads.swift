package import Namespace
package import Primitives

/// Where the bytes of a part of a file are.
package enum ReadContent: Hashable, Sendable {
    /// Nothing to read: at or past the end.
    case nothing
    /// The bytes themselves, and whether the file ends there.
    case inline([UInt8], endOfFile: Bool)
    /// Chunks; `under` is inline content below them. `length` bytes are to be read.
    case extents([Extent], under: [UInt8], length: UInt32, endOfFile: Bool)
}

/// Reads of a tree as the seam speaks of them. Every replica and every session reads through these.
extension NamespaceTree {
    private func told<Result>(_ body: () throws(NamespaceError) -> Result) throws(FileFailure) -> Result {
        do { return try body() } catch { throw FileFailure(error) }
    }

    package func file(_ id: InodeID) throws(FileFailure) -> FileAttributes {
        FileAttributes(id, try told { () throws(NamespaceError) in try attributes(of: id) })
    }

    /// Whether a file here and one of another tree have the same content.
    package func holdsSame(_ id: InodeID, as other: InodeID, in tree: NamespaceTree) -> Bool {
        guard let mine = inode(id), let its = tree.inode(other), mine.type == .file, its.type == .file, mine.size == its.size,
            let content = try? (inlineContent(of: id), extents(of: id, in: 0..<max(1, mine.size))),
            let itsContent = try? (tree.inlineContent(of: other), tree.extents(of: other, in: 0..<max(1, its.size)))
        else { return false }
        return content == itsContent
    }

    package func child(_ name: [UInt8], of directory: InodeID) throws(FileFailure) -> FileAttributes {
        let found = try told { () throws(NamespaceError) in try lookup(directory, name) }
        return FileAttributes(found.id, found.inode)
    }

    package func walk(_ path: FilePath, followLast: Bool) throws(FileFailure) -> FileAttributes {
        let id = try told { () throws(NamespaceError) in try walk(path.bytes, from: path.base, followLast: followLast) }
        return try file(id)
    }

    package func list(_ directory: InodeID, after cookie: UInt64, limit: Int) throws(FileFailure) -> (entries: [FileEntry], next: UInt64?) {
        let page = try told { () throws(NamespaceError) in try readDirectory(directory, after: cookie, limit: limit) }
        var entries: [FileEntry] = []
        entries.reserveCapacity(page.entries.count)
        for entry in page.entries {
            guard let inode = inode(entry.inode) else { continue }
            entries.append(FileEntry(name: entry.name, attributes: FileAttributes(entry.inode, inode), cookie: entry.cookie))
        }
        return (entries, page.atEnd ? nil : page.entries.last?.cookie)
    }

    package func content(of id: InodeID, offset: UInt64, length: UInt32) throws(FileFailure) -> ReadContent {
        let inode = try told { () throws(NamespaceError) in try attributes(of: id) }
        guard offset < inode.size, length > 0 else { return .nothing }
        let end = min(inode.size, offset + UInt64(length))
        let under = try told { () throws(NamespaceError) in try inlineContent(of: id) }
        let extents = try told { () throws(NamespaceError) -> [Extent] in try self.extents(of: id, in: offset..<end) }
        if extents.isEmpty, inode.size <= UInt64(NamespaceLimits.inlineBytes) {
            var bytes = under
            if UInt64(bytes.count) < inode.size { bytes += [UInt8](repeating: 0, count: Int(inode.size) - bytes.count) }
            return .inline(Array(bytes[Int(offset)..<Int(end)]), endOfFile: end == inode.size)
        }
        return .extents(extents, under: under, length: UInt32(end - offset), endOfFile: end == inode.size)
    }

    /// Whether a file is small and has no chunks: then what is written to it may stay in the namespace too.
    package func isInline(_ id: InodeID) throws(FileFailure) -> Bool {
        let inode = try told { () throws(NamespaceError) in try attributes(of: id) }
        guard inode.size <= UInt64(NamespaceLimits.inlineBytes) else { return false }
        return try told { () throws(NamespaceError) in try extents(of: id, in: 0..<max(inode.size, 1), limit: 1) }.isEmpty
    }

    /// Where data, or a hole, begins at `offset` or behind it; the end of the file counts as a hole (lseek(2)).
    package func position(of id: InodeID, from offset: UInt64, hole: Bool) throws(FileFailure) -> UInt64 {
        let inode = try told { () throws(NamespaceError) in try attributes(of: id) }
        guard offset < inode.size else {
            throw FileFailure(.noSuchPlace, operation: "seek", object: "\(id)", cause: "the file ends before")
        }
        var at = offset
        // Inline bytes are data, whatever they hold.
        let under = UInt64(try told { () throws(NamespaceError) in try inlineContent(of: id) }.count)
        if at < under {
            if !hole { return at }
            at = under
        }
        while at < inode.size {
            let found = try told { () throws(NamespaceError) -> [Extent] in try self.extents(of: id, in: at..<inode.size, limit: 1) }.first
            guard let extent = found else { break }
            if !hole { return max(at, extent.offset) }
            if extent.offset > at { return at }
            at = extent.end
        }
        guard hole else { throw FileFailure(.noSuchPlace, operation: "seek", object: "\(id)", cause: "only a hole is left") }
        return min(at, inode.size)
    }

    package func linkTarget(of id: InodeID) throws(FileFailure) -> [UInt8] {
        try told { () throws(NamespaceError) in try readLink(id) }
    }

    package func xattr(_ name: [UInt8], of id: InodeID) throws(FileFailure) -> [UInt8] {
        try told { () throws(NamespaceError) in try xattr(of: id, name) }
    }

    package func xattrList(of id: InodeID) throws(FileFailure) -> [[UInt8]] {
        try told { () throws(NamespaceError) in try xattrNames(of: id) }
    }

    package var fileStatistics: FilesystemStatistics {
        FilesystemStatistics(
            files: statistics.inodes - statistics.directories, directories: statistics.directories, bytes: statistics.bytes)
    }
}
