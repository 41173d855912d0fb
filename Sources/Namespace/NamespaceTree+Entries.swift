import Primitives

// The only code that adds and removes entries and inodes: link counts, places, sizes of directories
// and statistics are right after each call, whoever calls.
extension NamespaceTree {
    /// Stores the attributes and keeps the statistics.
    mutating func set(_ inode: Inode, for id: InodeID) {
        if case .attributes(let old)? = records.updateValue(.attributes(inode), forKey: NamespaceKey(id, .attributes)) {
            statistics.remove(old)
        }
        statistics.add(inode)
    }

    /// Gives an existing inode a name. The name is free, and the target, if a directory, has none.
    mutating func attach(_ id: InodeID, at place: EntryName, _ stamp: Stamp) {
        guard var target = inode(id) else { preconditionFailure("only an existing inode gets a name") }
        let hash = nameHash(place.name)
        link(&target, id, to: place, hash)
        target.touch(stamp)
        set(target, for: id)
        insertEntry(id, target.type, at: place, hash, stamp)
    }

    /// Stores a new inode under a name, with one write less than storing and attaching it.
    mutating func create(_ id: InodeID, _ inode: Inode, at place: EntryName, _ stamp: Stamp) -> Inode {
        var target = inode
        let hash = nameHash(place.name)
        link(&target, id, to: place, hash)
        set(target, for: id)
        insertEntry(id, target.type, at: place, hash, stamp)
        return target
    }

    /// Takes a name away. The inode stays, without a name if it was the last one.
    mutating func detach(_ place: EntryName, _ stamp: Stamp) -> EntryTarget {
        let hash = nameHash(place.name)
        guard
            case .entry(let id, let type)? = records.removeValue(
                forKey: NamespaceKey(place.directory, .entry, offset: hash, name: place.name)),
            var target = inode(id)
        else { preconditionFailure("only an entry that is there is removed") }
        unlink(&target, id, from: place, hash)
        target.touch(stamp)
        set(target, for: id)
        touchDirectory(place.directory, entries: -1, directories: type == .directory ? -1 : 0, stamp)
        return EntryTarget(inode: id, type: type)
    }

    /// Removes an inode without a name and all that belongs to it.
    mutating func destroy(_ id: InodeID) {
        guard let inode = inode(id) else { return }
        precondition(inode.parent.rawValue == 0 && (inode.isDirectory ? inode.size == 0 : inode.links == 0), "\(id) is in use")
        eraseRecords(of: id, inode)
    }

    /// Takes the last name of an inode away and removes it, with one write less than doing both.
    mutating func erase(_ place: EntryName, _ id: InodeID, _ inode: Inode, _ stamp: Stamp) {
        precondition(inode.isDirectory ? inode.size == 0 : inode.links == 1, "\(id) is in use")
        let key = NamespaceKey(place.directory, .entry, offset: nameHash(place.name), name: place.name)
        let old = records.removeValue(forKey: key)
        precondition(old == .entry(id, inode.type), "only an entry that is there is removed")
        touchDirectory(place.directory, entries: -1, directories: inode.isDirectory ? -1 : 0, stamp)
        eraseRecords(of: id, inode)
    }

    private mutating func eraseRecords(of id: InodeID, _ inode: Inode) {
        statistics.remove(inode)
        var keys: [NamespaceKey] = []
        var iterator = records.scan(from: NamespaceKey(id, .attributes))
        while keys.count < 8, let (key, _) = iterator.next(), key.inode == id.rawValue { keys.append(key) }
        if keys.count < 8 {
            for key in keys { records.removeValue(forKey: key) }
        } else {
            records.removeRange(from: NamespaceKey(id, .attributes), to: NamespaceKey(InodeID(id.rawValue + 1), .attributes))
        }
    }

    private mutating func insertEntry(_ id: InodeID, _ type: InodeType, at place: EntryName, _ hash: UInt64, _ stamp: Stamp) {
        let key = NamespaceKey(place.directory, .entry, offset: hash, name: place.name)
        let old = records.updateValue(.entry(id, type), forKey: key)
        precondition(old == nil, "a name has one target")
        touchDirectory(place.directory, entries: 1, directories: type == .directory ? 1 : 0, stamp)
    }

    private mutating func touchDirectory(_ id: InodeID, entries: Int, directories: Int, _ stamp: Stamp) {
        guard var directory = inode(id), directory.isDirectory else { preconditionFailure("entries are in directories") }
        directory.size = UInt64(Int(directory.size) + entries)
        directory.links = UInt32(Int(directory.links) + directories)
        directory.modified = stamp.time
        directory.touch(stamp)
        set(directory, for: id)
    }

    /// One name is told by the inode itself, several by link records.
    private mutating func link(_ target: inout Inode, _ id: InodeID, to place: EntryName, _ hash: UInt64) {
        if target.isDirectory {
            precondition(target.parent.rawValue == 0, "a directory has one name")
        } else {
            if target.links == 1, let only = names(of: id).first {
                records.updateValue(.link, forKey: only.linkKey(of: id, hash: target.nameHash))
            }
            target.links += 1
            if target.links > 1 {
                records.updateValue(.link, forKey: place.linkKey(of: id, hash: hash))
                target.parent = InodeID(0)
                target.nameHash = 0
                return
            }
        }
        target.parent = place.directory
        target.nameHash = hash
    }

    private mutating func unlink(_ target: inout Inode, _ id: InodeID, from place: EntryName, _ hash: UInt64) {
        if !target.isDirectory {
            target.links -= 1
            if target.links > 0 { records.removeValue(forKey: place.linkKey(of: id, hash: hash)) }
            if target.links > 1 { return }
            if target.links == 1, let (key, _) = records.first(from: NamespaceKey(id, .link)) {
                let left = EntryName(linkKey: key)
                records.removeValue(forKey: key)
                target.parent = left.directory
                target.nameHash = key.offset
                return
            }
        }
        target.parent = InodeID(0)
        target.nameHash = 0
    }
}
