import Primitives

// What a session staged beside a commit of its own: changes made while the commit was on its way, and
// files that it left out. They are carried over to the version that the commit became.

/// What carries a session over to a version that it has published itself.
package struct Restaging: Sendable {
    /// On the new version, with what had not been published.
    package var session: NamespaceState
    /// From the old session's numbers to those of the new one.
    package var renumbering: [VolumeCommit.Renumbering]
    /// Where others had changed the same since: they lose, as at a commit.
    package var conflicts: [ConflictRecord]
}

extension NamespaceState {
    /// A session on this version that keeps what `staged` has beyond `published`, the tree whose
    /// difference from `base` was committed and renumbered by `commit`.
    ///
    /// Fingerprints of what the session itself published are those that the volume gave it; all others
    /// stay as they were, so that changes of others are still seen as such. Throws where the session cannot
    /// be carried over; it then stays where it is, and its next commit takes what it published itself
    /// for the work of another.
    package func restaging(
        _ staged: NamespaceState, since published: NamespaceTree, base: NamespaceTree, commit: [VolumeCommit.Renumbering],
        context: CommandContext
    ) throws(NamespaceError) -> Restaging {
        var real: [UInt64: InodeID] = [:]
        var taken: [UInt64: Bool] = [:]
        for entry in commit {
            real[entry.provisional.rawValue] = entry.real
            // Two directories that the session tells apart have become one, and their names would meet.
            guard taken.updateValue(true, forKey: entry.real.rawValue) == nil, staged.tree.inode(entry.real) == nil,
                published.inode(entry.real) == nil, base.inode(entry.real) == nil
            else {
                throw NamespaceError(
                    .conflict, object: "\(entry.real)", cause: "others have made one directory of two that this session changed",
                    hint: "commit again: what others have is kept as conflicts")
            }
        }
        var rest = VolumeChanges.between(base: published, staged: staged.tree, version: version) {
            !$0.isProvisional || real[$0.rawValue] != nil
        }
        let fingerprints = Fingerprints(published: published, base: base, now: tree, real: real)
        rest.renumber(fingerprints)
        var fresh = session()
        // Numbers of the old session are never given to something else in the new one.
        fresh.nextInode = max(fresh.nextInode, staged.nextInode)
        let revived = rest.revive(from: staged.tree, fingerprints, next: &fresh.nextInode)
        guard !rest.isEmpty else { return Restaging(session: fresh, renumbering: commit + revived, conflicts: []) }
        let stamp = fresh.stamp(context)
        var merge = VolumeMerge(state: fresh, changes: rest, stamp: stamp)
        let outcome = try merge.run()
        var final: [UInt64: InodeID] = [:]
        for entry in outcome.renumbering { final[entry.provisional.rawValue] = entry.real }
        let removed = revived.map { VolumeCommit.Renumbering(provisional: $0.provisional, real: final[$0.real.rawValue] ?? $0.real) }
        return Restaging(session: merge.state, renumbering: commit + removed + outcome.renumbering, conflicts: outcome.conflicts)
    }
}

/// How the inodes of a session are called and told apart in the version that it published.
struct Fingerprints {
    let published: NamespaceTree
    let base: NamespaceTree
    let now: NamespaceTree
    /// By raw provisional id; for looking up only.
    let real: [UInt64: InodeID]

    func id(_ id: InodeID) -> InodeID { real[id.rawValue] ?? id }

    /// The `editID` that says "as the session published it".
    func edit(_ id: InodeID, staged edit: UInt64) -> UInt64 {
        let isOwn = real[id.rawValue] != nil || published.inode(id)?.editID != base.inode(id)?.editID
        guard isOwn, let current = now.inode(self.id(id)) else { return edit }
        return current.editID
    }
}

extension VolumeChanges {
    fileprivate mutating func renumber(_ map: Fingerprints) {
        func place(_ name: EntryName) -> EntryName { EntryName(directory: map.id(name.directory), name: name.name) }
        func target(_ target: EntryTarget?) -> EntryTarget? { target.map { EntryTarget(inode: map.id($0.inode), type: $0.type) } }
        for index in entries.indices {
            let entry = entries[index]
            entries[index] = EntryChange(
                name: place(entry.name), old: target(entry.old),
                oldEdit: entry.old.map { map.edit($0.inode, staged: entry.oldEdit) } ?? entry.oldEdit, new: target(entry.new))
        }
        for index in inodes.indices {
            let id = inodes[index].id
            inodes[index].id = map.id(id)
            inodes[index].names = inodes[index].names.map(place)
            guard let before = inodes[index].base else { continue }
            let isEdit = inodes[index].isEdit
            inodes[index].base = .init(editID: map.edit(id, staged: before.editID), links: before.links)
            // What was no edit must not look like one under the new fingerprint, nor the other way round.
            if !isEdit { inodes[index].inode.editID = inodes[index].base!.editID }
            if isEdit, inodes[index].inode.editID == inodes[index].base!.editID { inodes[index].inode.editID &+= 1 }
        }
        for index in directories.indices {
            directories[index].id = map.id(directories[index].id)
            directories[index].name = place(directories[index].name)
        }
        directories.sort { $0.id < $1.id }
        // A directory of the session may have become one with another that it knew.
        var last: InodeID?
        directories.removeAll { hint in
            defer { last = hint.id }
            return hint.id == last
        }
    }
}
