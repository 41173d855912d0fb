internal import NIOCore
package import Primitives

/// Tells the accepting side of a shaped connection who dials it, before TLS begins, so that its very
/// first bytes back are delayed as the map says. Only sent where both ends shape (a local cluster on
/// loopback); it has no say in anything but delays, since it is neither encrypted nor authenticated.
///
/// `"ATRP"` · version 1 (1 byte) · length of the region's name (1 byte) · node id (8 bytes, big-endian) · name
package struct RoutePreamble: Hashable, Sendable {
    static let magic: [UInt8] = Array("ATRP".utf8)
    static let fixedLength = 14

    package let end: LinkEnd

    package init(node: NodeID, region: RegionID) { end = LinkEnd(node: node, region: region) }

    func write(to buffer: inout ByteBuffer) {
        let name = Array(end.region.name.utf8.prefix(RegionID.maximumLength))
        buffer.writeBytes(Self.magic)
        buffer.writeInteger(UInt8(1))
        buffer.writeInteger(UInt8(name.count))
        buffer.writeInteger(end.node?.rawValue ?? 0)
        buffer.writeBytes(name)
    }

    enum Outcome {
        case incomplete
        case complete(RoutePreamble)
        /// Not a preamble: a dialler that does not shape. The bytes belong to TLS.
        case absent
    }

    /// Takes a preamble off the front of `buffer`, which is left alone in the other cases.
    static func read(from buffer: inout ByteBuffer) -> Outcome {
        let start = Array(buffer.readableBytesView.prefix(magic.count))
        guard magic.starts(with: start) else { return .absent }
        guard buffer.readableBytes >= fixedLength else { return .incomplete }
        let base = buffer.readerIndex
        guard let version: UInt8 = buffer.getInteger(at: base + 4), version == 1,
            let length: UInt8 = buffer.getInteger(at: base + 5), length <= RegionID.maximumLength,
            let node: UInt64 = buffer.getInteger(at: base + 6)
        else { return .absent }
        guard buffer.readableBytes >= fixedLength + Int(length) else { return .incomplete }
        buffer.moveReaderIndex(forwardBy: fixedLength)
        let name = String(decoding: buffer.readBytes(length: Int(length)) ?? [], as: UTF8.self)
        return .complete(RoutePreamble(node: NodeID(node), region: RegionID(name)))
    }
}
