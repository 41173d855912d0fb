package import Logging
package import NIOCore
internal import NIOPosix
package import Primitives
internal import Synchronization

/// Moves messages between this node and its peers, and decides nothing: what a message means, whether
/// to send it again and whom to believe is for the core to say.
///
/// - One TCP port for everything. TLS 1.3 with certificates on both sides, then a hello in which both say
///   who they are; whoever is not of this cluster, or not the node that was meant, is told why and closed.
/// - Each node dials, sends on what it dialled and receives on what it accepted. So there is nothing to
///   settle when two nodes dial each other at one moment, and a path that is open one way only works
///   that way. It costs two connections where one would do.
/// - Two lanes to each peer (`Lane`), each with its own connections and bounded queue. Control keeps its
///   order; bulk uses several flows, because one TCP flow carries about 1 MiB per round trip.
/// - Delivery is at most once. A connection that breaks loses what it had taken, and `disconnected` says
///   so; a request that matters has its own deadline.
///
/// Thread-safe: any method may be called from anywhere, also from within the delegate's calls. The
/// delegate is kept until `stop`.
package final class PeerNetwork: Sendable {
    private struct Peer: Sendable {
        var address: PeerAddress
        var control: OutgoingLane
        var bulk: OutgoingLane
    }
    private struct State: Sendable {
        var peers: [NodeID: Peer] = [:]
        var server: (any Channel)?
        var phase = Phase.made
    }
    private enum Phase { case made, running, stopped }

    private let context: PeerContext
    private let loops: [any EventLoop]
    private let group: any EventLoopGroup
    private let state = Mutex(State())
    package let settings: NetworkSettings

    /// - Parameters:
    ///   - clusterSettings: a digest of what all nodes must agree on; peers with another are refused.
    ///   - incarnation: a number for this run of the process, told to peers.
    ///   - group: where connections live. With two or more loops the first is kept for control.
    package init(
        identity: TLSIdentity, region: RegionID, clusterSettings: Digest, incarnation: UInt64,
        settings: NetworkSettings = NetworkSettings(),
        group: any EventLoopGroup, shaper: LinkShaper? = nil, logger: Logger
    ) throws(TransportError) {
        context = try PeerContext(
            identity: identity, region: region, clusterSettings: clusterSettings, incarnation: incarnation, settings: settings,
            shaper: shaper,
            logger: logger)
        self.settings = settings
        self.group = group
        loops = Array(group.makeIterator())
        precondition(!loops.isEmpty, "a network needs an event loop")
    }

    package var node: NodeID { context.node }
    package var region: RegionID { context.me.region }

    /// Another certificate, for connections from now on.
    package func use(_ identity: TLSIdentity) throws(TransportError) {
        guard identity.node == node, identity.clusterID == context.clusterID else {
            throw TransportError(.identity, "use", "\(identity)", cause: "this is \(node) of cluster \(context.clusterID)")
        }
        try context.use(identity)
    }

    // MARK: - Start and stop

    /// Listens (port 0: any) and returns the port.
    package func start(host: String, port: Int, delegate: any PeerNetworkDelegate) async throws(TransportError) -> Int {
        let isFirst = state.withLock { state in
            defer { state.phase = .running }
            return state.phase == .made
        }
        precondition(isFirst, "a PeerNetwork starts once")
        context.set(delegate: delegate)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 16 << 10, initial: 64 << 10, maximum: 256 << 10)
            )
            .childChannelOption(.maxMessagesPerRead, value: 8)
            .childChannelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture { try context.prepareAccepted(channel) }
            }
        do {
            let server = try await bootstrap.bind(host: host, port: port).get()
            state.withLock { $0.server = server }
            let actual = server.localAddress?.port ?? port
            context.logger.info("listening for peers", metadata: ["host": "\(host)", "port": "\(actual)"])
            return actual
        } catch {
            context.set(delegate: nil)
            throw TransportError(
                .unreachable, "listen for peers at", "\(host):\(port)", cause: describe(error),
                advice: "choose another port, or stop what uses this one")
        }
    }

    /// Accepts nothing more, lets queues run empty for half of `grace`, closes all connections, and is
    /// back after `grace` and a second at the latest.
    package func stop(grace: Duration = .seconds(2)) async {
        let (server, lanes) = state.withLock { state in
            state.phase = .stopped
            defer {
                state.server = nil
                state.peers = [:]
            }
            return (state.server, state.peers.values.flatMap { [$0.control, $0.bulk] })
        }
        try? await server?.close(mode: .all).get()
        let loop = loops[0]
        await wait(EventLoopFuture.andAllComplete(lanes.map { $0.drain() }, on: loop), atMost: grace / 2)
        for lane in lanes { lane.stop("this node is stopping") }
        for channel in context.openChannels { channel.close(mode: .all, promise: nil) }
        await wait(context.allClosed(on: loop), atMost: grace / 2)
        context.shaper?.release()
        for channel in context.openChannels { channel.close(mode: .all, promise: nil) }
        await wait(context.allClosed(on: loop), atMost: .seconds(1))
        context.set(delegate: nil)
    }

    private func wait(_ future: EventLoopFuture<Void>, atMost limit: Duration) async {
        let loop = future.eventLoop
        let promise = loop.makePromise(of: Void.self)
        let timer = loop.scheduleTask(in: TimeAmount(limit)) { promise.succeed(()) }
        future.whenComplete { _ in
            timer.cancel()
            promise.succeed(())
        }
        try? await promise.futureResult.get()
    }

    // MARK: - Peers

    /// Says where a peer is. Connections are made when there is something to send, or at once with
    /// `connect` (the control lane). A peer that has moved is dialled anew.
    package func setPeer(_ address: PeerAddress, connect: Bool = false) {
        precondition(address.id != node, "a node is not its own peer")
        let (old, lane): (Peer?, OutgoingLane?) = state.withLock { state in
            guard state.phase != .stopped else { return (nil, nil) }
            if let known = state.peers[address.id], known.address == address { return (nil, known.control) }
            let peer = Peer(address: address, control: makeLane(address, .control), bulk: makeLane(address, .bulk))
            return (state.peers.updateValue(peer, forKey: address.id), peer.control)
        }
        old?.control.stop("\(address.id) has moved")
        old?.bulk.stop("\(address.id) has moved")
        if connect { lane?.want() }
    }

    package func removePeer(_ id: NodeID) {
        let old = state.withLock { $0.peers.removeValue(forKey: id) }
        old?.control.stop("\(id) was removed")
        old?.bulk.stop("\(id) was removed")
    }

    package var peers: [PeerAddress] { state.withLock { $0.peers.values.map(\.address) }.sorted { $0.id < $1.id } }

    private func makeLane(_ address: PeerAddress, _ lane: Lane) -> OutgoingLane {
        // Control has a loop of its own where there are several; bulk to different peers is spread over the rest.
        let others = loops.count > 1 ? loops.dropFirst() : loops[...]
        let loop = lane == .control ? loops[0] : others[others.startIndex + Int(address.id.rawValue % UInt64(others.count))]
        return OutgoingLane(peer: address, lane: lane, loop: loop, context: context, meter: context.meters.meter(address.id, lane))
    }

    // MARK: - Sending

    /// Puts a message into the queue of a lane, or says at once why not. Never blocks.
    @discardableResult
    package func send(to peer: NodeID, lane: Lane, header: [UInt8], attachment: ByteBuffer? = nil) -> SendOutcome {
        guard header.count <= FrameLimits.open.header, (attachment?.readableBytes ?? 0) <= FrameLimits.open.attachment else {
            return .refused(.tooLarge)
        }
        let (target, phase) = state.withLock { state in
            (lane == .control ? state.peers[peer]?.control : state.peers[peer]?.bulk, state.phase)
        }
        guard phase != .stopped else { return .refused(.stopped) }
        guard let target else { return .refused(.unknownPeer) }
        return target.send(OutboundMessage(header: header, attachment: attachment))
    }

    /// Push/pull with whoever listens at an address, which must be of this cluster; no `setPeer` is needed.
    package func sync(host: String, port: Int, payload: [UInt8], timeout: Duration = .seconds(10)) async throws(TransportError) -> [UInt8] {
        let future = startSync(host: host, port: port, payload: payload, timeout: timeout)
        do { return try await future.get() } catch {
            throw error as? TransportError ?? TransportError(.unreachable, "sync with", "\(host):\(port)", cause: describe(error))
        }
    }

    /// The same with a callback, called once on an event loop.
    package func sync(
        host: String, port: Int, payload: [UInt8], timeout: Duration = .seconds(10),
        completion: @escaping @Sendable (Result<[UInt8], TransportError>) -> Void
    ) {
        startSync(host: host, port: port, payload: payload, timeout: timeout).whenComplete { result in
            completion(
                result.mapError { error in
                    error as? TransportError ?? TransportError(.unreachable, "sync with", "\(host):\(port)", cause: describe(error))
                })
        }
    }

    private func startSync(host: String, port: Int, payload: [UInt8], timeout: Duration) -> EventLoopFuture<[UInt8]> {
        let loop = loops[0]
        guard payload.count <= min(settings.syncLimit, FrameLimits.open.header) else {
            return loop.makeFailedFuture(
                TransportError(
                    .argument, "sync with", "\(host):\(port)", cause: "\(payload.count) bytes, at most \(settings.syncLimit) are allowed"))
        }
        guard state.withLock({ $0.phase == .running }) else {
            return loop.makeFailedFuture(
                TransportError(.stopped, "sync with", "\(host):\(port)", cause: "this node's network is not running"))
        }
        return SyncCall(context: context, loop: loop, host: host, port: port, payload: payload).start(timeout: timeout)
    }

    // MARK: - Looking

    /// Every peer ever spoken to, in the order of node ids.
    package var statistics: [PeerStatistics] {
        let peers = state.withLock { $0.peers }
        return context.meters.all.map { id, pair in
            func counters(_ meter: LaneMeter, _ lane: OutgoingLane?) -> LaneCounters {
                var value = meter.value
                if let depth = lane?.depth { (value.queuedMessages, value.queuedBytes) = depth }
                return value
            }
            let trips = pair.control.roundTrip
            return PeerStatistics(
                peer: id, region: peers[id]?.address.region, control: counters(pair.control, peers[id]?.control),
                bulk: counters(pair.bulk, peers[id]?.bulk), roundTrip: trips.smoothed, medianRoundTrip: trips.median,
                lastRoundTrip: trips.last)
        }
    }

    /// The smoothed round trip to a peer over the control lane; nil before the first pong.
    package func roundTrip(to peer: NodeID) -> Duration? { context.meters.meter(peer, .control).roundTrip.smoothed }
}
