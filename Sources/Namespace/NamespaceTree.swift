package import Primitives

/// One state of a file tree: the map of records and the sums over it. A value: assigning it is a
/// snapshot. It answers every read; changing it is the business of `NamespaceState`.
///
/// The one map holds `(inode) -> attributes`, `(inode) -> inline content`, `(inode, offset) -> piece
/// of a chunk`, `(inode, xattr name) -> value`, `(directory, name) -> inode and type`, and for a file
/// with several names `(inode, name) -> ()`. The design is that of the key-value file systems:
/// TableFS (Ren and Gibson, ATC 2013), and the metadata engines of CephFS and JuiceFS.
package struct NamespaceTree: Sendable {
    package typealias Records = SortedMap<NamespaceKey, NamespaceRecord>

    package internal(set) var records: Records
    package internal(set) var statistics = NamespaceStatistics()

    init(salt: UInt64) { records = Records(salt: salt) }

    init(records: Records, statistics: NamespaceStatistics) {
        self.records = records
        self.statistics = statistics
    }

    package var salt: UInt64 { records.salt }

    /// The digest of what users see: equal for equal trees whatever made them (see `Inode` for what
    /// it leaves out). Costs what changed since it was asked for last.
    package var digest: Digest { records.digest.content }

    /// Where a name stands in its directory, and its cookie. Never below 16, because protocols keep
    /// small cookies for themselves, and never with the top bit, because some clients' are signed.
    package func nameHash(_ name: [UInt8]) -> UInt64 {
        var hasher = KeyHasher(salt: records.salt)
        hasher.combine(name)
        let hash = hasher.finish() >> 1
        return hash < 16 ? hash + 16 : hash
    }

    /// The attributes of an inode, or nil.
    package func inode(_ id: InodeID) -> Inode? {
        guard case .attributes(let inode)? = records[NamespaceKey(id, .attributes)] else { return nil }
        return inode
    }

    /// The target of an entry, or nil. Checks nothing.
    package func entry(_ directory: InodeID, _ name: [UInt8]) -> EntryTarget? {
        guard case .entry(let id, let type)? = records[NamespaceKey(directory, .entry, offset: nameHash(name), name: name)] else {
            return nil
        }
        return EntryTarget(inode: id, type: type)
    }

    /// The attributes of an inode; ESTALE where it is no more.
    package func attributes(of id: InodeID) throws(NamespaceError) -> Inode {
        guard let inode = inode(id) else {
            throw NamespaceError(
                .stale, object: "\(id)", cause: "there is no such inode any more", hint: "look its path up again")
        }
        return inode
    }

    /// As `attributes(of:)`; ENOTDIR where it is no directory.
    func directory(_ id: InodeID) throws(NamespaceError) -> Inode {
        let inode = try attributes(of: id)
        guard inode.isDirectory else { throw NamespaceError(.notDirectory, object: "\(id)", cause: "it is no directory") }
        return inode
    }

    /// As `attributes(of:)`; EISDIR or EINVAL where it is no regular file.
    func file(_ id: InodeID) throws(NamespaceError) -> Inode {
        let inode = try attributes(of: id)
        switch inode.type {
        case .file: return inode
        case .directory: throw NamespaceError(.isDirectory, object: "\(id)", cause: "it is a directory")
        default: throw NamespaceError(.invalid, object: "\(id)", cause: "only a regular file has content")
        }
    }
}

/// What an entry of a directory names.
package struct EntryTarget: Hashable, Sendable {
    package var inode: InodeID
    package var type: InodeType
    package init(inode: InodeID, type: InodeType) {
        self.inode = inode
        self.type = type
    }
}

extension EntryTarget: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(inode)
        writer.write(type)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(inode: try reader.value(), type: try reader.value())
    }
}
