import Filesystem
import Primitives

// Attributes: told, compared, set; access; listings.

extension NFSState {
    /// What is told of the current object, with what was written here and is not in the file yet.
    private mutating func values(of handle: FileHandle, _ wanted: AttributeSet, _ run: inout CompoundRun) throws(Stop) -> AttributeValues {
        var values = AttributeValues(
            handle: handle, attributes: try attributes(&run, 1, of: handle), minor: run.minor, limits: limits)
        guard case .object(let filesystem, let inode) = handle else { return values }
        told(&values, ObjectKey(filesystem: filesystem, inode: inode))
        if wanted.attributes.contains(where: \.isOfSpace) {
            guard case .statistics(let statistics) = try file(&run, 2, own(filesystem), .statistics).value else {
                throw .status(.serverfault)
            }
            values.statistics = statistics
        }
        return values
    }

    private func told(_ values: inout AttributeValues, _ key: ObjectKey) {
        if key.inode == .root { values.mountedOn = Self.mountPoint(of: key.filesystem) }
        guard let pending = objects[key]?.pending else { return }
        values.pendingWrites = pending.count
        values.attributes.size = max(values.attributes.size, pending.end)
        if values.attributes.modified < pending.time {
            values.attributes.modified = pending.time
            values.attributes.changed = pending.time
        }
    }

    /// The number of a file system's directory among the exports: any but the root's that stays.
    static func mountPoint(of filesystem: FilesystemID) -> UInt64 { (filesystem.high ^ filesystem.low) >> 1 | 1 << 62 }

    mutating func getAttributes(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let wanted = try arguments.bitmap()
        let handle = try required(run.current)
        // Only for SETATTR and the like.
        guard !wanted.contains(.setAccessed), !wanted.contains(.setModified) else { throw .status(.inval) }
        try values(of: handle, wanted, &run).encode(wanted, to: &run.body)
    }

    /// VERIFY and NVERIFY: the attributes as they would be told are compared.
    mutating func verify(_ run: inout CompoundRun, _ arguments: inout Arguments, negated: Bool) throws(Stop) {
        let wanted = try arguments.bitmap()
        let given = Array(try arguments.opaque(limit: 1 << 16))
        let handle = try required(run.current)
        guard wanted.isSubset(of: .supported(minor: run.minor)) else { throw .status(.attrnotsupp) }
        guard !wanted.contains(.setAccessed), !wanted.contains(.setModified), !wanted.contains(.readError) else { throw .status(.inval) }
        var writer = XDRWriter()
        try values(of: handle, wanted, &run).encode(wanted, to: &writer)
        var expected = XDRWriter()
        wanted.encode(to: &expected)
        expected.write(opaque: given)
        let isSame = writer.bytes == expected.bytes
        if negated == isSame { throw .status(negated ? .same : .notSame) }
    }

