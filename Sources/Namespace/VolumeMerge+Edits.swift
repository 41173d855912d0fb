import Primitives

extension VolumeMerge {
    /// Step 4. The deepest first, so that a directory is looked at after what was in it.
    mutating func settleFloating() throws(NamespaceError) {
        // Detaching may have gone on in steps 2 and 3, and each inode counts once.
        let all = floating.enumerated().sorted { a, b in
            a.element.depth == b.element.depth ? a.offset < b.offset : a.element.depth > b.element.depth
        }
        for (_, float) in all {
            guard let inode = state.tree.inode(float.id), inode.parent.rawValue == 0 else { continue }
            if inode.isDirectory {
                try settle(float, inode)
            } else if inode.links == 0, let change = change(of: float.id), !change.names.isEmpty {
                // Each side took one of its names and left it the other's.
                try giveNames(change)
            } else if inode.links == 0 {
                if inode.editID != float.oldEdit { note(.deletedAfterEdit, at: path(of: float.place), losing: float.id) }
                // Where another took its name, that one counts: a replaced file is one change.
                if state.tree.entry(float.place.directory, float.place.name) == nil { filesChanged += 1 }
                state.dropIfUnused(float.id)
            }
        }
    }

    private mutating func settle(_ float: Floating, _ inode: Inode) throws(NamespaceError) {
        if inode.size == 0, mustReturn[float.id.rawValue] == nil {
            state.dropIfUnused(float.id)
            return
        }
        var place = float.place
        if state.tree.inode(resolve(place.directory)) == nil, hintIndex[place.directory.rawValue] == nil {
            place = EntryName(directory: .root, name: place.name)
        }
        place = EntryName(directory: try ensureDirectory(place.directory), name: place.name)
        if try state.tree.isAncestor(float.id, of: place.directory) { place = EntryName(directory: .root, name: place.name) }
        if state.tree.entry(place.directory, place.name) != nil { place = freeName(beside: place) }
        attach(float.id, at: place)
        if mustReturn[float.id.rawValue] == nil { note(.directoryKept, at: path(of: place)) }
    }

    /// Step 5.
    mutating func applyEdits() throws(NamespaceError) {
        for change in changes.inodes where !change.id.isProvisional {
            let id = change.id
            guard let inode = state.tree.inode(id) else {
                if change.isEdit, !change.inode.isDirectory { try bringBack(change) }
                continue
            }
            if restored[id.rawValue] != nil { continue }
            if change.isEdit { edit(change, inode) }
            if !inode.isDirectory { settleRenames(change) }
        }
    }

    private mutating func edit(_ change: InodeChange, _ current: Inode) {
        var inode = current
        let lost = current.editID != change.base?.editID
        if lost { note(.bothEdited, at: state.tree.path(of: change.id) ?? [], losing: change.id) }
        if change.inode.type == .file, let content = change.content {
            state.tree.setContent(content, of: change.id, &inode)
            bytesAdded += content.allocated
        }
        if let xattrs = change.xattrs { setXattrs(xattrs, of: change.id) }
        inode.mode = change.inode.mode
        inode.owner = change.inode.owner
        inode.group = change.inode.group
        inode.accessed = change.inode.accessed
        // Where only attributes were set on one side, the time of the other side's content stands.
        inode.modified = lost && change.content == nil ? max(inode.modified, change.inode.modified) : change.inode.modified
        inode.verifier = change.inode.verifier
        inode.edit(stamp)
        state.tree.set(inode, for: change.id)
        if !inode.isDirectory { filesChanged += 1 }
    }

    /// A file with one name that both renamed keeps the name that the session gave it.
    private mutating func settleRenames(_ change: InodeChange) {
        guard change.base?.links == 1, change.names.count == 1, named[change.id.rawValue] != nil else { return }
        let kept = EntryName(directory: resolve(change.names[0].directory), name: change.names[0].name)
        let names = state.tree.names(of: change.id)
        guard names.count > 1, names.contains(kept) else { return }
        for name in names where name != kept {
            note(.renamedTwice, at: path(of: name))
            _ = state.tree.detach(name, stamp)
        }
    }

