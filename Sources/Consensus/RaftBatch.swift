package import Primitives

/// Everything that one node says to another at one moment, for all groups: one frame on the wire.
///
/// Heartbeats and their answers are most of what an idle cluster sends, one for each group, so they
/// are packed: a few bytes each, with stamps relative to the first one's. They are decoded after all
/// other messages, in which case an answer to a heartbeat knows of an append sent along with it.
package struct RaftBatch: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package var group: GroupID
        package var message: RaftMessage
        package init(group: GroupID, message: RaftMessage) {
            self.group = group
            self.message = message
        }
    }

    package var items: [Item]
    package init(items: [Item] = []) { self.items = items }
    package init(_ group: GroupID, _ message: RaftMessage) { items = [Item(group: group, message: message)] }

    package var messages: [(GroupID, RaftMessage)] { items.map { ($0.group, $0.message) } }

    /// More messages than this in one batch are refused by the decoder.
    package static let itemLimit = 1 << 20
    /// Packed heartbeats or answers of a batch take at most this many bytes.
    package static let packedLimit = 16 << 20
}

extension RaftBatch: XDRCodable {
    static let version: UInt32 = 1

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        var others: UInt32 = 0
        var beats = VarintWriter()
        var acks = VarintWriter()
        var beatBase: UInt64?
        var ackBase: UInt64?
        for item in items {
            switch item.message {
            case .heartbeat(let beat): Self.pack(item.group, beat, base: &beatBase, into: &beats)
            case .ack(let ack): Self.pack(item.group, ack, base: &ackBase, into: &acks)
            default: others += 1
            }
        }
        writer.write(others)
        for item in items {
            switch item.message {
            case .heartbeat, .ack: continue
            default:
                writer.write(item.group)
                writer.write(item.message)
            }
        }
        writer.write(opaque: beats.bytes)
        writer.write(opaque: acks.bytes)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of a raft batch", value: UInt64(version)) }
        let count = try reader.count(limit: Self.itemLimit, minimumSize: 20)
        items = []
        items.reserveCapacity(count)
        for _ in 0..<count { items.append(Item(group: try reader.value(), message: try reader.value())) }
        var beats = VarintReader(try reader.opaque(limit: Self.packedLimit))
        var base: UInt64?
        while !beats.isAtEnd { items.append(try Self.heartbeat(&beats, base: &base)) }
        var acks = VarintReader(try reader.opaque(limit: Self.packedLimit))
        base = nil
        while !acks.isAtEnd { items.append(try Self.ack(&acks, base: &base)) }
    }

    // A stamp is written as the difference to the first of its kind, wrapping; 0 (no answer wanted)
    // is a flag.

    private static func pack(_ group: GroupID, _ beat: RaftMessage.Heartbeat, base: inout UInt64?, into out: inout VarintWriter) {
        out.write(group.rawValue)
        out.write((beat.quiesce ? 1 : 0) | (beat.stamp != 0 ? 2 : 0))
        out.write(beat.term)
        out.write(beat.commit)
        out.write(UInt64(beat.lease))
        if beat.stamp != 0 { out.write(relative(beat.stamp, &base)) }
    }

    private static func heartbeat(_ reader: inout VarintReader, base: inout UInt64?) throws(XDRError) -> Item {
        let group = GroupID(try reader.next())
        let flags = try reader.next()
        guard flags < 4 else { throw .badValue(what: "set of heartbeat flags", value: flags) }
        let term = try RaftMessage.check(term: try reader.next())
        let commit = try reader.next()
        let lease = try reader.next32()
        let stamp = flags & 2 != 0 ? absolute(try reader.next(), &base) : 0
        return Item(
            group: group,
            message: .heartbeat(RaftMessage.Heartbeat(term: term, commit: commit, stamp: stamp, lease: lease, quiesce: flags & 1 != 0)))
    }

    private static func pack(_ group: GroupID, _ ack: RaftMessage.Ack, base: inout UInt64?, into out: inout VarintWriter) {
        out.write(group.rawValue)
        out.write(ack.term)
        out.write(relative(ack.stamp, &base))
        out.write(ack.match)
        out.write(ack.received &- ack.match)
    }

    private static func ack(_ reader: inout VarintReader, base: inout UInt64?) throws(XDRError) -> Item {
        let group = GroupID(try reader.next())
        let term = try RaftMessage.check(term: try reader.next())
        let stamp = absolute(try reader.next(), &base)
        let match = try reader.next()
        let received = match &+ (try reader.next())
        return Item(group: group, message: .ack(RaftMessage.Ack(term: term, stamp: stamp, match: match, received: received)))
    }

    /// Zigzag of the wrapped difference; the first stamp is written whole.
    private static func relative(_ stamp: UInt64, _ base: inout UInt64?) -> UInt64 {
        guard let first = base else {
            base = stamp
            return stamp
        }
        let difference = Int64(bitPattern: stamp &- first)
        return UInt64(bitPattern: (difference << 1) ^ (difference >> 63))
    }

    private static func absolute(_ value: UInt64, _ base: inout UInt64?) -> UInt64 {
        guard let first = base else {
            base = value
            return value
        }
        return first &+ ((value >> 1) ^ (0 &- (value & 1)))
    }
}
