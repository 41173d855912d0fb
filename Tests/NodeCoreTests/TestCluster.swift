import Consensus
import Filesystem
import Membership
import NodeCore
import Primitives
import Replication

/// Several nodes under virtual time: messages take half the round trip of their regions, disks take
/// a millisecond, content is kept in dictionaries. Everything is a function of the seed.
final class TestCluster {
    struct Region {
        let name: String
        let nodes: Int
    }

    final class Host {
        var state: NodeState
        var isUp = true
        /// Chunks that are durable here.
        var chunks: [ChunkID: [UInt8]] = [:]
        /// When each was stored here, or vouched for, last.
        var touched: [ChunkID: Instant] = [:]
        var stages: [StageID: [(offset: UInt64, bytes: [UInt8])]] = [:]
        var buffers: [BufferID: [UInt8]] = [:]
        var nextBuffer: UInt64 = 1
        var timers: [TimerKey: UInt64] = [:]
        var replies: [RequestID: Reply] = [:]
        /// Every request that was answered: none is answered twice.
        var answered: Set<RequestID> = []
        var nextRequest: UInt64 = 1
        var run: UInt64 = 0
        var started = Instant(nanoseconds: 0)
        /// What it is known by; a test may start a node under another's number.
        var id: NodeID
        var disk = TestDisk()
        /// Starts it again with what the disk held.
        var start: ((NodeState.Restored) -> Void)?
        /// What it said was wrong, and what it was told when it asked to join.
        var faults: [String] = []
        var hasHandedOver = false
        /// How it presents itself, and what it said was lost.
        var introduction: NodeIntroduction?
        var contentLost: [(chunks: Int, files: Int)] = []
        init(state: NodeState, id: NodeID) {
            self.state = state
            self.id = id
        }

        /// What a process loses when it ends.
        func reset() {
            run += 1
            isUp = true
            stages = [:]
            buffers = [:]
            timers = [:]
            hasHandedOver = false
        }

        func insert(_ bytes: [UInt8]) -> Payload {
            defer { nextBuffer += 1 }
            buffers[BufferID(nextBuffer)] = bytes
            return Payload(buffer: BufferID(nextBuffer), length: UInt32(bytes.count))
        }
    }

    private struct Item {
        let at: Instant
        let order: UInt64
        let node: Int
        let run: UInt64
        let event: Event
    }

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var hosts: [Host] = []
    var regionOf: [RegionID]
    private var heap: [Item] = []
    private var order: UInt64 = 0
    var timerSerial: UInt64 = 0
    /// Round trips between regions, in milliseconds; 1 within one.
    let distance: (String, String) -> Int
    private let seed: UInt64
    private let cluster: ClusterConfig
    /// Of every node; nil for the default.
    private let grace: Duration?
    /// Changes every node's settings.
    private let adjust: (inout NodeSettings) -> Void
    /// Pairs of nodes (by index) that cannot reach each other.
    var cut: (Int, Int) -> Bool = { _, _ in false }
    /// Nodes that no content comes to, though everything else does.
    var isStarved: (Int) -> Bool = { _ in false }
    /// Time that a node takes to answer a fetch, beside the way.
    var slowness: (Int) -> Duration = { _ in .zero }
    /// Chunks that were swept: when, where.
    var swept: [(at: Instant, node: Int, id: ChunkID)] = []
    /// Pushes that nodes have sent, and nodes whose acknowledgements get lost.
    var pushesSent = 0
    var losesAcknowledgements: (Int) -> Bool = { _ in false }
    /// Batches of chunks that one node has asked of another.
    var fetchesAsked = 0
    /// What no run may show.
    var faults: [String] = []

    /// With `grace` nodes present themselves to the catalog, and dead ones are replaced after it. Those that
    /// are `absent` start when they are restarted.
    init(
        _ regions: [Region], roundTrip: @escaping (String, String) -> Int, seed: UInt64, grace: Duration? = nil, absent: [Int] = [],
        settings: @escaping (inout NodeSettings) -> Void = { _ in }
    ) {
        var names: [RegionID] = []
        for region in regions { names += Array(repeating: RegionID(region.name), count: region.nodes) }
        regionOf = names
        distance = roundTrip
        self.seed = seed
        self.grace = grace
        adjust = settings
        let founders = names.enumerated().map { index, region in
            NodeIntroduction(
                region: region, name: "node\(index + 1)",
                endpoints: [
                    NodeEndpoint(key: "gossip", host: "host\(index + 1)", port: 1),
                    NodeEndpoint(key: "peer", host: "host\(index + 1)", port: 2),
                ], weight: 100)
        }
        cluster = ClusterConfig(clusterHigh: 1, clusterLow: seed, name: "test", founders: founders)
        for (index, region) in names.enumerated() {
            let id = NodeID(UInt64(index) + 1)
            let introduction = grace.map { _ in introduce(index, region, name: nil, weight: 100, store: UInt64(index) + 1) }
            hosts.append(Host(state: state(index, id, introduction, founders, .init()), id: id))
        }
        for index in hosts.indices {
            let introduction = grace.map { _ in introduce(index, names[index], name: nil, weight: 100, store: UInt64(index) + 1) }
            if absent.contains(index) { hosts[index].isUp = false }
            run(index, hosts[index].id, introduction, founders)
        }
    }

