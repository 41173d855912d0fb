import Filesystem
import Primitives

// Names: looking them up, making them, removing them.

extension NFSState {
    mutating func putHandle(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        guard let handle = FileHandle(try arguments.opaque(limit: 128)) else { throw .status(.badhandle) }
        setCurrent(&run, handle)
    }

    mutating func lookup(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let name = try arguments.name()
        setCurrent(&run, try found(name, &run))
    }

    /// What a name of the current directory is.
    private mutating func found(_ name: [UInt8], _ run: inout CompoundRun) throws(Stop) -> FileHandle {
        switch try required(run.current) {
        case .exports:
            guard let export = try exports(&run, 1).first(where: { $0.name.utf8.elementsEqual(name) }) else { throw .status(.noent) }
            return .object(export.filesystem, .root)
        case .object(let filesystem, let inode):
            let directory = ObjectKey(filesystem: filesystem, inode: inode)
            try requireDirectory(run.known[.object(filesystem, inode)])
            try require(.execute, on: .object(filesystem, inode), &run, 1)
            switch try child(&run, 2, name, of: directory) {
            case .success(let found): return .object(filesystem, found.inode)
            case .failure(let failure): throw .status(NFSStatus(failure))
            }
        }
    }

    func requireDirectory(_ attributes: FileAttributes?) throws(Stop) {
        guard let attributes, attributes.type != .directory else { return }
        throw .status(attributes.type == .symlink ? .symlink : .notdir)
    }

    mutating func lookupParent(_ run: inout CompoundRun) throws(Stop) {
        setCurrent(&run, try parent(&run))
    }

    private mutating func parent(_ run: inout CompoundRun) throws(Stop) -> FileHandle {
        guard case .object(let filesystem, let inode) = try required(run.current) else { throw .status(.noent) }
        guard inode != .root else { return .exports }
        let handle = FileHandle.object(filesystem, inode)
        let attributes = try attributes(&run, 1, of: handle)
        guard attributes.type == .directory else { throw .status(.notdir) }
        guard run.caller.may(.execute, attributes) else { throw .status(.access) }
        guard attributes.parent.rawValue != 0 else { throw .status(.stale) }
        return .object(filesystem, attributes.parent)
    }

    /// The flavors that are taken: AUTH_SYS. The operation uses the current handle up (RFC 8881 §2.6.3.1.1.8).
    mutating func securityByName(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let name = try arguments.name()
        _ = try found(name, &run)
        writeFlavors(&run)
    }

    mutating func securityOfHandle(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let style = try arguments.uint32()
        guard style <= 1 else { throw .status(.badxdr) }
        if style == 1 { _ = try parent(&run) } else { _ = try required(run.current) }
        writeFlavors(&run)
    }

    private func writeFlavors(_ run: inout CompoundRun) {
        run.body.write(UInt32(1))
        run.body.write(RPCCredential.sys)
        run.current = nil
        run.currentState = nil
    }

    mutating func readLink(_ run: inout CompoundRun) throws(Stop) {
        let object = try object(run.current, orElse: .inval)
        if let known = run.known[.object(object.filesystem, object.inode)], known.type != .symlink {
            throw .status(run.minor > 0 ? .wrongType : .inval)
        }
        guard case .link(let target) = try file(&run, 1, own(object.filesystem), .readLink(path: object.path)).value else {
            throw .status(.serverfault)
        }
        run.body.write(opaque: target)
    }

    // MARK: Changing

    /// change_info4 of a directory that was changed; what others did meanwhile is in it too, so that it is never atomic.
    mutating func writeChange(of directory: ObjectKey, before: UInt64?, _ run: inout CompoundRun, _ step: Int) throws(Stop) {
        let value = try file(&run, step, own(directory.filesystem), .stat(path: directory.path, followLinks: false)).value
        guard case .attributes(let now) = value else { throw .status(.serverfault) }
        run.body.write(false)
        run.body.write(before ?? 0)
        run.body.write(now.changeID << 16)
        run.changed[.object(directory.filesystem, directory.inode)] = now
    }

    func knownChange(of directory: ObjectKey, _ run: CompoundRun) -> UInt64? {
        run.known[.object(directory.filesystem, directory.inode)].map { $0.changeID << 16 }
    }

    /// The caller may make and remove names there.
    mutating func requireWritable(_ directory: ObjectKey, _ run: inout CompoundRun, _ step: Int) throws(Stop) {
        let handle = FileHandle.object(directory.filesystem, directory.inode)
        try requireDirectory(run.known[handle])
        try require(.write, on: handle, &run, step)
        try require(.execute, on: handle, &run, step)
    }

