package import Primitives

/// One path at which two versions differ.
package struct TreeChange: Hashable, Sendable {
    package enum Kind: UInt32, Sendable, Hashable {
        case added = 1
        case removed = 2
        case modified = 3
        /// The same inode under another name; it may be modified too.
        case renamed = 4
    }
    package let kind: Kind
    package let path: [UInt8]
    /// Of what was renamed.
    package let oldPath: [UInt8]?
    package let type: InodeType
    package let oldSize: UInt64
    package let newSize: UInt64
}

extension NamespaceState {
    /// What changed from one version to another, ordered by path, at most `limit` of it.
    package func diff(from old: VersionID, to new: VersionID, limit: Int = .max) throws(NamespaceError) -> (
        changes: [TreeChange], truncated: Bool
    ) {
        let all = TreeDiff(old: try tree(at: old), new: try tree(at: new)).changes()
        return (Array(all.prefix(limit)), all.count > limit)
    }
}

extension NamespaceTree {
    /// What changed from `old` to this tree, ordered by path. Costs what changed.
    package func changes(from old: NamespaceTree) -> [TreeChange] { TreeDiff(old: old, new: self).changes() }

    /// Calls `body` for each piece of a chunk that is in this tree and not at that place in `old`
    /// (`added`), or the other way round. A chunk may come several times, also both ways.
    package func forEachChunkChange(from old: NamespaceTree, _ body: (ChunkReference, _ added: Bool) -> Void) {
        for difference in records.differences(from: old.records) where difference.key.kind == NamespaceKey.Kind.extent.rawValue {
            if case .extent(_, let chunk, _)? = difference.old { body(chunk, false) }
            if case .extent(_, let chunk, _)? = difference.new { body(chunk, true) }
        }
    }
}

private struct TreeDiff {
    let old: NamespaceTree
    let new: NamespaceTree
    private var removed: [(name: EntryName, target: EntryTarget)] = []
    private var added: [(name: EntryName, target: EntryTarget)] = []
    /// Replaced under the same name.
    private var replaced: [(name: EntryName, old: EntryTarget, new: EntryTarget)] = []
    /// Inodes of both trees with other attributes or content than before, ascending.
    private var edited: [InodeID] = []

    init(old: NamespaceTree, new: NamespaceTree) {
        self.old = old
        self.new = new
        for difference in new.records.differences(from: old.records) { take(difference) }
    }

    private mutating func take(_ difference: NamespaceTree.Records.Difference) {
        let id = difference.key.inodeID
        switch (difference.old, difference.new) {
        case (.attributes(let a)?, .attributes(let b)?):
            if a.looks(otherThan: b) { edited.append(id) }
        case (.attributes?, _), (_, .attributes?), (.link?, _), (_, .link?): break
        case (.entry?, _), (_, .entry?):
            let name = EntryName(directory: id, name: difference.key.name)
            switch (difference.old.flatMap(EntryTarget.init(record:)), difference.new.flatMap(EntryTarget.init(record:))) {
            case (let a?, let b?): replaced.append((name, a, b))
            case (let a?, nil): removed.append((name, a))
            case (nil, let b?): added.append((name, b))
            case (nil, nil): break
            }
        default:
            // Inline content, extents and extended attributes of what is in both.
            if edited.last != id, old.inode(id) != nil, new.inode(id) != nil { edited.append(id) }
        }
    }

    func changes() -> [TreeChange] {
        var changes: [TreeChange] = []
        var goneNames: [UInt64: EntryName] = [:]
        for (name, target) in removed where goneNames[target.inode.rawValue] == nil { goneNames[target.inode.rawValue] = name }
        for (name, target, _) in replaced where goneNames[target.inode.rawValue] == nil { goneNames[target.inode.rawValue] = name }
        var moved: [UInt64: Bool] = [:]
        var told: [UInt64: Bool] = [:]
        for (name, target) in added + replaced.map({ ($0.name, $0.new) }) {
            told[target.inode.rawValue] = true
            let path = new.path(of: name) ?? name.name
            if let from = goneNames[target.inode.rawValue], moved[target.inode.rawValue] == nil {
                moved[target.inode.rawValue] = true
                changes.append(make(.renamed, path, target, oldPath: old.path(of: from) ?? from.name))
            } else if let before = old.entry(name.directory, name.name) {
                // Another inode under the same name is that file with new content, unless types differ.
                changes.append(make(.modified, path, target, before: before))
            } else {
                changes.append(make(.added, path, target))
            }
        }
        for (name, target) in removed where moved[target.inode.rawValue] == nil || goneNames[target.inode.rawValue] != name {
            changes.append(make(.removed, old.path(of: name) ?? name.name, target))
        }
        for id in edited where told[id.rawValue] == nil {
            guard let inode = new.inode(id), let path = new.path(of: id) else { continue }
            changes.append(make(.modified, path, EntryTarget(inode: id, type: inode.type)))
        }
        return changes.sorted { a, b in
            a.path == b.path ? a.kind.rawValue < b.kind.rawValue : a.path.lexicographicallyPrecedes(b.path)
        }
    }

    private func make(
        _ kind: TreeChange.Kind, _ path: [UInt8], _ target: EntryTarget, oldPath: [UInt8]? = nil, before: EntryTarget? = nil
    ) -> TreeChange {
        let isFile = target.type != .directory
        return TreeChange(
            kind: kind, path: path, oldPath: oldPath, type: target.type,
            oldSize: kind == .added || !isFile ? 0 : old.inode(before?.inode ?? target.inode)?.size ?? 0,
            newSize: kind == .removed || !isFile ? 0 : new.inode(target.inode)?.size ?? 0)
    }
}

extension Inode {
    /// Whether a user would call it changed, apart from its content. What is in a directory is told
    /// by entries.
    fileprivate func looks(otherThan other: Inode) -> Bool {
        if mode != other.mode || owner != other.owner || group != other.group || device != other.device { return true }
        return !isDirectory && (size != other.size || modified != other.modified)
    }
}
