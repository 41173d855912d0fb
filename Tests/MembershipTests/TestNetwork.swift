import Membership
import Primitives

/// Many `SWIMState`s under virtual time: a value, so that a warmed-up network can be copied and each copy
/// be given another fate. Delays come from a table of regions, with jitter and loss; connections (for
/// push/pull) do not lose but fail where nobody answers.
struct TestNetwork {
    struct Node {
        var state: SWIMState
        let endpoint: Endpoint
        var isUp = true
        /// Grows with each restart: events of an earlier life are void.
        var life = 0
        /// Everything that happens to the node before this moment waits until then (a stopped process).
        var asleepUntil = Instant.zero
        var hasLeft = false
        /// Packets to it wait up to this many nanoseconds before it reads them, while its timers are prompt.
        var lag = 0
    }

    enum Action {
        case packet(from: Endpoint, SWIMPacket)
        case timer(SWIMTimer, UInt64)
        case syncRequest(origin: Int, originLife: Int, SyncID, SyncPayload)
        case syncReply(SyncID, SyncPayload)
        case syncFailed(SyncID)
    }

    struct Scheduled {
        let at: Int64
        let order: UInt64
        let node: Int
        let life: Int
        let action: Action
    }

    struct Change: Equatable {
        let at: Instant
        let observer: NodeID
        let member: NodeID
        let status: MemberStatus
        let isCut: Bool
    }

    struct RegionChange: Equatable {
        let at: Instant
        let observer: NodeID
        let region: RegionID
        let isReachable: Bool
    }

    var nodes: [Node] = []
    var now = Instant.zero
    var generator: SeededGenerator
    var loss = 0.0
    var jitter = 0.1
    /// Pairs of node places that cannot talk, by a function of both.
    var groups: [Int]?
    var changes: [Change] = []
    var regionChanges: [RegionChange] = []
    var conflicts: [NodeID] = []
    var packets = 0
    var events = 0
    var packetBytesMax = 0
    /// Encode and decode one packet of so many, and compare; check the invariants after one event of so many.
    var checkEvery = 8
    let roundTrips: [[Double]]
    let regions: [RegionID]
    private var places: [Endpoint: Int] = [:]
    private var heap: [Scheduled] = []
    private var order: UInt64 = 0
    private var effects: [SWIMEffect] = []

    /// `roundTrips` in milliseconds between the regions, and within them on the diagonal.
    init(regions: [String], roundTrips: [[Double]], seed: UInt64) {
        self.regions = regions.map { RegionID($0) }
        self.roundTrips = roundTrips
        generator = SeededGenerator(seed: seed)
    }

    static let threeRegions = (
        names: ["ap-northeast-1", "eu-west-1", "us-east-1"],
        roundTrips: [[1.0, 220.0, 160.0], [220.0, 1.0, 70.0], [160.0, 70.0, 1.0]]
    )

    // MARK: Members

    static func record(_ id: UInt64, region: RegionID, incarnation: UInt64 = 1, port: UInt16 = 0) -> MemberRecord {
        let endpoint = Endpoint(host: "10.0.\(id / 250).\(id % 250)", port: 7_000 + port)
        return MemberRecord(
            id: NodeID(id), region: region,
            endpoints: [NamedEndpoint(NamedEndpoint.gossip, endpoint), NamedEndpoint(NamedEndpoint.peer, endpoint)],
            incarnation: incarnation, run: 0, facts: MemberFacts(capacityBytes: 1 << 40, freeBytes: 1 << 39, softwareVersion: "1.0"))
    }

    /// Adds a node in the region at that place; all join through the first.
    mutating func add(region: Int, settings: SWIMSettings = SWIMSettings()) {
        let record = Self.record(UInt64(nodes.count + 1), region: regions[region])
        let seeds = nodes.isEmpty ? [] : [nodes[0].endpoint]
        add(
            Node(
                state: SWIMState(self: record, seeds: seeds, settings: settings, seed: generator.next(), now: now), endpoint: record.gossip!
            ))
    }

