import Primitives

extension VolumeChanges {
    /// What the session went on changing and others have removed comes back as something new, with all
    /// that the session knows of it: the volume has no inode of that number any more. Called on changes
    /// that bear the volume's numbers; `staged` bears the session's.
    mutating func revive(from staged: NamespaceTree, _ map: Fingerprints, next: inout UInt64) -> [VolumeCommit.Renumbering] {
        var session: [UInt64: InodeID] = [:]
        for (raw, id) in map.real.sorted(by: { $0.key < $1.key }) { session[id.rawValue] = InodeID(raw) }
        let gone = named.filter { !$0.isProvisional && $0 != .root && map.now.inode($0) == nil }
        guard !gone.isEmpty else { return [] }
        var fresh: [UInt64: InodeID] = [:]
        for id in gone {
            fresh[id.rawValue] = InodeID(next)
            next += 1
        }
        rename(fresh)
        for id in gone {
            let own = session[id.rawValue] ?? id
            guard let new = fresh[id.rawValue], let inode = staged.inode(own) else { continue }
            bringBack(new, staged, own, inode) { fresh[map.id($0).rawValue] ?? map.id($0) }
        }
        entries.removeAll { $0.old == nil && $0.new == nil }
        sortEntries()
        return gone.compactMap { id in
            fresh[id.rawValue].map { VolumeCommit.Renumbering(provisional: session[id.rawValue] ?? id, real: $0) }
        }
    }

    /// Every inode that the changes speak of as it shall be, ascending.
    private var named: [InodeID] {
        var all = inodes.map(\.id) + directories.map(\.id)
        for entry in entries {
            all.append(entry.name.directory)
            if let new = entry.new { all.append(new.inode) }
        }
        all.sort()
        var last: InodeID?
        return all.filter { id in
            defer { last = id }
            return id != last
        }
    }

    private mutating func rename(_ fresh: [UInt64: InodeID]) {
        func id(_ id: InodeID) -> InodeID { fresh[id.rawValue] ?? id }
        func place(_ name: EntryName) -> EntryName { EntryName(directory: id(name.directory), name: name.name) }
        for index in entries.indices {
            let entry = entries[index]
            // In a directory that is made anew nothing was before; what is gone stood for nothing.
            let keepsOld = fresh[entry.name.directory.rawValue] == nil && entry.old.map { fresh[$0.inode.rawValue] == nil } ?? false
            entries[index] = EntryChange(
                name: place(entry.name), old: keepsOld ? entry.old : nil, oldEdit: keepsOld ? entry.oldEdit : 0,
                new: entry.new.map { EntryTarget(inode: id($0.inode), type: $0.type) })
        }
        inodes.removeAll { fresh[$0.id.rawValue] != nil }
        for index in inodes.indices { inodes[index].names = inodes[index].names.map(place) }
        directories.removeAll { fresh[$0.id.rawValue] != nil }
        for index in directories.indices { directories[index].name = place(directories[index].name) }
    }

    private mutating func bringBack(_ new: InodeID, _ staged: NamespaceTree, _ own: InodeID, _ inode: Inode, _ number: (InodeID) -> InodeID)
    {
        let names = staged.names(of: own).map { EntryName(directory: number($0.directory), name: $0.name) }
        let holdsContent = inode.type == .file || inode.type == .symlink
        inodes.append(
            InodeChange(
                id: new, inode: inode, base: nil, names: inode.isDirectory ? [] : names,
                content: holdsContent ? staged.content(of: own, inode) : nil, xattrs: staged.xattrs(of: own)))
        for name in names where !entries.contains(where: { $0.name == name }) {
            entries.append(EntryChange(name: name, old: nil, oldEdit: 0, new: EntryTarget(inode: new, type: inode.type)))
        }
    }

    /// A directory's entries together, otherwise in the order they had.
    private mutating func sortEntries() {
        entries = entries.enumerated().sorted { a, b in
            a.element.name.directory == b.element.name.directory
                ? a.offset < b.offset : a.element.name.directory < b.element.name.directory
        }.map(\.element)
    }
}
