import Primitives

/// The steps of following a path: a stack of names still to go, and where it stands.
struct PathWalk {
    let tree: NamespaceTree
    let credentials: Credentials?
    var current: InodeID
    /// Names to go, the next one last.
    private var names: [[UInt8]] = []
    private var symlinks = 0
    /// The path ended in `/`, so what it names must be a directory.
    private var mustBeDirectory = false

    init(tree: NamespaceTree, credentials: Credentials?, at start: InodeID) {
        self.tree = tree
        self.credentials = credentials
        current = start
    }

    mutating func push(_ path: [UInt8]) throws(NamespaceError) {
        guard path.count <= NamespaceLimits.pathBytes else {
            throw NamespaceError(
                .nameTooLong, object: "\(display(path.prefix(32)))…", cause: "a path has at most \(NamespaceLimits.pathBytes) bytes")
        }
        guard !path.contains(0) else { throw NamespaceError(.invalid, object: display(path), cause: "a path holds no NUL") }
        if path.first == UInt8(ascii: "/") { current = .root }
        if names.isEmpty, path.last == UInt8(ascii: "/") { mustBeDirectory = true }
        for part in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).reversed() { names.append(Array(part)) }
    }

    mutating func run(followLast: Bool) throws(NamespaceError) -> InodeID {
        while let name = names.popLast() {
            if let credentials {
                try AccessCheck.require(.execute, on: try tree.directory(current), credentials, object: "\(current)")
            }
            let (id, inode) = try tree.lookup(current, name)
            guard inode.type == .symlink, followLast || mustBeDirectory || !names.isEmpty else {
                current = id
                continue
            }
            symlinks += 1
            guard symlinks <= NamespaceLimits.symlinksFollowed else {
                throw NamespaceError(
                    .loop, object: display(name), cause: "more than \(NamespaceLimits.symlinksFollowed) symlinks on the way",
                    hint: "look for symlinks that point at each other")
            }
            try push(try tree.readLink(id))
        }
        if mustBeDirectory { _ = try tree.directory(current) }
        return current
    }
}