    mutating func add(_ node: Node) {
        nodes.append(node)
        places[node.endpoint] = nodes.count - 1
        feed(nodes.count - 1, .start)
    }

    mutating func fill(perRegion count: Int, settings: SWIMSettings = SWIMSettings()) {
        for _ in 0..<count { for region in regions.indices { add(region: region, settings: settings) } }
    }

    mutating func kill(_ place: Int) {
        nodes[place].isUp = false
        nodes[place].life += 1
    }

    /// The same NodeID again, as a new process, perhaps elsewhere.
    mutating func restart(_ place: Int, incarnation: UInt64, port: UInt16 = 0) {
        let old = nodes[place].state
        let record = Self.record(old.me.id.rawValue, region: old.me.region, incarnation: incarnation, port: port)
        let seed = nodes.indices.first { $0 != place && nodes[$0].isUp }!
        nodes[place] = Node(
            state: SWIMState(
                self: record, seeds: [nodes[seed].endpoint], settings: old.settings, seed: generator.next(), now: now),
            endpoint: record.gossip!, life: nodes[place].life + 1)
        places[record.gossip!] = place
        feed(place, .start)
    }

    func place(of endpoint: Endpoint) -> Int? {
        guard let place = places[endpoint], nodes[place].endpoint == endpoint else { return nil }
        return place
    }

    func canTalk(_ a: Int, _ b: Int) -> Bool {
        nodes[a].isUp && nodes[b].isUp && (groups.map { $0[a] == $0[b] } ?? true)
    }

    // MARK: Time

    /// Runs everything that is due until `span` from now.
    mutating func run(for span: Duration) { run(until: now + span) { _ in false } }

    /// Runs until the condition holds, asked every 50 ms, or the deadline; says when it held.
    @discardableResult
    mutating func run(until deadline: Instant, _ isDone: (TestNetwork) -> Bool) -> Instant? {
        var asked = now
        while let next = heap.first, next.at <= deadline.nanoseconds {
            if next.at >= asked.nanoseconds {
                if isDone(self) { return now }
                asked = Instant(nanoseconds: next.at) + .milliseconds(50)
            }
            let scheduled = pop()
            now = Instant(nanoseconds: scheduled.at)
            happen(scheduled)
        }
        now = deadline
        return isDone(self) ? now : nil
    }

    private mutating func happen(_ scheduled: Scheduled) {
        let place = scheduled.node
        guard nodes[place].isUp, nodes[place].life == scheduled.life else { return }
        if nodes[place].asleepUntil > now {
            // On waking the timers fire before the sockets are read: the worse of the two orders.
            var wake = nodes[place].asleepUntil
            if case .packet = scheduled.action { wake = wake + .milliseconds(1) }
            push(at: wake, place, scheduled.action)
            return
        }
        switch scheduled.action {
        case .packet(let from, let packet): feed(place, .packet(from: from, packet))
        case .timer(let timer, let generation): feed(place, .timer(timer, generation: generation))
        case .syncRequest(let origin, let life, let id, let payload):
            replyTo = (origin, life, id)
            feed(place, .syncRequest(SyncToken(0), payload))
        case .syncReply(let id, let payload): feed(place, .syncReply(id, payload))
        case .syncFailed(let id): feed(place, .syncFailed(id))
        }
    }

    private var replyTo = (origin: 0, life: 0, id: SyncID(0))

    mutating func feed(_ place: Int, _ event: SWIMEvent) {
        effects.removeAll(keepingCapacity: true)
        nodes[place].state.handle(event, now: now, into: &effects)
        events += 1
        if events % checkEvery == 0 { nodes[place].state.checkInvariants() }
        let done = effects
        for effect in done { perform(effect, by: place) }
    }

