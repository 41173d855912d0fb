package import Primitives
package import Replication

/// What a node says when it asks to be let in, or whether it still belongs (docs/reference/wire.md).
package struct JoinRequest: Hashable, Sendable, XDRCodable {
    package static let version: UInt32 = 1
    /// As its certificate says.
    package let node: NodeID
    package let introduction: NodeIntroduction

    package init(node: NodeID, introduction: NodeIntroduction) {
        self.node = node
        self.introduction = introduction
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        writer.write(node)
        writer.write(introduction)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of a request to join", value: UInt64(version)) }
        self.init(node: try reader.value(), introduction: try reader.value())
    }
}

package enum JoinReply: Hashable, Sendable, XDRCodable {
    /// The catalog has the node with this number.
    case admitted
    /// It will not be let in: why, and what to do.
    case refused(String)
    /// Not known yet: ask again, here or elsewhere.
    case later(String)

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
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .admitted
        case 2: self = .refused(try reader.string(limit: Self.textLimit))
        case 3: self = .later(try reader.string(limit: Self.textLimit))
        case let other: throw .badValue(what: "answer to a request to join", value: UInt64(other))
        }
    }
}

/// A node that has not been let in yet.
struct Joining {
    var nextSeed = 0
    /// Whether a seed has the question.
    var isAsking = false
    /// What was said last of why it takes long.
    var said = ""
}
