package import Primitives

// Wire form of compounds and their answers (docs/reference/wire.md): a union per operation, the
// discriminant first. New operations take new numbers; a reader refuses those that it does not know.

extension FilePath: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(opaque: bytes) }
    package init(from reader: inout XDRReader) throws(XDRError) {
        guard let path = FilePath(try reader.opaque(limit: 8_192)) else { throw .badText }
        self = path
    }
}

extension SessionID: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64()) }
}

extension StageKey: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(session)
        writer.write(handle.rawValue)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(session: try reader.value(), handle: HandleID(try reader.uint64()))
    }
}

extension LockRange: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(start)
        writer.write(length)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(start: try reader.uint64(), length: try reader.uint64())
    }
}

extension AttributeChanges: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        for field in [mode, owner, group] {
            writer.write(field != nil)
            if let field { writer.write(field) }
        }
        writer.write(size != nil)
        if let size { writer.write(size) }
        writer.write(accessed)
        writer.write(modified)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init()
        if try reader.bool() { mode = try reader.uint32() }
        if try reader.bool() { owner = try reader.uint32() }
        if try reader.bool() { group = try reader.uint32() }
        if try reader.bool() { size = try reader.uint64() }
        accessed = try reader.optional()
        modified = try reader.optional()
    }
}

extension Compound: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(filesystem)
        writer.write(session)
        writer.write(userID)
        writer.write(groupID)
        writer.write(requests)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            filesystem: try reader.value(), session: try reader.value(), userID: try reader.uint32(), groupID: try reader.uint32(),
            requests: try reader.array(limit: Compound.maximumRequests))
    }
}

extension XDRReader {
    /// A name or another short opaque, as an array.
    mutating func name(limit: Int = 4_096) throws(XDRError) -> [UInt8] { Array(try opaque(limit: limit)) }
}