    mutating func access(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let asked = try arguments.uint32()
        let handle = try required(run.current)
        let attributes = try attributes(&run, 1, of: handle)
        let (read, lookup, modify, extend, delete, execute): (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (1, 2, 4, 8, 16, 32)
        let isDirectory = attributes.type == .directory
        // Of extended attributes: read, write, list (RFC 8276 §8.4.2).
        let xattrs: UInt32 = run.minor > 1 ? 64 | 128 | 256 : 0
        let supported = (isDirectory ? read | lookup | modify | extend | delete : read | modify | extend | execute) | xattrs
        var granted: UInt32 = 0
        if run.caller.may(.read, attributes) { granted |= read | 64 | 256 }
        if run.caller.may(.write, attributes), handle != .exports { granted |= modify | extend | delete | 128 }
        if run.caller.may(.execute, attributes) { granted |= lookup | execute }
        run.body.write(asked & supported)
        run.body.write(asked & supported & granted)
    }

    // MARK: Setting

    mutating func setAttributes(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let state = try arguments.stateID()
        let wanted = try arguments.settable()
        let key = try object(run.current)
        let handle = FileHandle.object(key.filesystem, key.inode)
        if wanted.changes.size != nil {
            // With a file that is open for writing its right to the content is the open's.
            if let open = try self.state(state, key, &run) {
                guard open.access & NFSShare.write != 0 else { throw .status(.openmode) }
            } else {
                try require(.write, on: handle, &run, 1)
            }
            if let known = run.known[handle], known.type != .file { throw .status(known.type == .directory ? .isdir : .inval) }
        }
        try requireOwner(wanted, handle, &run, 2)
        // What was written before must not change size or times afterwards.
        try settle(key, &run, 10)
        let changes = wanted.at(civil)
        let value = try file(&run, 3, own(key.filesystem), .setAttributes(path: key.path, changes: changes)).value
        if case .attributes(let now) = value { run.changed[handle] = now }
        wanted.named.encode(to: &run.body)
    }

    /// Who may set what (POSIX chmod, chown, utimensat).
    private mutating func requireOwner(_ wanted: SettableAttributes, _ handle: FileHandle, _ run: inout CompoundRun, _ step: Int)
        throws(Stop)
    {
        guard !run.caller.isRoot else { return }
        let changes = wanted.changes
        let needsOwner = changes.mode != nil || changes.group != nil || wanted.setsTimesToValues
        guard needsOwner || changes.owner != nil || wanted.accessedNow || wanted.modifiedNow else { return }
        let attributes = try attributes(&run, step, of: handle)
        let isOwner = attributes.owner == run.caller.user
        if needsOwner, !isOwner { throw .status(.perm) }
        if wanted.accessedNow || wanted.modifiedNow, !isOwner, !run.caller.may(.write, attributes) { throw .status(.access) }
        if let owner = changes.owner, owner != attributes.owner { throw .status(.perm) }
        if let group = changes.group, group != run.caller.group, !run.caller.groups.contains(group) { throw .status(.perm) }
    }

    // MARK: Listing

    mutating func readDirectory(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let cookie = try arguments.uint64()
        _ = try arguments.fixed(8)
        let names = Int(try arguments.uint32())
        let most = Int(try arguments.uint32())
        let wanted = try arguments.bitmap()
        guard cookie != 1, cookie != 2, cookie < 1 << 63 else { throw .status(.badcookie) }
        guard !wanted.contains(.setAccessed), !wanted.contains(.setModified) else { throw .status(.inval) }
        let room = min(most, run.replyLimit - run.size - 64)
        let listing: (entries: [ListedEntry], ends: Bool)
        switch try required(run.current) {
        case .exports: listing = (try exportEntries(after: cookie, wanted, &run), true)
        case .object(let filesystem, let inode):
            let key = ObjectKey(filesystem: filesystem, inode: inode)
            try requireDirectory(run.known[.object(filesystem, inode)])
            try require(.read, on: .object(filesystem, inode), &run, 1)
            // About 200 bytes an entry with its attributes; a page that is too small is followed by another.
            let limit = UInt32(max(16, min(4_096, most / 160, max(names, 512) / 16)))
            let answer = try file(&run, 2, own(filesystem), .list(path: key.path, cookie: cookie, limit: limit)).value
            guard case .entries(let entries, let next) = answer else { throw .status(.serverfault) }
            var statistics: FilesystemStatistics?
            if wanted.attributes.contains(where: \.isOfSpace) {
                guard case .statistics(let found) = try file(&run, 3, own(filesystem), .statistics).value else {
                    throw .status(.serverfault)
                }
                statistics = found
            }
            listing = (entries.map { listed($0, key, statistics, wanted, run.minor) }, next == nil)
        }
        try write(listing.entries, ends: listing.ends, room: room, names: names, &run)
    }

    private struct ListedEntry {
        var cookie: UInt64
        var name: [UInt8]
        var attributes: [UInt8]
    }

    private func listed(
        _ entry: FileEntry, _ directory: ObjectKey, _ statistics: FilesystemStatistics?, _ wanted: AttributeSet, _ minor: UInt32
    ) -> ListedEntry {
        let inode = entry.attributes.inode
        var values = AttributeValues(
            handle: .object(directory.filesystem, inode), attributes: entry.attributes, statistics: statistics, minor: minor, limits: limits
        )
        told(&values, ObjectKey(filesystem: directory.filesystem, inode: inode))
        var writer = XDRWriter()
        values.encode(wanted, to: &writer)
        return ListedEntry(cookie: entry.cookie, name: entry.name, attributes: writer.bytes)
    }

    /// Entries of the root: the roots of the file systems. Their attributes are asked for one by one, where more than what is
    /// known of any root is wanted.
    private mutating func exportEntries(after cookie: UInt64, _ wanted: AttributeSet, _ run: inout CompoundRun) throws(Stop)
        -> [ListedEntry]
    {
        var entries: [ListedEntry] = []
        for (place, export) in try exports(&run, 1).enumerated() {
            let number = UInt64(place) + 16
            guard number > cookie else { continue }
            let root = FileHandle.object(export.filesystem, .root)
            var writer = XDRWriter()
            do throws(Stop) {
                var values = AttributeValues(
                    handle: root, attributes: try attributes(&run, 100 + place, of: root), minor: run.minor, limits: limits)
                values.mountedOn = Self.mountPoint(of: export.filesystem)
                values.encode(wanted, to: &writer)
            } catch {
                guard case .status(let status) = error else { throw error }
                writer = XDRWriter()
                let told = AttributeSet([.readError])
                if wanted.contains(.readError) { told.encode(to: &writer) } else { AttributeSet().encode(to: &writer) }
                var value = XDRWriter()
                if wanted.contains(.readError) { value.write(status.rawValue) }
                writer.write(opaque: value.bytes)
            }
            entries.append(ListedEntry(cookie: number, name: Array(export.name.utf8), attributes: writer.bytes))
        }
        return entries
    }

    /// As many entries as there is room for; never some of those that share a cookie.
    private func write(_ entries: [ListedEntry], ends: Bool, room: Int, names: Int, _ run: inout CompoundRun) throws(Stop) {
        // The verifier of cookies, the two ends of the list.
        var left = room - 24
        var namesLeft = names == 0 ? Int.max : names
        var taken = 0
        for entry in entries {
            let name = 16 + (entry.name.count + 3) / 4 * 4
            guard left >= name + entry.attributes.count, namesLeft >= name || taken == 0 else { break }
            left -= name + entry.attributes.count
            namesLeft -= name
            taken += 1
        }
        if taken < entries.count {
            while taken > 0, entries[taken - 1].cookie == entries[taken].cookie { taken -= 1 }
            if taken == 0 { throw .status(.toosmall) }
        }
        run.body.write(UInt64(0))
        for entry in entries[..<taken] {
            run.body.write(true)
            run.body.write(entry.cookie)
            run.body.write(opaque: entry.name)
            run.body.write(fixed: entry.attributes)
        }
        run.body.write(false)
        run.body.write(ends && taken == entries.count)
    }
}
