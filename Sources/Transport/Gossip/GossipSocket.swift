package import Logging
package import NIOCore
internal import NIOPosix
internal import Primitives
internal import Synchronization

/// Where gossip comes from and goes to. A host is an address in numbers or a name.
package struct GossipEndpoint: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

package protocol GossipSocketDelegate: AnyObject, Sendable {
    /// A packet that was sealed with a key of the ring. Called on the socket's event loop.
    func gossipReceived(_ payload: [UInt8], from: GossipEndpoint)
}

/// What the socket has seen since it was made.
package struct GossipCounters: Hashable, Sendable {
    package var packetsSent = 0
    package var bytesSent = 0
    package var packetsReceived = 0
    package var bytesReceived = 0
    /// Too short, or of another version.
    package var malformed = 0
    /// Sealed with a key that is not in the ring.
    package var unknownKey = 0
    /// The tag did not fit: changed on the way, another cluster, or another key under the same id.
    package var forged = 0
    /// Not sent: no address for the host, too long, or too many on their way.
    package var dropped = 0
    /// Taken away by the shaper.
    package var shapedAway = 0
    package init() {}
}

/// The UDP socket of gossip: seals, sends, receives, opens. Packets that are not sealed with a key of
/// the ring are counted and otherwise ignored, so that a stranger learns nothing from trying.
///
/// Thread-safe. The largest payload is 65,000 bytes on loopback; over the Internet a packet above
/// about 1,400 is fragmented, so gossip keeps below that.
package final class GossipSocket: Sendable {
    package static let payloadLimit = 65_000
    /// Packets handed over and not yet given to the kernel.
    static let pendingLimit = 4_096

    private struct State: Sendable {
        var sealer: PacketSealer
        var counters = GossipCounters()
        var channel: (any Channel)?
        var pending = 0
    }
    private let state: Mutex<State>
    private let loop: any EventLoop
    private let shaper: LinkShaper?
    private let resolver = HostResolver()
    private let logger: Logger

    package init(cluster: String, keys: KeyRing, group: any EventLoopGroup, shaper: LinkShaper? = nil, logger: Logger)
        throws(TransportError)
    {
        state = Mutex(State(sealer: try PacketSealer(ring: keys, cluster: cluster)))
        loop = group.next()
        self.shaper = shaper
        self.logger = logger
    }

    package var counters: GossipCounters { state.withLock { $0.counters } }

    /// The keys in force; setting them takes effect with the next packet.
    package var keys: KeyRing {
        get { state.withLock { $0.sealer.ring } }
        set { state.withLock { $0.sealer.ring = newValue } }
    }

    /// Binds (port 0: any) and begins to receive; returns the port.
    package func start(host: String, port: Int, delegate: any GossipSocketDelegate) async throws(TransportError) -> Int {
        let bootstrap = DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
            .channelOption(.socketOption(.so_rcvbuf), value: 1 << 20)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(GossipHandler(socket: self, delegate: delegate, shaper: shaper))
                }
            }
        do {
            let channel = try await bootstrap.bind(host: host, port: port).get()
            state.withLock { $0.channel = channel }
            return channel.localAddress?.port ?? port
        } catch {
            throw TransportError(
                .unreachable, "listen for gossip at", "\(GossipEndpoint(host: host, port: port))", cause: describe(error),
                advice: "choose another port, or stop what uses this one")
        }
    }

    package func stop() async {
        let channel = state.withLock { state in
            defer { state.channel = nil }
            return state.channel
        }
        try? await channel?.close(mode: .all).get()
    }

    /// Seals and sends; what cannot be sent is dropped and counted, as the network would.
    package func send(_ payload: [UInt8], to endpoint: GossipEndpoint) {
        guard payload.count <= Self.payloadLimit, let address = resolver.address(host: endpoint.host, port: endpoint.port) else {
            return count { $0.dropped += 1 }
        }
        let (channel, packet): ((any Channel)?, [UInt8]?) = state.withLock { state in
            guard let channel = state.channel, state.pending < Self.pendingLimit, let packet = try? state.sealer.seal(payload) else {
                state.counters.dropped += 1
                return (nil, nil)
            }
            state.pending += 1
            state.counters.packetsSent += 1
            state.counters.bytesSent += packet.count
            return (channel, packet)
        }
        guard let channel, let packet else { return }
        let envelope = AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: packet))
        channel.writeAndFlush(envelope).whenComplete { [self] _ in state.withLock { $0.pending -= 1 } }
    }

    func count(_ change: (inout GossipCounters) -> Void) { state.withLock { change(&$0.counters) } }

    func open(_ packet: [UInt8]) -> [UInt8]? {
        state.withLock { state in
            state.counters.packetsReceived += 1
            state.counters.bytesReceived += packet.count
            switch state.sealer.open(packet) {
            case .payload(let payload): return payload
            case .malformed: state.counters.malformed += 1
            case .unknownKey: state.counters.unknownKey += 1
            case .forged: state.counters.forged += 1
            }
            return nil
        }
    }

    func problem(_ error: any Error) {
        logger.debug("gossip socket", metadata: ["error": "\(describe(error))"])
    }
}
