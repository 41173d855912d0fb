package import Primitives

extension NamespaceCommand: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.wireVersion)
        writer.write(context)
        writer.write(operation)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.wireVersion else { throw .badValue(what: "version of a namespace command", value: UInt64(version)) }
        let context = try reader.value(CommandContext.self)
        self.init(try reader.value(), context: context)
    }
}

extension NamespaceOperation: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .makeDirectory(let parent, let name, let mode, let verifier):
            writer.write(1, parent, name)
            writer.write(mode)
            writer.write(verifier)
        case .createFile(let parent, let name, let mode, let how):
            writer.write(2, parent, name)
            writer.write(mode)
            writer.write(how)
        case .makeSymlink(let parent, let name, let target):
            writer.write(3, parent, name)
            writer.write(opaque: target)
        case .makeNode(let parent, let name, let mode, let type, let device):
            writer.write(4, parent, name)
            writer.write(mode)
            writer.write(type)
            writer.write(device)
        case .link(let inode, let parent, let name):
            writer.write(5, parent, name)
            writer.write(inode)
        case .unlink(let parent, let name): writer.write(6, parent, name)
        case .removeDirectory(let parent, let name): writer.write(7, parent, name)
        case .remove(let parent, let name): writer.write(8, parent, name)
        case .rename(let from, let to, let how):
            writer.write(UInt32(9))
            writer.write(from)
            writer.write(to)
            writer.write(how.rawValue)
        case .setAttributes(let inode, let patch):
            writer.write(10, inode)
            writer.write(patch)
        case .writeExtents(let inode, let write):
            writer.write(11, inode)
            writer.write(write)
        case .writeInline(let inode, let write):
            writer.write(12, inode)
            writer.write(write)
        case .zeroRange(let inode, let offset, let length, let extend):
            writer.write(13, inode)
            writer.write(offset)
            writer.write(length)
            writer.write(extend)
        case .setXattr(let inode, let name, let value, let how):
            writer.write(14, inode, name)
            writer.write(opaque: value)
            writer.write(how.rawValue)
        case .removeXattr(let inode, let name): writer.write(15, inode, name)
        case .putFile(let put):
            writer.write(UInt32(16))
            writer.write(put)
        case .removeTree(let parent, let name, let limit):
            writer.write(17, parent, name)
            writer.write(limit)
        case .copyTree(let source, let parent, let name, let limit):
            writer.write(18, parent, name)
            writer.write(source)
            writer.write(limit)
        default: encodeRare(to: &writer)
        }
    }

    private func encodeRare(to writer: inout XDRWriter) {
        switch self {
        case .openReference(let inode, let owner):
            writer.write(19, inode)
            writer.write(owner)
        case .releaseReference(let inode, let owner):
            writer.write(20, inode)
            writer.write(owner)
        case .releaseReferences(let owner):
            writer.write(UInt32(21))
            writer.write(owner)
        case .batch(let operations):
            writer.write(UInt32(22))
            writer.write(operations)
        case .configure(let settings):
            writer.write(UInt32(23))
            writer.write(settings)
        case .commitChanges(let changes, let info):
            writer.write(UInt32(24))
            writer.write(changes)
            writer.write(info)
        case .rollback(let version, let info):
            writer.write(UInt32(25))
            writer.write(version)
            writer.write(info)
        case .resolveConflict(let id, let resolution):
            writer.write(UInt32(26))
            writer.write(id)
            writer.write(resolution)
        default: preconditionFailure("every operation has a wire form")
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) { self = try Self.decode(from: &reader, nested: false) }

    private static func decode(from reader: inout XDRReader, nested: Bool) throws(XDRError) -> NamespaceOperation {
        let tag = try reader.uint32()
        switch tag {
        case 1...8, 17, 18: return try decodeEntry(tag, from: &reader)
        case 10...15, 19, 20: return try decodeInode(tag, from: &reader)
        case 9: return .rename(from: try reader.value(), to: try reader.value(), how: try reader.choice("mode of rename"))
        case 16: return .putFile(try reader.value())
        case 21: return .releaseReferences(owner: try reader.uint64())
        case 22:
            // Batches do not nest, so decoding is not recursive beyond this.
            guard !nested else { throw .badValue(what: "operation within a batch", value: UInt64(tag)) }
            var operations: [NamespaceOperation] = []
            for _ in 0..<(try reader.count(limit: NamespaceLimits.batchOperations)) {
                operations.append(try decode(from: &reader, nested: true))
            }
            return .batch(operations)
        case 23: return .configure(try reader.value())
        case 24: return .commitChanges(try reader.value(), try reader.value())
        case 25: return .rollback(to: try reader.value(), try reader.value())
        case 26: return .resolveConflict(id: try reader.uint64(), try reader.value())
        default: throw .badValue(what: "namespace operation", value: UInt64(tag))
        }
    }

    /// Those that begin with a directory and a name.
    private static func decodeEntry(_ tag: UInt32, from reader: inout XDRReader) throws(XDRError) -> NamespaceOperation {
        let parent = try reader.value(InodeID.self)
        let name = try reader.name()
        switch tag {
        case 1: return .makeDirectory(parent: parent, name: name, mode: try reader.uint32(), verifier: try reader.uint64())
        case 2: return .createFile(parent: parent, name: name, mode: try reader.uint32(), how: try reader.value())
        case 3: return .makeSymlink(parent: parent, name: name, target: Array(try reader.opaque(limit: 65_536)))
        case 4:
            return .makeNode(
                parent: parent, name: name, mode: try reader.uint32(), type: try reader.value(), device: try reader.uint64())
        case 5: return .link(inode: try reader.value(), parent: parent, name: name)
        case 6: return .unlink(parent: parent, name: name)
        case 7: return .removeDirectory(parent: parent, name: name)
        case 8: return .remove(parent: parent, name: name)
        case 17: return .removeTree(parent: parent, name: name, limit: try reader.uint32())
        default: return .copyTree(source: try reader.value(), parent: parent, name: name, limit: try reader.uint32())
        }
    }

    /// Those that begin with an inode.
    private static func decodeInode(_ tag: UInt32, from reader: inout XDRReader) throws(XDRError) -> NamespaceOperation {
        let inode = try reader.value(InodeID.self)
        switch tag {
        case 10: return .setAttributes(inode: inode, patch: try reader.value())
        case 11: return .writeExtents(inode: inode, write: try reader.value())
        case 12: return .writeInline(inode: inode, write: try reader.value())
        case 13:
            return .zeroRange(inode: inode, offset: try reader.uint64(), length: try reader.uint64(), extend: try reader.bool())
        case 14:
            return .setXattr(
                inode: inode, name: try reader.name(), value: Array(try reader.opaque(limit: 1 << 20)),
                how: try reader.choice("mode of setxattr"))
        case 15: return .removeXattr(inode: inode, name: try reader.name())
        case 19: return .openReference(inode: inode, owner: try reader.uint64())
        default: return .releaseReference(inode: inode, owner: try reader.uint64())
        }
    }
}

extension XDRWriter {
    fileprivate mutating func write(_ tag: UInt32, _ inode: InodeID) {
        write(tag)
        write(inode)
    }

    fileprivate mutating func write(_ tag: UInt32, _ inode: InodeID, _ name: [UInt8]) {
        write(tag)
        write(inode)
        write(opaque: name)
    }
}

extension XDRReader {
    /// A name as it came: one that is too long is refused by the command, with its errno.
    fileprivate mutating func name() throws(XDRError) -> [UInt8] { Array(try opaque(limit: 65_536)) }

    mutating func choice<Choice: RawRepresentable<UInt32>>(_ what: String) throws(XDRError) -> Choice {
        let raw = try uint32()
        guard let choice = Choice(rawValue: raw) else { throw .badValue(what: what, value: UInt64(raw)) }
        return choice
    }
}
