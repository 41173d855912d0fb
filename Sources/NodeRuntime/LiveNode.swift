import Consensus
import Filesystem
package import Logging
import Membership
import NIOCore
import NIOPosix
import NodeCore
import Primitives
import Replication
import Storage
import Synchronization
import Transport

/// A node that could not start: what, of what, why.
package struct NodeStartError: Error, Sendable, CustomStringConvertible {
    package let description: String
    init(_ what: String, _ cause: any Error) { description = "\(what): \(cause)" }
    init(_ text: String) { description = text }
}

/// The live node: `NodeState` with real sockets, disks and clocks around it.
package final class LiveNode: Sendable {
    /// Of this program, in status and gossip.
    package static let version = "0.1.0"

    let config: NodeConfig
    let logger: Logger
    let clock: NodeClock
    let loop: NodeLoop
    let network: PeerNetwork
    let gossip: GossipSocket
    let shaper: LinkShaper
    let data: DataPlane
    let log: WriteAheadLog
    let directory: DataDirectory
    let waiters = RequestWaiters()
    let receiver: PeerReceiver
    let group: MultiThreadedEventLoopGroup
    private let maintenance: Maintenance
    private let started: Instant
    let life = Mutex(Life())

    struct Life {
        var state = "starting"
        var endpoints: [(name: String, address: String)] = []
        var moreMetrics: [@Sendable () -> [NodeStatus.Metric]] = []
        var fault: String?
        var onFault: (@Sendable (String) -> Void)?
        var onLeft: (@Sendable () -> Void)?
        var onHandedOver: (@Sendable () -> Void)?
        /// Whether the log waits for room on the disk.
        var isDiskFull: (@Sendable () -> Bool)?
    }

    /// Opens the data directory, restores what it holds, binds the ports and begins. `httpPort` is
    /// told to the other nodes.
    package static func start(config: NodeConfig, logger: Logger) async throws(NodeStartError) -> LiveNode {
        let parts: NodeParts
        do { parts = try NodeParts.open(config, logger: logger) } catch {
            throw error as? NodeStartError ?? NodeStartError("start node \(config.node.name)", error)
        }
        let node = LiveNode(parts, config: config, logger: logger)
        do { try await node.begin(parts) } catch {
            await node.closeFiles()
            throw error as? NodeStartError ?? NodeStartError("start node \(config.node.name)", error)
        }
        return node
    }

    private init(_ parts: NodeParts, config: NodeConfig, logger: Logger) {
        self.config = config
        self.logger = logger
        clock = parts.clock
        started = parts.clock.now
        group = parts.group
        network = parts.network
        gossip = parts.gossip
        shaper = parts.shaper
        log = parts.log
        directory = parts.directory
        loop = parts.loop
        data = parts.data
        receiver = parts.receiver
        maintenance = Maintenance(
            store: parts.data.store, scrubBytesPerSecond: config.limits.scrubBytesPerSecond, touchSpan: config.limits.touchSpan,
            logger: logger, touchStages: { [data] in data.touchStages() }, decayed: { [loop] in loop.post(.chunks(.decayed)) })
        for finding in parts.data.store.openFindings { logger.warning("the chunk store was mended", metadata: ["where": "\(finding)"]) }
    }

    private func begin(_ parts: NodeParts) async throws {
        // The ports are bound before the loop begins, so that nothing is sent that cannot be answered.
        let peerPort = try await network.start(host: config.listen.host, port: config.listen.peer, delegate: receiver)
        let gossipPort = try await gossip.start(host: config.listen.host, port: config.listen.gossip, delegate: receiver)
        life.withLock {
            $0.endpoints = [("gossip", "\(config.advertisedHost):\(gossipPort)"), ("peer", "\(config.advertisedHost):\(peerPort)")]
        }
        for member in config.bootstrap where member.id != config.node.id {
            if let endpoint = Endpoint(member.gossip) {
                shaper.learn(host: endpoint.host, port: Int(endpoint.port), node: NodeID(member.id), region: RegionID(member.region))
            }
            if let endpoint = Endpoint(member.peer) {
                network.setPeer(
                    PeerAddress(id: NodeID(member.id), region: RegionID(member.region), host: endpoint.host, port: Int(endpoint.port)),
                    connect: true)
            }
        }
        let interpreter = EffectInterpreter(
            network: network, gossip: gossip, log: log, data: data, snapshots: parts.snapshots, waiters: waiters, syncs: parts.syncs,
            shaper: shaper, logger: logger, post: { [loop] in loop.post($0) }, onFault: { [weak self] in self?.failed($0) },
            onLeft: { [weak self] in self?.life.withLock { $0.onLeft }?() },
            onHandedOver: { [weak self] in self?.life.withLock { $0.onHandedOver }?() })
        life.withLock { $0.isDiskFull = { interpreter.isDiskFull } }
        loop.start { interpreter.interpret($0) }
    }

    /// Waits until this node knows the cluster (its catalog has been applied here), within a bound: a
    /// node that starts while most others are down serves what it can.
    package func ready(within limit: Duration) async {
        let end = clock.now + limit
        while clock.now < end, life.withLock({ $0.fault == nil }), await !loop.read({ $0.knowsCatalog }) {
            try? await Task.sleep(for: .milliseconds(20))
        }
        life.withLock { if $0.state == "starting" { $0.state = "ready" } }
    }

    /// Called by the host once its HTTP server listens.
    package func announce(_ name: String, address: String) {
        life.withLock { $0.endpoints.append((name, address)) }
    }

    /// Metrics of a front end, shown behind the node's own.
    package func addMetrics(_ source: @escaping @Sendable () -> [NodeStatus.Metric]) { life.withLock { $0.moreMetrics.append(source) } }

    package var endpoints: [(name: String, address: String)] { life.withLock { $0.endpoints } }

    /// A fault after which the node must not go on (its log cannot be written): called once, from any thread.
    package func onFault(_ body: @escaping @Sendable (String) -> Void) {
        let already = life.withLock { life in
            life.onFault = body
            return life.fault
        }
        if let already { body(already) }
    }

    /// Ends with an error when the node must not go on; else when the task is cancelled.
    package func run() async throws {
        let (faults, tell) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
        onFault { tell.yield($0) }
        for await fault in faults { throw NodeStartError(fault) }
    }

    private func failed(_ what: String) {
        let body = life.withLock { life -> (@Sendable (String) -> Void)? in
            guard life.fault == nil else { return nil }
            life.fault = what
            return life.onFault
        }
        body?(what)
    }

    var uptime: Duration { clock.now - started }

    /// Stops at once: what is durable stays, what waits is told.
    package func shutdown() async {
        life.withLock { $0.state = "draining" }
        waiters.failAll(
            FileFailure(
                .unavailable, operation: "request", object: "node \(config.node.id)", cause: "the node stops", hint: "ask another node"))
        await loop.stop()
        await gossip.stop()
        await network.stop(grace: .milliseconds(200))
        await closeFiles()
    }

    private func closeFiles() async {
        maintenance.stop()
        log.close()
        do throws(StorageError) { try data.store.close() } catch {
            logger.warning("the chunk store did not close", metadata: ["error": "\(error)"])
        }
        directory.close()
        try? await group.shutdownGracefully()
    }
}
