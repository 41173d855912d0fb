internal import NIOCore
internal import Primitives
internal import Synchronization

/// Opens what comes in; holds back what goes out where links are shaped.
final class GossipHandler: ChannelDuplexHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private struct Held {
        var envelope: AddressedEnvelope<ByteBuffer>
        var end: LinkEnd
    }

    private let socket: GossipSocket
    private let delegate: any GossipSocketDelegate
    private let shaper: LinkShaper?
    private var scheduler: DatagramScheduler<Held>
    private var timer: Scheduled<Void>?
    private var timerAt = Instant.distantFuture

    init(socket: GossipSocket, delegate: any GossipSocketDelegate, shaper: LinkShaper?) {
        self.socket = socket
        self.delegate = delegate
        self.shaper = shaper
        scheduler = DatagramScheduler(seed: shaper?.nextSeed() ?? 0)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var envelope = unwrapInboundIn(data)
        let packet = envelope.data.readBytes(length: envelope.data.readableBytes) ?? []
        guard let payload = socket.open(packet) else { return }
        let address = envelope.remoteAddress
        delegate.gossipReceived(payload, from: GossipEndpoint(host: address.ipAddress ?? "", port: address.port ?? 0))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A port that is closed at the other end shows up here; gossip draws its own conclusions.
        socket.problem(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let envelope = unwrapOutboundIn(data)
        guard let shaper, let end = shaper.place(of: envelope.remoteAddress) else { return context.write(data, promise: promise) }
        let rule = shaper.path(to: end).forward
        guard rule != .none else { return context.write(data, promise: promise) }
        let held = Held(envelope: envelope, end: end)
        let isSent = shaper.link(to: end.region).capacity.withLock {
            scheduler.enqueue(held, bytes: envelope.data.readableBytes, rule: rule, now: .now, link: &$0)
        }
        if !isSent { socket.count { $0.shapedAway += 1 } }
        promise?.succeed(())
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        sleep(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    private func sleep(_ context: ChannelHandlerContext) {
        guard let wake = scheduler.nextWake, timer == nil || wake < timerAt else { return }
        timer?.cancel()
        timerAt = wake
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: wake.deadline) { self.deliver(context) }
    }

    private func deliver(_ context: ChannelHandlerContext) {
        timer = nil
        timerAt = .distantFuture
        guard context.channel.isActive else { return }
        while let held = scheduler.popDue(now: .now) {
            // A link that was cut while the datagram was on its way has lost it.
            if let shaper, shaper.path(to: held.end).forward.isStopped {
                socket.count { $0.shapedAway += 1 }
            } else {
                context.write(wrapOutboundOut(held.envelope), promise: nil)
            }
        }
        context.flush()
        sleep(context)
    }
}