    private mutating func perform(_ effect: SWIMEffect, by place: Int) {
        let observer = nodes[place].state.me.id
        switch effect {
        case .send(let endpoint, let packet): transmit(packet, to: endpoint, by: place)
        case .startTimer(let timer, let generation, let at): push(at: max(at, now), place, .timer(timer, generation))
        case .cancelTimer: break
        case .sync(let id, let endpoint, _, let payload):
            guard let target = self.place(of: endpoint), canTalk(place, target) else {
                push(at: now + .seconds(3), place, .syncFailed(id))
                return
            }
            // A connection's handshake costs a round trip before the first byte goes.
            let wait = delay(place, target) + delay(target, place) + delay(place, target)
            push(
                at: now + .nanoseconds(wait), target,
                .syncRequest(origin: place, originLife: nodes[place].life, id, payload))
        case .syncReply(_, let payload):
            let (origin, life, id) = replyTo
            guard canTalk(place, origin), nodes[origin].life == life else { return }
            push(at: now + .nanoseconds(delay(place, origin)), origin, .syncReply(id, payload))
        case .memberChanged(let record, _, let isCut):
            changes.append(Change(at: now, observer: observer, member: record.id, status: record.status, isCut: isCut))
        case .regionUnreachable(let region, _):
            regionChanges.append(RegionChange(at: now, observer: observer, region: region, isReachable: false))
        case .regionReachable(let region):
            regionChanges.append(RegionChange(at: now, observer: observer, region: region, isReachable: true))
        case .identityConflict(let id, _, _): conflicts.append(id)
        case .leaveFinished: nodes[place].hasLeft = true
        case .factsChanged, .memberForgotten: break
        }
    }

    private mutating func transmit(_ packet: SWIMPacket, to endpoint: Endpoint, by place: Int) {
        packets += 1
        if packets % checkEvery == 0 {
            let bytes = packet.xdrBytes
            packetBytesMax = max(packetBytesMax, bytes.count)
            precondition((try? SWIMPacket(xdr: bytes)) == packet, "a packet does not survive its encoding")
        }
        guard let target = self.place(of: endpoint), canTalk(place, target), generator.unit() >= loss else { return }
        var wait = delay(place, target)
        if nodes[target].lag > 0 { wait += Int64(generator.below(nodes[target].lag)) }
        push(at: now + .nanoseconds(wait), target, .packet(from: nodes[place].endpoint, packet))
    }

    /// One way, in nanoseconds: half the round trip and a tail of jitter.
    private mutating func delay(_ a: Int, _ b: Int) -> Int64 {
        let from = regions.firstIndex(of: nodes[a].state.me.region)!
        let to = regions.firstIndex(of: nodes[b].state.me.region)!
        return Int64(roundTrips[from][to] / 2 * 1_000_000 * (1 + jitter * generator.unit())) + 100_000
    }

    // MARK: Heap

    private mutating func push(at moment: Instant, _ node: Int, _ action: Action) {
        heap.append(Scheduled(at: moment.nanoseconds, order: order, node: node, life: nodes[node].life, action: action))
        order += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard before(child, parent) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() -> Scheduled {
        heap.swapAt(0, heap.count - 1)
        let top = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && before(child, least) { least = child }
            guard least != parent else { return top }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func before(_ a: Int, _ b: Int) -> Bool {
        (heap[a].at, heap[a].order) < (heap[b].at, heap[b].order)
    }

    // MARK: Questions

    func status(of member: Int, at observer: Int) -> MemberStatus? {
        nodes[observer].state.member(nodes[member].state.me.id)?.status
    }

    /// Whether all running nodes agree that the members at those places are alive.
    func agreeAlive(_ members: [Int]) -> Bool {
        for observer in nodes.indices where nodes[observer].isUp && !nodes[observer].hasLeft {
            for member in members where status(of: member, at: observer) != .alive { return false }
        }
        return true
    }

    func everyoneElse(sees member: Int, as wanted: MemberStatus) -> Bool {
        nodes.indices.allSatisfy { $0 == member || !nodes[$0].isUp || nodes[$0].hasLeft || status(of: member, at: $0) == wanted }
    }
}
