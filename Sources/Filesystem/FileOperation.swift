package import Primitives

/// What a program asks of a file system, by path or by an open handle: the seam between front ends
/// (HTTP, CLI, S3, mounts, workloads) and the node. It knows no mode. A node carries an operation
/// out for a network file system by NFS-like compounds to the primary region, and for a volume on
/// the session's own snapshot; the front end sees only the outcome and its cost.
///
/// Paths are bytes, absolute from the root of the file system (`a/b`, with or without a leading
/// `/`), or from an object that the front end has met before (`FilePath.base`); names are up to 255
/// bytes of anything but `/` and NUL.
package enum FileOperation: Hashable, Sendable {
    case stat(path: FilePath, followLinks: Bool)
    /// At most `limit` entries (1 to 10,000) after `cookie` (0 to begin).
    case list(path: FilePath, cookie: UInt64, limit: UInt32)
    case open(path: FilePath, mode: OpenMode)
    /// At most 4 MiB; fewer bytes at the end of the file only. The bytes come beside the outcome.
    case read(handle: HandleID, offset: UInt64, length: UInt32)
    /// The bytes (at most 4 MiB) come beside the operation. Offset `UInt64.max` appends.
    case write(handle: HandleID, offset: UInt64)
    /// What was written is durable as the kind of file system promises, and visible as it promises.
    case sync(handle: HandleID)
    /// What was written is seen by all handles of the session, as close(2) of one of several descriptors wants it:
    /// of a network file system as `sync`, of a volume staged and not marked as complete.
    case flush(handle: HandleID)
    /// Publishes (`OpenMode.replace`) or flushes what was written. `abandon` drops it instead.
    case close(handle: HandleID, abandon: Bool)
    case makeDirectory(path: FilePath, mode: UInt32, parents: Bool)
    case remove(path: FilePath, recursive: Bool)
    case rename(from: FilePath, to: FilePath, noReplace: Bool)
    /// Two names change places, in one step.
    case exchange(FilePath, FilePath)
    /// A fifo, socket or device; `device` has the major number in the upper 32 bits.
    case makeNode(path: FilePath, mode: UInt32, type: FileType, device: UInt64)
    /// Makes something new with its owner and mode in one step, as mounts want it: a file is open for writing then
    /// (`opened`), of anything else come the attributes. Fails where the name is taken, unless by this very request.
    case make(path: FilePath, NewObject)
    /// Where data or a hole begins at `offset` or behind it (lseek(2)); ENXIO (`noSuchPlace`) where there is none.
    case seek(path: FilePath, offset: UInt64, hole: Bool)
    /// Makes a range of a file a hole; `extend` lets the file grow to the end of it.
    case zeroRange(path: FilePath, offset: UInt64, length: UInt64, extend: Bool)
    case link(existing: FilePath, new: FilePath)
    case symlink(target: [UInt8], path: FilePath)
    case readLink(path: FilePath)
    case setAttributes(path: FilePath, changes: AttributeChanges)
    case copy(from: FilePath, to: FilePath, recursive: Bool)
    case getXattr(path: FilePath, name: [UInt8])
    case setXattr(path: FilePath, name: [UInt8], value: [UInt8], rule: XattrRule = .either)
    case removeXattr(path: FilePath, name: [UInt8])
    case listXattrs(path: FilePath)
    case statistics
    /// Network file systems only: advisory byte-range locks that hold across hosts.
    case lock(handle: HandleID, range: LockRange, exclusive: Bool, wait: Bool)
    case unlock(handle: HandleID, range: LockRange)
    /// The lock of another owner that stands in the way of such a lock, if there is one.
    case testLock(handle: HandleID, range: LockRange, exclusive: Bool)
    /// Network file systems only: for the clients of an NFS server.
    case client(NFSClientRequest)
    /// Volumes only.
    case commit(CommitOptions)
    case reload(ReloadMode, discard: Bool)
    case sessionStatus
    case history(limit: UInt32)
    case diff(from: VersionID, to: VersionID, limit: UInt32)
    case rollback(to: VersionID)
    case conflicts(limit: UInt32)
    case resolveConflict(index: UInt64)
    /// Gives a file system that was made for it the tree of this one, or of a version of it. Metadata only.
    case clone(into: FilesystemID, version: VersionID?)
}

