package import Primitives

extension VolumeChanges {
    /// What turned `base` (the tree of version `version`) into `staged`. Costs what changed, and the
    /// whole content of each file whose content changed.
    package static func between(base: NamespaceTree, staged: NamespaceTree, version: VersionID) -> VolumeChanges {
        between(base: base, staged: staged, version: version) { !$0.isProvisional }
    }

    /// `isPublished` says which directories the volume has, or is about to have under another number.
    static func between(base: NamespaceTree, staged: NamespaceTree, version: VersionID, isPublished: (InodeID) -> Bool) -> VolumeChanges {
        var builder = ChangeBuilder(base: base, staged: staged)
        for difference in staged.records.differences(from: base.records) { builder.take(difference) }
        builder.finishInode()
        return VolumeChanges(
            base: version, entries: builder.entries, inodes: builder.inodes, directories: builder.hints(isPublished))
    }
}

/// Collects the differences of two trees, inode by inode, as their keys come.
private struct ChangeBuilder {
    let base: NamespaceTree
    let staged: NamespaceTree
    var entries: [EntryChange] = []
    var inodes: [InodeChange] = []
    /// The inode whose records are coming, and what of it differs.
    private var current: InodeID?
    private var attributesDiffer = false
    private var contentDiffers = false
    private var xattrsDiffer = false

    init(base: NamespaceTree, staged: NamespaceTree) {
        self.base = base
        self.staged = staged
    }

    mutating func take(_ difference: NamespaceTree.Records.Difference) {
        if current != difference.key.inodeID {
            finishInode()
            current = difference.key.inodeID
        }
        guard let kind = NamespaceKey.Kind(rawValue: difference.key.kind) else { return }
        switch kind {
        case .attributes: attributesDiffer = true
        case .inline, .extent: contentDiffers = true
        case .xattr: xattrsDiffer = true
        case .link: break
        case .entry:
            let old = difference.old.flatMap(EntryTarget.init(record:))
            let name = EntryName(directory: difference.key.inodeID, name: difference.key.name)
            entries.append(
                EntryChange(
                    name: name, old: old, oldEdit: old.flatMap { base.inode($0.inode)?.editID } ?? 0,
                    new: difference.new.flatMap(EntryTarget.init(record:))))
        }
    }

    mutating func finishInode() {
        defer {
            attributesDiffer = false
            contentDiffers = false
            xattrsDiffer = false
        }
        guard let id = current, attributesDiffer, let inode = staged.inode(id) else { return }
        let before = base.inode(id)
        if inode.isDirectory {
            // What is in a directory is told by entries.
            guard before?.editID != inode.editID, id == .root || inode.parent.rawValue != 0 else { return }
        } else if inode.links == 0 {
            return
        }
        let isNew = before == nil
        let holdsContent = inode.type == .file || inode.type == .symlink
        inodes.append(
            InodeChange(
                id: id, inode: inode, base: before.map { .init(editID: $0.editID, links: $0.links) },
                names: inode.isDirectory ? [] : staged.names(of: id),
                content: holdsContent && (isNew || contentDiffers || before?.size != inode.size) ? staged.content(of: id, inode) : nil,
                xattrs: isNew || xattrsDiffer ? staged.xattrs(of: id) : nil))
    }

    /// The directories of the base in which names changed or changed files lie, and all above them.
    func hints(_ isPublished: (InodeID) -> Bool) -> [DirectoryHint] {
        var wanted: [InodeID] = []
        for entry in entries { wanted.append(entry.name.directory) }
        for inode in inodes { for name in inode.names { wanted.append(name.directory) } }
        var found: [UInt64: DirectoryHint] = [:]
        var ids: [InodeID] = []
        for start in wanted {
            var id = start
            while found[id.rawValue] == nil, let inode = staged.inode(id), inode.isDirectory {
                let name = id == .root ? EntryName(directory: .root, name: []) : staged.names(of: id).first
                guard let name else { break }
                found[id.rawValue] = DirectoryHint(id: id, inode: inode, name: name)
                ids.append(id)
                id = name.directory
            }
        }
        return ids.sorted().compactMap { isPublished($0) ? found[$0.rawValue] : nil }
    }
}

extension EntryTarget {
    init?(record: NamespaceRecord) {
        guard case .entry(let inode, let type) = record else { return nil }
        self.init(inode: inode, type: type)
    }
}
