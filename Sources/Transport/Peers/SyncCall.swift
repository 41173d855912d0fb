internal import NIOCore
internal import Primitives

/// One question to an address of which nobody knows the node yet: connect, check that whoever is there
/// is of this cluster, ask, wait for the answer, close. Confined to `loop`.
final class SyncCall: FrameEndpoint, @unchecked Sendable {
    private let context: PeerContext
    private let loop: any EventLoop
    private let host: String
    private let port: Int
    private let payload: [UInt8]
    private let promise: EventLoopPromise<[UInt8]>
    private var certified: PeerName?
    private var handler: FrameHandler?
    private var deadline: Scheduled<Void>?
    private var isDone = false

    init(context: PeerContext, loop: any EventLoop, host: String, port: Int, payload: [UInt8]) {
        self.context = context
        self.loop = loop
        self.host = host
        self.port = port
        self.payload = payload
        promise = loop.makePromise()
    }

    func start(timeout: Duration) -> EventLoopFuture<[UInt8]> {
        loop.execute { self.dial(timeout) }
        return promise.futureResult
    }

    private func dial(_ timeout: Duration) {
        deadline = loop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) { self.fail(.timeout, "no answer within \(timeout)") }
        let end = (try? SocketAddress(ipAddress: host, port: port)).flatMap { context.shaper?.place(of: $0) }
        context.dial(host: host, port: port, peer: end, on: loop, endpoint: self).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let bound):
                if self.isDone { bound.value.close(reason: "no longer wanted") } else { self.handler = bound.value }
            case .failure(let error): self.fail(.unreachable, describe(error))
            }
        }
    }

    func secured(peer: PeerName, by handler: FrameHandler) {
        self.handler = handler
        guard !isDone else { return }
        let cluster = context.clusterID
        guard peer.cluster == cluster else {
            return handler.refuse(Refusal(.cluster, "meant to reach cluster \(cluster), reached \(peer)"))
        }
        certified = peer
        handler.send(Frame(.hello, header: context.hello(.sync).xdrBytes))
        handler.send(Frame(.syncRequest, header: payload))
    }

    func received(_ frame: Frame, by handler: FrameHandler) {
        switch frame.kind {
        case .hello:
            guard let certified, let hello = try? Hello(header: frame.header) else {
                return handler.refuse(Refusal(.malformed, "malformed hello"))
            }
            if let objection = hello.objection(certified: certified, me: context.hello(.sync), dialled: nil) {
                return handler.refuse(objection)
            }
            handler.open(limits: FrameLimits(header: context.settings.syncLimit, attachment: 0))
        case .syncReply:
            finish(.success(frame.header))
        default:
            handler.refuse(Refusal(.malformed, "\(frame.kind) is not expected here"))
        }
    }

    func closed(reason: String, by handler: FrameHandler) {
        if handler === self.handler { fail(reason.contains("refused") ? .refused : .unreachable, reason) }
    }

    private func fail(_ code: TransportError.Code, _ cause: String) {
        let advice =
            code == .refused ? "give both nodes the same cluster id, authority and configuration" : "check that a node listens there"
        finish(.failure(TransportError(code, "sync with", "\(host):\(port)", cause: cause, advice: advice)))
    }

    private func finish(_ result: Result<[UInt8], TransportError>) {
        guard !isDone else { return }
        isDone = true
        deadline?.cancel()
        let handler = handler
        self.handler = nil
        handler?.close(reason: "done")
        promise.completeWith(result.mapError { $0 as any Error })
    }
}
