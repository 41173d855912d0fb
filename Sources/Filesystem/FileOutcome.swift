package import Primitives

/// What an operation gave, and what it cost. Bytes of a `read` come beside it.
package struct FileOutcome: Hashable, Sendable {
    package var value: FileValue
    package var cost: OperationCost
    package init(value: FileValue, cost: OperationCost) {
        self.value = value
        self.cost = cost
    }
}

package enum FileValue: Hashable, Sendable {
    case done
    case attributes(FileAttributes)
    case entries([FileEntry], nextCookie: UInt64?)
    case opened(HandleID, FileAttributes)
    /// Bytes read (they come beside the outcome) and whether the file ended there.
    case data(length: UInt32, endOfFile: Bool)
    case written(length: UInt32)
    /// Of `seek`.
    case position(UInt64)
    case link([UInt8])
    case bytes([UInt8])
    case names([[UInt8]])
    case statistics(FilesystemStatistics)
    case receipt(CommitReceipt)
    case session(SessionStatus)
    case history([VersionSummary])
    case changes([PathChange], truncated: Bool)
    case conflicts([ConflictSummary])
    /// Of `testLock`: the lock in the way.
    case lock(RangeLock?)
    case client(NFSClientReply)
}

/// A lock as others see it.
package struct RangeLock: Hashable, Sendable {
    package var range: LockRange
    package var exclusive: Bool
    package init(range: LockRange, exclusive: Bool) {
        self.range = range
        self.exclusive = exclusive
    }
}

/// What an operation was charged by distance. Counted where the messages cross regions, never assumed.
package struct OperationCost: Hashable, Sendable {
    /// Sequential waits for another region.
    package var wideAreaRoundTrips: UInt32
    /// Bytes that crossed regions on its behalf, both ways.
    package var wideAreaBytes: UInt64
    /// Chunks that had to come from another node of the region / from another region.
    package var chunksFromRegion: UInt32
    package var chunksFromAfar: UInt32
    package init(wideAreaRoundTrips: UInt32 = 0, wideAreaBytes: UInt64 = 0, chunksFromRegion: UInt32 = 0, chunksFromAfar: UInt32 = 0) {
        self.wideAreaRoundTrips = wideAreaRoundTrips
        self.wideAreaBytes = wideAreaBytes
        self.chunksFromRegion = chunksFromRegion
        self.chunksFromAfar = chunksFromAfar
    }
    package static func + (a: OperationCost, b: OperationCost) -> OperationCost {
        OperationCost(
            wideAreaRoundTrips: a.wideAreaRoundTrips + b.wideAreaRoundTrips, wideAreaBytes: a.wideAreaBytes + b.wideAreaBytes,
            chunksFromRegion: a.chunksFromRegion + b.chunksFromRegion, chunksFromAfar: a.chunksFromAfar + b.chunksFromAfar)
    }
}

package enum FileType: UInt32, Sendable, Hashable {
    case file = 1
    case directory = 2
    case symlink = 3
    case fifo = 4
    case socket = 5
    case characterDevice = 6
    case blockDevice = 7

    package var word: String {
        switch self {
        case .file: "file"
        case .directory: "dir"
        case .symlink: "link"
        case .fifo: "fifo"
        case .socket: "socket"
        case .characterDevice: "char"
        case .blockDevice: "block"
        }
    }
}

package struct FileAttributes: Hashable, Sendable {
    package var inode: InodeID
    package var type: FileType
    /// Permission bits with set-id and sticky (07777).
    package var mode: UInt32
    package var links: UInt32
    package var owner: UInt32
    package var group: UInt32
    package var size: UInt64
    package var accessed: WallTime
    package var modified: WallTime
    package var changed: WallTime
    /// Grows with every change of the object (NFSv4's change attribute).
    package var changeID: UInt64
    /// Bytes of content stored; holes are free.
    package var allocated: UInt64
    /// Of a device: major number in the upper, minor in the lower 32 bits.
    package var device: UInt64
    /// Of a directory: the one above it. 0 of the root, and of everything else.
    package var parent = InodeID(0)
    package init(
        inode: InodeID, type: FileType, mode: UInt32, links: UInt32, owner: UInt32, group: UInt32, size: UInt64, accessed: WallTime,
        modified: WallTime, changed: WallTime, changeID: UInt64, allocated: UInt64 = 0, device: UInt64 = 0
    ) {
        self.inode = inode
        self.type = type
        self.mode = mode
        self.links = links
        self.owner = owner
        self.group = group
        self.size = size
        self.accessed = accessed
        self.modified = modified
        self.changed = changed
        self.changeID = changeID
        self.allocated = allocated
        self.device = device
    }
}

