package import Primitives

/// Bounds that every file system has.
package enum NamespaceLimits {
    /// Bytes of a name (POSIX NAME_MAX).
    package static let nameBytes = 255
    /// Bytes of a path and of a symlink's target (POSIX PATH_MAX, with its NUL).
    package static let pathBytes = 4_095
    /// Bytes of content that a file may keep inline.
    package static let inlineBytes = 4_096
    /// Names of one file; subdirectories of one directory.
    package static let links: UInt32 = 1_000_000
    /// Bytes of a file: the largest offset that clients with signed offsets can name.
    package static let fileBytes = UInt64(Int64.max)
    /// Bytes of the value of one extended attribute.
    package static let xattrBytes = 65_536
    /// Extended attributes of one inode.
    package static let xattrs = 1_024
    /// Symlinks followed in one walk.
    package static let symlinksFollowed = 40
    /// Extents in one command.
    package static let extentsPerCommand = 1_048_576
    /// Operations in one batch.
    package static let batchOperations = 4_096
    /// Levels of directories that a search for ancestors climbs before it gives up.
    package static let depth = 100_000
    /// Objects that one `removeTree` removes and one `copyTree` copies unless it asks for fewer.
    package static let treeObjects: UInt32 = 100_000
    /// Entries, and references to open inodes, that one holder may register.
    package static let references = 1_000_000
}

/// What a file system was made with, and may be changed by `configure`, except for the salt.
package struct NamespaceSettings: Hashable, Sendable {
    /// Places directory cookies and page boundaries. Any value; draw it at random when the file
    /// system is made and show it to no client: who knows it can slow the file system down.
    package var salt: UInt64
    /// Inodes that may exist, the root included. Default: no limit.
    package var maximumInodes: UInt64?
    /// Bytes of content that may be stored (holes are free, shared chunks count each time). Default:
    /// no limit.
    package var maximumBytes: UInt64?
    /// Versions kept. Default 1,000, range 1 to 100,000: each costs what changed in it. The latest is
    /// always kept, and so is one that an unresolved conflict names.
    package var versionsKept: UInt32
    /// Versions older than this, in nanoseconds, are dropped when a commit is made. Default: never.
    package var versionAgeKept: UInt64?
    /// Unresolved conflicts kept. Default 1,000, range 0 to 100,000; the oldest go first.
    package var conflictsKept: UInt32

    package init(
        salt: UInt64, maximumInodes: UInt64? = nil, maximumBytes: UInt64? = nil, versionsKept: UInt32 = 1_000,
        versionAgeKept: UInt64? = nil, conflictsKept: UInt32 = 1_000
    ) {
        precondition((1...100_000).contains(versionsKept) && conflictsKept <= 100_000, "settings out of range")
        self.salt = salt
        self.maximumInodes = maximumInodes
        self.maximumBytes = maximumBytes
        self.versionsKept = versionsKept
        self.versionAgeKept = versionAgeKept
        self.conflictsKept = conflictsKept
    }
}

extension NamespaceSettings: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(salt)
        writer.write(maximumInodes)
        writer.write(maximumBytes)
        writer.write(versionsKept)
        writer.write(versionAgeKept)
        writer.write(conflictsKept)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let salt = try reader.uint64()
        let inodes = try reader.optionalUInt64()
        let bytes = try reader.optionalUInt64()
        let versions = try reader.uint32()
        guard (1...100_000).contains(versions) else { throw .badValue(what: "number of versions", value: UInt64(versions)) }
        let age = try reader.optionalUInt64()
        let conflicts = try reader.uint32()
        guard conflicts <= 100_000 else { throw .badValue(what: "number of conflicts", value: UInt64(conflicts)) }
        self.init(
            salt: salt, maximumInodes: inodes, maximumBytes: bytes, versionsKept: versions, versionAgeKept: age,
            conflictsKept: conflicts)
    }
}

extension XDRWriter {
    mutating func write(_ value: UInt64?) {
        write(value != nil)
        if let value { write(value) }
    }

    mutating func write(_ value: UInt32?) {
        write(value != nil)
        if let value { write(value) }
    }
}

extension XDRReader {
    mutating func optionalUInt64() throws(XDRError) -> UInt64? { try bool() ? try uint64() : nil }
    mutating func optionalUInt32() throws(XDRError) -> UInt32? { try bool() ? try uint32() : nil }
}
