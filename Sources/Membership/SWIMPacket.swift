package import Primitives

/// One datagram of the protocol, before it is sealed. Version 1.
///
/// The header names the sender, its run and incarnation, and whether it knows the receiver: a node that
/// learns that it is unknown to somebody introduces itself by a full exchange. The news fill what
/// the body leaves of the packet's limit.
package struct SWIMPacket: Hashable, Sendable, XDRCodable {
    package static let version: UInt32 = 1
    package static let updatesMax = 64

    package enum Body: Hashable, Sendable {
        /// `sample` is the sender's last round trip to the receiver in microseconds that it has not told yet, or 0.
        case ping(sequence: UInt32, target: NodeID, coordinate: NetworkCoordinate, sample: UInt32)
        /// Answers the ping `sequence`. `subject` is who is alive: the sender, or, from a helper, the target.
        case ack(sequence: UInt32, subject: NodeID, coordinate: NetworkCoordinate)
        /// Asks the receiver to ping `target` and to say so, one way or the other, within `patience` microseconds.
        case pingRequest(sequence: UInt32, target: NodeID, endpoint: Endpoint, patience: UInt32)
        /// A helper heard nothing of `subject` so far: the path to the helper works (Lifeguard §IV-A).
        case nack(sequence: UInt32, subject: NodeID)
        case gossip
    }

    package let sender: NodeID
    package let run: UInt64
    package let incarnation: UInt64
    package let knowsReceiver: Bool
    package let body: Body
    package var updates: [MemberUpdate]

    package init(sender: NodeID, run: UInt64, incarnation: UInt64, knowsReceiver: Bool, body: Body, updates: [MemberUpdate] = []) {
        self.sender = sender
        self.run = run
        self.incarnation = incarnation
        self.knowsReceiver = knowsReceiver
        self.body = body
        self.updates = updates
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        writer.write(sender)
        writer.write(run)
        writer.write(incarnation)
        writer.write(knowsReceiver)
        writer.write(body)
        writer.write(updates)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of a gossip packet", value: UInt64(version)) }
        let sender = try reader.value(NodeID.self)
        let run = try reader.uint64()
        let incarnation = try reader.incarnation()
        let knows = try reader.bool()
        let body = try reader.value(Body.self)
        let updates = try reader.array(MemberUpdate.self, limit: Self.updatesMax)
        self.init(sender: sender, run: run, incarnation: incarnation, knowsReceiver: knows, body: body, updates: updates)
    }
}

extension SWIMPacket.Body: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .ping(let sequence, let target, let coordinate, let sample):
            writer.write(UInt32(1))
            writer.write(sequence)
            writer.write(target)
            writer.write(coordinate)
            writer.write(sample)
        case .ack(let sequence, let subject, let coordinate):
            writer.write(UInt32(2))
            writer.write(sequence)
            writer.write(subject)
            writer.write(coordinate)
        case .pingRequest(let sequence, let target, let endpoint, let patience):
            writer.write(UInt32(3))
            writer.write(sequence)
            writer.write(target)
            writer.write(endpoint)
            writer.write(patience)
        case .nack(let sequence, let subject):
            writer.write(UInt32(4))
            writer.write(sequence)
            writer.write(subject)
        case .gossip:
            writer.write(UInt32(5))
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32() {
        case 1:
            self = .ping(
                sequence: try reader.uint32(), target: try reader.value(), coordinate: try reader.value(), sample: try reader.uint32())
        case 2: self = .ack(sequence: try reader.uint32(), subject: try reader.value(), coordinate: try reader.value())
        case 3:
            self = .pingRequest(
                sequence: try reader.uint32(), target: try reader.value(), endpoint: try reader.value(), patience: try reader.uint32())
        case 4: self = .nack(sequence: try reader.uint32(), subject: try reader.value())
        case 5: self = .gossip
        case let other: throw .badValue(what: "gossip packet", value: UInt64(other))
        }
    }
}
