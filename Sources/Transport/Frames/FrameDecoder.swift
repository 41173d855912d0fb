package import NIOCore

/// Cuts a byte stream into frames. A value without I/O: bytes in, frames out.
///
/// It allocates for what has arrived, not for what was announced: at most one prefix, one header
/// and one attachment within the limits, and for an attachment no more than a first step until
/// that much of it is there. After an error it gives nothing more; the connection is over.
package struct FrameDecoder: Sendable {
    /// What is allocated for an attachment before it proves to be real.
    static let firstStep = 256 << 10

    package var limits: FrameLimits
    private var failure: FrameError?
    private var prefix: [UInt8] = []
    /// Nil between frames. The parts of the frame in hand lie beside it and not in a struct of
    /// their own: each has one owner, so that appending never copies.
    private var kind: FrameKind?
    private var headerLength = 0
    private var attachmentLength = 0
    private var header: [UInt8] = []
    private(set) var attachment: ByteBuffer?

    package init(limits: FrameLimits = .greeting) {
        self.limits = limits
        prefix.reserveCapacity(Frame.prefixLength)
    }

    /// Takes bytes from `input` until a frame is complete; nil when they have run out before.
    package mutating func next(from input: inout ByteBuffer) throws(FrameError) -> Frame? {
        if let failure { throw failure }
        if kind == nil {
            let missing = min(Frame.prefixLength - prefix.count, input.readableBytes)
            prefix.append(contentsOf: input.readBytes(length: missing) ?? [])
            guard prefix.count == Frame.prefixLength else { return nil }
            do { try readPrefix() } catch {
                failure = error
                throw error
            }
        }
        takeHeader(&input)
        takeAttachment(&input)
        guard let kind, header.count == headerLength, (attachment?.readableBytes ?? 0) == attachmentLength else { return nil }
        defer {
            self.kind = nil
            header = []
            attachment = nil
        }
        return Frame(kind, header: header, attachment: attachment)
    }

    private mutating func readPrefix() throws(FrameError) {
        func integer(_ range: Range<Int>) -> Int { prefix[range].reduce(0) { $0 << 8 | Int($1) } }
        guard prefix[4] == Frame.wireVersion else { throw .version(prefix[4]) }
        guard let kind = FrameKind(rawValue: prefix[5]) else { throw .kind(prefix[5]) }
        let flags = UInt16(integer(6..<8))
        guard flags & ~Frame.attachmentFlag == 0 else { throw .flags(flags) }
        let total = integer(0..<4)
        let header = integer(8..<12)
        let rest = total - (Frame.prefixLength - 4) - header
        guard rest >= 0, flags != 0 || rest == 0 else { throw .lengths(total: total, header: header) }
        guard header <= limits.header else { throw .tooLong(part: "header", length: header, limit: limits.header) }
        guard rest <= limits.attachment else { throw .tooLong(part: "attachment", length: rest, limit: limits.attachment) }
        prefix.removeAll(keepingCapacity: true)
        headerLength = header
        attachmentLength = rest
        attachment = flags != 0 ? ByteBuffer() : nil
        self.kind = kind
    }

    private mutating func takeHeader(_ input: inout ByteBuffer) {
        let count = min(headerLength - header.count, input.readableBytes)
        guard count > 0 else { return }
        header.append(contentsOf: input.readableBytesView.prefix(count))
        input.moveReaderIndex(forwardBy: count)
    }

    private mutating func takeAttachment(_ input: inout ByteBuffer) {
        guard header.count == headerLength, attachment != nil else { return }
        let present = attachment!.readableBytes
        let count = min(attachmentLength - present, input.readableBytes)
        guard count > 0, let slice = input.readSlice(length: count) else { return }
        if present == 0 {
            attachment!.reserveCapacity(max(count, min(attachmentLength, Self.firstStep)))
        } else if present + count > attachment!.capacity {
            attachment!.reserveCapacity(attachmentLength)
        }
        attachment!.writeImmutableBuffer(slice)
    }
}
