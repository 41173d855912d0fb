import Primitives

extension VolumeMerge {
    /// Step 1.
    mutating func detachRemoved() {
        for entry in changes.entries {
            guard let old = entry.old, entry.new?.inode != old.inode else { continue }
            let current = state.tree.entry(entry.name.directory, entry.name.name)
            if let current, current.inode == old.inode {
                detach(entry.name, current, oldEdit: entry.oldEdit)
            } else if let new = entry.new {
                noteRevival(entry, old, new, current)
            } else {
                removeReplaced(entry, old, current)
            }
        }
    }

    /// The session replaced a file by a new one, and someone else has removed it since: it is back.
    private mutating func noteRevival(_ entry: EntryChange, _ old: EntryTarget, _ new: EntryTarget, _ current: EntryTarget?) {
        guard current == nil, new.inode.isProvisional, new.type != .directory, state.tree.inode(old.inode) == nil,
            named[old.inode.rawValue] == nil
        else { return }
        note(.editedAfterDelete, at: path(of: entry.name))
    }

    /// The session removed a name that no longer stands for what it stood for.
    private mutating func removeReplaced(_ entry: EntryChange, _ old: EntryTarget, _ current: EntryTarget?) {
        guard let current else {
            // Removed by both, or renamed by someone else; the session may have renamed it too.
            if named[old.inode.rawValue] == nil, let place = state.tree.names(of: old.inode).first,
                !before.names(of: old.inode).contains(entry.name), base?.inode(old.inode)?.links ?? 1 == 1
            {
                note(.removedAfterRename, at: path(of: place))
            }
            return
        }
        if current.type == .directory {
            note(.directoryKept, at: path(of: entry.name))
        } else {
            lose(entry.name, current, .deletedAfterEdit)
        }
    }

    /// Step 2.
    mutating func mapDirectories() throws(NamespaceError) {
        var ranges: [UInt64: Range<Int>] = [:]
        for (directory, range) in order where directory.isProvisional { ranges[directory.rawValue] = range }
        order.removeAll { $0.directory.isProvisional }
        var next = 0
        while next < order.count {
            let (provisional, range) = order[next]
            next += 1
            let directory = resolve(provisional)
            for index in range {
                guard let target = changes.entries[index].new else { continue }
                mapOne(target, at: EntryName(directory: directory, name: changes.entries[index].name.name))
                if target.inode.isProvisional, let range = ranges.removeValue(forKey: target.inode.rawValue) {
                    order.append((target.inode, range))
                }
            }
        }
        guard ranges.isEmpty else {
            throw NamespaceError(.invalid, object: "changes", cause: "malformed changes: new directories without a name")
        }
        unmergeLost()
    }

    /// A directory with which one of the session's became one may have lost its place since, with
    /// all above it: then the session's is one of its own after all.
    private mutating func unmergeLost() {
        for index in renumbering.indices {
            let provisional = renumbering[index].provisional
            guard state.tree.inode(renumbering[index].real) == nil, let change = change(of: provisional) else { continue }
            let id = state.allocateInode()
            mapping[provisional.rawValue] = id
            merged[provisional.rawValue] = nil
            renumbering[index] = VolumeCommit.Renumbering(provisional: provisional, real: id)
            materialize(id, change, content: nil, xattrs: change.xattrs ?? [])
        }
    }

    private mutating func mapOne(_ target: EntryTarget, at place: EntryName) {
        if let current = state.tree.entry(place.directory, place.name), current.inode != target.inode {
            if current.type == .directory, target.type == .directory, target.inode.isProvisional {
                merged[target.inode.rawValue] = true
                map(target.inode, to: current.inode)
                return
            }
            lose(place, current, .nameTaken)
        }
        guard target.inode.isProvisional, target.type == .directory, let change = change(of: target.inode) else { return }
        let id = state.allocateInode()
        map(target.inode, to: id)
        materialize(id, change, content: nil, xattrs: change.xattrs ?? [])
    }

    /// Step 3.
    mutating func attachAll() throws(NamespaceError) {
        for (provisional, range) in order {
            for index in range {
                let entry = changes.entries[index]
                guard let target = entry.new else { continue }
                let directory = try ensureDirectory(provisional)
                let place = EntryName(directory: directory, name: entry.name.name)
                if target.inode.isProvisional {
                    attachNew(target, at: place)
                } else {
                    try attachExisting(target, at: place)
                }
            }
        }
    }

