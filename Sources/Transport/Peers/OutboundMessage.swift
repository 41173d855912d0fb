internal import NIOCore

/// A message on its way into a connection.
struct OutboundMessage: Sendable {
    let header: [UInt8]
    let attachment: ByteBuffer?

    /// Bytes on the wire, before TLS.
    var size: Int { Frame.prefixLength + header.count + (attachment?.readableBytes ?? 0) }
}
