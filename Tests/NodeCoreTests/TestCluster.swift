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
    private var regionOf: [RegionID]
    private var heap: [Item] = []
    private var order: UInt64 = 0
    private var timerSerial: UInt64 = 0
    /// Round trips between regions, in milliseconds; 1 within one.
    private let distance: (String, String) -> Int
    private let seed: UInt64
    private let cluster: ClusterConfig
    /// Of every node; nil for the default.
    private let grace: Duration?
    /// Changes every node's settings.
    private let adjust: (inout NodeSettings) -> Void
    /// Pairs of nodes (by index) that cannot reach each other.
    var cut: (Int, Int) -> Bool = { _, _ in false }
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
    private(set) var faults: [String] = []

    /// With `grace` nodes present themselves to the catalog, and dead ones are replaced after it.
    init(
        _ regions: [Region], roundTrip: @escaping (String, String) -> Int, seed: UInt64, grace: Duration? = nil,
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
        hosts[index].start = { [unowned self] restored in
            hosts[index].state = state(index, id, introduction, founders, restored)
            begin(index)
        }
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

    private var syncSerial: UInt64 = 0
    private var syncs: [SyncToken: (node: Int, id: SyncID)] = [:]
    private static func peer(_ index: Int) -> Endpoint { Endpoint(host: "host\(index + 1)", port: 2) }
    private static func gossip(_ index: Int) -> Endpoint { Endpoint(host: "host\(index + 1)", port: 1) }

    private func index(of node: NodeID) -> Int { Int(node.rawValue) - 1 }

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

    private var generations: [UInt64: UInt64] = [:]

    private func handle(_ event: Event, on node: Int) {
        var effects: [Effect] = []
        hosts[node].state.handle(event, now: now, into: &effects)
        interpret(effects, on: node)
    }

    // MARK: Effects

    func roundTrip(_ from: Int, _ to: Int) -> Duration { delay(from, to) * 2 }

    private func delay(_ from: Int, _ to: Int) -> Duration {
        let trip = regionOf[from] == regionOf[to] ? 1 : distance(regionOf[from].name, regionOf[to].name)
        return .microseconds(trip * 500)
    }

    private func interpret(_ effects: [Effect], on node: Int) {
        let host = hosts[node]
        for effect in effects {
            switch effect {
            case .send(let to, _, let message, let attachment):
                let target = index(of: to)
                guard !cut(node, target), hosts[target].isUp else { continue }
                // The bytes are encoded and decoded, as on the wire.
                guard let decoded = try? Message(xdr: message.xdrBytes) else {
                    faults.append("node \(node + 1) sends what cannot be read: \(message)")
                    continue
                }
                let payload = attachment.flatMap { buffer -> Payload? in
                    guard let bytes = host.buffers[buffer] else {
                        faults.append("node \(node + 1) sends a buffer that it has dropped")
                        return nil
                    }
                    return hosts[target].insert(bytes)
                }
                post(.message(from: NodeID(UInt64(node) + 1), decoded, attachment: payload), to: target, after: delay(node, target))
            case .gossip(let to, let packet):
                guard let target = hosts.indices.first(where: { Self.gossip($0) == to }), !cut(node, target) else { continue }
                post(.gossip(from: Self.gossip(node), packet), to: target, after: delay(node, target))
            case .sync(let id, let endpoint, _, let payload):
                guard let target = hosts.indices.first(where: { Self.peer($0) == endpoint }), !cut(node, target), hosts[target].isUp else {
                    post(.syncFailed(id), to: node, after: .milliseconds(10))
                    continue
                }
                syncSerial += 1
                let token = SyncToken(syncSerial)
                syncs[token] = (node, id)
                post(.syncRequest(token, payload), to: target, after: delay(node, target))
            case .answerSync(let token, let payload):
                guard let (asker, id) = syncs.removeValue(forKey: token) else { continue }
                post(.syncReply(id, payload), to: asker, after: delay(node, asker))
            case .join(let endpoint, let request):
                guard let target = hosts.indices.first(where: { Self.peer($0) == endpoint }), !cut(node, target), hosts[target].isUp else {
                    post(.joinReply(nil), to: node, after: .milliseconds(10))
                    continue
                }
                syncSerial += 1
                let token = SyncToken(syncSerial)
                syncs[token] = (node, SyncID(0))
                guard let decoded = try? JoinRequest(xdr: request.xdrBytes) else {
                    faults.append("node \(node + 1) asks to join with what cannot be read")
                    continue
                }
                post(.joinRequest(token, from: host.id, decoded), to: target, after: delay(node, target))
            case .answerJoin(let token, let reply):
                guard let (asker, _) = syncs.removeValue(forKey: token) else { continue }
                post(.joinReply(try? JoinReply(xdr: reply.xdrBytes)), to: asker, after: delay(node, asker))
            case .publish(.fault(let what)): host.faults.append(what)
            case .publish(.handedOver): host.hasHandedOver = true
            case .removeGroup(let group): host.disk.remove(group)
            case .peer, .publish: break
            case .startTimer(let key, let generation, let at):
                timerSerial += 1
                let serial = timerSerial << 32 | UInt64(node)
                generations[serial] = generation
                host.timers[key] = serial
                post(.timer(key, generation: serial), to: node, after: at > now ? at - now : .zero)
            case .cancelTimer(let key): host.timers[key] = nil
            case .persist(let token, let writes):
                host.disk.write(writes)
                post(.logDurable(token: token), to: node, after: .milliseconds(1))
            case .saveSnapshot(let group, let metadata, let machine):
                host.disk.save(group, metadata, machine)
                post(.snapshotSaved(group, metadata, ok: true), to: node, after: .milliseconds(5))
            case .sendSnapshot(let group, let to, _):
                let target = index(of: to)
                guard let saved = host.disk.groups[group]?.snapshot, !cut(node, target), hosts[target].isUp else {
                    post(.snapshotSent(group, to: to, ok: false), to: node, after: .milliseconds(5))
                    continue
                }
                hosts[target].disk.save(group, saved.metadata, saved.machine)
                post(.snapshotReceived(group, saved.metadata, saved.machine), to: target, after: delay(node, target))
                post(.snapshotSent(group, to: to, ok: true), to: node, after: delay(node, target) * 2)
            case .stageWrite(let stage, let offset, let buffer, let token):
                host.stages[stage, default: []].append((offset, host.buffers[buffer]!))
                post(.stageWritten(token, ok: true, reason: ""), to: node, after: .microseconds(100))
            case .storeStage(let stage, let base, let limit, let token):
                post(
                    .stageStored(token, store(host.stages.removeValue(forKey: stage) ?? [], base, limit, host)), to: node,
                    after: .milliseconds(1))
            case .dropStage(let stage): host.stages[stage] = nil
            case .readExtents(let extents, let under, let offset, let length, let token):
                read(extents, under, offset, length, token, node)
            case .makeBuffer(let bytes, let token): post(.bytesRead(token, host.insert(bytes)), to: node, after: .zero)
            case .pushChunks(let chunks, let to, let token):
                let target = index(of: to)
                let ok = !cut(node, target) && hosts[target].isUp
                pushesSent += 1
                let isStored = ok && copy(chunks, from: node, to: target)
                if losesAcknowledgements(target) { continue }
                post(.chunksPushed(token, ok: isStored), to: node, after: delay(node, target) * 2)
            case .fetchChunks(let chunks, let from, let token):
                fetch(chunks, from: index(of: from), token, node)
            case .chunks(let work): perform(work, node)
            case .dropBuffer(let buffer): host.buffers[buffer] = nil
            case .reply(let request, let reply):
                if !host.answered.insert(request).inserted { faults.append("request \(request) of node \(node + 1) was answered twice") }
                host.replies[request] = reply
            }
        }
    }

    private func store(_ writes: [(offset: UInt64, bytes: [UInt8])], _ base: [UInt8]?, _ limit: UInt32, _ host: Host) -> StoredContent {
        var whole = base ?? []
        for write in writes {
            let end = Int(write.offset) + write.bytes.count
            if whole.count < end { whole += [UInt8](repeating: 0, count: end - whole.count) }
            whole.replaceSubrange(Int(write.offset)..<end, with: write.bytes)
        }
        if whole.count <= Int(limit) { return .inline(whole) }
        let start = base == nil ? Int(writes.map(\.offset).min() ?? 0) : 0
        let piece = Array(whole[start...])
        let chunk = ChunkReference(id: SHA256.hash(piece), length: UInt32(piece.count))
        host.chunks[chunk.id] = piece
        host.touched[chunk.id] = now
        return .extents(
            [Extent(offset: UInt64(start), length: UInt64(piece.count), chunk: chunk, chunkOffset: 0)], size: UInt64(whole.count))
    }

    private func read(_ extents: [Extent], _ under: [UInt8], _ offset: UInt64, _ length: UInt32, _ token: WaitToken, _ node: Int) {
        let host = hosts[node]
        let missing = extents.filter { host.chunks[$0.chunk.id] == nil }.map(\.chunk.id)
        guard missing.isEmpty else {
            post(.bytesMissing(token, missing, reason: ""), to: node, after: .microseconds(50))
            return
        }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        for (position, byte) in under.enumerated() where UInt64(position) >= offset && UInt64(position) < offset + UInt64(length) {
            bytes[position - Int(offset)] = byte
        }
        for extent in extents {
            let raw = host.chunks[extent.chunk.id]!
            for place in max(extent.offset, offset)..<min(extent.end, offset + UInt64(length)) {
                bytes[Int(place - offset)] = raw[Int(place - extent.offset) + Int(extent.chunkOffset)]
            }
        }
        post(.bytesRead(token, host.insert(bytes)), to: node, after: .microseconds(200))
    }

    // MARK: What a front end does

    func begin(on node: Int, _ make: (RequestID) -> Event) -> RequestID {
        let host = hosts[node]
        let id = RequestID(host.nextRequest)
        host.nextRequest += 1
        post(make(id), to: node, after: .zero)
        return id
    }

    /// The reply, within a minute of virtual time; nil where there is none.
    func wait(_ id: RequestID, on node: Int, limit: Duration = .seconds(60)) -> Reply? {
        run(for: limit) { hosts[node].replies[id] != nil }
        return hosts[node].replies.removeValue(forKey: id)
    }

    func open(_ filesystem: FilesystemID, on node: Int, options: SessionOptions = SessionOptions()) throws -> SessionID {
        switch wait(begin(on: node) { .openSession($0, filesystem, options) }, on: node) {
        case .session(let id)?: return id
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: "open session", object: "\(filesystem)", cause: "no reply")
        }
    }

    func perform(_ operation: FileOperation, _ session: SessionID, on node: Int, bytes: [UInt8]? = nil, limit: Duration = .seconds(60))
        throws -> (
            outcome: FileOutcome, data: [UInt8]?
        )
    {
        let payload = bytes.map { hosts[node].insert($0) }
        let end = now + limit
        let id = begin(on: node) { .operation($0, session, operation, payload: payload, deadline: end) }
        switch wait(id, on: node, limit: limit + .seconds(1)) {
        case .outcome(let outcome, let buffer)?: return (outcome, buffer.flatMap { hosts[node].buffers.removeValue(forKey: $0) })
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: operation.name, object: operation.object, cause: "no reply")
        }
    }

    func create(
        _ kind: FilesystemKind, _ name: String, region: String, on node: Int, replicasPerRegion: UInt32? = nil,
        keptVersions: UInt32 = 1_000, policy: ReplicationPolicy? = nil, options: FilesystemOptions = FilesystemOptions()
    ) throws -> FilesystemID {
        var policy = policy ?? .standard(kind)
        if let replicasPerRegion { policy.replicasPerRegion = replicasPerRegion }
        let plan = try ReplicaPlanner(
            group: GroupID(1_000), purpose: GroupPurpose(kind), policy: policy, table: hosts[node].state.catalog.regionTable
        ).plan(home: RegionID(region))
        var options = options
        options.keptVersions = keptVersions
        let request = FilesystemRequest(
            kind: kind, name: name, mode: .createFailIfExists, high: 7, low: name.utf8.reduce(17) { $0 &* 1_099_511_628_211 &+ UInt64($1) },
            region: RegionID(region),
            policy: policy, plan: plan, options: options)
        return try change(.createFilesystem(request), on: node).filesystem().id
    }

    func change(_ action: CatalogAction, on node: Int) throws -> CatalogResult {
        let command = CatalogCommand(at: WallTime(nanoseconds: 0), by: "test", action: action)
        let end = now + .seconds(30)
        switch wait(begin(on: node) { .changeCatalog($0, command, deadline: end) }, on: node) {
        case .catalog(let result)?: return result
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: "change", object: "catalog", cause: "no reply")
        }
    }

    /// Until the catalog has its first nodes everywhere.
    func settle() -> Bool { run(for: .seconds(30)) { hosts.allSatisfy { $0.state.catalog.nodes.count == hosts.count } } }

    func crash(_ node: Int) { hosts[node].isUp = false }

    /// Content that nodes which are up hold for requests, and stages that wait to be stored.
    func buffersHeld() -> Int { hosts.reduce(0) { $0 + ($1.isUp ? $1.buffers.count : 0) } }
    func stagesHeld() -> Int { hosts.reduce(0) { $0 + ($1.isUp ? $1.stages.count : 0) } }
}