    /// Someone else removed a file that the session changed: it comes back under the names it had.
    private mutating func bringBack(_ change: InodeChange) throws(NamespaceError) {
        guard restore(change.id, change.inode.type) else {
            if let name = change.names.first { note(.contentGone, at: path(of: name)) }
            return
        }
        try giveNames(change)
    }

    private mutating func giveNames(_ change: InodeChange) throws(NamespaceError) {
        for name in change.names {
            let place = EntryName(directory: try ensureDirectory(name.directory), name: name.name)
            if let current = state.tree.entry(place.directory, place.name) {
                guard current.type != .directory, placed[current.inode.rawValue] == nil else {
                    let aside = freeName(beside: place)
                    attach(change.id, at: aside)
                    note(.nameTaken, at: path(of: aside))
                    continue
                }
                // Someone else put another file there, which is a change of that path by both.
                lose(place, current, .bothEdited)
            } else {
                note(.editedAfterDelete, at: path(of: place))
            }
            attach(change.id, at: place)
        }
    }

    /// Makes an inode again that someone else has removed, without a name. What of it the session did
    /// not change comes from the base, if that is kept; false where it is not.
    mutating func restore(_ id: InodeID, _ type: InodeType) -> Bool {
        let change = change(of: id)
        guard let inode = change?.inode ?? base?.inode(id), inode.type == type else { return false }
        var content = change?.content
        if content == nil, type == .file || type == .symlink {
            guard let base, let old = base.inode(id) else { return false }
            content = base.content(of: id, old)
        }
        let whole = change ?? InodeChange(id: id, inode: inode, base: nil, names: [], content: nil, xattrs: nil)
        materialize(id, whole, content: content, xattrs: change?.xattrs ?? base?.xattrs(of: id) ?? [])
        restored[id.rawValue] = true
        if type != .directory { filesChanged += 1 }
        return true
    }

    /// Stores an inode without a name as the session left it.
    mutating func materialize(_ id: InodeID, _ change: InodeChange, content: FileContent?, xattrs: [Xattr]) {
        let source = change.inode
        var inode = Inode(type: source.type, mode: source.mode, owner: source.owner, group: source.group, stamp: stamp)
        inode.device = source.device
        inode.accessed = source.accessed
        inode.modified = source.modified
        inode.born = source.born
        inode.verifier = source.verifier
        if let content {
            state.tree.setContent(content, of: id, &inode)
            if source.type == .symlink { inode.size = UInt64(content.inline.count) }
        }
        setXattrs(xattrs, of: id)
        state.tree.set(inode, for: id)
        made.append(id)
    }

    /// Changes that no session writes may have left something new without a name.
    mutating func sweep() throws(NamespaceError) {
        for id in made.reversed() {
            guard let inode = state.tree.inode(id), inode.parent.rawValue == 0 else { continue }
            if inode.isDirectory, inode.size > 0 {
                throw NamespaceError(.invalid, object: "\(id)", cause: "malformed changes: a new directory in itself")
            }
            state.dropIfUnused(id)
        }
    }

    private mutating func setXattrs(_ xattrs: [Xattr], of id: InodeID) {
        state.tree.records.removeRange(from: NamespaceKey(id, .xattr), to: NamespaceKey(id, .link))
        for xattr in xattrs { state.tree.records.updateValue(.bytes(xattr.value), forKey: NamespaceKey(id, .xattr, name: xattr.name)) }
    }

    /// Directories get the times that the session left them, unless someone else was later.
    mutating func finishDirectories() {
        for (directory, _) in order {
            let staged =
                directory.isProvisional ? change(of: directory)?.inode : hintIndex[directory.rawValue].map { changes.directories[$0].inode }
            let id = resolve(directory)
            guard let staged, var inode = state.tree.inode(id) else { continue }
            let modified = before.inode(id).map { max($0.modified, staged.modified) } ?? staged.modified
            guard inode.modified != modified else { continue }
            inode.modified = modified
            state.tree.set(inode, for: id)
        }
    }
}
