package import Primitives

extension NamespaceTree {
    /// The target of a name in a directory, with its attributes. `.` and `..` are understood here,
    /// though no command may make them.
    package func lookup(_ directory: InodeID, _ name: [UInt8]) throws(NamespaceError) -> (id: InodeID, inode: Inode) {
        let parent = try self.directory(directory)
        if name.elementsEqual(".".utf8) { return (directory, parent) }
        if name.elementsEqual("..".utf8) {
            let up = directory == .root || parent.parent.rawValue == 0 ? directory : parent.parent
            return (up, try attributes(of: up))
        }
        guard name.count <= NamespaceLimits.nameBytes else {
            throw NamespaceError(.nameTooLong, object: "\(directory)/\(display(name.prefix(32)))…", cause: "a name has at most 255 bytes")
        }
        guard let target = entry(directory, name) else {
            throw NamespaceError(.noEntry, object: "\(directory)/\(display(name))", cause: "there is no such entry")
        }
        return (target.inode, try attributes(of: target.inode))
    }

    /// Follows a path of bytes from `start`; a leading `/` begins at the root of the file system, as
    /// do absolute symlinks. At most 40 symlinks are followed. Where `credentials` are given, every
    /// directory on the way must let them search.
    package func walk(
        _ path: [UInt8], from start: InodeID = .root, followLast: Bool = true, credentials: Credentials? = nil
    ) throws(NamespaceError) -> InodeID {
        var walker = PathWalk(tree: self, credentials: credentials, at: start)
        try walker.push(path)
        return try walker.run(followLast: followLast)
    }

    /// The directory that a path's last name is in, and that name. The last name is not looked up.
    package func walkToParent(
        _ path: [UInt8], from start: InodeID = .root, credentials: Credentials? = nil
    ) throws(NamespaceError) -> (directory: InodeID, name: [UInt8]) {
        var parts = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).map(Array.init)
        guard let name = parts.popLast() else {
            throw NamespaceError(.invalid, object: display(path), cause: "the path has no last name")
        }
        var parent = Array(parts.joined(separator: [UInt8(ascii: "/")]))
        if path.first == UInt8(ascii: "/") { parent.insert(UInt8(ascii: "/"), at: 0) }
        let id = try walk(parent, from: start, credentials: credentials)
        _ = try directory(id)
        return (id, name)
    }

    /// All names of an inode, as directory and name. Exact for hard links too.
    package func names(of id: InodeID) -> [EntryName] {
        guard let inode = inode(id) else { return [] }
        if inode.parent.rawValue != 0 {
            var found: [EntryName] = []
            records.forEach(
                from: NamespaceKey(inode.parent, .entry, offset: inode.nameHash),
                to: NamespaceKey(inode.parent, .entry, offset: inode.nameHash + 1)
            ) { key, record in
                guard case .entry(id, _) = record else { return true }
                found.append(EntryName(directory: inode.parent, name: key.name))
                return false
            }
            return found
        }
        var found: [EntryName] = []
        records.forEach(from: NamespaceKey(id, .link), to: NamespaceKey(id, .entry)) { key, _ in
            found.append(EntryName(linkKey: key))
            return true
        }
        return found.sorted()
    }

    /// A path of the inode from the root, without a leading `/`; the first by directory and name
    /// where it has several, nil where it has none or is too deep.
    package func path(of id: InodeID) -> [UInt8]? {
        if id == .root { return [] }
        guard let name = names(of: id).first else { return nil }
        return path(of: name)
    }

    /// All paths of the inode.
    package func paths(of id: InodeID) -> [[UInt8]] {
        id == .root ? [[]] : names(of: id).compactMap { path(of: $0) }
    }

    package func path(of entry: EntryName) -> [UInt8]? {
        var parts = [entry.name]
        var directory = entry.directory
        while directory != .root {
            guard parts.count < NamespaceLimits.depth, let name = names(of: directory).first else { return nil }
            parts.append(name.name)
            directory = name.directory
        }
        return Array(parts.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    /// Whether `ancestor` is `id` or above it. Throws where there is no end to the climb.
    func isAncestor(_ ancestor: InodeID, of id: InodeID) throws(NamespaceError) -> Bool {
        var current = id
        for _ in 0..<NamespaceLimits.depth {
            if current == ancestor { return true }
            guard current != .root, let inode = inode(current), inode.parent.rawValue != 0 else { return false }
            current = inode.parent
        }
        throw NamespaceError(
            .nameTooLong, object: "\(id)", cause: "it lies more than \(NamespaceLimits.depth) directories deep",
            hint: "move directories higher up first")
    }
}

/// A name in a directory.
package struct EntryName: Hashable, Comparable, Sendable, XDRCodable {
    package let directory: InodeID
    package let name: [UInt8]

    package init(directory: InodeID, name: [UInt8]) {
        self.directory = directory
        self.name = name
    }

    init(linkKey key: NamespaceKey) {
        var number: UInt64 = 0
        for byte in key.name.prefix(8) { number = number << 8 | UInt64(byte) }
        self.init(directory: InodeID(number), name: Array(key.name.dropFirst(8)))
    }

    /// The key of the link record of `inode` for this name.
    func linkKey(of inode: InodeID, hash: UInt64) -> NamespaceKey {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + name.count)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: directory.rawValue >> UInt64(shift))) }
        return NamespaceKey(inode, .link, offset: hash, name: bytes + name)
    }

    package static func < (a: EntryName, b: EntryName) -> Bool {
        if a.directory != b.directory { return a.directory < b.directory }
        return a.name.lexicographicallyPrecedes(b.name)
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(directory)
        writer.write(opaque: name)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(directory: try reader.value(), name: Array(try reader.opaque(limit: NamespaceLimits.nameBytes)))
    }
}