/// A path within a file system, normalised: no empty and no `.` components; `..` is refused.
package struct FilePath: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Where it begins: the root, or an object that the front end has met before (as openat(2)). With no components it
    /// is that object itself, whatever its names have become; ESTALE where there is no such object any more.
    package let base: InodeID
    package let components: [[UInt8]]
    package static let root = FilePath(components: [])

    package init(base: InodeID = .root, components: [[UInt8]]) {
        self.base = base
        self.components = components
    }

    /// Nil where a component is `..`, holds a NUL, or where the whole is longer than 4,096 bytes.
    /// A name over 255 bytes is left to the file system, which answers ENAMETOOLONG.
    package init?(_ bytes: some Sequence<UInt8>) {
        var parts: [[UInt8]] = []
        var total = 0
        for part in Array(bytes).split(separator: UInt8(ascii: "/")) {
            total += part.count + 1
            if part.elementsEqual(".".utf8) { continue }
            guard !part.elementsEqual("..".utf8), !part.contains(0), total <= 4_096 else { return nil }
            parts.append(Array(part))
        }
        base = .root
        components = parts
    }

    package init?(_ text: String) { self.init(Array(text.utf8)) }

    package var isRoot: Bool { components.isEmpty && base == .root }
    package var name: [UInt8]? { components.last }
    package var parent: FilePath { FilePath(base: base, components: Array(components.dropLast())) }
    package func appending(_ name: [UInt8]) -> FilePath { FilePath(base: base, components: components + [name]) }

    package static func < (a: FilePath, b: FilePath) -> Bool {
        if a.base != b.base { return a.base < b.base }
        return a.components.lexicographicallyPrecedes(b.components) { $0.lexicographicallyPrecedes($1) }
    }
    package var bytes: [UInt8] { Array(components.joined(separator: [UInt8(ascii: "/")])) }
    package var description: String { (base == .root ? "/" : "\(base)/") + String(decoding: bytes, as: UTF8.self) }
}

/// An open file of one session.
package struct HandleID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: HandleID, b: HandleID) -> Bool { a.rawValue < b.rawValue }
}

package enum OpenMode: Hashable, Sendable {
    case read
    /// An existing file, to write in place (and read).
    case write
    /// Made if missing (mode bits as given); `exclusive` refuses an existing one.
    case create(mode: UInt32, exclusive: Bool, truncate: Bool)
    /// A whole new content that replaces the file (or creates it, and its parents) atomically at
    /// close: readers see the old or the new. `refuseExisting` fails at once and at close.
    case replace(mode: UInt32, refuseExisting: Bool)
}

/// What `make` makes.
package struct NewObject: Hashable, Sendable {
    package enum Form: Hashable, Sendable {
        case file
        case directory
        case symlink(target: [UInt8])
        /// A fifo, socket or device; `device` has the major number in the upper 32 bits.
        case node(FileType, device: UInt64)
    }
    package var form: Form
    package var mode: UInt32
    package var owner: UInt32
    /// The directory's where that has the set-group-id bit.
    package var group: UInt32
    /// Not 0: a file or directory that was made with the same number is this very request come again, and a success
    /// (EXCLUSIVE4_1 of RFC 8881 §18.16.3). So it can be repeated where its answer was lost.
    package var verifier: UInt64
    package init(_ form: Form, mode: UInt32, owner: UInt32, group: UInt32, verifier: UInt64 = 0) {
        self.form = form
        self.mode = mode
        self.owner = owner
        self.group = group
        self.verifier = verifier
    }
}

/// Whether an extended attribute has to be there before it is set.
package enum XattrRule: UInt32, Hashable, Sendable {
    case either = 0
    case create = 1
    case replace = 2
}

package struct LockRange: Hashable, Sendable {
    package var start: UInt64
    /// `UInt64.max`: to the end of the file, however it grows.
    package var length: UInt64
    package init(start: UInt64, length: UInt64) {
        self.start = start
        self.length = length
    }

    /// No byte can be locked by it: no length, or from the last offset on.
    package var isEmpty: Bool { length == 0 || start == .max }
}

package struct AttributeChanges: Hashable, Sendable {
    package var mode: UInt32?
    package var owner: UInt32?
    package var group: UInt32?
    package var size: UInt64?
    package var accessed: WallTime?
    package var modified: WallTime?
    /// Of a path that ends in a link: false for the link itself. Whoever resolves the path looks at it; a change
    /// by inode knows no links.
    package var followsLinks = true
    package init(
        mode: UInt32? = nil, owner: UInt32? = nil, group: UInt32? = nil, size: UInt64? = nil, accessed: WallTime? = nil,
        modified: WallTime? = nil
    ) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.size = size
        self.accessed = accessed
        self.modified = modified
    }
}

/// Which regions must hold a commit, metadata and chunks, before it is answered.
package enum CommitWait: Hashable, Sendable {
    /// The durability of the volume (a majority of voter regions, unless it was made otherwise).
    case policy
    /// On top of it: the region of the node that is asked.
    case local
    /// Regions with a majority of the voters, whatever the durability.
    case majority
    case all
    case regions([RegionID])
}

package struct CommitOptions: Hashable, Sendable {
    /// Refuse, and change nothing, where anyone else changed a file that this session changed.
    package var ifUnchanged: Bool
    package var message: String
    package var wait: CommitWait
    /// Files that are open for writing, and were not synced since, are left out: they stay staged.
    package var leavesOutOpenFiles = false
    package init(ifUnchanged: Bool = false, message: String = "", wait: CommitWait = .policy) {
        self.ifUnchanged = ifUnchanged
        self.message = message
        self.wait = wait
    }
}

package enum ReloadMode: Hashable, Sendable {
    /// Linearizable: one round trip to the leader.
    case latest
    /// What this region has; no round trip.
    case local
    /// What this node has, if it is known to have been the newest at most so long ago; else as `latest`.
    case maxStaleness(Duration)
    /// At least that version.
    case minimum(VersionID)
    /// As `latest`, and refused while files are open.
    case strict
}
