import Filesystem
import Primitives

// Of minor version 2 (RFC 7862): holes and data; extended attributes (RFC 8276).

extension NFSState {
    mutating func performOfTwo(_ number: UInt32, _ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        switch number {
        case 62: try deallocate(&run, &arguments)
        case 69: try seek(&run, &arguments)
        case 72: try getXattr(&run, &arguments)
        case 73: try setXattr(&run, &arguments)
        case 74: try listXattrs(&run, &arguments)
        case 75: try removeXattr(&run, &arguments)
        default: throw .status(.notsupp)
        }
    }

    // MARK: Ranges

    private mutating func deallocate(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let given = try arguments.stateID()
        let (offset, length) = (try arguments.uint64(), try arguments.uint64())
        let key = try object(run.current, orElse: .isdir)
        let handle = FileHandle.object(key.filesystem, key.inode)
        if let state = try state(given, key, &run) {
            guard access(of: state) & NFSShare.write != 0 else { throw .status(.openmode) }
        } else {
            try require(.write, on: handle, &run, 1)
        }
        guard length > 0, offset <= UInt64(Int64.max) else { throw .status(.inval) }
        try settle(key, &run, 2)
        let most = min(length, UInt64(Int64.max) - offset)
        try file(&run, 3, own(key.filesystem), .zeroRange(path: key.path, offset: offset, length: most, extend: false))
        run.known[handle] = nil
    }

    /// Where there is nothing of the kind any more, that is told with the end of the file (RFC 7862 §15.11.3).
    private mutating func seek(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let given = try arguments.stateID()
        let offset = try arguments.uint64()
        let what = try arguments.uint32()
        let key = try object(run.current, orElse: .isdir)
        guard what <= 1 else { throw .status(.unionNotsupp) }
        _ = try state(given, key, &run)
        try settle(key, &run, 1)
        let attributes = try attributes(&run, 2, of: .object(key.filesystem, key.inode))
        guard attributes.type == .file else { throw .status(.wrongType) }
        guard offset < attributes.size else { throw .status(.nxio) }
        var found = attributes.size
        switch try attempt(&run, 3, own(key.filesystem), .seek(path: key.path, offset: offset, hole: what == 1)) {
        case .success((.position(let place), _)): found = min(place, attributes.size)
        case .success: throw .status(.serverfault)
        case .failure(let failure): guard failure.code == .noSuchPlace else { throw .status(NFSStatus(failure)) }
        }
        run.body.write(found == attributes.size)
        run.body.write(found)
    }

    // MARK: Extended attributes

    /// The protocol's names are those of users' attributes, without the word that says so.
    private func xattrName(_ arguments: inout Arguments) throws(Stop) -> [UInt8] {
        let name = Array(try arguments.opaque(limit: 1_024))
        guard !name.isEmpty else { throw .status(.inval) }
        guard name.count <= 250 else { throw .status(.nametoolong) }
        return Array("user.".utf8) + name
    }

    private mutating func getXattr(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let name = try xattrName(&arguments)
        let key = try object(run.current, orElse: .noxattr)
        try require(.read, on: .object(key.filesystem, key.inode), &run, 1)
        guard case .bytes(let value) = try file(&run, 2, own(key.filesystem), .getXattr(path: key.path, name: name)).value else {
            throw .status(.serverfault)
        }
        guard run.size + value.count + 16 <= run.replyLimit else { throw .status(.repTooBig) }
        run.body.write(opaque: value)
    }

    private mutating func setXattr(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let how = try arguments.uint32()
        let name = try xattrName(&arguments)
        let value = Array(try arguments.opaque(limit: limits.recordBytes))
        let key = try object(run.current)
        guard let rule = XattrRule(rawValue: how) else { throw .status(.badxdr) }
        guard value.count <= 65_536 else { throw .status(.xattr2big) }
        try require(.write, on: .object(key.filesystem, key.inode), &run, 1)
        let before = knownChange(of: key, run)
        try file(&run, 3, own(key.filesystem), .setXattr(path: key.path, name: name, value: value, rule: rule))
        try writeChange(of: key, before: before, &run, 4)
    }

    private mutating func removeXattr(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let name = try xattrName(&arguments)
        let key = try object(run.current)
        try require(.write, on: .object(key.filesystem, key.inode), &run, 1)
        let before = knownChange(of: key, run)
        try file(&run, 2, own(key.filesystem), .removeXattr(path: key.path, name: name))
        try writeChange(of: key, before: before, &run, 3)
    }

    /// The cookie is the count of names that have been told.
    private mutating func listXattrs(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let cookie = try arguments.uint64()
        let most = Int(try arguments.uint32())
        let key = try object(run.current, orElse: .notsupp)
        try require(.read, on: .object(key.filesystem, key.inode), &run, 1)
        guard case .names(let all) = try file(&run, 2, own(key.filesystem), .listXattrs(path: key.path)).value else {
            throw .status(.serverfault)
        }
        let names = all.filter { $0.starts(with: "user.".utf8) }.map { Array($0.dropFirst(5)) }
        guard let start = Int(exactly: cookie), start <= names.count else { throw .status(.badcookie) }
        var left = min(most, run.replyLimit - run.size) - 24
        let told = names[start...].prefix { name in
            left -= 4 + (name.count + 3) / 4 * 4
            return left >= 0
        }
        if told.isEmpty, start < names.count { throw .status(.toosmall) }
        run.body.write(UInt64(start + told.count))
        run.body.write(UInt32(told.count))
        for name in told { run.body.write(opaque: name) }
        run.body.write(start + told.count == names.count)
    }
}
