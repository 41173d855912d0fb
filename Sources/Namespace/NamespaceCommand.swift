package import Primitives

/// One entry of a file system's log: what to do, and as whom and when. Replicas that apply the same
/// commands in the same order are equal.
package struct NamespaceCommand: Hashable, Sendable {
    /// The version of the wire form that this code writes; it reads this one only.
    package static let wireVersion: UInt32 = 1
    package let context: CommandContext
    package let operation: NamespaceOperation

    package init(_ operation: NamespaceOperation, context: CommandContext) {
        self.operation = operation
        self.context = context
    }
}

/// What may be done to a file system.
///
/// Names are 1 to 255 bytes of anything but `/` and NUL, and not `.` or `..`. Within a `batch` the
/// inode 0 (`InodeID.lastCreated`) stands for what the batch made last.
package enum NamespaceOperation: Hashable, Sendable {
    /// With a verifier other than 0 one that was made with the same is this very request come again (`CreateMode.verified`).
    case makeDirectory(parent: InodeID, name: [UInt8], mode: UInt32, verifier: UInt64 = 0)
    case createFile(parent: InodeID, name: [UInt8], mode: UInt32, how: CreateMode)
    case makeSymlink(parent: InodeID, name: [UInt8], target: [UInt8])
    /// A fifo, socket or device.
    case makeNode(parent: InodeID, name: [UInt8], mode: UInt32, type: InodeType, device: UInt64)
    case link(inode: InodeID, parent: InodeID, name: [UInt8])
    /// Anything but a directory.
    case unlink(parent: InodeID, name: [UInt8])
    case removeDirectory(parent: InodeID, name: [UInt8])
    /// Either (REMOVE of NFSv4).
    case remove(parent: InodeID, name: [UInt8])
    case rename(from: EntryName, to: EntryName, how: RenameMode)
    case setAttributes(inode: InodeID, patch: AttributePatch)
    case writeExtents(inode: InodeID, write: ExtentWrite)
    case writeInline(inode: InodeID, write: InlineWrite)
    /// Makes a range a hole. `extend` lets the file grow to the end of it.
    case zeroRange(inode: InodeID, offset: UInt64, length: UInt64, extend: Bool)
    case setXattr(inode: InodeID, name: [UInt8], value: [UInt8], how: XattrMode)
    case removeXattr(inode: InodeID, name: [UInt8])
    case putFile(PutFile)
    /// Removes a tree, deepest first, at most `limit` objects (0: the default, 100,000); repeat while
    /// the reply says that there is more. Each step is atomic, the whole is not.
    case removeTree(parent: InodeID, name: [UInt8], limit: UInt32)
    /// Copies a file or a whole tree, metadata only: chunks are shared. Atomic; refused with E2BIG
    /// where there are more than `limit` objects (0: the default, 100,000).
    case copyTree(source: InodeID, parent: InodeID, name: [UInt8], limit: UInt32)
    /// Keeps an inode that is removed while it is open.
    case openReference(inode: InodeID, owner: UInt64)
    case releaseReference(inode: InodeID, owner: UInt64)
    case releaseReferences(owner: UInt64)
    /// All of them or none.
    case batch([NamespaceOperation])
    case configure(NamespaceSettings)
    case commitChanges(VolumeChanges, CommitInfo)
    case rollback(to: VersionID, CommitInfo)
    case resolveConflict(id: UInt64, ConflictResolution)
}

extension InodeID {
    /// Within a batch: what the batch made last.
    package static let lastCreated = InodeID(0)
}

package enum CreateMode: Hashable, Sendable {
    /// An existing file is accepted as it is, or cut to nothing.
    case open(truncate: Bool)
    /// O_EXCL, and GUARDED of NFS.
    case exclusive
    /// EXCLUSIVE4 of NFS: an existing file that was made with the same verifier is this very request
    /// come again, and a success. The verifier is not 0.
    case verified(UInt64)
}

package enum RenameMode: UInt32, Hashable, Sendable, CaseIterable {
    case replace = 0
    case noReplace = 1
    case exchange = 2
}