    func introduce(_ index: Int, _ region: RegionID, name: String?, weight: UInt32, store: UInt64, beginsRegion: Bool = false)
        -> NodeIntroduction
    {
        NodeIntroduction(
            region: region, name: name ?? "node\(index + 1)",
            endpoints: [
                NodeEndpoint(key: "gossip", host: "host\(index + 1)", port: 1),
                NodeEndpoint(key: "peer", host: "host\(index + 1)", port: 2),
            ], weight: weight, store: store, beginsRegion: beginsRegion)
    }

    private func state(
        _ index: Int, _ id: NodeID, _ introduction: NodeIntroduction?, _ founders: [NodeIntroduction], _ restored: NodeState.Restored
    ) -> NodeState {
        var settings = NodeSettings(id: id, region: regionOf[index])
        settings.introduction = introduction
        if let grace { settings.replicaGrace = grace }
        adjust(&settings)
        let run = index < hosts.count ? hosts[index].run : 0
        let member = MemberRecord(
            id: id, region: regionOf[index],
            endpoints: [
                NamedEndpoint("gossip", Self.gossip(index)), NamedEndpoint("peer", Endpoint(host: "host\(index + 1)", port: 2)),
            ],
            incarnation: 1 + run * 1_000, run: 1 + run)
        var config = cluster
        config.founders = founders
        return NodeState(
            settings: settings, cluster: config, member: member, seeds: regionOf.indices.filter { $0 != index }.map(Self.peer),
            restored: restored, seed: seed &* 1_000 &+ UInt64(index) &+ run &* 1_000_003, now: now,
            civil: WallTime(nanoseconds: 1_700_000_000_000_000_000))
    }

    /// Begins, now and after every restart.
    private func run(_ index: Int, _ id: NodeID, _ introduction: NodeIntroduction?, _ founders: [NodeIntroduction]) {
        hosts[index].introduction = introduction
        hosts[index].start = { [unowned self] restored in
            hosts[index].state = state(index, id, hosts[index].introduction, founders, restored)
            begin(index)
        }
        guard hosts[index].isUp else { return }
        begin(index)
        for peer in hosts.indices where peer != index {
            post(.peerConnected(NodeID(UInt64(peer) + 1)), to: index, after: .milliseconds(1))
        }
    }

    private func begin(_ index: Int) {
        var effects: [Effect] = []
        hosts[index].state.start(now: now, into: &effects)
        interpret(effects, on: index)
    }

    /// Room for one more host, in this region.
    func appendHost(in region: RegionID) -> Int {
        regionOf.append(region)
        return hosts.count
    }

    func start(_ index: Int, as id: NodeID, _ introduction: NodeIntroduction, founders: [NodeIntroduction]) {
        hosts.append(Host(state: state(index, id, introduction, founders, .init()), id: id))
        run(index, id, introduction, founders)
    }

    var syncSerial: UInt64 = 0
    var syncs: [SyncToken: (node: Int, id: SyncID)] = [:]
    static func peer(_ index: Int) -> Endpoint { Endpoint(host: "host\(index + 1)", port: 2) }
    static func gossip(_ index: Int) -> Endpoint { Endpoint(host: "host\(index + 1)", port: 1) }

    func index(of node: NodeID) -> Int { Int(node.rawValue) - 1 }

    // MARK: The heap

    func post(_ event: Event, to node: Int, after delay: Duration) {
        order += 1
        heap.append(Item(at: now + delay, order: order, node: node, run: hosts[node].run, event: event))
        var child = heap.count - 1
        while child > 0, Self.precedes(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private static func precedes(_ a: Item, _ b: Item) -> Bool { (a.at, a.order) < (b.at, b.order) }

    private func pop() -> Item? {
        guard let top = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && Self.precedes(heap[child], heap[least]) {
                    least = child
                }
                if least == parent { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return top
    }

    /// Runs until `isDone`, or for `limit` of virtual time; says whether it was done.
    @discardableResult
    func run(for limit: Duration, until isDone: () -> Bool = { false }) -> Bool {
        let end = now + limit
        while let next = heap.first, next.at <= end {
            if isDone() { return true }
            let item = pop()!
            now = item.at
            guard hosts[item.node].isUp, hosts[item.node].run == item.run else { continue }
            if case .timer(let key, let serial) = item.event {
                guard let armed = hosts[item.node].timers[key], armed >> 32 == serial >> 32 else { continue }
                hosts[item.node].timers[key] = nil
                handle(.timer(key, generation: generations[serial] ?? 0), on: item.node)
                generations[serial] = nil
            } else {
                handle(item.event, on: item.node)
            }
        }
        if isDone() { return true }
        now = end
        return false
    }

    var generations: [UInt64: UInt64] = [:]

    func handle(_ event: Event, on node: Int) {
        var effects: [Effect] = []
        hosts[node].state.handle(event, now: now, into: &effects)
        interpret(effects, on: node)
    }
}