package struct FileEntry: Hashable, Sendable {
    package var name: [UInt8]
    package var attributes: FileAttributes
    /// A listing that goes on after it begins with this cookie: 16 to 2^63 - 1, a hash of the name, so that it stays
    /// while other entries come and go. Names of one hash come in one page.
    package var cookie: UInt64
    package init(name: [UInt8], attributes: FileAttributes, cookie: UInt64 = 0) {
        self.name = name
        self.attributes = attributes
        self.cookie = cookie
    }
}

package struct FilesystemStatistics: Hashable, Sendable {
    package var files: UInt64
    package var directories: UInt64
    /// Sum of file sizes, in bytes (holes count).
    package var bytes: UInt64
    /// The quota: bytes that it may hold; nil for no bound.
    package var maximumBytes: UInt64?
    package init(files: UInt64, directories: UInt64, bytes: UInt64, maximumBytes: UInt64? = nil) {
        self.maximumBytes = maximumBytes
        self.files = files
        self.directories = directories
        self.bytes = bytes
    }
}

/// What a commit answers: `contract.md` §2, *commit receipt*.
package struct CommitReceipt: Hashable, Sendable {
    package var version: VersionID
    package var digest: Digest
    package var conflicts: [ConflictSummary]
    /// Regions that hold all its metadata and chunks, in order of name.
    package var completeRegions: [RegionID]
    /// Files and directories that changed; 0 where there was nothing to commit.
    package var changes: UInt64
    package init(version: VersionID, digest: Digest, conflicts: [ConflictSummary], completeRegions: [RegionID], changes: UInt64) {
        self.version = version
        self.digest = digest
        self.conflicts = conflicts
        self.completeRegions = completeRegions
        self.changes = changes
    }
}

package struct ConflictSummary: Hashable, Sendable {
    package var index: UInt64
    package var path: FilePath
    package var reason: String
    /// The version that lost, kept under `index`.
    package var losingVersion: VersionID
    package var size: UInt64
    package init(index: UInt64, path: FilePath, reason: String, losingVersion: VersionID, size: UInt64) {
        self.index = index
        self.path = path
        self.reason = reason
        self.losingVersion = losingVersion
        self.size = size
    }
}

package struct VersionSummary: Hashable, Sendable {
    package var version: VersionID
    package var time: WallTime
    package var region: String
    package var message: String
    package var digest: Digest
    package var changes: UInt64
    package init(version: VersionID, time: WallTime, region: String, message: String, digest: Digest, changes: UInt64) {
        self.version = version
        self.time = time
        self.region = region
        self.message = message
        self.digest = digest
        self.changes = changes
    }
}

package struct PathChange: Hashable, Sendable {
    package enum Kind: String, Sendable, Hashable { case added, removed, modified, renamed }
    package var kind: Kind
    package var path: FilePath
    package var from: FilePath?
    package var size: UInt64
    package init(kind: Kind, path: FilePath, from: FilePath?, size: UInt64) {
        self.kind = kind
        self.path = path
        self.from = from
        self.size = size
    }
}

