package import Primitives

/// A piece of news that packets carry along (SWIM §4.1). It waits among hundreds and moves between lists, so it is small: a
/// member's words and a measurement are shared by all that hold them.
package enum MemberUpdate: Hashable, Sendable, XDRCodable {
    /// The member says so itself: it joined, refuted, moved, or changed its facts.
    case alive(MemberRecord)
    case suspect(NodeID, incarnation: UInt64, accuser: NodeID)
    /// SWIM's "confirm".
    case dead(NodeID, incarnation: UInt64, accuser: NodeID)
    case left(NodeID, incarnation: UInt64)
    /// A reporter's measurement between two regions.
    case link(RegionLinkFact)

    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .alive(let record):
            precondition(record.status == .alive, "only a live member speaks for itself")
            writer.write(UInt32(1))
            writer.write(record)
        case .suspect(let id, let incarnation, let accuser):
            writer.write(UInt32(2))
            writer.write(id)
            writer.write(incarnation)
            writer.write(accuser)
        case .dead(let id, let incarnation, let accuser):
            writer.write(UInt32(3))
            writer.write(id)
            writer.write(incarnation)
            writer.write(accuser)
        case .left(let id, let incarnation):
            writer.write(UInt32(4))
            writer.write(id)
            writer.write(incarnation)
        case .link(let fact):
            writer.write(UInt32(5))
            writer.write(fact)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1:
            let record = try reader.value(MemberRecord.self)
            guard record.status == .alive else { throw .badValue(what: "status of an alive update", value: UInt64(record.status.rawValue)) }
            self = .alive(record)
        case 2: self = .suspect(try reader.value(), incarnation: try reader.incarnation(), accuser: try reader.value())
        case 3: self = .dead(try reader.value(), incarnation: try reader.incarnation(), accuser: try reader.value())
        case 4: self = .left(try reader.value(), incarnation: try reader.incarnation())
        case 5: self = .link(try reader.value())
        case let other: throw .badValue(what: "member update", value: UInt64(other))
        }
    }
}

extension MemberUpdate {
    /// News with the same key replaces older news.
    enum Key: Hashable, Sendable {
        case member(NodeID)
        case suspicion(NodeID, accuser: NodeID)
        case link(reporter: NodeID, to: RegionID)

        /// Whom it is about, or who measured.
        var subject: NodeID {
            switch self {
            case .member(let id), .suspicion(let id, _), .link(let id, _): id
            }
        }
    }

    /// Whom it is about, or who measured.
    var subject: NodeID {
        switch self {
        case .alive(let record): record.id
        case .suspect(let id, _, _), .dead(let id, _, _), .left(let id, _): id
        case .link(let fact): fact.reporter
        }
    }

    var key: Key {
        switch self {
        case .alive(let record): .member(record.id)
        case .suspect(let id, _, let accuser): .suspicion(id, accuser: accuser)
        case .dead(let id, _, _), .left(let id, _): .member(id)
        case .link(let fact): .link(reporter: fact.reporter, to: fact.to)
        }
    }
}
