package import Primitives

/// How much a client of a network file system keeps in flight for one open file. Measured with the
/// Linux kernel's client (6.1, NFSv4.1, defaults): a cold sequential read moves about one transfer
/// of 1 MiB a round trip, write-behind about two (docs/internals/nfs-client-model.md).
package enum NFSWindows {
    /// rsize, wsize and the window of readahead, in bytes.
    package static let transfer: UInt32 = 1 << 20
    /// Reads in flight for one open file.
    package static let readsInFlight = 1
    /// Writes in flight for one open file.
    package static let writesInFlight = 2
    /// Written bytes that may wait for a place in the window before `write` itself waits.
    package static let dirtyLimit = 4
}

/// An open file of a network file system, on the client's side.
package struct NFSHandle: Sendable {
    package let id: HandleID
    package let path: FilePath
    package let mode: OpenMode
    /// Root until a replaced file has been published.
    package var inode: InodeID
    package var size: UInt64
    /// The change attribute at the open, or of this file's own last COMMIT.
    package var change: UInt64 = 0
    /// Where the last read ended: a read that begins here is sequential.
    package var nextRead: UInt64 = 0
    /// Writes that the client was told are accepted; COMMIT names the count, so that a server that
    /// lost some of them (a new leader) refuses instead of publishing a part.
    package var writes: UInt64 = 0
    package var writesInFlight = 0
    package var readsInFlight = 0
    /// A COMMIT is under way: writes wait, so that none falls between what it names and what it ends.
    package var isFlushing = false
    /// What the writes sent behind the caller's back have cost, until a flush accounts for it.
    package var behind = OperationCost()
    /// A first write held back: if the file is closed before another comes, it goes in one
    /// compound with the COMMIT, as Linux's client sends a small file with FILE_SYNC4.
    package var held: (offset: UInt64, payload: BufferID, length: UInt32, overwrites: Bool)?
    package var failure: FileFailure?

    package init(id: HandleID, path: FilePath, mode: OpenMode, inode: InodeID, size: UInt64) {
        self.id = id
        self.path = path
        self.mode = mode
        self.inode = inode
        self.size = size
    }

    package var isWritable: Bool {
        switch mode {
        case .read: false
        case .write, .create, .replace: true
        }
    }

    package var replaces: Bool {
        if case .replace = mode { return true }
        return false
    }
}
