import Consensus
import Filesystem
package import Primitives
import Replication

extension Message {
    /// The version of this encoding; a peer that speaks another is refused at connection.
    package static let wireVersion: UInt32 = 1
}

extension Message: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .raft(let batch):
            writer.write(UInt32(1))
            writer.write(batch)
        case .call(let id, let call):
            writer.write(UInt32(2))
            writer.write(id.rawValue)
            writer.write(call)
        case .answer(let id, let answer):
            writer.write(UInt32(3))
            writer.write(id.rawValue)
            writer.write(answer)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .raft(try reader.value())
        case 2: self = .call(CallID(try reader.uint64()), try reader.value())
        case 3: self = .answer(CallID(try reader.uint64()), try reader.value())
        case let other: throw .badValue(what: "message", value: UInt64(other))
        }
    }
}

extension SessionLease: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(group)
        writer.write(sessions)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(group: try reader.value(), sessions: try reader.array(limit: 65_536))
    }
}

extension Call: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .compound(let compound, let stamp):
            writer.write(UInt32(1))
            writer.write(compound)
            writer.write(stamp)
        case .propose(let group, let envelope):
            writer.write(UInt32(2))
            writer.write(group)
            writer.write(opaque: envelope)
        case .awaitApplied(let group, let index):
            writer.write(UInt32(3))
            writer.write(group)
            writer.write(index)
        case .renew(let leases):
            writer.write(UInt32(4))
            writer.write(leases)
        case .progress(let news):
            writer.write(UInt32(5))
            writer.write(news)
        case .clone(let order):
            writer.write(UInt32(7))
            writer.write(order)
        case .leader(let group):
            writer.write(UInt32(8))
            writer.write(group)
        case .bring(let group, let chunks):
            writer.write(UInt32(6))
            writer.write(group)
            writer.write(chunks)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .compound(try reader.value(), try reader.optional())
        case 2: self = .propose(try reader.value(), envelope: Array(try reader.opaque(limit: 64 << 20)))
        case 3: self = .awaitApplied(try reader.value(), index: try reader.uint64())
        case 4: self = .renew(try reader.array(limit: 65_536))
        case 5: self = .progress(try reader.array(limit: Self.progressLimit))
        case 6: self = .bring(try reader.value(), try reader.array(limit: 1_024))
        case 7: self = .clone(try reader.value())
        case 8: self = .leader(try reader.value())
        case let other: throw .badValue(what: "call", value: UInt64(other))
        }
    }
}

extension Answer: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .compound(let results):
            writer.write(UInt32(1))
            writer.write(results)
        case .applied(let index, let result):
            writer.write(UInt32(2))
            writer.write(index)
            writer.write(opaque: result)
        case .done:
            writer.write(UInt32(3))
        case .notLeader(let leader):
            writer.write(UInt32(4))
            writer.write(leader)
        case .failed(let failure):
            writer.write(UInt32(5))
            writer.write(failure)
        case .lacking(let chunks):
            writer.write(UInt32(6))
            writer.write(chunks)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1: self = .compound(try reader.array(limit: Compound.maximumRequests))
        case 2: self = .applied(index: try reader.uint64(), result: Array(try reader.opaque(limit: 64 << 20)))
        case 3: self = .done
        case 4: self = .notLeader(try reader.optional())
        case 5: self = .failed(try reader.value())
        case 6: self = .lacking(try reader.array(limit: 1_024))
        case let other: throw .badValue(what: "answer", value: UInt64(other))
        }
    }
}
