package import Primitives

/// One entry of the replicated log.
package struct RaftEntry: Hashable, Sendable, CustomStringConvertible {
    /// What an entry means to Raft. All kinds are handed to the state machine in order, so that its
    /// applied index has no gaps; it acts on `command` only.
    package enum Kind: UInt8, Sendable, Hashable {
        case command = 1
        /// What a new leader appends first: nothing of an older term is committed before it
        /// (thesis §3.6.2).
        case noop = 2
        /// The payload is a `RaftConfiguration`, in force from the moment it is in the log
        /// (thesis §4.1).
        case configuration = 3
    }

    package let index: UInt64
    package let term: UInt64
    package let kind: Kind
    package let payload: [UInt8]

    package init(index: UInt64, term: UInt64, kind: Kind, payload: [UInt8]) {
        self.index = index
        self.term = term
        self.kind = kind
        self.payload = payload
    }

    /// The longest payload that a decoder accepts: 16 MiB. `RaftSettings.maximumEntryBytes` is the
    /// limit of what is proposed.
    package static let payloadLimit = 16 << 20

    /// Bytes that the entry counts for in every bound: its payload and what surrounds it.
    package var size: Int { payload.count + 32 }

    package var description: String { "\(index)/t\(term) \(kind)[\(payload.count)]" }
}

extension RaftEntry: XDRCodable {
    /// The upper bytes of the first word are the version of the form, the lowest is the kind.
    static let version: UInt32 = 1

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version << 8 | UInt32(kind.rawValue))
        writer.write(index)
        writer.write(term)
        writer.write(opaque: payload)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let word = try reader.uint32()
        guard word >> 8 == Self.version else { throw .badValue(what: "version of a log entry", value: UInt64(word >> 8)) }
        guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: word)) else {
            throw .badValue(what: "kind of log entry", value: UInt64(word & 0xff))
        }
        let index = try reader.uint64()
        let term = try reader.uint64()
        guard index > 0, index < .max, term > 0 else { throw .badValue(what: "place in a log", value: index) }
        self.init(index: index, term: term, kind: kind, payload: Array(try reader.opaque(limit: Self.payloadLimit)))
    }
}
