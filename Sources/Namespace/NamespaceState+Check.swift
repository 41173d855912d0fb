import Primitives

extension NamespaceState {
    /// Stops at the first rule that does not hold. Costs a walk over everything.
    package func checkInvariants() {
        let faults = faults()
        precondition(faults.isEmpty, "namespace: \(faults.joined(separator: "; "))")
        tree.records.checkInvariants()
    }

    /// What is wrong with the live tree, at most 100 sentences.
    package func faults() -> [String] {
        var check = TreeCheck(tree: tree, isHeld: { references.holds($0) })
        check.run()
        for version in history.versions where version.digest != version.tree.digest {
            check.note("\(version.id) is not as its digest says")
        }
        if let highest = check.highest, (highest.isProvisional || !isSession) && highest.rawValue >= nextInode {
            check.note("\(highest) was never handed out")
        }
        if check.lastChange > lastChange { check.note("change \(check.lastChange) was never drawn") }
        return check.faults
    }
}

extension NamespaceTree {
    /// What is wrong with this tree, at most 100 sentences.
    package func faults() -> [String] {
        var check = TreeCheck(tree: self, isHeld: { _ in true })
        check.run()
        return check.faults
    }
}

/// Counts a tree again from its records and compares.
private struct TreeCheck {
    let tree: NamespaceTree
    let isHeld: (InodeID) -> Bool
    private(set) var faults: [String] = []
    private(set) var highest: InodeID?
    private(set) var lastChange: UInt64 = 0
    /// Names and subdirectories found, by raw inode. For looking up only.
    private var names: [UInt64: UInt32] = [:]
    private var entries: [UInt64: UInt64] = [:]
    private var subdirectories: [UInt64: UInt32] = [:]
    private var linkRecords: [UInt64: UInt32] = [:]
    private var allocated: [UInt64: UInt64] = [:]
    private var statistics = NamespaceStatistics()
    private var lastExtent: Extent?

    init(tree: NamespaceTree, isHeld: @escaping (InodeID) -> Bool) {
        self.tree = tree
        self.isHeld = isHeld
    }

    mutating func note(_ fault: String) { if faults.count < 100 { faults.append(fault) } }

    mutating func run() {
        guard let root = tree.inode(.root), root.isDirectory else {
            note("there is no root")
            return
        }
        for (key, record) in tree.records { count(key, record) }
        for (key, record) in tree.records {
            if case .attributes(let inode) = record { compare(key.inodeID, inode) }
        }
        if statistics != tree.statistics { note("statistics say \(tree.statistics), counted \(statistics)") }
        checkReachable()
    }

    private mutating func count(_ key: NamespaceKey, _ record: NamespaceRecord) {
        let id = key.inode
        switch (NamespaceKey.Kind(rawValue: key.kind), record) {
        case (.attributes, .attributes(let inode)):
            lastExtent = nil
            highest = key.inodeID
            lastChange = max(lastChange, inode.changeID)
            statistics.add(inode)
        case (.inline, .bytes(let bytes)):
            allocated[id, default: 0] += UInt64(bytes.count)
            if bytes.isEmpty || bytes.count > NamespaceLimits.inlineBytes { note("i\(id) has \(bytes.count) bytes inline") }
        case (.extent, .extent(let length, let chunk, let chunkOffset)):
            let extent = Extent(offset: key.offset, length: length, chunk: chunk, chunkOffset: chunkOffset)
            allocated[id, default: 0] += length
            if length == 0 || UInt64(chunkOffset) + length > UInt64(chunk.length) { note("i\(id) has an impossible extent \(extent)") }
            if let lastExtent, lastExtent.end > extent.offset { note("extents of i\(id) overlap at \(extent.offset)") }
            lastExtent = extent
        case (.xattr, .bytes): break
        case (.link, .link):
            linkRecords[id, default: 0] += 1
            if tree.entry(EntryName(linkKey: key).directory, EntryName(linkKey: key).name)?.inode != key.inodeID {
                note("a link record of i\(id) names no entry")
            }
        case (.entry, .entry(let target, let type)): countEntry(key, target, type)
        default: note("i\(id) has a record of kind \(key.kind) that is something else")
        }
        if key.kind != NamespaceKey.Kind.attributes.rawValue, highest != key.inodeID { note("i\(id) has records and no attributes") }
    }