package enum XattrMode: UInt32, Hashable, Sendable, CaseIterable {
    case either = 0
    case create = 1
    case replace = 2
}

/// A time to set: exactly, or the time of the command.
package enum TimeChange: Hashable, Sendable {
    case exact(WallTime)
    case now
}

/// Attributes to set, in one step, and guards that must hold first.
package struct AttributePatch: Hashable, Sendable {
    package var mode: UInt32?
    package var owner: UInt32?
    package var group: UInt32?
    package var size: UInt64?
    package var accessed: TimeChange?
    package var modified: TimeChange?
    /// Refuse (CONFLICT) unless the inode last changed then (the guard of NFSv3's SETATTR).
    package var ifChanged: WallTime?
    /// Refuse (CONFLICT) unless the inode has this change counter.
    package var ifChangeID: UInt64?
    package init(
        mode: UInt32? = nil, owner: UInt32? = nil, group: UInt32? = nil, size: UInt64? = nil, accessed: TimeChange? = nil,
        modified: TimeChange? = nil, ifChanged: WallTime? = nil, ifChangeID: UInt64? = nil
    ) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.size = size
        self.accessed = accessed
        self.modified = modified
        self.ifChanged = ifChanged
        self.ifChangeID = ifChangeID
    }
}

/// Pieces of chunks to put in the place of what is there.
package struct ExtentWrite: Hashable, Sendable {
    /// Ascending, not overlapping, at most 1,048,576.
    package var extents: [Extent]
    /// The extents' offsets count from the end of the file as it is when this is applied.
    package var append: Bool
    /// The size afterwards; what lies beyond is cut off. Nil: the file grows as needed. Not with `append`.
    package var newSize: UInt64?
    /// Nil: the time of the command.
    package var modified: WallTime?
    package init(_ extents: [Extent], append: Bool = false, newSize: UInt64? = nil, modified: WallTime? = nil) {
        self.extents = extents
        self.append = append
        self.newSize = newSize
        self.modified = modified
    }
}

/// Bytes to keep inline; refused where they would end beyond 4,096 bytes of the file.
package struct InlineWrite: Hashable, Sendable {
    package var offset: UInt64
    package var bytes: [UInt8]
    /// `offset` counts from the end of the file.
    package var append: Bool
    /// The file ends where the bytes end.
    package var truncate: Bool
    package var modified: WallTime?
    package init(offset: UInt64 = 0, _ bytes: [UInt8], append: Bool = false, truncate: Bool = false, modified: WallTime? = nil) {
        self.offset = offset
        self.bytes = bytes
        self.append = append
        self.truncate = truncate
        self.modified = modified
    }
}

/// A whole file put at a path in one step: whoever reads sees the old file or the new one. The new
/// one is a new inode, as if written aside and renamed; who has the old one open keeps it.
package struct PutFile: Hashable, Sendable {
    package var base: InodeID
    /// Relative to `base`. Symlinks are followed on the way, and not at the end.
    package var path: [UInt8]
    package var content: FileContent
    package var mode: UInt32
    /// Nil: the caller's.
    package var owner: UInt32?
    package var group: UInt32?
    /// Nil: the time of the command.
    package var modified: WallTime?
    package var xattrs: [Xattr]
    /// Make the directories that are missing, with mode 0755.
    package var createParents: Bool
    /// Refuse where there is something already.
    package var exclusive: Bool
    package init(
        base: InodeID = .root, path: [UInt8], content: FileContent, mode: UInt32 = 0o644, owner: UInt32? = nil, group: UInt32? = nil,
        modified: WallTime? = nil, xattrs: [Xattr] = [], createParents: Bool = false, exclusive: Bool = false
    ) {
        self.base = base
        self.path = path
        self.content = content
        self.mode = mode
        self.owner = owner
        self.group = group
        self.modified = modified
        self.xattrs = xattrs
        self.createParents = createParents
        self.exclusive = exclusive
    }
}