package struct SessionStatus: Hashable, Sendable {
    package var session: SessionID
    package var filesystem: FilesystemID
    /// The version that the session reads, and the newest that this node knows of. 0 for a network file system.
    package var version: VersionID
    package var latest: VersionID
    /// Changes staged and not committed.
    package var staged: UInt64
    package var openFiles: UInt32
    package var readOnly: Bool
    /// Of a volume, how far each of its regions is behind the newest version known here, in order of name.
    package var lag: [RegionLag]
    package init(
        session: SessionID, filesystem: FilesystemID, version: VersionID, latest: VersionID, staged: UInt64, openFiles: UInt32,
        readOnly: Bool, lag: [RegionLag] = []
    ) {
        self.session = session
        self.filesystem = filesystem
        self.version = version
        self.latest = latest
        self.staged = staged
        self.openFiles = openFiles
        self.readOnly = readOnly
        self.lag = lag
    }
}

/// How far a region of a volume is behind: `contract.md` §2.
package struct RegionLag: Hashable, Sendable {
    package var region: RegionID
    /// The newest version that it has whole, metadata and the chunks that it should hold.
    package var version: VersionID
    /// Versions that it does not have whole.
    package var commits: UInt64
    /// Bytes of content that are still to come.
    package var bytes: UInt64
    /// Age of the oldest of those versions.
    package var time: Duration
    /// A replica there is alive, as far as the node that tells this knows. Otherwise all of this is as it was
    /// when the region was last heard: it may be ahead of what the node knows, or gone.
    package var isInTouch: Bool
    package init(region: RegionID, version: VersionID, commits: UInt64, bytes: UInt64, time: Duration, isInTouch: Bool = true) {
        self.region = region
        self.version = version
        self.commits = commits
        self.bytes = bytes
        self.time = time
        self.isInTouch = isInTouch
    }

    package var words: String {
        let tenths = time.inNanoseconds / 100_000_000
        return "\(tenths / 10).\(tenths % 10) s (\(commits) \(commits == 1 ? "commit" : "commits"), \(bytes) bytes)"
    }
}

/// A client's attachment to one file system, on the node that it talks to.
package struct SessionID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: SessionID, b: SessionID) -> Bool { a.rawValue < b.rawValue }
}

/// A session that ended with its node, or that its client can not reach any more.
package struct SessionPredecessor: Hashable, Sendable {
    package var node: NodeID
    package var session: SessionID
    package init(node: NodeID, session: SessionID) {
        self.node = node
        self.session = session
    }
}

package struct SessionOptions: Hashable, Sendable {
    package var readOnly: Bool
    /// A volume's past version; such a session is read-only.
    package var version: VersionID?
    package var userID: UInt32
    package var groupID: UInt32
    /// Idle time after which the node may end the session: 1 s to 24 h.
    package var idleLimit: Duration
    /// Network file systems: how long attributes and entries are believed without asking
    /// (Linux `actimeo`, default 3 s); 0 asks each time.
    package var attributeCache: Duration
    /// Refuse to use a network file system from another region than its own.
    package var requireLocal = false
    /// Volumes: what is staged is committed by the node this often, 1 s to 1 h; nil (default) never. Files
    /// open for writing are left out until they are closed or synced.
    package var commitEvery: Duration?
    /// Volumes: an object that the session made keeps its number when a commit gives it one of the volume's, as long as
    /// the session lasts (of the last 262,144 of them). Mounts want it: programs tell files apart by their numbers.
    package var keepsNumbers = false
    /// Volumes: the session begins on this version, which need not be the newest, and changes it: for one that goes on
    /// with what a session on another node had.
    package var startsAt: VersionID?
    /// Network file systems: the session takes the place of another node's, whose locks end before this one is opened.
    package var succeeds: SessionPredecessor?
    /// Network file systems: the front end's clients look names up themselves, so that an operation is not preceded by the
    /// look-ups of a client of this project's own model (docs/internals/nfs-client-model.md).
    package var asksOnce = false
    package init(
        readOnly: Bool = false, version: VersionID? = nil, userID: UInt32 = 0, groupID: UInt32 = 0, idleLimit: Duration = .seconds(600),
        attributeCache: Duration = .seconds(3)
    ) {
        self.readOnly = readOnly
        self.version = version
        self.userID = userID
        self.groupID = groupID
        self.idleLimit = idleLimit
        self.attributeCache = attributeCache
    }
}