    private mutating func countEntry(_ key: NamespaceKey, _ target: InodeID, _ type: InodeType) {
        entries[key.inode, default: 0] += 1
        names[target.rawValue, default: 0] += 1
        if type == .directory { subdirectories[key.inode, default: 0] += 1 }
        if tree.nameHash(key.name) != key.offset { note("i\(key.inode)/\(display(key.name)) is at the wrong place") }
        guard let inode = tree.inode(target) else {
            note("i\(key.inode)/\(display(key.name)) dangles")
            return
        }
        if inode.type != type { note("i\(key.inode)/\(display(key.name)) says another type than \(target)") }
        if inode.isDirectory || inode.links == 1, inode.parent != key.inodeID || inode.nameHash != key.offset {
            note("\(target) does not know its place \(key.inode)/\(display(key.name))")
        }
    }

    private mutating func compare(_ id: InodeID, _ inode: Inode) {
        let found = names[id.rawValue] ?? 0
        let isOrphan = found == 0 && id != .root
        if isOrphan, !isHeld(id) { note("\(id) has no name and nobody holds it") }
        if inode.isDirectory {
            if found > 1 || (id == .root && found > 0) { note("directory \(id) has \(found) names") }
            if inode.size != entries[id.rawValue] ?? 0 { note("directory \(id) says \(inode.size) entries") }
            let links = isOrphan ? 0 : 2 + (subdirectories[id.rawValue] ?? 0)
            if inode.links != links { note("directory \(id) says \(inode.links) links, counted \(links)") }
        } else {
            if inode.links != found { note("\(id) says \(inode.links) links, counted \(found)") }
            if entries[id.rawValue] != nil { note("\(id) is no directory and has entries") }
            let records = linkRecords[id.rawValue] ?? 0
            if records != (found > 1 ? found : 0) { note("\(id) has \(found) names and \(records) link records") }
        }
        if isOrphan || inode.links > 1 && !inode.isDirectory, inode.parent.rawValue != 0 { note("\(id) has a place and should not") }
        if inode.allocated != allocated[id.rawValue] ?? 0 {
            note("\(id) says \(inode.allocated) bytes stored, counted \(allocated[id.rawValue] ?? 0)")
        }
        checkContent(id, inode)
    }

    private mutating func checkContent(_ id: InodeID, _ inode: Inode) {
        switch inode.type {
        case .file:
            if let (key, record) = tree.records.last(before: NamespaceKey(id, .xattr)), key.inodeID == id, let last = Extent(key, record),
                last.end > inode.size
            {
                note("\(id) has content beyond its size")
            }
            if let inline = tree.inlineBytes(of: id), UInt64(inline.count) > inode.size { note("\(id) has inline content beyond its size") }
        case .symlink:
            if tree.inlineBytes(of: id).map({ UInt64($0.count) }) != inode.size { note("symlink \(id) has no target of its size") }
        default:
            if allocated[id.rawValue] != nil { note("\(id) can have no content") }
        }
    }

    /// Every directory with a name is below the root, so there are no circles.
    private mutating func checkReachable() {
        var open = [InodeID.root]
        var reached: UInt64 = 0
        while let id = open.popLast() {
            reached += 1
            guard reached <= tree.statistics.directories else { break }
            var iterator = tree.records.scan(from: NamespaceKey(id, .entry))
            while let (key, record) = iterator.next(), key.inode == id.rawValue, case .entry(let target, let type) = record {
                if type == .directory { open.append(target) }
            }
        }
        var orphans: UInt64 = 0
        for (key, record) in tree.records {
            if case .attributes(let inode) = record, inode.isDirectory, inode.parent.rawValue == 0, key.inodeID != .root { orphans += 1 }
        }
        if reached + orphans != statistics.directories { note("\(statistics.directories) directories, and \(reached) below the root") }
    }
}