    mutating func create(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let type = try arguments.uint32()
        var target: [UInt8] = []
        var device: UInt64 = 0
        switch type {
        case 5: target = Array(try arguments.opaque(limit: 1 << 16))
        case 3, 4: device = UInt64(try arguments.uint32()) << 32 | UInt64(try arguments.uint32())
        case 2, 6, 7: break
        default: throw .status(.badtype)
        }
        let name = try arguments.name()
        let wanted = try arguments.settable()
        let directory = try object(run.current)
        if type == 5 {
            guard !target.isEmpty else { throw .status(.inval) }
            guard target.count <= 4_095 else { throw .status(.nametoolong) }
        }
        let before = knownChange(of: directory, run)
        try requireWritable(directory, &run, 1)
        let path = FilePath(base: directory.inode, components: [name])
        let mode = wanted.changes.mode ?? 0o755
        let operation: FileOperation =
            switch type {
            case 2: .makeDirectory(path: path, mode: mode, parents: false)
            case 5: .symlink(target: target, path: path)
            case 3: .makeNode(path: path, mode: mode, type: .blockDevice, device: device)
            case 4: .makeNode(path: path, mode: mode, type: .characterDevice, device: device)
            case 6: .makeNode(path: path, mode: mode, type: .socket, device: 0)
            default: .makeNode(path: path, mode: mode, type: .fifo, device: 0)
            }
        guard run.caller.isRoot || type != 3 && type != 4 else { throw .status(.perm) }
        try file(&run, 2, maker(directory.filesystem, run), operation)
        guard case .success(let made) = try child(&run, 3, name, of: directory) else { throw .status(.stale) }
        let rest = try setRest(wanted, of: made, directory.filesystem, alreadySet: type == 5 ? [] : [.mode], &run, 4)
        try writeChange(of: directory, before: before, &run, 5)
        var told = wanted.named.intersection(rest)
        if wanted.changes.mode != nil, type != 5 { told.insert(.mode) }
        told.encode(to: &run.body)
        setCurrent(&run, .object(directory.filesystem, made.inode))
    }

    /// What could not be set in the making. Returns what was.
    mutating func setRest(
        _ wanted: SettableAttributes, of made: FileAttributes, _ filesystem: FilesystemID, alreadySet: [Attribute],
        _ run: inout CompoundRun,
        _ step: Int
    ) throws(Stop) -> AttributeSet {
        var left = wanted
        for attribute in alreadySet { left.named.remove(attribute) }
        if !left.named.contains(.mode) { left.changes.mode = nil }
        // A link's mode means nothing.
        if made.type == .symlink {
            left.changes.mode = nil
            left.named.remove(.mode)
        }
        if left.changes.owner == made.owner { left.changes.owner = nil }
        if left.changes.group == made.group { left.changes.group = nil }
        if left.changes.size == made.size { left.changes.size = nil }
        let changes = left.at(civil)
        guard left.changes != AttributeChanges(following: false) || left.accessedNow || left.modifiedNow else { return wanted.named }
        guard run.caller.isRoot || left.changes.owner == nil else { throw .status(.perm) }
        let path = FilePath(base: made.inode, components: [])
        let value = try file(&run, step, own(filesystem), .setAttributes(path: path, changes: changes)).value
        if case .attributes(let now) = value { run.known[.object(filesystem, made.inode)] = now }
        return wanted.named
    }

    mutating func remove(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let name = try arguments.name()
        let directory = try object(run.current)
        let before = knownChange(of: directory, run)
        try requireWritable(directory, &run, 1)
        try requireSticky(directory, name, &run, 2)
        let path = FilePath(base: directory.inode, components: [name])
        try file(&run, 3, maker(directory.filesystem, run), .remove(path: path, recursive: false))
        try writeChange(of: directory, before: before, &run, 4)
    }

    /// In a sticky directory only an owner, of it or of the entry, removes or renames.
    private mutating func requireSticky(_ directory: ObjectKey, _ name: [UInt8], _ run: inout CompoundRun, _ step: Int) throws(Stop) {
        guard !run.caller.isRoot else { return }
        let parent = try attributes(&run, step, of: .object(directory.filesystem, directory.inode))
        guard parent.mode & 0o1000 != 0, parent.owner != run.caller.user else { return }
        guard case .success(let entry) = try child(&run, step + 20, name, of: directory), entry.owner != run.caller.user else { return }
        throw .status(.perm)
    }

    mutating func rename(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let (from, to) = (try arguments.name(), try arguments.name())
        let source = try object(run.saved)
        let target = try object(run.current)
        guard source.filesystem == target.filesystem else { throw .status(.xdev) }
        let (sourceBefore, targetBefore) = (knownChange(of: source, run), knownChange(of: target, run))
        try requireWritable(source, &run, 1)
        try requireWritable(target, &run, 2)
        try requireSticky(source, from, &run, 3)
        try requireSticky(target, to, &run, 4)
        try file(
            &run, 5, maker(source.filesystem, run),
            .rename(
                from: FilePath(base: source.inode, components: [from]), to: FilePath(base: target.inode, components: [to]), noReplace: false
            ))
        try writeChange(of: source, before: sourceBefore, &run, 6)
        // One directory is asked for once, and told twice.
        try writeChange(of: target, before: targetBefore, &run, source == target ? 6 : 7)
    }

    mutating func link(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let name = try arguments.name()
        let source = try object(run.saved)
        let directory = try object(run.current)
        guard source.filesystem == directory.filesystem else { throw .status(.xdev) }
        if run.known[.object(source.filesystem, source.inode)]?.type == .directory { throw .status(.isdir) }
        let before = knownChange(of: directory, run)
        try requireWritable(directory, &run, 1)
        try file(
            &run, 2, maker(directory.filesystem, run),
            .link(existing: source.path, new: FilePath(base: directory.inode, components: [name])))
        try writeChange(of: directory, before: before, &run, 3)
        // Its count of links is another now.
        run.known[.object(source.filesystem, source.inode)] = nil
    }
}

extension AttributeChanges {
    fileprivate init(following: Bool) {
        self.init()
        followsLinks = following
    }
}
