package import Primitives

/// What a command gave. A refusal is an answer too: it is decided in order with everything else.
package enum NamespaceResult: Hashable, Sendable {
    case success(NamespaceReply)
    case failure(NamespaceError)

    package var reply: NamespaceReply? {
        if case .success(let reply) = self { return reply }
        return nil
    }
    package var error: NamespaceError? {
        if case .failure(let error) = self { return error }
        return nil
    }
    package func get() throws(NamespaceError) -> NamespaceReply {
        switch self {
        case .success(let reply): return reply
        case .failure(let error): throw error
        }
    }
}

package enum NamespaceReply: Hashable, Sendable {
    case done
    /// Creating, linking, writing, setting: the inode afterwards.
    case object(ObjectReply)
    /// unlink, removeDirectory, remove.
    case removed(InodeID, directory: ChangeInfo)
    /// rename: the directories on both sides, and the inode that lost its name to it.
    case renamed(source: ChangeInfo, target: ChangeInfo, replaced: InodeID?)
    /// removeTree, copyTree: objects done, and whether some are left.
    case tree(InodeID, objects: UInt32, more: Bool)
    case batch([NamespaceReply])
    case committed(VolumeCommit)

    package var object: ObjectReply? {
        if case .object(let reply) = self { return reply }
        return nil
    }
}

package struct ObjectReply: Hashable, Sendable {
    package let id: InodeID
    package let inode: Inode
    package let created: Bool
    /// The directory of a new name.
    package let directory: ChangeInfo?

    init(_ id: InodeID, _ inode: Inode, created: Bool = false, directory: ChangeInfo? = nil) {
        self.id = id
        self.inode = inode
        self.created = created
        self.directory = directory
    }
}

/// The change counters of a directory around a command, atomically (change_info4 of NFSv4).
package struct ChangeInfo: Hashable, Sendable {
    package let directory: InodeID
    package let before: UInt64
    package let after: UInt64

    init(_ directory: InodeID, before: UInt64, after: UInt64) {
        self.directory = directory
        self.before = before
        self.after = after
    }
}

extension ChangeInfo: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(directory)
        writer.write(before)
        writer.write(after)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(try reader.value(), before: try reader.uint64(), after: try reader.uint64())
    }
}

extension ObjectReply: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(inode)
        writer.write(created)
        writer.write(directory)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(try reader.value(), try reader.value(), created: try reader.bool(), directory: try reader.optional())
    }
}

extension NamespaceReply: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .done: writer.write(UInt32(0))
        case .object(let reply):
            writer.write(UInt32(1))
            writer.write(reply)
        case .removed(let inode, let directory):
            writer.write(UInt32(2))
            writer.write(inode)
            writer.write(directory)
        case .renamed(let source, let target, let replaced):
            writer.write(UInt32(3))
            writer.write(source)
            writer.write(target)
            writer.write(replaced)
        case .tree(let inode, let objects, let more):
            writer.write(UInt32(4))
            writer.write(inode)
            writer.write(objects)
            writer.write(more)
        case .batch(let replies):
            writer.write(UInt32(5))
            writer.write(replies)
        case .committed(let commit):
            writer.write(UInt32(6))
            writer.write(commit)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) { self = try Self.decode(from: &reader, nested: false) }

    private static func decode(from reader: inout XDRReader, nested: Bool) throws(XDRError) -> NamespaceReply {
        let tag = try reader.uint32()
        switch tag {
        case 0: return .done
        case 1: return .object(try reader.value())
        case 2: return .removed(try reader.value(), directory: try reader.value())
        case 3: return .renamed(source: try reader.value(), target: try reader.value(), replaced: try reader.optional())
        case 4: return .tree(try reader.value(), objects: try reader.uint32(), more: try reader.bool())
        case 5 where !nested:
            var replies: [NamespaceReply] = []
            for _ in 0..<(try reader.count(limit: NamespaceLimits.batchOperations)) {
                replies.append(try decode(from: &reader, nested: true))
            }
            return .batch(replies)
        case 6: return .committed(try reader.value())
        default: throw .badValue(what: "namespace reply", value: UInt64(tag))
        }
    }
}

extension NamespaceResult: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .success(let reply):
            writer.write(true)
            writer.write(reply)
        case .failure(let error):
            writer.write(false)
            writer.write(error)
        }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self = try reader.bool() ? .success(try reader.value()) : .failure(try reader.value())
    }
}
