import Primitives

@testable import Consensus

/// Several nodes, a network and disks under virtual time: a run is a function of options and seed.
/// Checks on the way what Raft promises, knowing nothing of how it keeps it (see `Checker`).
struct World {
    struct Options {
        var nodes = 3
        var groups: [GroupID] = [GroupID(1)]
        /// Founding voters; the other nodes begin empty.
        var voters: [Int] = [1, 2, 3]
        var learners: [Int] = []
        /// One way, in microseconds.
        var delay: ClosedRange<Int> = 10_000...10_000
        /// By pair of nodes, instead of `delay`; symmetric.
        var delays: [[Int]] = []
        /// Added to each message's delay, at most.
        var jitter = 0
        var lossPermille = 0
        var duplicationPermille = 0
        var diskDelay: ClosedRange<Int> = 1_000...1_000
        /// Rates of the nodes' clocks against true time, in permille, drawn from this range.
        var drift: ClosedRange<Int> = 0...0
        /// A node snapshots each so many entries; 0 never.
        var snapshotEvery = 0
        var roundTripMilliseconds: Int?
        var settings = RaftSettings()
        var encodes = false
        var isTraced = false
    }

    enum Action {
        case deliver(from: Int, to: Int, RaftBatch)
        case timer(node: Int, epoch: Int, MultiRaftTimer, generation: Int)
        case synced(node: Int, epoch: Int, token: UInt64)
        case snapshotSaved(node: Int, epoch: Int, GroupID, SnapshotMetadata, Machine)
        case snapshotArrives(node: Int, from: Int, GroupID, SnapshotMetadata, Machine)
        case snapshotSent(node: Int, epoch: Int, GroupID, to: NodeID, ok: Bool)
    }

    struct Node {
        var raft: MultiRaft?
        var disk = Disk()
        var machines: [GroupID: Machine] = [:]
        var timers: [MultiRaftTimer: Int] = [:]
        var epoch = 0
        /// In permille of true time, since `anchor`.
        var rate = 1_000
        var anchor: (time: Int64, local: Int64) = (0, 0)
        var isDiskStalled = false
        var snapshotAsked: [GroupID: UInt64] = [:]
    }

    let options: Options
    var generator: SeededGenerator
    var time: Int64 = 0
    var sequence = 0
    var timerGeneration = 0
    var heap = EventHeap()
    /// `nodes[0]` is not used: node n is `nodes[n]`.
    var nodes: [Node]
    var cut: Set<Int> = []
    /// Delays of single lines, in microseconds, instead of the usual ones.
    var slow: [Int: Int] = [:]
    var checker = Checker()
    var trace: [String] = []
    var lossPermille: Int
    var messagesSent = 0
    var events = 0
    var nextRead: UInt64 = 1
    var nextProposal: UInt64 = 1
    var scratch: [MultiRaftEffect] = []
    /// What the state machines have taken in during the present call.
    var taken: [(GroupID, UInt64)] = []

    init(_ options: Options, seed: UInt64) {
        self.options = options
        generator = SeededGenerator(seed: seed)
        nodes = Array(repeating: Node(), count: options.nodes + 1)
        lossPermille = options.lossPermille
        for node in 1...options.nodes {
            nodes[node].anchor = (0, Int64(node) * 1_000_000_000)
            nodes[node].rate = 1_000 + options.drift.lowerBound + generator.below(options.drift.count)
        }
        for node in 1...options.nodes { start(node) }
    }

    // MARK: - Clocks

    func local(_ node: Int) -> Instant {
        let (start, shown) = nodes[node].anchor
        return Instant(nanoseconds: shown + (time - start) / 1_000 * Int64(nodes[node].rate))
    }

    func global(_ node: Int, _ instant: Instant) -> Int64 {
        let (start, shown) = nodes[node].anchor
        let rate = Int64(nodes[node].rate)
        return start + (instant.nanoseconds - shown + rate - 1) / rate * 1_000
    }

    /// The clock goes on from what it shows, faster or slower. Timers under way are not moved: they
    /// go off late or early, as real ones do.
    mutating func setRate(_ node: Int, _ rate: Int) {
        nodes[node].anchor = (time, local(node).nanoseconds)
        nodes[node].rate = rate
    }

    // MARK: - Nodes

    private var founders: RaftConfiguration {
        RaftConfiguration(voters: options.voters.map(Self.id), learners: options.learners.map(Self.id))
    }
    static func id(_ node: Int) -> NodeID { NodeID(UInt64(node)) }

    mutating func start(_ node: Int) {
        precondition(nodes[node].raft == nil)
        var raft = MultiRaft(id: Self.id(node), settings: options.settings, seed: generator.next(), now: local(node))
        scratch = []
        if let span = options.roundTripMilliseconds {
            let spans = (1...options.nodes).map { (Self.id($0), Duration.milliseconds(span)) }
            raft.handle(.roundTrips(spans), now: local(node), into: &scratch)
        }
        for group in options.groups {
            let disk = nodes[node].disk.groups[group] ?? GroupDisk()
            let isFounder = founders.contains(Self.id(node))
            let restored = RaftRestored(
                hardState: disk.hardState, snapshot: disk.snapshot?.metadata, entries: disk.entries,
                initialConfiguration: isFounder ? founders : .empty)
            nodes[node].machines[group] = disk.snapshot?.machine ?? Machine()
            nodes[node].snapshotAsked[group] = disk.snapshot?.metadata.index ?? 0
            raft.addGroup(group, restored: restored, now: local(node), into: &scratch)
        }
        nodes[node].raft = raft
        perform(node)
    }

