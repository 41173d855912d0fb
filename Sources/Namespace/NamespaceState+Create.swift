import Primitives

extension NamespaceState {
    /// A directory in which a name is to be made, looked up once.
    struct Place {
        let name: EntryName
        let parent: Inode
    }

    /// Refuses what is no name for a new entry.
    static func validate(_ name: [UInt8]) throws(NamespaceError) {
        guard name.count <= NamespaceLimits.nameBytes else {
            throw NamespaceError(
                .nameTooLong, object: "\(display(name.prefix(32)))…",
                cause: "\(name.count) bytes; a name has at most \(NamespaceLimits.nameBytes)")
        }
        guard !name.isEmpty, !name.contains(0), !name.contains(UInt8(ascii: "/")) else {
            throw NamespaceError(.invalid, object: "\"\(display(name))\"", cause: "a name is not empty and holds neither / nor NUL")
        }
        guard !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else {
            throw NamespaceError(.invalid, object: display(name), cause: ". and .. are not names that can be made or removed")
        }
    }

    /// Checks everything that making a name demands of its directory, but for the name being free.
    func place(_ parent: InodeID, _ name: [UInt8], _ context: CommandContext) throws(NamespaceError) -> Place {
        try Self.validate(name)
        let directory = try tree.directory(parent)
        if let credentials = context.enforced {
            try AccessCheck.require(.execute, on: directory, credentials, object: "\(parent)")
        }
        return Place(name: EntryName(directory: parent, name: name), parent: directory)
    }

    /// Checks that entries may be made and removed there.
    func requireWritable(_ place: Place, _ context: CommandContext) throws(NamespaceError) {
        if let credentials = context.enforced {
            try AccessCheck.require(.write, on: place.parent, credentials, object: "\(place.name.directory)")
        }
    }

    func requireFree(_ place: Place) throws(NamespaceError) {
        guard tree.entry(place.name.directory, place.name.name) == nil else {
            throw NamespaceError(.exists, object: describe(place.name), cause: "the name is taken")
        }
    }

    func describe(_ name: EntryName) -> String { "\(name.directory)/\(display(name.name))" }

    /// What any new entry demands of a directory that was found.
    func requireRoom(_ place: Place, isDirectory: Bool, bytes: UInt64 = 0) throws(NamespaceError) {
        guard place.parent.links > 0, place.name.directory == .root || place.parent.parent.rawValue != 0 else {
            throw NamespaceError(.noEntry, object: "\(place.name.directory)", cause: "the directory was removed")
        }
        if isDirectory, place.parent.links >= NamespaceLimits.links {
            throw NamespaceError(
                .tooManyLinks, object: "\(place.name.directory)", cause: "a directory has at most \(NamespaceLimits.links) subdirectories")
        }
        try charge(inodes: 1, bytes: bytes, object: describe(place.name))
    }

    /// The new inode's group is the directory's where that has the set-group-id bit, which a new
    /// directory inherits.
    func newInode(_ type: InodeType, _ mode: UInt32, in parent: Inode, _ context: CommandContext, _ stamp: Stamp) -> Inode {
        var mode = mode & 0o7777
        var group = context.credentials.group
        if parent.mode & 0o2000 != 0 {
            group = parent.group
            if type == .directory {
                mode |= 0o2000
            } else if mode & 0o2010 == 0o2010, !context.isPrivileged, !context.credentials.isMember(of: group) {
                mode &= ~0o2000
            }
        }
        return Inode(type: type, mode: mode, owner: context.credentials.user, group: group, stamp: stamp)
    }

    /// Stores the new inode and answers for it.
    mutating func add(
        _ inode: Inode, at place: Place, _ stamp: Stamp, then change: (inout NamespaceTree, InodeID, inout Inode) -> Void = { _, _, _ in }
    )
        -> NamespaceReply
    {
        let id = allocateInode()
        var inode = inode
        change(&tree, id, &inode)
        let stored = tree.create(id, inode, at: place.name, stamp)
        let info = ChangeInfo(place.name.directory, before: place.parent.changeID, after: stamp.change)
        return .object(ObjectReply(id, stored, created: true, directory: info))
    }

    mutating func makeDirectory(
        _ parent: InodeID, _ name: [UInt8], _ mode: UInt32, _ verifier: UInt64, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let place = try place(parent, name, context)
        if verifier != 0, let existing = tree.entry(parent, name), let inode = tree.inode(existing.inode), inode.isDirectory,
            inode.verifier == verifier
        {
            return .object(ObjectReply(existing.inode, inode, created: true))
        }
        try requireFree(place)
        try requireWritable(place, context)
        try requireRoom(place, isDirectory: true)
        let stamp = stamp(context)
        var inode = newInode(.directory, mode, in: place.parent, context, stamp)
        inode.verifier = verifier
        return add(inode, at: place, stamp)
    }

