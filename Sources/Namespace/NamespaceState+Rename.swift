import Primitives

extension NamespaceState {
    /// rename(2) and renameat2(2) with RENAME_NOREPLACE and RENAME_EXCHANGE.
    mutating func rename(
        _ from: EntryName, _ to: EntryName, _ how: RenameMode, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let source = try place(from.directory, from.name, context)
        let target = try place(to.directory, to.name, context)
        let (id, inode) = try tree.lookup(from.directory, from.name)
        let existing = tree.entry(to.directory, to.name)
        try requireWritable(source, context)
        try requireWritable(target, context)
        try requireRemovable(inode, from: source, context)
        if existing?.inode == id, how != .noReplace {
            // The same file under both names: nothing happens, both names stay.
            return .renamed(source: unchanged(source), target: unchanged(target), replaced: nil)
        }
        switch how {
        case .exchange:
            guard let existing else { throw NamespaceError(.noEntry, object: describe(to), cause: "there is nothing to exchange with") }
            return try exchange(source, id, inode, target, existing, context)
        case .noReplace where existing != nil:
            throw NamespaceError(.exists, object: describe(to), cause: "the name is taken")
        case .noReplace, .replace: break
        }
        guard target.parent.links > 0, to.directory == .root || target.parent.parent.rawValue != 0 else {
            throw NamespaceError(.noEntry, object: "\(to.directory)", cause: "the directory was removed")
        }
        try requireMovable(id, inode, source, target, context)
        if let existing { try requireReplaceable(existing, by: inode, target, context) }
        let stamp = stamp(context)
        if existing != nil { _ = tree.detach(to, stamp) }
        _ = tree.detach(from, stamp)
        tree.attach(id, at: to, stamp)
        if let existing { dropIfUnused(existing.inode) }
        return .renamed(source: changed(source, stamp), target: changed(target, stamp), replaced: existing?.inode)
    }

    private mutating func exchange(
        _ source: Place, _ id: InodeID, _ inode: Inode, _ target: Place, _ existing: EntryTarget, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let other = try tree.attributes(of: existing.inode)
        try requireRemovable(other, from: target, context)
        try requireMovable(id, inode, source, target, context)
        try requireMovable(existing.inode, other, target, source, context)
        let stamp = stamp(context)
        _ = tree.detach(source.name, stamp)
        _ = tree.detach(target.name, stamp)
        tree.attach(id, at: target.name, stamp)
        tree.attach(existing.inode, at: source.name, stamp)
        return .renamed(source: changed(source, stamp), target: changed(target, stamp), replaced: nil)
    }

    /// What moving a directory to another parent demands: it does not go below itself, its `..` may be
    /// rewritten, and there is room.
    private func requireMovable(
        _ id: InodeID, _ inode: Inode, _ source: Place, _ target: Place, _ context: CommandContext
    ) throws(NamespaceError) {
        guard inode.isDirectory, source.name.directory != target.name.directory else { return }
        guard try !tree.isAncestor(id, of: target.name.directory) else {
            throw NamespaceError(.invalid, object: describe(target.name), cause: "a directory cannot move below itself")
        }
        if let credentials = context.enforced { try AccessCheck.require(.write, on: inode, credentials, object: describe(source.name)) }
        guard target.parent.links < NamespaceLimits.links else {
            throw NamespaceError(
                .tooManyLinks, object: "\(target.name.directory)", cause: "a directory has at most \(NamespaceLimits.links) subdirectories")
        }
    }

    /// File over file, or directory over empty directory.
    private func requireReplaceable(
        _ existing: EntryTarget, by inode: Inode, _ target: Place, _ context: CommandContext
    ) throws(NamespaceError) {
        let old = try tree.attributes(of: existing.inode)
        try requireRemovable(old, from: target, context)
        if inode.isDirectory, !old.isDirectory {
            throw NamespaceError(.notDirectory, object: describe(target.name), cause: "a directory replaces only a directory")
        }
        if !inode.isDirectory, old.isDirectory {
            throw NamespaceError(.isDirectory, object: describe(target.name), cause: "a file replaces no directory")
        }
        try requireEmpty(old, describe(target.name))
    }

    private func unchanged(_ place: Place) -> ChangeInfo {
        ChangeInfo(place.name.directory, before: place.parent.changeID, after: place.parent.changeID)
    }

    private func changed(_ place: Place, _ stamp: Stamp) -> ChangeInfo {
        ChangeInfo(place.name.directory, before: place.parent.changeID, after: stamp.change)
    }
}
