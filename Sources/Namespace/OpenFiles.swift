package import Primitives

extension NamespaceState {
    /// The tree of a session without what is being written: files that it made are not there, others are
    /// as in `base`, under the names that the session gave them. What a background commit publishes. A
    /// file that took the place of another one stays in, so that no name is without a file.
    package func tree(leavingOut open: [InodeID], base: NamespaceTree, time: WallTime) -> NamespaceTree {
        var copy = tree
        let stamp = Stamp(time: time, change: lastChange)
        for id in open {
            guard let inode = copy.inode(id), inode.type == .file else { continue }
            if let before = base.inode(id) {
                if before.editID != inode.editID { copy.revert(id, inode, to: before, of: base) }
                continue
            }
            let names = copy.names(of: id)
            guard names.allSatisfy({ base.entry($0.directory, $0.name) == nil }) else { continue }
            for name in names { _ = copy.detach(name, stamp) }
            copy.destroy(id)
        }
        return copy
    }
}

extension NamespaceTree {
    /// Content and attributes as in another tree; links and places stay.
    fileprivate mutating func revert(_ id: InodeID, _ current: Inode, to before: Inode, of base: NamespaceTree) {
        var inode = current
        setContent(base.content(of: id, before), of: id, &inode)
        records.removeRange(from: NamespaceKey(id, .xattr), to: NamespaceKey(id, .link))
        for xattr in base.xattrs(of: id) { records.updateValue(.bytes(xattr.value), forKey: NamespaceKey(id, .xattr, name: xattr.name)) }
        inode.mode = before.mode
        inode.owner = before.owner
        inode.group = before.group
        inode.accessed = before.accessed
        inode.modified = before.modified
        inode.verifier = before.verifier
        inode.editID = before.editID
        set(inode, for: id)
    }
}
