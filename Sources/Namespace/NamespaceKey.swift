package import Primitives

/// The key of a record in the one map of a file system. All records of an inode lie together, in
/// this order of kinds.
///
/// Entries are ordered by a keyed hash of the name, and by the name where hashes are equal: the hash
/// is the directory cookie, so a listing can go on at any place however the directory has changed
/// meanwhile, without a second index. Listings are therefore in no order that a user would know.
package struct NamespaceKey: SortedMapKey, Hashable {
    package enum Kind: UInt8, Sendable, CaseIterable {
        case attributes = 0
        /// The first bytes of a small file, or the target of a symlink.
        case inline = 1
        /// At `offset` of the file.
        case extent = 2
        /// By `name`.
        case xattr = 3
        /// One of several names of an inode: `offset` is the hash of the name, `name` is the number
        /// of the directory in 8 bytes and then the name.
        case link = 4
        /// `offset` is the hash of `name`.
        case entry = 5
    }

    package let inode: UInt64
    package let kind: UInt8
    package let offset: UInt64
    package let name: [UInt8]

    init(_ inode: InodeID, _ kind: Kind, offset: UInt64 = 0, name: [UInt8] = []) {
        self.inode = inode.rawValue
        self.kind = kind.rawValue
        self.offset = offset
        self.name = name
    }

    package var inodeID: InodeID { InodeID(inode) }

    package static func < (a: NamespaceKey, b: NamespaceKey) -> Bool {
        if a.inode != b.inode { return a.inode < b.inode }
        if a.kind != b.kind { return a.kind < b.kind }
        if a.offset != b.offset { return a.offset < b.offset }
        return a.name.lexicographicallyPrecedes(b.name)
    }

    package func feed(_ hasher: inout KeyHasher) {
        hasher.combine(inode)
        hasher.combine(UInt64(kind))
        hasher.combine(offset)
        // The offset of entries and links is a hash of the name already.
        if kind == Kind.xattr.rawValue { hasher.combine(name) }
    }
}

extension NamespaceKey: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(inode)
        writer.write(UInt32(kind))
        if kind == Kind.attributes.rawValue || kind == Kind.inline.rawValue { return }
        if kind != Kind.xattr.rawValue { writer.write(offset) }
        if kind != Kind.extent.rawValue { writer.write(opaque: name) }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let inode = InodeID(try reader.uint64())
        let raw = try reader.uint32()
        guard raw <= 255, let kind = Kind(rawValue: UInt8(raw)) else { throw .badValue(what: "kind of record", value: UInt64(raw)) }
        switch kind {
        case .attributes, .inline: self.init(inode, kind)
        case .extent: self.init(inode, kind, offset: try reader.uint64())
        case .xattr: self.init(inode, kind, name: Array(try reader.opaque(limit: NamespaceLimits.nameBytes)))
        case .link, .entry:
            self.init(
                inode, kind, offset: try reader.uint64(),
                name: Array(try reader.opaque(limit: NamespaceLimits.nameBytes + (kind == .link ? 8 : 0))))
        }
    }
}
