internal import NIOCore
internal import Primitives

/// One connection that this node dialled, and on which it alone sends messages; what comes back are the
/// hello, pongs and, at worst, a refusal. Lives for one attempt: its `OutgoingLane` makes a new one
/// after it has failed.
///
/// All of its state belongs to the lane's event loop; hence `@unchecked Sendable`.
final class DialledConnection: FrameEndpoint, @unchecked Sendable {
    enum Phase {
        case dialling
        /// TLS is up, our hello is sent; messages may follow behind it.
        case greeting
        /// The peer has agreed.
        case open
        case closed
    }

    /// The most that is encrypted in one turn of the event loop, so that others on it are not kept waiting.
    static let burst = 512 << 10
    /// Large attachments are handed to TLS in pieces of this size, without a copy.
    static let slice = 256 << 10
    /// Attachments up to this size are copied behind their header, into one buffer with their neighbours.
    static let small = 8 << 10

    let flow: Int
    private(set) var phase = Phase.dialling
    private(set) var incarnation: Incarnation = 0
    private(set) var wasOpen = false
    private let lane: OutgoingLane
    private let context: PeerContext
    private let loop: any EventLoop
    private var handler: FrameHandler?
    private var deadline: Scheduled<Void>?

    private var assigned = CircularBuffer<OutboundMessage>()
    /// Of the attachment whose header has been written.
    private var rest: ByteBuffer?
    private var unwritten = 0
    private var outstanding = 0
    private var isWriting = false
    private var lastProgress = Instant.now

    private var lastPing: Instant?
    private var pingSent: Instant?
    private var pingNumber: UInt64 = 0

    init(flow: Int, lane: OutgoingLane) {
        self.flow = flow
        self.lane = lane
        context = lane.context
        loop = lane.loop
    }

    /// Bytes that were given to this connection and have not left it.
    var load: Int { unwritten + outstanding }

    var takesMessages: Bool {
        switch phase {
        case .greeting, .open: load < context.settings.outstandingBytes
        case .dialling, .closed: false
        }
    }

    // MARK: - Coming up

