import Primitives

/// Merges what a session changed onto the latest version of a volume.
///
/// The rules, per file: the last commit wins, and what it overwrites is a conflict with the losing
/// version kept. Inodes have an identity across versions, so a rename on one side and a change of
/// content on the other do not meet. The steps:
///
/// 1. *Detach.* Names that the session took away are taken away, where they still stand for what
///    they stood for in the base. Their inodes float: they may get another name in step 3.
/// 2. *Map.* Every new directory of the session gets its real number: that of a directory which
///    someone else has made under the same name, or a new one. What someone else has put under a name
///    that the session gave to something else loses it.
/// 3. *Attach.* Names that the session gave are given. Directories that someone else has removed come
///    back for it. A directory that would come to lie in itself is not moved.
/// 4. *Settle.* What still floats is removed; a directory that others have filled goes back instead.
/// 5. *Edit.* Changed attributes and contents are applied.
///
/// Links, sizes of directories and statistics are right throughout, because entries change only by
/// the functions of `NamespaceTree+Entries.swift`. It works on a copy: the caller drops it to refuse.
struct VolumeMerge {
    struct Outcome {
        var renumbering: [VolumeCommit.Renumbering]
        var conflicts: [ConflictRecord]
        var filesChanged: UInt64
        var bytesAdded: UInt64
    }

    /// An inode that lost a name to the session.
    struct Floating {
        let id: InodeID
        let type: InodeType
        let place: EntryName
        let oldEdit: UInt64
        let depth: Int
    }

    var state: NamespaceState
    let changes: VolumeChanges
    let stamp: Stamp
    /// The latest version, which loses where anything does.
    let latest: VersionID
    let before: NamespaceTree
    /// The version that the session began with, if it is still kept.
    let base: NamespaceTree?

    /// By raw id; for looking up only. Provisional inodes, and directories that came back under
    /// another number, to the real ones.
    var mapping: [UInt64: InodeID] = [:]
    /// Provisional directories that are one with a directory someone else has made.
    var merged: [UInt64: Bool] = [:]
    /// Where the change and the hint of an inode are.
    var changeIndex: [UInt64: Int] = [:]
    var hintIndex: [UInt64: Int] = [:]
    /// Existing inodes to which the session gave a name.
    var named: [UInt64: Bool] = [:]
    /// Inodes, by their real numbers, under the names that this merge gave them.
    var placed: [UInt64: Bool] = [:]
    /// Inodes that this merge brought back, and so are as the session left them.
    var restored: [UInt64: Bool] = [:]
    /// Inodes that this merge stored, in that order.
    var made: [InodeID] = []
    /// Directories that must get back the place they had.
    var mustReturn: [UInt64: Bool] = [:]

    /// Directories with entries to attach, parents first, and where their entries begin and end.
    var order: [(directory: InodeID, range: Range<Int>)] = []
    var floating: [Floating] = []
    var renumbering: [VolumeCommit.Renumbering] = []
    var conflicts: [ConflictRecord] = []
    var filesChanged: UInt64 = 0
    var bytesAdded: UInt64 = 0

    init(state: NamespaceState, changes: VolumeChanges, stamp: Stamp) {
        self.state = state
        self.changes = changes
        self.stamp = stamp
        latest = state.version
        before = state.tree
        base = state.history[changes.base]?.tree
    }

    mutating func run() throws(NamespaceError) -> Outcome {
        try validate()
        detachRemoved()
        try mapDirectories()
        try attachAll()
        try settleFloating()
        try applyEdits()
        // Files that came back in step 5 may have taken names again.
        try settleFloating()
        try sweep()
        finishDirectories()
        conflicts.sort { a, b in
            a.path == b.path ? a.reason.rawValue < b.reason.rawValue : a.path.lexicographicallyPrecedes(b.path)
        }
        renumbering.sort { $0.provisional < $1.provisional }
        return Outcome(renumbering: renumbering, conflicts: conflicts, filesChanged: filesChanged, bytesAdded: bytesAdded)
    }

    // MARK: For the steps

    func resolve(_ id: InodeID) -> InodeID { mapping[id.rawValue] ?? id }

    mutating func map(_ provisional: InodeID, to real: InodeID) {
        mapping[provisional.rawValue] = real
        renumbering.append(VolumeCommit.Renumbering(provisional: provisional, real: real))
    }

    func change(of id: InodeID) -> InodeChange? { changeIndex[id.rawValue].map { changes.inodes[$0] } }

    /// The path of a place, as it is now or was before.
    func path(of place: EntryName) -> [UInt8] {
        state.tree.path(of: place) ?? before.path(of: place) ?? place.name
    }

    mutating func note(_ reason: ConflictReason, at path: [UInt8], losing id: InodeID? = nil) {
        let losing = id.flatMap { id in before.inode(id).map { ConflictRecord.Losing(version: latest, id: id, inode: $0) } }
        conflicts.append(
            ConflictRecord(
                id: 0, path: Array(path.suffix(ConflictRecord.pathBytes)), reason: reason, version: latest, time: stamp.time, author: "",
                losing: losing))
    }

    /// Takes a name from what someone else has put there. What the session itself has given another
    /// name floats; anything else goes, and is kept as a conflict.
    mutating func lose(_ place: EntryName, _ target: EntryTarget, _ reason: ConflictReason) {
        let path = path(of: place)
        if named[target.inode.rawValue] != nil {
            note(.renamedTwice, at: path)
            detach(place, target, oldEdit: change(of: target.inode)?.base?.editID ?? before.inode(target.inode)?.editID ?? 0)
            return
        }
        note(reason, at: path, losing: target.inode)
        _ = state.tree.detach(place, stamp)
        if target.type == .directory { removeContents(of: target.inode) }
        state.dropIfUnused(target.inode)
    }

    mutating func attach(_ id: InodeID, at place: EntryName) {
        state.tree.attach(id, at: place, stamp)
        placed[id.rawValue] = true
    }

    mutating func detach(_ place: EntryName, _ target: EntryTarget, oldEdit: UInt64) {
        let depth = depth(of: place.directory)
        _ = state.tree.detach(place, stamp)
        floating.append(Floating(id: target.inode, type: target.type, place: place, oldEdit: oldEdit, depth: depth))
    }

    private func depth(of directory: InodeID) -> Int {
        var depth = 0
        var id = directory
        while id != .root, depth < NamespaceLimits.depth, let inode = before.inode(id), inode.parent.rawValue != 0 {
            id = inode.parent
            depth += 1
        }
        return depth
    }

    private mutating func removeContents(of top: InodeID) {
        var open = [top]
        while let directory = open.last {
            guard let (key, record) = state.tree.records.first(from: NamespaceKey(directory, .entry)), key.inode == directory.rawValue,
                let child = EntryTarget(record: record)
            else {
                open.removeLast()
                continue
            }
            if child.type == .directory, state.tree.inode(child.inode)?.size ?? 0 > 0 {
                open.append(child.inode)
                continue
            }
            let place = EntryName(directory: directory, name: key.name)
            if named[child.inode.rawValue] != nil {
                // The session has moved it elsewhere, and it will be attached there.
                detach(place, child, oldEdit: state.tree.inode(child.inode)?.editID ?? 0)
            } else {
                _ = state.tree.detach(place, stamp)
                state.dropIfUnused(child.inode)
            }
        }
    }
}
