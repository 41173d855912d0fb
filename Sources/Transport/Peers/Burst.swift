internal import NIOCore

/// Buffers of one turn of the loop: small things gathered into one, large ones as they are. The last
/// write carries the promise, since writes of a connection finish in order.
struct Burst {
    static let gather = 64 << 10
    let handler: FrameHandler
    private(set) var bytes = 0
    private var gathered = ByteBuffer()
    private var last: ByteBuffer?

    init(handler: FrameHandler) { self.handler = handler }

    mutating func put(head: [UInt8], attachmentLength: Int?) {
        Frame.writeHead(.message, header: head, attachment: attachmentLength, to: &gathered)
        bytes += Frame.prefixLength + head.count
        if gathered.readableBytes >= Self.gather { pushGathered() }
    }

    mutating func put(copy buffer: ByteBuffer) {
        gathered.writeImmutableBuffer(buffer)
        bytes += buffer.readableBytes
    }

    mutating func put(_ buffer: ByteBuffer) {
        pushGathered()
        bytes += buffer.readableBytes
        push(buffer)
    }

    private mutating func pushGathered() {
        guard gathered.readableBytes > 0 else { return }
        push(gathered)
        gathered = ByteBuffer()
    }

    private mutating func push(_ buffer: ByteBuffer) {
        if let last { handler.write(last, promise: nil) }
        last = buffer
    }

    mutating func finish(_ promise: EventLoopPromise<Void>) {
        pushGathered()
        handler.write(last ?? ByteBuffer(), promise: promise)
        last = nil
    }
}
