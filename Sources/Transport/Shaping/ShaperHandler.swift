internal import NIOCore
internal import Primitives
internal import Synchronization

/// Sits between TLS and the socket of one connection and holds its outbound bytes back until its
/// `FlowScheduler` lets them go. Inbound bytes pass untouched: the other side has shaped them.
///
/// The dialling side announces itself with a `RoutePreamble` and lets TLS begin one round trip after
/// the real connection stood. The accepting side reads the preamble to know the link. Closing takes its
/// place in the queue like a last byte, so that the peer learns of it no sooner than it could.
final class ShaperHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Item {
        case bytes(ByteBuffer, EventLoopPromise<Void>?)
        case close(CloseMode, EventLoopPromise<Void>?)
    }

    private enum Opening {
        /// The dialling side, until its connecting has been paid for.
        case connecting
        /// The accepting side, with what has come of the preamble.
        case listening(ByteBuffer)
        case open
        /// Broken by a cut: those above have been told, the peer must not learn of it over the cut link.
        case severed([EventLoopPromise<Void>])
    }

    private let shaper: LinkShaper
    private var peer: LinkEnd?
    /// Shared with the other connections to the peer's region, once that is known.
    private var link: SharedLink
    private let isDialler: Bool
    private var opening: Opening
    private var scheduler: FlowScheduler<Item>
    private var context: ChannelHandlerContext?
    private var listener: UInt64?
    private var timer: Scheduled<Void>?
    private var timerAt = Instant.distantFuture
    private var isRunning = false
    private var runAgain = false
    private var connectTimer: Scheduled<Void>?

    /// For a connection that this node dials; `peer` is nil where nobody knows who is there.
    init(shaper: LinkShaper, dialling peer: LinkEnd?) {
        self.shaper = shaper
        self.peer = peer
        link = peer.map { shaper.link(to: $0.region) } ?? SharedLink()
        isDialler = true
        opening = .connecting
        scheduler = FlowScheduler(path: shaper.path(to: peer), seed: shaper.nextSeed(), stallLimit: shaper.stallLimit)
    }

    /// For a connection that this node accepts.
    init(accepting shaper: LinkShaper) {
        self.shaper = shaper
        link = SharedLink()
        isDialler = false
        opening = .listening(ByteBuffer())
        scheduler = FlowScheduler(path: .none, seed: shaper.nextSeed(), stallLimit: shaper.stallLimit)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        listener = shaper.listen { bound.eventLoop.execute { bound.value.rulesChanged() } }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        guard isDialler else { return context.fireChannelActive() }
        var preamble = context.channel.allocator.buffer(capacity: 64)
        RoutePreamble(node: shaper.node, region: shaper.region).write(to: &preamble)
        context.writeAndFlush(wrapOutboundOut(preamble), promise: nil)
        connect(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    /// Waits for the round trip that connecting takes, or for the link to open.
    private func connect(_ context: ChannelHandlerContext) {
        guard case .connecting = opening else { return }
        connectTimer?.cancel()
        connectTimer = nil
        let path = scheduler.path
        if path.isNone { return opened(context) }
        guard !path.forward.isStopped, !path.backward.isStopped else { return }
        var random = SeededGenerator(seed: shaper.nextSeed())
        connectTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(connectDelay(path, random: &random))) {
            self.opened(context)
        }
    }

    private func opened(_ context: ChannelHandlerContext) {
        guard case .connecting = opening, context.channel.isActive else { return }
        opening = .open
        context.fireChannelActive()
    }

    private func end() {
        if let listener { shaper.unlisten(listener) }
        listener = nil
        timer?.cancel()
        timer = nil
        timerAt = .distantFuture
        connectTimer?.cancel()
        connectTimer = nil
        fail(scheduler.removeAll())
        if case .severed(let promises) = opening { for promise in promises { promise.succeed(()) } }
        opening = .open
    }

    private func rulesChanged() {
        guard let context, listener != nil else { return }
        scheduler.stallLimit = shaper.stallLimit
        scheduler.update(path: shaper.path(to: peer), now: .now)
        switch opening {
        case .connecting: connect(context)
        case .severed:
            if !scheduler.path.forward.isStopped, !scheduler.path.backward.isStopped { sever(context) }
            return
        case .listening, .open: break
        }
        run(context)
    }

    // MARK: - Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .severed = opening { return }
        guard case .listening(var seen) = opening else { return context.fireChannelRead(data) }
        seen.writeImmutableBuffer(unwrapInboundIn(data))
        switch RoutePreamble.read(from: &seen) {
        case .incomplete:
            opening = .listening(seen)
            return
        case .complete(let preamble):
            peer = preamble.end
            link = shaper.link(to: preamble.end.region)
            scheduler.update(path: shaper.path(to: peer), now: .now)
        case .absent:
            break
        }
        opening = .open
        if seen.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(seen)) }
    }

    // MARK: - Outbound

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .severed = opening {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard !scheduler.isTransparent else { return context.write(data, promise: promise) }
        var buffer = unwrapOutboundIn(data)
        let size = scheduler.pieceSize
        while buffer.readableBytes > size, let piece = buffer.readSlice(length: size) {
            scheduler.enqueue(.bytes(piece, nil), bytes: size)
        }
        scheduler.enqueue(.bytes(buffer, promise), bytes: buffer.readableBytes)
    }

    func flush(context: ChannelHandlerContext) {
        if case .severed = opening { return }
        if scheduler.isTransparent { context.flush() } else { run(context) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch opening {
        case .connecting: return context.close(mode: mode, promise: promise)
        case .severed(var promises):
            if let promise { promises.append(promise) }
            opening = .severed(promises)
            return
        case .listening, .open: break
        }
        guard mode != .input, !scheduler.isTransparent else { return context.close(mode: mode, promise: promise) }
        scheduler.isClosing = true
        scheduler.enqueue(.close(mode, promise), bytes: 0)
        run(context)
    }

    /// Moves everything that is due, then sleeps until the next moment at which something is.
    private func run(_ context: ChannelHandlerContext) {
        guard !isRunning else {
            runAgain = true
            return
        }
        isRunning = true
        defer { isRunning = false }
        repeat {
            runAgain = false
            let now = Instant.now
            link.capacity.withLock { scheduler.advance(now: now, link: &$0) }
            if scheduler.isBroken(now: now) { return breakDown(context) }
            var wrote = false
            while let item = scheduler.popDue(now: now) {
                switch item {
                case .bytes(let buffer, let promise):
                    context.write(wrapOutboundOut(buffer), promise: promise)
                    wrote = true
                case .close(let mode, let promise):
                    if wrote { context.flush() }
                    wrote = false
                    context.close(mode: mode, promise: promise)
                }
            }
            if wrote { context.flush() }
        } while runAgain
        sleep(context)
    }

    private func sleep(_ context: ChannelHandlerContext) {
        guard listener != nil, let wake = scheduler.nextWake(now: .now) else { return }
        if timer != nil, timerAt <= wake { return }
        timer?.cancel()
        timerAt = wake
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: wake.deadline) {
            self.timer = nil
            self.timerAt = .distantFuture
            self.run(context)
        }
    }

    /// The link was cut for longer than a connection survives. Those above hear of it now. The socket
    /// stays open until the link heals, or for as long again, because its end would tell the peer
    /// something that cannot reach it.
    private func breakDown(_ context: ChannelHandlerContext) {
        let limit = scheduler.stallLimit
        opening = .severed([])
        fail(scheduler.removeAll())
        timer?.cancel()
        timerAt = .distantFuture
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { self.sever(context) }
        context.fireErrorCaught(
            TransportError(
                .unreachable, "send on", "shaped link", cause: "no acknowledgement for \(limit)", advice: "heal the link (atoll fault heal)"
            ))
    }

    private func sever(_ context: ChannelHandlerContext) {
        guard case .severed(let promises) = opening else { return }
        opening = .open
        end()
        let promise = context.eventLoop.makePromise(of: Void.self)
        for waiting in promises { promise.futureResult.cascade(to: waiting) }
        context.close(mode: .all, promise: promise)
    }

    private func fail(_ items: [Item]) {
        for item in items {
            switch item {
            case .bytes(_, let promise): promise?.fail(ChannelError.ioOnClosedChannel)
            case .close(_, let promise): promise?.succeed(())
            }
        }
    }
}