    /// The process dies; what is not synced is lost, but perhaps for the first few writes.
    mutating func crash(_ node: Int) {
        guard nodes[node].raft != nil else { return }
        if !nodes[node].disk.pending.isEmpty {
            let survive = generator.below(nodes[node].disk.pending.count + 1)
            if survive > 0 { nodes[node].disk.sync(through: nodes[node].disk.pending[survive - 1].token) }
        }
        nodes[node].disk.pending = []
        nodes[node].raft = nil
        nodes[node].timers = [:]
        nodes[node].epoch += 1
    }

    func isCut(_ a: Int, _ b: Int) -> Bool { cut.contains(a * 64 + b) }
    mutating func setCut(_ a: Int, _ b: Int, _ isCut: Bool) {
        if isCut { cut.insert(a * 64 + b) } else { cut.remove(a * 64 + b) }
    }

    // MARK: - Running

    mutating func send(_ event: MultiRaftEvent, to node: Int) {
        guard nodes[node].raft != nil else { return }
        scratch = []
        let now = local(node)
        nodes[node].raft?.handle(event, now: now, into: &scratch)
        perform(node)
    }

    mutating func send(_ event: RaftEvent, to node: Int, group: GroupID = GroupID(1)) { send(.group(group, event), to: node) }

    mutating func propose(_ node: Int, _ payload: [UInt8], group: GroupID = GroupID(1)) {
        let id = ProposalID(nextProposal)
        nextProposal += 1
        send(.propose(id, payload: payload), to: node, group: group)
    }

    mutating func read(_ node: Int, group: GroupID = GroupID(1)) {
        let token = ReadToken(nextRead)
        nextRead += 1
        checker.readBegins(group, token)
        send(.read(token), to: node, group: group)
    }

    /// Runs until `end` microseconds.
    mutating func run(until end: Int64) {
        while let next = heap.first, next.time <= end * 1_000 {
            heap.removeFirst()
            time = next.time
            events += 1
            perform(next.action)
        }
        time = max(time, end * 1_000)
    }

    var microseconds: Int64 { time / 1_000 }

    private mutating func perform(_ action: Action) {
        switch action {
        case .deliver(let from, let to, let batch):
            guard nodes[to].raft != nil, !isCut(from, to) else { return }
            send(.batch(from: Self.id(from), batch), to: to)
        case .timer(let node, let epoch, let timer, let generation):
            guard nodes[node].epoch == epoch, nodes[node].timers[timer] == generation else { return }
            nodes[node].timers[timer] = nil
            send(.timer(timer), to: node)
        case .synced(let node, let epoch, let token):
            guard nodes[node].epoch == epoch else { return }
            if nodes[node].isDiskStalled { return schedule(after: 50_000, action) }
            nodes[node].disk.sync(through: token)
            send(.persisted(token: token), to: node)
        case .snapshotSaved(let node, let epoch, let group, let metadata, let machine):
            // One that was overtaken by a snapshot from the leader is of no use.
            guard nodes[node].epoch == epoch, metadata.index > nodes[node].disk.groups[group]?.snapshot?.metadata.index ?? 0 else { return }
            nodes[node].disk.groups[group, default: GroupDisk()].snapshot = (metadata, machine)
            send(.compact(metadata), to: node, group: group)
            dropPrefix(node, group)
        case .snapshotArrives(let node, let from, let group, let metadata, let machine): install(node, from, group, metadata, machine)
        case .snapshotSent(let node, let epoch, let group, let to, let ok):
            guard nodes[node].epoch == epoch else { return }
            send(.snapshotSendFinished(to: to, ok: ok), to: node, group: group)
        }
    }

    private mutating func install(_ node: Int, _ from: Int, _ group: GroupID, _ metadata: SnapshotMetadata, _ machine: Machine) {
        guard let raft = nodes[node].raft, !isCut(from, node) else { return }
        if raft.accepts(metadata, of: group) {
            nodes[node].disk.groups[group, default: GroupDisk()].snapshot = (metadata, machine)
            nodes[node].machines[group] = machine
            nodes[node].snapshotAsked[group] = metadata.index
            checker.installed(group, machine)
        }
        send(.snapshotReceived(metadata), to: node, group: group)
    }

    /// The log store drops what the core no longer holds.
    private mutating func dropPrefix(_ node: Int, _ group: GroupID) {
        guard let first = nodes[node].raft?.status(group)?.firstIndex else { return }
        nodes[node].disk.groups[group]?.entries.removeAll { $0.index < first }
    }

    mutating func schedule(after microseconds: Int, _ action: Action) {
        sequence += 1
        heap.insert(EventHeap.Item(time: time + Int64(microseconds) * 1_000, sequence: sequence, action: action))
    }
}

extension World {
    mutating func sendAll(_ events: [MultiRaftEvent], to node: Int) {
        guard nodes[node].raft != nil else { return }
        scratch = []
        let now = local(node)
        nodes[node].raft?.handle(events, now: now, into: &scratch)
        perform(node)
    }
}

extension World {
    func overview(_ group: GroupID) -> String {
        let states = (1...options.nodes).map { node in
            guard let raft = nodes[node].raft else { return "n\(node) down" }
            let state = raft.state(group)
            return "\(state.id) \(state.role) t\(state.term) leader \(state.leader.map(\.description) ?? "-") commit \(state.commitIndex)"
                + " last \(state.log.lastIndex)/t\(state.log.lastTerm) \(state.configuration)\(state.isQuiesced ? " quiesced" : "")"
        }
        return states.joined(separator: "; ")
    }
}