    private mutating func attachNew(_ target: EntryTarget, at place: EntryName) {
        if merged[target.inode.rawValue] != nil { return }
        if mapping[target.inode.rawValue] == nil, let change = change(of: target.inode) {
            let id = state.allocateInode()
            map(target.inode, to: id)
            materialize(id, change, content: change.content, xattrs: change.xattrs ?? [])
            filesChanged += 1
            bytesAdded += change.content?.allocated ?? 0
        }
        attach(resolve(target.inode), clearing: place)
    }

    private mutating func attachExisting(_ target: EntryTarget, at place: EntryName) throws(NamespaceError) {
        let id = resolve(target.inode)
        if state.tree.entry(place.directory, place.name)?.inode == id { return }
        if state.tree.inode(id) == nil {
            guard restore(id, target.type) else {
                note(.contentGone, at: path(of: place))
                return
            }
            note(.editedAfterDelete, at: path(of: place))
        }
        if target.type == .directory {
            if try state.tree.isAncestor(id, of: place.directory) {
                note(.directoryCycle, at: path(of: place))
                mustReturn[id.rawValue] = true
                return
            }
            if let name = state.tree.names(of: id).first {
                note(.renamedTwice, at: path(of: name))
                detach(name, target, oldEdit: 0)
            }
        }
        attach(id, clearing: place)
    }

    /// Step 2 has cleared the names, but for those in directories that came back since, or became one
    /// with another directory of the session: then both things of the session are kept.
    mutating func attach(_ id: InodeID, clearing place: EntryName) {
        guard let current = state.tree.entry(place.directory, place.name) else { return attach(id, at: place) }
        guard current.inode != id else { return }
        if placed[current.inode.rawValue] != nil {
            let aside = freeName(beside: place)
            attach(id, at: aside)
            note(.nameTaken, at: path(of: aside))
            return
        }
        if current.type == .directory { moveAside(place) } else { lose(place, current, .nameTaken) }
        attach(id, at: place)
    }

    /// Gives a directory a name that is free, because something of the session may lie in it.
    private mutating func moveAside(_ place: EntryName) {
        let target = state.tree.detach(place, stamp)
        let aside = freeName(beside: place)
        state.tree.attach(target.inode, at: aside, stamp)
        note(.nameTaken, at: path(of: aside))
    }

    /// `NAME.conflict-vN`, or with a number after it.
    func freeName(beside place: EntryName) -> EntryName {
        var suffix = Array(".conflict-\(latest)".utf8)
        var number = 1
        while true {
            let name = Array(place.name.prefix(NamespaceLimits.nameBytes - suffix.count)) + suffix
            if state.tree.entry(place.directory, name) == nil { return EntryName(directory: place.directory, name: name) }
            number += 1
            suffix = Array(".conflict-\(latest)-\(number)".utf8)
        }
    }

    /// The real directory for one of the session's. If someone else has removed it, it and what is
    /// above it come back where the session had them.
    mutating func ensureDirectory(_ id: InodeID) throws(NamespaceError) -> InodeID {
        var missing: [DirectoryHint] = []
        var current = id
        while state.tree.inode(resolve(current)) == nil {
            guard missing.count <= changes.directories.count, let index = hintIndex[current.rawValue] else {
                throw NamespaceError(.invalid, object: "\(current)", cause: "malformed changes: no hint of a directory that is gone")
            }
            missing.append(changes.directories[index])
            current = changes.directories[index].name.directory
        }
        for hint in missing.reversed() { restoreDirectory(hint) }
        let real = resolve(id)
        guard state.tree.inode(real)?.isDirectory ?? false else {
            throw NamespaceError(.invalid, object: "\(id)", cause: "malformed changes: entries in what is no directory")
        }
        return real
    }

    private mutating func restoreDirectory(_ hint: DirectoryHint) {
        var place = EntryName(directory: resolve(hint.name.directory), name: hint.name.name)
        if let current = state.tree.entry(place.directory, place.name) {
            if current.type == .directory, hintIndex[current.inode.rawValue] == nil, placed[current.inode.rawValue] == nil {
                mapping[hint.id.rawValue] = current.inode
                return
            }
            if current.type == .directory || placed[current.inode.rawValue] != nil {
                place = freeName(beside: place)
            } else {
                lose(place, current, .nameTaken)
            }
        }
        materialize(
            hint.id, InodeChange(id: hint.id, inode: hint.inode, base: nil, names: [], content: nil, xattrs: nil), content: nil,
            xattrs: base?.xattrs(of: hint.id) ?? [])
        restored[hint.id.rawValue] = true
        attach(hint.id, at: place)
        note(.directoryRestored, at: path(of: place))
    }
}
