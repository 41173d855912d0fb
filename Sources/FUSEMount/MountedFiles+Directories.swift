import Filesystem
import Primitives
import Synchronization

/// A directory that a program reads. Its cookies are those of the listing (FileEntry.cookie), which stay while entries come
/// and go, so that a page is only kept to save asking again for what has come already.
struct OpenDirectory {
    var node: UInt64
    /// The page that was fetched last, and whether the listing ends with it.
    var page: [FileEntry] = []
    /// The cookie behind which the page begins.
    var begin: UInt64 = 0
    var isLast = false
}

/// What goes into an answer of readdir(3), with the offset from which to go on behind it.
struct DirectoryItem {
    var name: [UInt8]
    var attributes: FileAttributes
    var offset: UInt64
    /// `.` and `..` are not given to the kernel as objects.
    var isDot = false
}

extension MountedFiles {
    /// Entries fetched at once.
    private static let pageEntries: UInt32 = 512
    /// Offsets of `.` and `..`: below all cookies.
    private static let dots: [(name: String, offset: UInt64)] = [(".", 1), ("..", 2)]

    func openDirectory(_ number: UInt64) throws(FileFailure) -> UInt64 {
        try state.withLock { state throws(FileFailure) in
            guard state.nodes[number] != nil else {
                throw .refused(.stale, "open", "the kernel's number \(number) is not known to this mount")
            }
            let id = state.nextOpen
            state.nextOpen += 1
            state.directories[id] = OpenDirectory(node: number)
            return id
        }
    }

    func releaseDirectory(_ open: UInt64) { state.withLock { _ = $0.directories.removeValue(forKey: open) } }

    /// Entries behind `offset` (0 to begin): as many as are at hand, none at the end.
    func entries(_ open: UInt64, after offset: UInt64) async throws(FileFailure) -> [DirectoryItem] {
        guard let directory = state.withLock({ $0.directories[open] }) else {
            throw .refused(.badHandle, "list", "the directory is not open")
        }
        var items: [DirectoryItem] = []
        if offset < Self.dots[1].offset {
            let own = try await attributes(.stat(path: try path(directory.node), followLinks: false))
            for dot in Self.dots where dot.offset > offset {
                items.append(DirectoryItem(name: Array(dot.name.utf8), attributes: own, offset: dot.offset, isDot: true))
            }
            return items
        }
        let cookie = offset <= Self.dots[1].offset ? 0 : offset
        // Begun again, or gone on with: from the page at hand where the place is in it.
        if cookie != 0, let rest = directory.rest(after: cookie) {
            if !rest.isEmpty || directory.isLast { return rest.map(DirectoryItem.init) }
        }
        let operation = FileOperation.list(path: try path(directory.node), cookie: cookie, limit: Self.pageEntries)
        guard case .entries(let page, let next) = try await ask(operation) else { throw unexpected(operation) }
        state.withLock { state in
            guard state.directories[open] != nil else { return }
            state.directories[open] = OpenDirectory(node: directory.node, page: page, begin: cookie, isLast: next == nil)
        }
        return page.map(DirectoryItem.init)
    }

    /// Attributes as they are told in a listing, and the number that programs see.
    func told(_ item: DirectoryItem) -> FileAttributes {
        state.withLock { state in Self.told(item.attributes, state.nodes.number(of: item.attributes.inode).flatMap { state.nodes[$0] }) }
    }
}

extension OpenDirectory {
    /// Nil where the place is not in the page.
    fileprivate func rest(after cookie: UInt64) -> ArraySlice<FileEntry>? {
        if cookie == begin { return page[...] }
        guard let last = page.lastIndex(where: { $0.cookie == cookie }) else { return nil }
        return page[(last + 1)...]
    }
}

extension DirectoryItem {
    fileprivate init(_ entry: FileEntry) { self.init(name: entry.name, attributes: entry.attributes, offset: entry.cookie) }
}
