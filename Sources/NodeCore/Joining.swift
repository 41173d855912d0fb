package import Primitives
package import Replication

/// What a node says when it asks to be let in, or whether it still belongs (docs/reference/wire.md).
package struct JoinRequest: Hashable, Sendable, XDRCodable {
    package static let version: UInt32 = 2
    /// As its certificate says.
    package let node: NodeID
    package let introduction: NodeIntroduction
    /// Its directory holds nothing of the cluster, and it says nothing to anybody before it is let in.
    package let isNew: Bool

    package init(node: NodeID, introduction: NodeIntroduction, isNew: Bool) {
        self.node = node
        self.introduction = introduction
        self.isNew = isNew
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        writer.write(node)
        writer.write(introduction)
        writer.write(isNew)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of a request to join", value: UInt64(version)) }
        self.init(node: try reader.value(), introduction: try reader.value(), isNew: try reader.bool())
    }
}

package enum JoinReply: Hashable, Sendable, XDRCodable {
    /// The catalog has the node with this number.
    case admitted
    /// It will not be let in: why, and what to do.
    case refused(String)
    /// Not known yet: ask again, here or elsewhere.
    case later(String)
    /// The asked founder, with this data directory, knew the asker as new when it was new itself: they begin
    /// the cluster together (`NodeState+Founding`).
    case beginning(NodeID, store: UInt64)

    private static let textLimit = 4_096

    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .admitted: writer.write(UInt32(1))
        case .refused(let why):
            writer.write(UInt32(2))
            writer.write(String(why.prefix(Self.textLimit / 4)))
        case .later(let why):
            writer.write(UInt32(3))
            writer.write(String(why.prefix(Self.textLimit / 4)))
        case .beginning(let node, let store):
            writer.write(UInt32(4))
            writer.write(node)
            writer.write(store)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .admitted
        case 2: self = .refused(try reader.string(limit: Self.textLimit))
        case 3: self = .later(try reader.string(limit: Self.textLimit))
        case 4: self = .beginning(try reader.value(), store: try reader.uint64())
        case let other: throw .badValue(what: "answer to a request to join", value: UInt64(other))
        }
    }
}

/// A node that has not been let in yet.
struct Joining {
    var nextSeed = 0
    /// How often it has asked.
    var rounds = 0
    /// Whether a seed has the question.
    var isAsking = false
    /// What was said last of why it takes long.
    var said = ""
}
