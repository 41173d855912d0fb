import Primitives

extension NamespaceState {
    mutating func copyTree(
        _ source: InodeID, _ parent: InodeID, _ name: [UInt8], _ limit: UInt32, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let inode = try tree.attributes(of: source)
        let place = try place(parent, name, context)
        try requireFree(place)
        try requireWritable(place, context)
        try requireRoom(place, isDirectory: inode.isDirectory)
        if inode.isDirectory, try tree.isAncestor(source, of: parent) {
            throw NamespaceError(.invalid, object: describe(place.name), cause: "a directory cannot be copied below itself")
        }
        let limit = limit == 0 ? NamespaceLimits.treeObjects : limit
        let original = tree
        return try atomically { (state) throws(NamespaceError) in
            var graft = Graft(source: original, limit: limit, context: context, stamp: state.stamp(context))
            let id = try graft.copy(source, to: place.name, in: &state)
            return .tree(id, objects: graft.objects, more: false)
        }
    }
}

/// Copies a tree out of some state of the file system into the live one. Chunks are shared; hard
/// links within the tree stay hard links.
struct Graft {
    let source: NamespaceTree
    let limit: UInt32
    let context: CommandContext
    let stamp: Stamp
    private(set) var objects: UInt32 = 0
    /// Copies of files with several names. For looking up only.
    private var linked: [UInt64: InodeID] = [:]

    init(source: NamespaceTree, limit: UInt32, context: CommandContext, stamp: Stamp) {
        self.source = source
        self.limit = limit
        self.context = context
        self.stamp = stamp
    }

    mutating func copy(_ id: InodeID, to place: EntryName, in state: inout NamespaceState) throws(NamespaceError) -> InodeID {
        let top = try copyOne(id, to: place, in: &state)
        var open = source.inode(id)!.isDirectory ? [(id, top)] : []
        while let (original, copy) = open.popLast() {
            var iterator = source.records.scan(from: NamespaceKey(original, .entry))
            while let (key, record) = iterator.next(), key.inode == original.rawValue, case .entry(let child, let type) = record {
                let made = try copyOne(child, to: EntryName(directory: copy, name: key.name), in: &state)
                if type == .directory { open.append((child, made)) }
            }
            // Filling it has touched it.
            if var directory = state.tree.inode(copy), let modified = source.inode(original)?.modified {
                directory.modified = modified
                state.tree.set(directory, for: copy)
            }
        }
        return top
    }

    private mutating func copyOne(_ id: InodeID, to place: EntryName, in state: inout NamespaceState) throws(NamespaceError) -> InodeID {
        let original = try source.attributes(of: id)
        if let copy = linked[id.rawValue] {
            state.tree.attach(copy, at: place, stamp)
            return copy
        }
        objects += 1
        guard objects <= limit else {
            throw NamespaceError(.tooBig, object: "\(id)", cause: "the tree holds more than \(limit) objects", hint: "copy it in parts")
        }
        if let credentials = context.enforced {
            try AccessCheck.require(.read, on: original, credentials, object: "\(id)")
            if original.isDirectory { try AccessCheck.require(.execute, on: original, credentials, object: "\(id)") }
        }
        try state.charge(inodes: 1, bytes: original.allocated, object: state.describe(place))
        let copy = state.allocateInode()
        var inode = Inode(
            type: original.type, mode: original.mode, owner: context.isPrivileged ? original.owner : context.credentials.user,
            group: context.isPrivileged ? original.group : context.credentials.group, stamp: stamp)
        if !context.isPrivileged { inode.clearSetID() }
        inode.device = original.device
        inode.modified = original.modified
        if original.type == .file {
            state.tree.setContent(source.content(of: id, original), of: copy, &inode)
        } else if original.type == .symlink, let target = source.inlineBytes(of: id) {
            state.tree.setInline(target, of: copy, &inode)
            inode.size = original.size
        }
        for xattr in source.xattrs(of: id) {
            state.tree.records.updateValue(.bytes(xattr.value), forKey: NamespaceKey(copy, .xattr, name: xattr.name))
        }
        _ = state.tree.create(copy, inode, at: place, stamp)
        if !original.isDirectory, original.links > 1 { linked[id.rawValue] = copy }
        return copy
    }
}