    mutating func createFile(
        _ parent: InodeID, _ name: [UInt8], _ mode: UInt32, _ how: CreateMode, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let place = try place(parent, name, context)
        if let existing = tree.entry(parent, name) { return try openExisting(existing, place, how, context) }
        try requireWritable(place, context)
        try requireRoom(place, isDirectory: false)
        let stamp = stamp(context)
        var inode = newInode(.file, mode, in: place.parent, context, stamp)
        if case .verified(let verifier) = how { inode.verifier = verifier }
        return add(inode, at: place, stamp)
    }

    private mutating func openExisting(
        _ existing: EntryTarget, _ place: Place, _ how: CreateMode, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let inode = try tree.attributes(of: existing.inode)
        switch how {
        case .exclusive: throw NamespaceError(.exists, object: describe(place.name), cause: "the name is taken")
        case .verified(let verifier):
            guard inode.type == .file, verifier != 0, inode.verifier == verifier else {
                throw NamespaceError(.exists, object: describe(place.name), cause: "the name is taken")
            }
            return .object(ObjectReply(existing.inode, inode, created: true))
        case .open(let truncate):
            guard !inode.isDirectory else { throw NamespaceError(.isDirectory, object: describe(place.name), cause: "it is a directory") }
            guard truncate, inode.type == .file else { return .object(ObjectReply(existing.inode, inode)) }
            if let credentials = context.enforced { try AccessCheck.require(.write, on: inode, credentials, object: describe(place.name)) }
            return try setAttributes(existing.inode, AttributePatch(size: 0), context)
        }
    }

    mutating func makeSymlink(
        _ parent: InodeID, _ name: [UInt8], _ target: [UInt8], _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        guard target.count <= NamespaceLimits.pathBytes else {
            throw NamespaceError(
                .nameTooLong, object: display(name), cause: "the target has \(target.count) bytes, at most \(NamespaceLimits.pathBytes)")
        }
        guard !target.isEmpty, !target.contains(0) else {
            throw NamespaceError(.invalid, object: display(name), cause: "the target of a symlink is not empty and holds no NUL")
        }
        let place = try place(parent, name, context)
        try requireFree(place)
        try requireWritable(place, context)
        try requireRoom(place, isDirectory: false, bytes: UInt64(target.count))
        let stamp = stamp(context)
        var inode = newInode(.symlink, 0o777, in: place.parent, context, stamp)
        inode.size = UInt64(target.count)
        return add(inode, at: place, stamp) { tree, id, inode in tree.setInline(target, of: id, &inode) }
    }

    mutating func makeNode(
        _ parent: InodeID, _ name: [UInt8], _ mode: UInt32, _ type: InodeType, _ device: UInt64, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        switch type {
        case .fifo, .socket: break
        case .characterDevice, .blockDevice:
            guard context.isPrivileged else {
                throw NamespaceError(.notPermitted, object: display(name), cause: "only root makes devices")
            }
        case .file, .directory, .symlink:
            throw NamespaceError(.invalid, object: display(name), cause: "a node is a fifo, a socket or a device")
        }
        let place = try place(parent, name, context)
        try requireFree(place)
        try requireWritable(place, context)
        try requireRoom(place, isDirectory: false)
        let stamp = stamp(context)
        var inode = newInode(type, mode, in: place.parent, context, stamp)
        if type == .characterDevice || type == .blockDevice { inode.device = device }
        return add(inode, at: place, stamp)
    }

    mutating func link(
        _ id: InodeID, _ parent: InodeID, _ name: [UInt8], _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        let inode = try tree.attributes(of: id)
        guard !inode.isDirectory else { throw NamespaceError(.notPermitted, object: "\(id)", cause: "directories have one name") }
        let place = try place(parent, name, context)
        try requireFree(place)
        try requireWritable(place, context)
        guard inode.links > 0 else {
            throw NamespaceError(.noEntry, object: "\(id)", cause: "its last name was removed")
        }
        guard inode.links < NamespaceLimits.links else {
            throw NamespaceError(.tooManyLinks, object: "\(id)", cause: "a file has at most \(NamespaceLimits.links) names")
        }
        guard place.name.directory == .root || place.parent.parent.rawValue != 0 else {
            throw NamespaceError(.noEntry, object: "\(parent)", cause: "the directory was removed")
        }
        let stamp = stamp(context)
        tree.attach(id, at: place.name, stamp)
        let info = ChangeInfo(parent, before: place.parent.changeID, after: stamp.change)
        return .object(ObjectReply(id, tree.inode(id)!, directory: info))
    }
}
