import Consensus
import Filesystem
import Glibc
import Logging
import Membership
import NIOCore
import NIOPosix
import NodeCore
import Primitives
import ReplicaStorage
import Replication
import Storage
import Synchronization
import Transport

/// The pieces of a node, opened and wired, not yet running.
struct NodeParts {
    let clock: NodeClock
    let group: MultiThreadedEventLoopGroup
    let directory: DataDirectory
    let log: WriteAheadLog
    let network: PeerNetwork
    let gossip: GossipSocket
    let shaper: LinkShaper
    let loop: NodeLoop
    let data: DataPlane
    let snapshots: SnapshotExchange
    let syncs: SyncExchange
    let receiver: PeerReceiver

    static func open(_ config: NodeConfig, logger: Logger) throws -> NodeParts {
        guard let bits = Base62.decode(config.cluster.id[...]) else {
            throw NodeStartError("cluster id \(config.cluster.id): not 22 characters of base 62")
        }
        let id = NodeID(config.node.id)
        let region = RegionID(config.node.region)
        let identity = StorageIdentity(cluster: ClusterID(high: bits.high, low: bits.low), node: id)
        let tls = try TLSIdentity.load(from: config.tlsDirectory)
        guard tls.node == id, tls.clusterID == config.cluster.id else {
            throw NodeStartError(
                "certificate in \(config.tlsDirectory): it is for \(tls.name), not for node \(id) of cluster \(config.cluster.id)")
        }
        let keys = try KeyRing.load(from: config.gossipKeyFile)
        let directory = try DataDirectory(config.dataDirectory, identity: identity)
        var options = ChunkStoreOptions()
        options.cacheBytes = Int(clamping: config.limits.cacheBytes)
        options.reserveBytes = config.limits.diskReserveBytes
        options.touchSpan = config.limits.touchSpan
        let store = try ChunkStore(directory.chunks, options: options)
        let snapshotStore = try SnapshotStore(directory.snapshots)
        let (log, recovered) = try WriteAheadLog.open(directory.log, identity: identity)
        let restored = try restore(recovered, snapshotStore)

        let clock = NodeClock()
        // One loop for the node's state, two for sockets.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
        let loops = Array(group.makeIterator())
        let shaper = LinkShaper(node: id, region: region, rules: try linkRules(config))
        let incarnation = UInt64(bitPattern: clock.civil.nanoseconds)
        let settings = clusterDigest(config)
        let network = try PeerNetwork(
            identity: tls, region: region, clusterSettings: settings, incarnation: incarnation, group: group, shaper: shaper, logger: logger
        )
        let gossip = try GossipSocket(cluster: config.cluster.id, keys: keys, group: group, shaper: shaper, logger: logger)

        let member = try memberRecord(config, id, region, incarnation: incarnation)
        let seeds = (config.seeds + config.bootstrap.map(\.peer)).compactMap { Endpoint($0) }.filter { $0 != member.peer }
        let founders = config.bootstrap.sorted { $0.id < $1.id }.map { founder in
            NodeIntroduction(
                region: RegionID(founder.region), name: founder.name, endpoints: endpoints(founder), weight: config.limits.weight)
        }
        var nodeSettings = NodeSettings(id: id, region: region)
        nodeSettings.sessionLimit = config.limits.sessions
        nodeSettings.garbage.grace = .seconds(config.limits.garbageGraceSeconds)
        nodeSettings.upkeep.interval = .seconds(config.limits.upkeepIntervalSeconds)
        nodeSettings.upkeep.repairBytesPerSecond = config.limits.repairBytesPerSecond
        nodeSettings.replicaGrace = .seconds(config.limits.replicaGraceSeconds)
        nodeSettings.introduction = NodeIntroduction(
            region: region, name: config.node.name,
            endpoints: member.endpoints.map { NodeEndpoint(key: $0.name, host: $0.endpoint.host, port: $0.endpoint.port) },
            weight: config.limits.weight, store: directory.store, beginsRegion: config.node.newRegion)
        let state = NodeState(
            settings: nodeSettings,
            cluster: ClusterConfig(clusterHigh: bits.high, clusterLow: bits.low, name: config.cluster.name, founders: founders),
            member: member,
            seeds: seeds, restored: restored, seed: .random(in: 0 ... .max), now: clock.now, civil: clock.civil)
        let loop = NodeLoop(state: state, loop: loops[0], clock: clock)
        let post: @Sendable (Event) -> Void = { loop.post($0) }
        let data = DataPlane(store: store, buffers: BufferTable(), network: network, logger: logger, post: post)
        let snapshots = SnapshotExchange(snapshots: snapshotStore, log: log, network: network, logger: logger, post: post)
        let syncs = SyncExchange(network: network, post: post)
        let receiver = PeerReceiver(data: data, snapshots: snapshots, syncs: syncs, logger: logger, post: post)
        return NodeParts(
            clock: clock, group: group, directory: directory, log: log, network: network, gossip: gossip, shaper: shaper, loop: loop,
            data: data,
            snapshots: snapshots, syncs: syncs, receiver: receiver)
    }

