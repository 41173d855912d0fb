internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Primitives
internal import Synchronization

/// What all connections of a node share: who it is, how it proves that, its settings, and whom to tell.
final class PeerContext: Sendable {
    let me: LinkEnd
    let node: NodeID
    let clusterSettings: Digest
    let incarnation: Incarnation
    let settings: NetworkSettings
    let shaper: LinkShaper?
    let logger: Logger
    let meters = PeerMeters()

    private struct State: Sendable {
        var identity: TLSIdentity
        var contexts: TLSContexts
        var delegate: (any PeerNetworkDelegate)?
        var channels: [ObjectIdentifier: any Channel] = [:]
        var accepted = 0
        var said: [String: String] = [:]
        var random: SeededGenerator
        var whenEmpty: [EventLoopPromise<Void>] = []
    }
    private let state: Mutex<State>
    /// How many things that are said only once are remembered.
    private static let saidLimit = 1_024

    init(
        identity: TLSIdentity, region: RegionID, clusterSettings: Digest, incarnation: Incarnation, settings: NetworkSettings,
        shaper: LinkShaper?, logger: Logger
    ) throws(TransportError) {
        node = identity.node
        me = LinkEnd(node: identity.node, region: region)
        self.clusterSettings = clusterSettings
        self.incarnation = incarnation
        self.settings = settings
        self.shaper = shaper
        var logger = logger
        logger[metadataKey: "node"] = "\(identity.node)"
        logger[metadataKey: "region"] = "\(region)"
        self.logger = logger
        let seed = try randomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        state = Mutex(State(identity: identity, contexts: try TLSContexts(identity), random: SeededGenerator(seed: seed)))
    }

    var clusterID: String { state.withLock { $0.identity.clusterID } }
    var delegate: (any PeerNetworkDelegate)? { state.withLock { $0.delegate } }
    func set(delegate: (any PeerNetworkDelegate)?) { state.withLock { $0.delegate = delegate } }

    func use(_ identity: TLSIdentity) throws(TransportError) {
        let contexts = try TLSContexts(identity)
        state.withLock { state in
            state.identity = identity
            state.contexts = contexts
        }
    }

    func hello(_ purpose: Purpose, flow: Int = 0, expects: NodeID? = nil) -> Hello {
        Hello(
            cluster: clusterID, node: node, region: me.region, incarnation: incarnation, settings: clusterSettings, purpose: purpose,
            flow: UInt32(flow), expects: expects)
    }

    func random<Result: Sendable>(_ draw: (inout SeededGenerator) -> Result) -> Result { state.withLock { draw(&$0.random) } }

    // MARK: - Saying things once

    /// Logs `text` about `subject`, unless that was the last thing said about it. `forget` makes it news again.
    func say(_ level: Logger.Level, _ text: Logger.Message, about subject: String, reason: String) {
        let isNews = state.withLock { state in
            guard state.said[subject] != reason else { return false }
            if state.said.count >= Self.saidLimit { state.said.removeAll(keepingCapacity: true) }
            state.said[subject] = reason
            return true
        }
        guard isNews else { return }
        logger.log(level: level, text, metadata: ["peer": "\(subject)", "reason": "\(reason)"])
    }

    func forget(_ subject: String) { state.withLock { _ = $0.said.removeValue(forKey: subject) } }

    // MARK: - Channels

    private func register(_ channel: any Channel, accepted: Bool) {
        let id = ObjectIdentifier(channel)
        state.withLock { state in
            state.channels[id] = channel
            if accepted { state.accepted += 1 }
        }
        channel.closeFuture.whenComplete { [self] _ in
            let waiting: [EventLoopPromise<Void>] = state.withLock { state in
                state.channels[id] = nil
                if accepted { state.accepted -= 1 }
                guard state.channels.isEmpty else { return [] }
                defer { state.whenEmpty = [] }
                return state.whenEmpty
            }
            for promise in waiting { promise.succeed(()) }
        }
    }

    var openChannels: [any Channel] { state.withLock { Array($0.channels.values) } }

    /// Done when no connection is left.
    func allClosed(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        let isEmpty = state.withLock { state in
            if state.channels.isEmpty { return true }
            state.whenEmpty.append(promise)
            return false
        }
        if isEmpty { promise.succeed(()) }
        return promise.futureResult
    }

    // MARK: - Pipelines

    /// Shaper, TLS and frames, on the event loop of `channel`.
    func prepareAccepted(_ channel: any Channel) throws {
        guard state.withLock({ $0.accepted < settings.acceptedLimit }) else {
            throw TransportError(
                .refused, "accept connection from", "\(channel.remoteAddress?.description ?? "?")",
                cause: "\(settings.acceptedLimit) are open already")
        }
        register(channel, accepted: true)
        let pipeline = channel.pipeline.syncOperations
        if let shaper { try pipeline.addHandler(ShaperHandler(accepting: shaper)) }
        try pipeline.addHandler(NIOSSLServerHandler(context: state.withLock { $0.contexts.server }))
        let connection = IncomingConnection(context: self, channel: channel)
        let handler = FrameHandler(endpoint: connection)
        try pipeline.addHandler(handler)
        connection.start(handler)
    }

    /// Connects to an address; the future holds the handler at the top of the pipeline, which speaks to
    /// `endpoint`. Runs on `loop` altogether, so that `endpoint` may be confined to it.
    func dial(
        host: String, port: Int, peer: LinkEnd?, on loop: any EventLoop, endpoint: any FrameEndpoint & Sendable
    ) -> EventLoopFuture<NIOLoopBound<FrameHandler>> {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(settings.dialTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 4_096, maximum: 256 << 10))
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    register(channel, accepted: false)
                    let pipeline = channel.pipeline.syncOperations
                    if let shaper { try pipeline.addHandler(ShaperHandler(shaper: shaper, dialling: peer)) }
                    try pipeline.addHandler(NIOSSLClientHandler(context: state.withLock { $0.contexts.client }, serverHostname: nil))
                    try pipeline.addHandler(FrameHandler(endpoint: endpoint))
                }
            }
        let connected: EventLoopFuture<any Channel>
        if let address = try? SocketAddress(ipAddress: host, port: port) {
            connected = bootstrap.connect(to: address)
        } else {
            connected = bootstrap.connect(host: host, port: port)
        }
        return connected.flatMapThrowing { channel in
            NIOLoopBound(try channel.pipeline.syncOperations.handler(type: FrameHandler.self), eventLoop: loop)
        }
    }
}
