import Logging
import NFSProtocol
import NIOCore

/// One connection: records in, replies out. It reads no more while too much of what it has read is not answered.
final class NFSConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Requests, and bytes of replies, that are under way at once.
    private static let requestLimit = 128
    private static let replyLimit = 16 << 20

    private let owner: NFSLoop
    private var assembler: RecordAssembler
    private var id: ConnectionID?
    private var context: ChannelHandlerContext?
    private var requests = 0
    private var replyBytes = 0
    private var isPaused = false

    init(owner: NFSLoop, recordLimit: Int) {
        self.owner = owner
        assembler = RecordAssembler(limit: recordLimit)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        id = owner.connected(self, address: context.remoteAddress?.ipAddress ?? "")
        guard id != nil else { return context.close(promise: nil) }
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if let id { owner.disconnected(id) }
        id = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let id else { return }
        do throws(RecordError) {
            let records = try assembler.append(Array(unwrapInboundIn(data).readableBytesView)[...])
            requests += records.count
            for record in records { owner.received(record, on: id) }
        } catch {
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isPaused = true
        readOn()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func readOn() {
        guard isPaused, let context, requests < Self.requestLimit, replyBytes < Self.replyLimit else { return }
        isPaused = false
        context.read()
    }

    func close() { context?.close(promise: nil) }

    func send(_ parts: [[UInt8]]) {
        guard let context else { return }
        let length = parts.reduce(0) { $0 + $1.count }
        var buffer = context.channel.allocator.buffer(capacity: length + 4)
        buffer.writeInteger(RecordAssembler.mark(length))
        for part in parts { buffer.writeBytes(part) }
        replyBytes += length
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.requests -= 1
            self.replyBytes -= length
            self.readOn()
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: promise)
    }
}
