import Primitives

extension NamespaceState {
    mutating func putFile(_ put: PutFile, _ context: CommandContext) throws(NamespaceError) -> NamespaceReply {
        try put.content.validate(display(put.path))
        try validateOwner(put, context)
        let parts = put.path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).map(Array.init)
        guard put.path.count <= NamespaceLimits.pathBytes else {
            throw NamespaceError(.nameTooLong, object: "\(display(put.path.prefix(32)))…", cause: "the path is too long")
        }
        guard let name = parts.last else { throw NamespaceError(.invalid, object: display(put.path), cause: "the path names no file") }
        let (directory, missing) = try findParent(parts.dropLast(), put, context)
        // Everything is checked before anything changes, for no snapshot is taken to go back to.
        for part in missing { try Self.validate(part) }
        let place = try place(directory, missing.first ?? name, context)
        try Self.validate(name)
        try requireWritable(place, context)
        try requireRoom(place, isDirectory: !missing.isEmpty)
        let existing = missing.isEmpty ? tree.entry(directory, name) : nil
        if let existing {
            guard !put.exclusive else { throw NamespaceError(.exists, object: display(put.path), cause: "the name is taken") }
            guard existing.type != .directory else {
                throw NamespaceError(.isDirectory, object: display(put.path), cause: "it is a directory")
            }
            try requireRemovable(try tree.attributes(of: existing.inode), from: place, context)
        }
        try charge(inodes: UInt64(missing.count) + 1, bytes: put.content.allocated, object: display(put.path))
        let stamp = stamp(context)
        let parent = makeParents(missing, below: directory, context, stamp)
        return store(put, at: EntryName(directory: parent, name: name), replacing: existing, context, stamp)
    }

    /// The deepest directory of the path that exists, and the names below it that are to be made.
    private func findParent(
        _ parts: ArraySlice<[UInt8]>, _ put: PutFile, _ context: CommandContext
    ) throws(NamespaceError) -> (InodeID, [[UInt8]]) {
        var directory = put.path.first == UInt8(ascii: "/") ? InodeID.root : try resolve(put.base)
        var missing: [[UInt8]] = []
        for part in parts {
            if missing.isEmpty, part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) || tree.entry(directory, part) != nil {
                directory = try tree.walk(part, from: directory, credentials: context.enforced)
                _ = try tree.directory(directory)
                continue
            }
            guard put.createParents else {
                throw NamespaceError(
                    .noEntry, object: display(put.path), cause: "there is no directory \(display(part))",
                    hint: "create it, or ask for parents")
            }
            missing.append(part)
        }
        return (directory, missing)
    }

    private func validateOwner(_ put: PutFile, _ context: CommandContext) throws(NamespaceError) {
        guard put.mode <= 0o7777 else { throw NamespaceError(.invalid, object: display(put.path), cause: "the mode has bits beyond 7777") }
        guard put.xattrs.count <= NamespaceLimits.xattrs,
            put.xattrs.allSatisfy({
                (1...NamespaceLimits.nameBytes).contains($0.name.count) && $0.value.count <= NamespaceLimits.xattrBytes
            })
        else { throw NamespaceError(.outOfRange, object: display(put.path), cause: "extended attributes out of range") }
        guard !context.isPrivileged else { return }
        guard put.owner ?? context.credentials.user == context.credentials.user,
            put.group.map({ context.credentials.isMember(of: $0) }) ?? true
        else { throw NamespaceError(.notPermitted, object: display(put.path), cause: "only root gives files to others") }
    }

    private mutating func makeParents(_ names: [[UInt8]], below top: InodeID, _ context: CommandContext, _ stamp: Stamp) -> InodeID {
        var directory = top
        for name in names {
            let parent = tree.inode(directory)!
            let id = allocateInode()
            _ = tree.create(
                id, newInode(.directory, 0o755, in: parent, context, stamp), at: EntryName(directory: directory, name: name), stamp)
            directory = id
        }
        return directory
    }

    private mutating func store(
        _ put: PutFile, at place: EntryName, replacing existing: EntryTarget?, _ context: CommandContext, _ stamp: Stamp
    ) -> NamespaceReply {
        let parent = tree.inode(place.directory)!
        var inode = newInode(.file, put.mode, in: parent, context, stamp)
        inode.owner = put.owner ?? inode.owner
        inode.group = put.group ?? inode.group
        inode.modified = put.modified ?? context.time
        if let existing, let old = tree.inode(existing.inode) { detachAndDrop(place, existing.inode, old, stamp) }
        let id = allocateInode()
        tree.setContent(put.content, of: id, &inode)
        for xattr in put.xattrs { tree.records.updateValue(.bytes(xattr.value), forKey: NamespaceKey(id, .xattr, name: xattr.name)) }
        let stored = tree.create(id, inode, at: place, stamp)
        let info = ChangeInfo(place.directory, before: parent.changeID, after: stamp.change)
        return .object(ObjectReply(id, stored, created: true, directory: info))
    }
}