    /// What nodes compare when they meet: which cluster they belong to. What else must agree is in the catalog.
    private static func clusterDigest(_ config: NodeConfig) -> Digest {
        SHA256.hash(Array(config.cluster.id.utf8))
    }

    private static func linkRules(_ config: NodeConfig) throws -> LinkRules {
        guard let path = config.linkRulesFile else { return .none }
        guard let file = fopen(path, "rb") else { throw NodeStartError("link rules \(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes.append(contentsOf: buffer[0..<count]) }
        do { return try LinkRules(xdr: bytes) } catch { throw NodeStartError("link rules \(path)", error) }
    }

    private static func memberRecord(_ config: NodeConfig, _ id: NodeID, _ region: RegionID, incarnation: UInt64) throws -> MemberRecord {
        let mine = config.bootstrap.first { $0.id == config.node.id }
        func endpoint(_ known: String?, _ port: Int) -> Endpoint? {
            known.flatMap { Endpoint($0) } ?? UInt16(exactly: port).map { Endpoint(host: config.advertisedHost, port: $0) }
        }
        guard let gossip = endpoint(mine?.gossip, config.listen.gossip), let peer = endpoint(mine?.peer, config.listen.peer) else {
            throw NodeStartError("node \(id): its endpoints cannot be told to others; give listen.peer and listen.gossip")
        }
        var named = [NamedEndpoint(NamedEndpoint.gossip, gossip), NamedEndpoint(NamedEndpoint.peer, peer)]
        if let http = endpoint(mine?.http, config.listen.http), http.port != 0 { named.append(NamedEndpoint("http", http)) }
        if let port = config.nfs?.port, port != 0, let nfs = endpoint(nil, port) { named.append(NamedEndpoint("nfs", nfs)) }
        return MemberRecord(
            id: id, region: region, endpoints: named, incarnation: incarnation / 1_000_000_000, run: incarnation,
            facts: MemberFacts(softwareVersion: LiveNode.version, wireVersion: Message.wireVersion))
    }

    private static func endpoints(_ founder: NodeConfig.Member) -> [NodeEndpoint] {
        [("gossip", founder.gossip), ("http", founder.http), ("peer", founder.peer)].compactMap { key, text in
            Endpoint(text).map { NodeEndpoint(key: key, host: $0.host, port: $0.port) }
        }
    }

    /// What the log and the snapshots hold, as Raft wants it.
    static func restore(_ recovered: [RecoveredGroup], _ snapshots: SnapshotStore) throws -> NodeState.Restored {
        do {
            return try ReplicaStorage.restore(recovered, snapshots)
        } catch let damage as ReplicaDamage {
            throw NodeStartError(damage.description)
        } catch let refusal as ReplicaRefusal {
            throw NodeStartError(refusal.description)
        }
    }
}
