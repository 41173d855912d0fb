package import Primitives

/// All that a node knows, for push/pull: both sides of an exchange send one. Version 1.
///
/// At 1,000 members it takes about 300 KB; it goes over a connection, never in a datagram.
package struct SyncPayload: Hashable, Sendable, XDRCodable {
    package static let version: UInt32 = 1
    package static let membersMax = 8_192
    package static let linksMax = RegionTable.factsMax

    package let sender: NodeID
    package let run: UInt64
    /// The sender itself first, then the others in order of id.
    package let members: [MemberRecord]
    package let coordinates: [PlacedCoordinate]
    package let links: [RegionLinkFact]

    package init(sender: NodeID, run: UInt64, members: [MemberRecord], coordinates: [PlacedCoordinate], links: [RegionLinkFact]) {
        self.sender = sender
        self.run = run
        self.members = members
        self.coordinates = coordinates
        self.links = links
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        writer.write(sender)
        writer.write(run)
        writer.write(members)
        writer.write(coordinates)
        writer.write(links)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of a membership exchange", value: UInt64(version)) }
        self.init(
            sender: try reader.value(), run: try reader.uint64(),
            members: try reader.array(MemberRecord.self, limit: Self.membersMax),
            coordinates: try reader.array(PlacedCoordinate.self, limit: Self.membersMax),
            links: try reader.array(RegionLinkFact.self, limit: Self.linksMax))
    }
}

/// A node's coordinate as somebody last heard it.
package struct PlacedCoordinate: Hashable, Sendable, XDRCodable {
    // In this order it takes 64 bytes rather than 96: there is one for each member.
    package let coordinate: NetworkCoordinate
    package let node: NodeID

    package init(node: NodeID, coordinate: NetworkCoordinate) {
        self.node = node
        self.coordinate = coordinate
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(node)
        writer.write(coordinate)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(node: try reader.value(), coordinate: try reader.value())
    }
}
