package import NIOCore

/// What a frame is for. The numbers are on the wire and never change meaning.
package enum FrameKind: UInt8, Sendable, Hashable, CaseIterable {
    /// The first frame of either side: `Hello` in its header.
    case hello = 1
    /// A message of the core: its encoding in the header, chunk bytes in the attachment.
    case message = 2
    /// Asks for a pong with the same header (a number that the asker chose).
    case ping = 3
    case pong = 4
    /// The sender closes the connection; `Refusal` in the header says why.
    case fatal = 5
    /// Push/pull by someone whose node id the asker did not know.
    case syncRequest = 6
    case syncReply = 7
}

/// The bounds of a frame. Before the hello nothing is believed but a small frame.
package struct FrameLimits: Hashable, Sendable {
    /// Bytes of header. Default 4 MiB: a batch of log entries travels in a header.
    package var header: Int
    /// Bytes of attachment. Default 16 MiB: chunks are at most a few MiB.
    package var attachment: Int
    package init(header: Int, attachment: Int) {
        self.header = header
        self.attachment = attachment
    }
    package static let open = FrameLimits(header: 4 << 20, attachment: 16 << 20)
    package static let greeting = FrameLimits(header: 16 << 10, attachment: 0)
}

/// The unit of every connection between nodes.
///
/// ```
/// offset  size  field (big-endian)
///      0     4  length: bytes that follow this field (8 + header + attachment)
///      4     1  wire version, 1 (a hello is always sent as version 1, whatever is then agreed on)
///      5     1  kind
///      6     2  flags: bit 0 set where there is an attachment (it may be empty); the others are 0
///      8     4  header length
///     12     h  header
///   12+h     a  attachment
/// ```
///
/// The attachment never passes through a codec, and is written as a buffer of its own.
package struct Frame: Hashable, Sendable {
    package static let prefixLength = 12
    package static let wireVersion: UInt8 = 1
    static let attachmentFlag: UInt16 = 1

    package var kind: FrameKind
    package var header: [UInt8]
    package var attachment: ByteBuffer?

    package init(_ kind: FrameKind, header: [UInt8] = [], attachment: ByteBuffer? = nil) {
        self.kind = kind
        self.header = header
        self.attachment = attachment
    }

    /// Writes everything but the attachment's bytes, which the caller sends right behind.
    package static func writeHead(_ kind: FrameKind, header: [UInt8], attachment: Int?, to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(prefixLength - 4 + header.count + (attachment ?? 0)))
        buffer.writeInteger(wireVersion)
        buffer.writeInteger(kind.rawValue)
        buffer.writeInteger(attachment == nil ? 0 : attachmentFlag)
        buffer.writeInteger(UInt32(header.count))
        buffer.writeBytes(header)
    }

    /// The whole frame in one buffer: for small ones.
    package func write(to buffer: inout ByteBuffer) {
        Frame.writeHead(kind, header: header, attachment: attachment?.readableBytes, to: &buffer)
        if let attachment { buffer.writeImmutableBuffer(attachment) }
    }
}

/// Why bytes are no frame.
package enum FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    case version(UInt8)
    case kind(UInt8)
    case flags(UInt16)
    /// The lengths contradict each other.
    case lengths(total: Int, header: Int)
    case tooLong(part: String, length: Int, limit: Int)

    package var description: String {
        switch self {
        case .version(let found): "wire version \(found), only \(Frame.wireVersion) is understood"
        case .kind(let found): "\(found) is no kind of frame"
        case .flags(let found): "unknown flags 0x\(String(found, radix: 16))"
        case .lengths(let total, let header): "a frame of \(total) bytes cannot have a header of \(header)"
        case .tooLong(let part, let length, let limit): "\(part) of \(length) bytes, at most \(limit) allowed"
        }
    }
}
