package import Primitives

/// What a server of a network file system is asked: one operation of a compound, by inode, in the
/// manner of NFSv4 (RFC 8881 §18). The client side of a node (`NFSClient`) turns `FileOperation`s
/// into compounds of these; the leader of the file system's group executes them in order and stops
/// at the first failure (RFC 8881 §2.3).
package enum FileRequest: Hashable, Sendable {
    case lookup(directory: InodeID, name: [UInt8])
    case getAttributes(InodeID)
    case readDirectory(InodeID, cookie: UInt64, limit: UInt32)
    /// OPEN of an existing file: attributes fresh from the leader (close-to-open).
    case open(InodeID, write: Bool)
    /// LOOKUP and OPEN of an existing file by name, in one compound as Linux's client sends them.
    case openName(directory: InodeID, name: [UInt8], write: Bool)
    /// OPEN with CREATE (UNCHECKED4 or GUARDED4).
    case create(directory: InodeID, name: [UInt8], mode: UInt32, exclusive: Bool, truncate: Bool)
    /// The bytes come beside the reply.
    case read(InodeID, offset: UInt64, length: UInt32)
    /// UNSTABLE4 write into the server's stage of this open; the bytes come beside the compound.
    /// `overwrites`: it begins within what the file had when the client was asked for it.
    case write(StageKey, offset: UInt64, length: UInt32, overwrites: Bool)
    /// COMMIT: what the stage holds becomes durable and visible, in one step. `base` is the size that
    /// offsets of `UInt64.max` (append) count from.
    case commit(InodeID, stage: StageKey, writes: UInt64)
    /// Publishes the stage as the whole content of `name`, which is created or replaced atomically.
    case replace(directory: InodeID, path: FilePath, mode: UInt32, refuseExisting: Bool, stage: StageKey, writes: UInt64)
    case dropStage(StageKey)
    case close(InodeID)
    case makeDirectory(directory: InodeID, name: [UInt8], mode: UInt32)
    case makePath(FilePath, mode: UInt32)
    case remove(directory: InodeID, name: [UInt8], recursive: Bool)
    case rename(fromDirectory: InodeID, fromName: [UInt8], toDirectory: InodeID, toName: [UInt8], noReplace: Bool)
    case link(InodeID, directory: InodeID, name: [UInt8])
    case symlink(target: [UInt8], directory: InodeID, name: [UInt8])
    case readLink(InodeID)
    case setAttributes(InodeID, AttributeChanges)
    case makeNode(directory: InodeID, name: [UInt8], mode: UInt32, type: FileType, device: UInt64)
    case exchange(directory: InodeID, name: [UInt8], otherDirectory: InodeID, otherName: [UInt8])
    case make(directory: InodeID, name: [UInt8], NewObject)
    /// SEEK (RFC 7862 §15.11).
    case seek(InodeID, offset: UInt64, hole: Bool)
    case zeroRange(InodeID, offset: UInt64, length: UInt64, extend: Bool)
    case copy(from: FilePath, to: FilePath, recursive: Bool)
    case getXattr(InodeID, name: [UInt8])
    case setXattr(InodeID, name: [UInt8], value: [UInt8], rule: XattrRule = .either)
    case removeXattr(InodeID, name: [UInt8])
    case listXattrs(InodeID)
    case statistics
    case lock(InodeID, range: LockRange, exclusive: Bool, owner: UInt64)
    case unlock(InodeID, range: LockRange, owner: UInt64)
    /// LOCKT (RFC 8881 §18.11): what stands in the way of such a lock.
    case testLock(InodeID, range: LockRange, exclusive: Bool, owner: UInt64)
    case client(NFSClientRequest)
    /// Ends the locks and stages of a session.
    case endSession
}

/// A server's stage of one open file of one client session: writes that are not yet committed.
package struct StageKey: Hashable, Comparable, Sendable {
    package let session: SessionID
    package let handle: HandleID
    package init(session: SessionID, handle: HandleID) {
        self.session = session
        self.handle = handle
    }
    package static func < (a: StageKey, b: StageKey) -> Bool {
        a.session != b.session ? a.session < b.session : a.handle < b.handle
    }
}

/// Operations executed in order at the leader, for one session of one client node. Answered once.
package struct Compound: Hashable, Sendable {
    package var filesystem: FilesystemID
    package var session: SessionID
    package var userID: UInt32
    package var groupID: UInt32
    package var requests: [FileRequest]
    /// RFC 8881 §2.10.6.1 leaves the bound to the server; ours.
    package static let maximumRequests = 64

    package init(filesystem: FilesystemID, session: SessionID, userID: UInt32, groupID: UInt32, requests: [FileRequest]) {
        self.filesystem = filesystem
        self.session = session
        self.userID = userID
        self.groupID = groupID
        self.requests = requests
    }
}

/// The answer to one operation of a compound.
package enum FileResult: Hashable, Sendable {
    case done
    case attributes(FileAttributes)
    case entries([FileEntry], nextCookie: UInt64?)
    /// How many bytes come beside the reply, and whether the file ended there.
    case data(length: UInt32, endOfFile: Bool)
    case bytes([UInt8])
    case names([[UInt8]])
    case position(UInt64)
    case statistics(FilesystemStatistics)
    case lock(RangeLock?)
    case client(NFSClientReply)
    case failed(FileFailure)
}