    func dial() {
        let timeout = context.settings.dialTimeout
        deadline = loop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) { self.fail("no answer within \(timeout)") }
        let peer = lane.peer
        let end = LinkEnd(node: peer.id, region: peer.region)
        context.dial(host: peer.host, port: peer.port, peer: end, on: loop, endpoint: self).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let bound):
                guard self.phase != .closed else { return bound.value.close(reason: "no longer wanted") }
                self.handler = bound.value
            case .failure(let error): self.fail(describe(error))
            }
        }
    }

    func secured(peer name: PeerName, by handler: FrameHandler) {
        guard phase == .dialling else { return }
        self.handler = handler
        let cluster = context.clusterID
        guard name.cluster == cluster, name.node == lane.peer.id else {
            let refusal = Refusal(.wrongNode, "meant to reach \(lane.peer.id) of cluster \(cluster), reached \(name)")
            return handler.refuse(refusal)
        }
        phase = .greeting
        handler.send(Frame(.hello, header: context.hello(lane.lane.purpose, flow: flow, expects: lane.peer.id).xdrBytes))
        lane.pump()
    }

    func received(_ frame: Frame, by handler: FrameHandler) {
        switch (phase, frame.kind) {
        case (.greeting, .hello): greeted(frame.header, handler)
        case (.open, .pong): ponged(frame.header)
        default: handler.refuse(Refusal(.malformed, "\(frame.kind) is not expected here"))
        }
    }

    private func greeted(_ header: [UInt8], _ handler: FrameHandler) {
        let hello: Hello
        do { hello = try Hello(header: header) } catch { return handler.refuse(Refusal(.malformed, "malformed hello: \(error)")) }
        let me = context.hello(lane.lane.purpose, flow: flow, expects: lane.peer.id)
        let certified = PeerName(cluster: context.clusterID, node: lane.peer.id)
        if let objection = hello.objection(certified: certified, me: me, dialled: lane.peer.id) { return handler.refuse(objection) }
        deadline?.cancel()
        phase = .open
        wasOpen = true
        incarnation = hello.incarnation
        lane.opened(self)
        tick(now: .now)
    }

    // MARK: - Going down

    func closed(reason: String, by handler: FrameHandler) {
        // Of several addresses tried at once only the one that won is ours.
        if handler === self.handler { over(reason) }
    }

    /// Ends the connection from this side.
    func fail(_ reason: String) {
        guard phase != .closed else { return }
        if let handler { handler.close(reason: reason) } else { over(reason) }
    }

    private func over(_ reason: String) {
        guard phase != .closed else { return }
        phase = .closed
        deadline?.cancel()
        handler = nil
        let lost = assigned.count + (rest == nil ? 0 : 1)
        assigned.removeAll()
        rest = nil
        lane.closed(self, reason: reason, lost: lost)
    }

    // MARK: - Sending

    func assign(_ message: OutboundMessage) {
        if load == 0 { lastProgress = .now }
        assigned.append(message)
        unwritten += message.size
    }

    /// Writes one burst of what is assigned, and comes back for the rest in the next turn of the loop.
    func write() {
        guard !isWriting, unwritten > 0, phase == .greeting || phase == .open, let handler else { return }
        isWriting = true
        var burst = Burst(handler: handler)
        while burst.bytes < Self.burst, takeNext(&burst) {}
        let count = burst.bytes
        unwritten -= count
        outstanding += count
        let promise = loop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in self.left(count) }
        burst.finish(promise)
        handler.flush()
        isWriting = false
        if unwritten > 0 { loop.assumeIsolated().execute { self.write() } }
    }

    /// Moves one message head, or one slice of an attachment, into the burst.
    private func takeNext(_ burst: inout Burst) -> Bool {
        if rest != nil {
            if let slice = rest!.readSlice(length: min(Self.slice, rest!.readableBytes)) { burst.put(slice) }
            if rest!.readableBytes == 0 { rest = nil }
            return true
        }
        guard let message = assigned.popFirst() else { return false }
        let attachment = message.attachment
        burst.put(head: message.header, attachmentLength: attachment?.readableBytes)
        if let attachment {
            if attachment.readableBytes <= Self.small { burst.put(copy: attachment) } else { rest = attachment }
        }
        return true
    }

    private func left(_ count: Int) {
        outstanding -= count
        lastProgress = .now
        lane.pump()
    }

    // MARK: - Keeping alive

    private func ponged(_ header: [UInt8]) {
        guard let sent = pingSent, header == pingHeader else { return }
        pingSent = nil
        lane.meter.add(roundTrip: .now - sent)
    }

    private var pingHeader: [UInt8] { withUnsafeBytes(of: pingNumber.bigEndian) { Array($0) } }

    /// Called several times per keepalive: pings when that is due, gives up on a peer that is silent.
    func tick(now: Instant) {
        guard phase == .open, let handler else { return }
        let settings = context.settings
        if load > 0, now - lastProgress > settings.bulkStall { return fail("nothing was taken for \(settings.bulkStall)") }
        if let pingSent {
            // Behind bulk bytes that move a pong may take long; what counts then is that they move.
            let since = load > DialledConnection.slice ? max(pingSent, lastProgress) : pingSent
            let limit = settings.pongTimeout(roundTrip: lane.meter.roundTrip.smoothed)
            if now - since > limit { fail("no answer to a ping for \(limit)") }
            return
        }
        let interval = lane.lane == .control ? settings.keepalive : settings.keepalive * 5
        guard lane.lane == .control || load == 0, lastPing.map({ now - $0 >= interval }) ?? true else { return }
        lastPing = now
        pingSent = now
        pingNumber += 1
        handler.send(Frame(.ping, header: pingHeader))
    }
}
