import Primitives

// How many bytes the encoder will make of something, without making them: asked for every packet, to know how much room
// is left for news. A test holds it against the encoder.

extension SWIMPacket {
    package var encodedBytes: Int { updates.reduce(36 + body.encodedBytes) { $0 + $1.encodedBytes } }
}

extension SyncPayload {
    /// Of its members, coordinates and measurements.
    package var encodedBytes: Int {
        members.reduce(0) { $0 + $1.encodedBytes } + coordinates.count * 32 + links.reduce(0) { $0 + $1.encodedBytes } + 32
    }
}

extension SWIMPacket.Body {
    private static let coordinate = 4 * NetworkCoordinate.dimensions + 8

    var encodedBytes: Int {
        switch self {
        case .ping: 20 + Self.coordinate
        case .ack: 16 + Self.coordinate
        case .pingRequest(_, _, let endpoint, _): 20 + endpoint.encodedBytes
        case .nack: 16
        case .gossip: 4
        }
    }
}

extension MemberUpdate {
    var encodedBytes: Int {
        switch self {
        case .alive(let record): 4 + record.encodedBytes
        case .suspect, .dead: 28
        case .left: 20
        case .link(let fact): 4 + fact.encodedBytes
        }
    }
}

extension RegionLinkFact {
    var encodedBytes: Int { 36 + XDRWriter.bytes(of: from.name) + XDRWriter.bytes(of: to.name) }
}

extension MemberRecord {
    var encodedBytes: Int { words.encodedBytes }
}

extension MemberFacts {
    var encodedBytes: Int {
        labels.reduce(32 + XDRWriter.bytes(of: softwareVersion)) { $0 + XDRWriter.bytes(of: $1.key) + XDRWriter.bytes(of: $1.value) }
    }
}

extension Endpoint {
    var encodedBytes: Int { XDRWriter.bytes(of: host) + 4 }
}
