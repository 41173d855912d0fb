import Primitives

extension NamespaceState {
    enum Expected {
        case directory
        case notDirectory
        case any
    }

    mutating func remove(
        _ parent: InodeID, _ name: [UInt8], _ expected: Expected, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let place = try place(parent, name, context)
        let (id, inode) = try tree.lookup(parent, name)
        try requireWritable(place, context)
        try requireRemovable(inode, from: place, context)
        switch expected {
        case .directory where !inode.isDirectory:
            throw NamespaceError(.notDirectory, object: describe(place.name), cause: "it is no directory", hint: "use unlink")
        case .notDirectory where inode.isDirectory:
            throw NamespaceError(.isDirectory, object: describe(place.name), cause: "it is a directory", hint: "use rmdir")
        default: break
        }
        try requireEmpty(inode, describe(place.name))
        let stamp = stamp(context)
        detachAndDrop(place.name, id, inode, stamp)
        return .removed(id, directory: ChangeInfo(parent, before: place.parent.changeID, after: stamp.change))
    }

    func requireEmpty(_ inode: Inode, _ object: @autoclosure () -> String) throws(NamespaceError) {
        guard !inode.isDirectory || inode.size == 0 else {
            throw NamespaceError(
                .notEmpty, object: object(), cause: "the directory holds \(inode.size) entries", hint: "remove them first, or the tree")
        }
    }

    /// In a directory with the sticky bit only the owner of an entry or of the directory removes it.
    func requireRemovable(_ inode: Inode, from place: Place, _ context: CommandContext) throws(NamespaceError) {
        guard !context.isPrivileged, place.parent.mode & 0o1000 != 0 else { return }
        let user = context.credentials.user
        guard user == inode.owner || user == place.parent.owner else {
            throw NamespaceError(
                .notPermitted, object: describe(place.name), cause: "in a sticky directory only an owner removes or renames an entry")
        }
    }

    /// Takes a name away, and the inode with it if that was the last and nobody holds it open.
    mutating func detachAndDrop(_ place: EntryName, _ id: InodeID, _ inode: Inode, _ stamp: Stamp) {
        if (inode.isDirectory || inode.links == 1) && !references.holds(id) {
            tree.erase(place, id, inode, stamp)
        } else {
            _ = tree.detach(place, stamp)
            dropIfUnused(id)
        }
    }

    /// Removes an inode that has lost its last name, unless it is open.
    mutating func dropIfUnused(_ id: InodeID) {
        guard let inode = tree.inode(id), inode.parent.rawValue == 0, id != .root else { return }
        guard inode.isDirectory || inode.links == 0 else { return }
        if references.holds(id) {
            // A directory without a name is known by having no links.
            if inode.isDirectory {
                var orphan = inode
                orphan.links = 0
                tree.set(orphan, for: id)
            }
            return
        }
        tree.destroy(id)
    }

    /// Removes a tree deepest first, in the order of its listings.
    mutating func removeTree(
        _ parent: InodeID, _ name: [UInt8], _ limit: UInt32, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let top = try place(parent, name, context)
        let (id, inode) = try tree.lookup(parent, name)
        let limit = limit == 0 ? NamespaceLimits.treeObjects : limit
        guard inode.isDirectory else {
            _ = try remove(parent, name, .notDirectory, context)
            return .tree(id, objects: 1, more: false)
        }
        return try atomically { (state) throws(NamespaceError) in
            var open = [top.name]
            var objects: UInt32 = 0
            while let place = open.last {
                guard objects < limit else { return .tree(id, objects: objects, more: true) }
                let directory = state.tree.entry(place.directory, place.name)!.inode
                if let child = state.firstEntry(of: directory) {
                    if child.type == .directory, state.tree.inode(child.inode)!.size > 0 {
                        open.append(EntryName(directory: directory, name: child.name))
                        continue
                    }
                    _ = try state.remove(directory, child.name, .any, context)
                } else {
                    _ = try state.remove(place.directory, place.name, .directory, context)
                    open.removeLast()
                }
                objects += 1
            }
            return .tree(id, objects: objects, more: false)
        }
    }

    private func firstEntry(of directory: InodeID) -> DirectoryEntry? {
        guard let (key, record) = tree.records.first(from: NamespaceKey(directory, .entry)), key.inode == directory.rawValue,
            case .entry(let id, let type) = record
        else { return nil }
        return DirectoryEntry(cookie: key.offset, name: key.name, inode: id, type: type)
    }
}