extension FileRequest: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .lookup(let directory, let name):
            writer.write(UInt32(1))
            writer.write(directory)
            writer.write(opaque: name)
        case .getAttributes(let inode):
            writer.write(UInt32(2))
            writer.write(inode)
        case .readDirectory(let inode, let cookie, let limit):
            writer.write(UInt32(3))
            writer.write(inode)
            writer.write(cookie)
            writer.write(limit)
        case .open(let inode, let write):
            writer.write(UInt32(4))
            writer.write(inode)
            writer.write(write)
        case .create(let directory, let name, let mode, let exclusive, let truncate):
            writer.write(UInt32(5))
            writer.write(directory)
            writer.write(opaque: name)
            writer.write(mode)
            writer.write(exclusive)
            writer.write(truncate)
        case .read(let inode, let offset, let length):
            writer.write(UInt32(6))
            writer.write(inode)
            writer.write(offset)
            writer.write(length)
        case .write(let stage, let offset, let length, let overwrites):
            writer.write(UInt32(7))
            writer.write(stage)
            writer.write(offset)
            writer.write(length)
            writer.write(overwrites)
        case .commit(let inode, let stage, let writes):
            writer.write(UInt32(8))
            writer.write(inode)
            writer.write(stage)
            writer.write(writes)
        case .replace(let directory, let path, let mode, let refuseExisting, let stage, let writes):
            writer.write(UInt32(9))
            writer.write(directory)
            writer.write(path)
            writer.write(mode)
            writer.write(refuseExisting)
            writer.write(stage)
            writer.write(writes)
        case .dropStage(let stage):
            writer.write(UInt32(10))
            writer.write(stage)
        case .close(let inode):
            writer.write(UInt32(11))
            writer.write(inode)
        case .makeDirectory(let directory, let name, let mode):
            writer.write(UInt32(12))
            writer.write(directory)
            writer.write(opaque: name)
            writer.write(mode)
        case .makePath(let path, let mode):
            writer.write(UInt32(13))
            writer.write(path)
            writer.write(mode)
        case .remove(let directory, let name, let recursive):
            writer.write(UInt32(14))
            writer.write(directory)
            writer.write(opaque: name)
            writer.write(recursive)
        case .rename(let fromDirectory, let fromName, let toDirectory, let toName, let noReplace):
            writer.write(UInt32(15))
            writer.write(fromDirectory)
            writer.write(opaque: fromName)
            writer.write(toDirectory)
            writer.write(opaque: toName)
            writer.write(noReplace)
        case .link(let inode, let directory, let name):
            writer.write(UInt32(16))
            writer.write(inode)
            writer.write(directory)
            writer.write(opaque: name)
        case .symlink(let target, let directory, let name):
            writer.write(UInt32(17))
            writer.write(opaque: target)
            writer.write(directory)
            writer.write(opaque: name)
        case .readLink(let inode):
            writer.write(UInt32(18))
            writer.write(inode)
        case .setAttributes(let inode, let changes):
            writer.write(UInt32(19))
            writer.write(inode)
            writer.write(changes)
        case .copy(let from, let to, let recursive):
            writer.write(UInt32(20))
            writer.write(from)
            writer.write(to)
            writer.write(recursive)
        case .getXattr(let inode, let name):
            writer.write(UInt32(21))
            writer.write(inode)
            writer.write(opaque: name)
        case .setXattr(let inode, let name, let value, let rule):
            writer.write(UInt32(22))
            writer.write(inode)
            writer.write(opaque: name)
            writer.write(opaque: value)
            writer.write(rule.rawValue)
        case .removeXattr(let inode, let name):
            writer.write(UInt32(23))
            writer.write(inode)
            writer.write(opaque: name)
        case .listXattrs(let inode):
            writer.write(UInt32(24))
            writer.write(inode)
        case .statistics:
            writer.write(UInt32(25))
        case .lock(let inode, let range, let exclusive, let owner):
            writer.write(UInt32(26))
            writer.write(inode)
            writer.write(range)
            writer.write(exclusive)
            writer.write(owner)
        case .unlock(let inode, let range, let owner):
            writer.write(UInt32(27))
            writer.write(inode)
            writer.write(range)
            writer.write(owner)
        case .endSession:
            writer.write(UInt32(28))
        case .openName(let directory, let name, let write):
            writer.write(UInt32(29))
            writer.write(directory)
            writer.write(opaque: name)
            writer.write(write)
        case .makeNode(let directory, let name, let mode, let type, let device):
            writer.write(UInt32(30))
            writer.write(directory)
            writer.write(opaque: name)
            writer.write(mode)
            writer.write(type.rawValue)
            writer.write(device)
        case .exchange(let directory, let name, let otherDirectory, let otherName):
            writer.write(UInt32(31))
            writer.write(directory)
            writer.write(opaque: name)
            writer.write(otherDirectory)
            writer.write(opaque: otherName)
        case .zeroRange(let inode, let offset, let length, let extend):
            writer.write(UInt32(32))
            writer.write(inode)
            writer.write(offset)
            writer.write(length)
            writer.write(extend)
        case .make(let directory, let name, let object):
            writer.write(UInt32(34))
            writer.write(directory)
            writer.write(opaque: name)
            writer.write(object)
        case .client(let request):
            writer.write(UInt32(36))
            writer.write(request)
        case .seek(let inode, let offset, let hole):
            writer.write(UInt32(35))
            writer.write(inode)
            writer.write(offset)
            writer.write(hole)
        case .testLock(let inode, let range, let exclusive, let owner):
            writer.write(UInt32(33))
            writer.write(inode)
            writer.write(range)
            writer.write(exclusive)
            writer.write(owner)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .lookup(directory: try reader.value(), name: try reader.name())
        case 2: self = .getAttributes(try reader.value())
        case 3: self = .readDirectory(try reader.value(), cookie: try reader.uint64(), limit: try reader.uint32())
        case 4: self = .open(try reader.value(), write: try reader.bool())
        case 5:
            self = .create(
                directory: try reader.value(), name: try reader.name(), mode: try reader.uint32(), exclusive: try reader.bool(),
                truncate: try reader.bool())
        case 6: self = .read(try reader.value(), offset: try reader.uint64(), length: try reader.uint32())
        case 7:
            self = .write(
                try reader.value(), offset: try reader.uint64(), length: try reader.uint32(), overwrites: try reader.bool())
        case 8: self = .commit(try reader.value(), stage: try reader.value(), writes: try reader.uint64())
        case 9:
            self = .replace(
                directory: try reader.value(), path: try reader.value(), mode: try reader.uint32(), refuseExisting: try reader.bool(),
                stage: try reader.value(), writes: try reader.uint64())
        case 10: self = .dropStage(try reader.value())
        case 11: self = .close(try reader.value())
        case 12: self = .makeDirectory(directory: try reader.value(), name: try reader.name(), mode: try reader.uint32())
        case 13: self = .makePath(try reader.value(), mode: try reader.uint32())
        case 14: self = .remove(directory: try reader.value(), name: try reader.name(), recursive: try reader.bool())
        case 15:
            self = .rename(
                fromDirectory: try reader.value(), fromName: try reader.name(), toDirectory: try reader.value(), toName: try reader.name(),
                noReplace: try reader.bool())
        case 16: self = .link(try reader.value(), directory: try reader.value(), name: try reader.name())
        case 17: self = .symlink(target: try reader.name(), directory: try reader.value(), name: try reader.name())
        case 18: self = .readLink(try reader.value())
        case 19: self = .setAttributes(try reader.value(), try reader.value())
        case 20: self = .copy(from: try reader.value(), to: try reader.value(), recursive: try reader.bool())
        case 21: self = .getXattr(try reader.value(), name: try reader.name())
        case 22:
            self = .setXattr(
                try reader.value(), name: try reader.name(), value: try reader.name(limit: 65_536), rule: try reader.xattrRule())
        case 23: self = .removeXattr(try reader.value(), name: try reader.name())
        case 24: self = .listXattrs(try reader.value())
        case 25: self = .statistics
        case 26:
            self = .lock(try reader.value(), range: try reader.value(), exclusive: try reader.bool(), owner: try reader.uint64())
        case 27: self = .unlock(try reader.value(), range: try reader.value(), owner: try reader.uint64())
        case 28: self = .endSession
        case 30:
            self = .makeNode(
                directory: try reader.value(), name: try reader.name(), mode: try reader.uint32(), type: try reader.fileType(),
                device: try reader.uint64())
        case 31:
            self = .exchange(
                directory: try reader.value(), name: try reader.name(), otherDirectory: try reader.value(), otherName: try reader.name())
        case 32:
            self = .zeroRange(
                try reader.value(), offset: try reader.uint64(), length: try reader.uint64(), extend: try reader.bool())
        case 33:
            self = .testLock(try reader.value(), range: try reader.value(), exclusive: try reader.bool(), owner: try reader.uint64())
        case 36: self = .client(try reader.value())
        case 34: self = .make(directory: try reader.value(), name: try reader.name(), try reader.value())
        case 35: self = .seek(try reader.value(), offset: try reader.uint64(), hole: try reader.bool())
        case 29: self = .openName(directory: try reader.value(), name: try reader.name(), write: try reader.bool())
        case let other: throw .badValue(what: "file request", value: UInt64(other))
        }
    }
}
