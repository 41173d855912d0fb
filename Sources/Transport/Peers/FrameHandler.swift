internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import Primitives

/// One end of a connection, above frames. Every call comes on the connection's event loop.
protocol FrameEndpoint: AnyObject {
    /// TLS is up and the peer's certificate, which our authority signed, says this name.
    func secured(peer: PeerName, by handler: FrameHandler)
    func received(_ frame: Frame, by handler: FrameHandler)
    /// The connection is over. Called once, also where it ended before it was secured.
    func closed(reason: String, by handler: FrameHandler)
}

/// The top of every connection's pipeline: cuts bytes into frames, knows when TLS is up, turns whatever
/// ends the connection into one reason.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoint: any FrameEndpoint
    private var decoder = FrameDecoder()
    private var context: ChannelHandlerContext?
    private var reason: String?
    private var isOver = false
    private var isSecured = false

    init(endpoint: any FrameEndpoint) { self.endpoint = endpoint }

    /// The hello has been agreed on: frames of full size may come.
    func open(limits: FrameLimits) { decoder.limits = limits }

    // MARK: - Sending

    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>?) {
        guard let context, !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(wrapOutboundOut(buffer), promise: promise)
    }

    func flush() {
        if !isOver { context?.flush() }
    }

    func send(_ frame: Frame) {
        var buffer = ByteBuffer()
        frame.write(to: &buffer)
        write(buffer, promise: nil)
        flush()
    }

    /// Tells the peer why, and closes.
    func refuse(_ refusal: Refusal) {
        send(Frame(.fatal, header: refusal.xdrBytes))
        close(reason: "refused: \(refusal)")
    }

    /// Ends the connection. The endpoint hears of it at once: what becomes of the socket, which over a
    /// shaped link takes its time, is nobody's concern any more.
    func close(reason: String) {
        guard !isOver else { return }
        finish(reason)
        context?.close(mode: .all, promise: nil)
    }

    private func finish(_ reason: String) {
        guard !isOver else { return }
        isOver = true
        endpoint.closed(reason: reason, by: self)
    }

    // MARK: - Events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish(reason ?? "connection closed")
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent, !isSecured, !isOver {
            isSecured = true
            guard let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate(),
                let name = PeerName(certificate: certificate)
            else {
                return refuse(Refusal(.identity, "the certificate names no node (a URI atoll://<cluster>/node/<id>); issue a new one"))
            }
            endpoint.secured(peer: name, by: self)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        do {
            while !isOver, let frame = try decoder.next(from: &input) { handle(frame) }
        } catch {
            refuse(Refusal(.malformed, "malformed frame: \(error)"))
        }
    }

    private func handle(_ frame: Frame) {
        guard frame.kind == .fatal else { return endpoint.received(frame, by: self) }
        let text = (try? Refusal(xdr: frame.header))?.text ?? "no reason given"
        close(reason: "refused by the peer: \(text)")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The first error is the cause, what follows are its consequences.
        if reason == nil { reason = describe(error) }
        close(reason: reason ?? "connection closed")
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(reason ?? "the peer closed the connection")
        context.fireChannelInactive()
    }
}
