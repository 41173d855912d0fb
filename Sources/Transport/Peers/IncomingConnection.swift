internal import Logging
internal import NIOCore
internal import Primitives

/// One connection that a peer dialled: says hello back, and from then on only receives, except for pongs
/// and the answer to a sync. Its state belongs to the channel's event loop; hence `@unchecked Sendable`.
final class IncomingConnection: FrameEndpoint, @unchecked Sendable {
    private enum Phase {
        case securing
        case greeting(PeerName)
        case open(Hello, Lane, LaneMeter)
        /// A hello for sync was agreed on; true once the request has come.
        case syncing(NodeID, asked: Bool)
        case closed
    }

    private let context: PeerContext
    private let loop: any EventLoop
    private let address: String
    private let meters: PeerMeters
    private var phase = Phase.securing
    private var deadline: Scheduled<Void>?
    private var lastReceived = Instant.now
    private weak var handler: FrameHandler?

    init(context: PeerContext, channel: any Channel) {
        self.context = context
        loop = channel.eventLoop
        address = channel.remoteAddress?.description ?? "unknown address"
        meters = context.meters
    }

    /// Bounds the time until the hello.
    func start(_ handler: FrameHandler) {
        self.handler = handler
        deadline = loop.assumeIsolated().scheduleTask(in: TimeAmount(context.settings.dialTimeout * 2)) {
            self.handler?.refuse(Refusal(.timeout, "no hello in time"))
        }
    }

    func secured(peer: PeerName, by handler: FrameHandler) {
        let cluster = context.clusterID
        guard peer.cluster == cluster else {
            return refuse(Refusal(.cluster, "the certificate names \(peer), this is cluster \(cluster)"), handler, subject: "\(peer.node)")
        }
        phase = .greeting(peer)
    }

    func received(_ frame: Frame, by handler: FrameHandler) {
        lastReceived = .now
        switch (phase, frame.kind) {
        case (.greeting(let name), .hello): greeted(frame.header, name, handler)
        case (.open(let hello, let lane, let meter), .message):
            meter.count { counters in
                counters.messagesIn += 1
                counters.bytesIn += Frame.prefixLength + frame.header.count + (frame.attachment?.readableBytes ?? 0)
            }
            context.delegate?.received(from: hello.node, lane: lane, header: frame.header, attachment: frame.attachment)
        case (.open, .ping) where frame.header.count <= 16: handler.send(Frame(.pong, header: frame.header))
        case (.syncing(let node, false), .syncRequest): asked(frame.header, node, handler)
        default: handler.refuse(Refusal(.malformed, "\(frame.kind) is not expected here"))
        }
    }

    private func greeted(_ header: [UInt8], _ name: PeerName, _ handler: FrameHandler) {
        let hello: Hello
        do { hello = try Hello(header: header) } catch { return handler.refuse(Refusal(.malformed, "malformed hello: \(error)")) }
        let mine = context.hello(hello.purpose, flow: Int(hello.flow))
        if let objection = hello.objection(certified: name, me: mine, dialled: nil) {
            return refuse(objection, handler, subject: "\(name.node)")
        }
        handler.open(limits: .open)
        handler.send(Frame(.hello, header: mine.xdrBytes))
        deadline?.cancel()
        switch hello.purpose {
        case .sync: phase = .syncing(hello.node, asked: false)
        case .control: opened(hello, .control)
        case .bulk: opened(hello, .bulk)
        }
        watchSilence()
    }

    private func opened(_ hello: Hello, _ lane: Lane) {
        phase = .open(hello, lane, meters.meter(hello.node, lane))
        if hello.flow == 0 { context.delegate?.connected(hello.node, lane: lane, direction: .incoming, incarnation: hello.incarnation) }
    }

    private func asked(_ payload: [UInt8], _ node: NodeID, _ handler: FrameHandler) {
        phase = .syncing(node, asked: true)
        let answer = SyncAnswer(handler: NIOLoopBound(handler, eventLoop: loop), limit: context.settings.syncLimit)
        guard let delegate = context.delegate else { return handler.refuse(Refusal(.stopping, "\(context.node) is stopping")) }
        delegate.syncRequested(from: node, payload: payload) { answer.send($0) }
    }

    private func refuse(_ refusal: Refusal, _ handler: FrameHandler, subject: String) {
        context.say(.warning, "refused a connection", about: "\(subject) from \(address.prefix { $0 != ":" })", reason: refusal.text)
        handler.refuse(refusal)
    }

    /// Closes a connection on which nothing comes: its dialler pings, so it is gone.
    private func watchSilence() {
        let limit = context.settings.acceptedIdle
        deadline = loop.assumeIsolated().scheduleTask(in: TimeAmount(limit / 3)) {
            if .now - self.lastReceived > limit {
                self.handler?.close(reason: "nothing was received for \(limit)")
            } else {
                self.watchSilence()
            }
        }
    }

    func closed(reason: String, by handler: FrameHandler) {
        deadline?.cancel()
        deadline = nil
        switch phase {
        case .open(let hello, let lane, _):
            context.delegate?.disconnected(hello.node, lane: lane, direction: .incoming, reason: reason)
        case .securing, .greeting:
            let host = address.prefix { $0 != ":" }
            context.say(.info, "a connection was not accepted", about: "whoever is at \(host)", reason: reason)
        case .syncing, .closed: break
        }
        phase = .closed
    }
}

/// Sends the answer to a sync, once, from whatever thread.
private struct SyncAnswer: Sendable {
    let handler: NIOLoopBound<FrameHandler>
    let limit: Int

    func send(_ payload: [UInt8]) {
        handler.eventLoop.execute {
            if payload.count > limit {
                handler.value.refuse(Refusal(.busy, "the answer has \(payload.count) bytes, at most \(limit) are allowed"))
            } else {
                handler.value.send(Frame(.syncReply, header: payload))
            }
        }
    }
}
