import Consensus
import Filesystem
import Membership
import NodeCore
import Primitives
import Replication
import Workloads

/// Many nodes under virtual time: machines with clocks and disks, the network between them, clients,
/// and what goes wrong. It runs the very `NodeState` of the live node; what the live interpreter does
/// with sockets and files is modelled here (`World+Effects`, `World+Network`, `World+Disk`,
/// `World+Data`). A run is a function of scenario and seed: `trace.hash` proves it.
struct World {
    /// What the heap holds. Large and rare ones are kept elsewhere (`indirect`).
    enum Action {
        /// A completion of a node's own effect; void if the process is another one by then.
        case event(node: Int, life: UInt32, Event)
        case timer(node: Int, serial: UInt64, TimerKey)
        /// A message on a connection.
        indirect case message(from: Int, to: Int, epoch: UInt32, Message, attachment: Content?)
        case gossip(from: Int, to: Int, SWIMPacket)
        case syncRequest(from: Int, life: UInt32, SyncID, to: Int, SyncPayload)
        indirect case joinRequest(from: Int, life: UInt32, to: Int, JoinRequest)
        case dial(from: Int, to: Int)
        case opened(from: Int, to: Int)
        case retransmit(from: Int, to: Int, epoch: UInt32, attempt: Int)
        case lost(from: Int, to: Int, epoch: UInt32)
        case logSynced(node: Int, life: UInt32)
        case logRetry(node: Int, life: UInt32)
        indirect case snapshotSaved(node: Int, life: UInt32, GroupID, SnapshotMetadata, GroupMachine)
        indirect case snapshotArrived(from: Int, to: Int, epoch: UInt32, GroupID, SnapshotMetadata, GroupMachine)
        indirect case snapshotStored(from: Int, to: Int, life: UInt32, GroupID, SnapshotMetadata, GroupMachine)
        /// A process ends by itself, and is started again.
        case ends(node: Int, life: UInt32)
        case startsAgain(node: Int, life: UInt32)
        case chunksAsked(from: Int, to: Int, epoch: UInt32, [ChunkReference], WaitToken)
        indirect case chunksArrived(from: Int, to: Int, epoch: UInt32, [ChunkReference], missing: [ChunkID], WaitToken, isPush: Bool)
        case chunksOffered(from: Int, to: Int, epoch: UInt32, [ChunkReference], WaitToken)
        case chunksWanted(from: Int, to: Int, life: UInt32, [ChunkReference], WaitToken)
        indirect case chunksStored(from: Int, to: Int, life: UInt32, [ChunkReference], missing: [ChunkID], WaitToken, isPush: Bool)
        case vouched(from: Int, to: Int, epoch: UInt32, [ChunkReference])
        indirect case transferEnded(node: Int, life: UInt32, WaitToken, Event)
        indirect case stageStored(node: Int, life: UInt32, WaitToken, StoredContent, [(ChunkID, Content)])
        case client(Int, turn: UInt64)
        case overdue(client: Int, turn: UInt64)
        case cell(Int, turn: UInt64)
        case cellOverdue(Int, turn: UInt64)
        indirect case fault(Fault)
    }

    let options: WorldOptions
    let mutant: Mutant?
    /// Makes disks with the storage's own code. A mutant of the world keeps the stand-in, which it alters.
    let makeStorage: WorldStorageMaker?
    var usesRealStorage: Bool { options.storage == .real && mutant == nil }
    var now: Int64 = 0
    var heap = EventHeap<Action>()
    var chance: SeededGenerator
    var cluster = ClusterConfig(clusterHigh: 0, clusterLow: 0, name: "", founders: [])
    var hosts: [Host] = []
    var weather: NetworkWeather
    var paths: [Path] = []
    let regionCount: Int
    /// By `from * hosts.count + to`.
    var connections: [Connection] = []
    /// One-way cuts between machines, by the same index: how many faults cut them.
    var cuts: [UInt16] = []
    /// What is in a chunk, wherever it lies; looked up only.
    var contents: [ChunkID: Content] = [:]
    /// The region and the node of whoever leads a group in a term; looked up only.
    var leaders: [LeaderKey: NodeID] = [:]
    /// Copies that a fault of this world took from a disk on which they lay durably (`World+Durability`). Looked up only.
    var takenCopies: [ChunkID: [TakenCopy]] = [:]
    /// By file system, the voters that were planned, and when that was last seen; looked up only.
    var knownPlans: [Int: [(voters: [Int], seen: Int64)]] = [:]
    /// Changes of the catalog under way, and for which file system; looked up only.
    var catalogRequests: [CatalogRequest: Int] = [:]

    var filesystems: [FilesystemInWorld] = []
    var clients: [Client] = []
    /// Clients that carry out workloads, and what their calls cost beside the model (`World+Cells`).
    var cells: [WorkloadCell] = []
    var costs = WorkloadCosts.none
    /// Of a single call: the reply and its data.
    var lastAnswer: (Reply, Content)?
    /// Bytes put on each direction between two regions, by `from * regionCount + to`; gossip is left out.
    var linkBytes: [UInt64] = []
    /// What is left of a chunk's bytes on the wire after compression, in percent.
    var wirePercent: Int64 = 100
    var histories = Histories()
    var names = NamesGroups()
    var checkBatch = CheckBatch()
    var contentLook = ContentLook()
    var failovers = FailoverWatch()
    var measures: [Measure] = []
    var isFrozen = false
    var violations: [Violation] = []
    var trace: Trace
    /// Looks at events of nodes as they happen; nil in all runs but one that is stepped through.
    var replay: Replay?
    var statistics = WorldStatistics()
    /// Nil where nobody asked for it.
    var timeline: RunTimeline?
    private var timerSerial: UInt64 = 0
    private var effects: [Effect] = []

    struct LeaderKey: Hashable {
        let group: GroupID
        let term: UInt64
    }

    /// Civil time at the world's beginning: 2026-01-01T00:00:00Z.
    static let civilOrigin: Int64 = 1_767_225_600_000_000_000

    init(
        _ options: WorldOptions, seed: UInt64, mutant: Mutant? = nil, storage: WorldStorageMaker? = nil, sink: ((String) -> Void)? = nil
    ) {
        precondition(options.storage != .real || mutant != nil || storage != nil, "a world with real storage needs its maker")
        self.options = options
        self.mutant = mutant
        makeStorage = storage
        chance = SeededGenerator(seed: SeededGenerator.mix(seed &+ 0x41_74_6F_6C_6C))
        weather = options.weather
        trace = Trace(seed: seed, sink: sink)
        regionCount = options.map.regions.count
        for a in options.map.regions {
            for b in options.map.regions {
                guard let link = options.map.link(from: a.id, to: b.id) else { preconditionFailure("a map has every link") }
                paths.append(Path(link))
            }
        }
        linkBytes = Array(repeating: 0, count: paths.count)
        makeHosts(seed)
    }

    /// Bytes of a chunk as they are sent.
    func onWire(_ length: UInt32) -> Int64 { max(1, Int64(length) * wirePercent / 100) }

    // MARK: Running

    /// The next event, if it is due by `end`; false where none is.
    mutating func step(until end: Int64) -> Bool {
        guard let next = heap.nextAt, next <= end, let (at, action) = heap.pop() else { return false }
        now = max(now, at)
        statistics.events += 1
        perform(action)
        return true
    }

    /// Runs until `end` of virtual time, or until `isDone`, which is asked every `every` nanoseconds.
    @discardableResult
    mutating func run(until end: Int64, every: Int64 = 100_000_000, _ isDone: (inout World) -> Bool = { _ in false }) -> Bool {
        var ask = now
        while true {
            if now >= ask {
                if isDone(&self) { return true }
                ask = now + every
            }
            guard step(until: end) else { break }
        }
        now = max(now, end)
        return isDone(&self)
    }

    mutating func after(_ delay: Int64, _ action: consuming Action) { heap.push(action, at: now + delay) }

    private mutating func perform(_ action: consuming Action) {
        switch action {
        case .event(let node, let life, let event):
            guard hosts[node].isUp, hosts[node].life == life else { return }
            guard !isAsleep(node) else { return heap.push(.event(node: node, life: life, event), at: hosts[node].pausedUntil) }
            handle(event, on: node)
        case .timer(let node, let serial, let key): timerFired(node, serial, key)
        case .gossip(let from, let to, let packet):
            guard hosts[to].isUp else { return }
            guard !isAsleep(to) else { return heap.push(.gossip(from: from, to: to, packet), at: hosts[to].pausedUntil) }
            handle(.gossip(from: Self.gossip(from), packet), on: to)
        case .message(let from, let to, let epoch, let message, let attachment): deliver(message, attachment, from, to, epoch)
        case .syncRequest(let from, let life, let id, let to, let payload): syncArrives(from, life, id, to, payload)
        case .joinRequest(let from, let life, let to, let request): joinArrives(from, life, to, request)
        case .dial(let from, let to): dial(from, to)
        case .opened(let from, let to): opened(from, to)
        case .retransmit(let from, let to, let epoch, let attempt): retransmit(from, to, epoch, attempt)
        case .lost(let from, let to, let epoch): if connections[from * hosts.count + to].epoch == epoch { lose(from, to) }
        case .logSynced(let node, let life): logSynced(node, life)
        case .logRetry(let node, let life): if hosts[node].isUp, hosts[node].life == life { retryLog(node) }
        case .ends(let node, let life): ends(node, life)
        case .startsAgain(let node, let life): if !hosts[node].isUp, hosts[node].life == life { restart(node) }
        case .snapshotSaved(let node, let life, let group, let metadata, let machine): snapshotSaved(node, life, group, metadata, machine)
        case .snapshotArrived(let from, let to, let epoch, let group, let metadata, let machine):
            snapshotArrived(from, to, epoch, group, metadata, machine)
        case .snapshotStored(let from, let to, let life, let group, let metadata, let machine):
            snapshotStored(from, to, life, group, metadata, machine)
        case .chunksAsked(let from, let to, let epoch, let chunks, let token): chunksAsked(from, to, epoch, chunks, token)
        case .chunksArrived(let from, let to, let epoch, let chunks, let missing, let token, let isPush):
            chunksArrived(from, to, epoch, chunks, missing, token, isPush)
        case .chunksOffered(let from, let to, let epoch, let chunks, let token): chunksOffered(from, to, epoch, chunks, token)
        case .chunksWanted(let from, let to, let life, let chunks, let token): chunksWanted(from, to, life, chunks, token)
        case .chunksStored(let from, let to, let life, let chunks, let missing, let token, let isPush):
            chunksStored(from, to, life, chunks, missing, token, isPush)
        case .vouched(let from, let to, let epoch, let chunks): vouched(from, to, epoch, chunks)
        case .transferEnded(let node, let life, let token, let event): transferEnded(node, life, token, event)
        case .stageStored(let node, let life, let token, let content, let chunks): stageStored(node, life, token, content, chunks)
        case .client(let index, let turn): wake(index, turn)
        case .overdue(let index, let turn): overdue(index, turn)
        case .cell(let index, let turn): cellGoesOn(index, turn)
        case .cellOverdue(let index, let turn): cellOverdue(index, turn)
        case .fault(let fault): apply(fault)
        }
    }

    func isAsleep(_ node: Int) -> Bool { hosts[node].pausedUntil > now }

    /// Gives an event to a node's core and does what it asks for.
    mutating func handle(_ event: Event, on node: Int) {
        if dies(of: event, node) { return }
        statistics.nodeEvents += 1
        let local = Instant(nanoseconds: hosts[node].clock.local(now))
        trace.note(event, node: node, at: now)
        var effects = self.effects
        self.effects = []
        let watched = replay?.begins(node: node, at: now) == true ? hosts[node].state.view.parts : nil
        hosts[node].state.handle(event, now: local, into: &effects)
        if let watched { look(event, node, effects, before: watched) }
        trace.note(effects: effects.count)
        interpret(&effects, of: node)
    }

    private func look(_ event: Event, _ node: Int, _ effects: [Effect], before: [(String, String)]) {
        replay?.ended(node: node, at: now, event.summary, effects, before: before, after: hosts[node].state.view.parts) { number in
            guard hosts.indices.contains(number - 1) else { return ["there is no node \(number): there are \(hosts.count)"] }
            let host = hosts[number - 1]
            return ["node \(number) in \(host.region), \(host.isUp ? "up" : "down")"] + host.state.view.parts.map { "\($0.0): \($0.1)" }
        }
    }

    mutating func interpret(_ effects: inout [Effect], of node: Int) {
        for effect in effects { interpret(effect, of: node) }
        effects.removeAll(keepingCapacity: true)
        self.effects = effects
    }

    // MARK: Timers

    mutating func startTimer(_ key: TimerKey, _ generation: UInt64, _ at: Instant, _ node: Int) {
        timerSerial += 1
        hosts[node].timers[key] = Host.ArmedTimer(serial: timerSerial, generation: generation)
        heap.push(.timer(node: node, serial: timerSerial, key), at: max(now, hosts[node].clock.time(of: at.nanoseconds)))
    }

    private mutating func timerFired(_ node: Int, _ serial: UInt64, _ key: TimerKey) {
        guard hosts[node].isUp, let armed = hosts[node].timers[key], armed.serial == serial else { return }
        guard !isAsleep(node) else { return heap.push(.timer(node: node, serial: serial, key), at: hosts[node].pausedUntil) }
        hosts[node].timers[key] = nil
        if case .housekeeping = key { tellCivil(node) }
        handle(.timer(key, generation: armed.generation), on: node)
    }

    /// Once a second, as the live node does.
    mutating func tellCivil(_ node: Int) {
        let clock = hosts[node].clock
        hosts[node].state.setCivil(
            WallTime(nanoseconds: Self.civilOrigin + now + clock.civilOffset), now: Instant(nanoseconds: clock.local(now)))
    }

    mutating func violate(_ kind: Violation.Kind, _ text: String) {
        guard violations.count < 100 else { return }
        let violation = Violation(kind: kind, at: now, text: text)
        violations.append(violation)
        trace.line(now, "VIOLATION \(violation.text)")
    }
}

/// What a run found that must not be.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// A request was answered twice, late or not at all.
        case answers
        /// Two leaders in one term.
        case election
        /// Acknowledged before it was durable as promised.
        case durability
        /// Commits, snapshots and reads of a volume.
        case volume
        /// Operations of a network file system that no order explains.
        case linearizability
        /// Content that is named and not there, or not what was written.
        case content
        /// Replicas that differ.
        case convergence
        /// What does not come back after the faults.
        case liveness
        /// A disk from which a node cannot start, a message that cannot be read.
        case format
        /// Expectations of the scenario.
        case expectation
    }
    package let kind: Kind
    /// Nanoseconds since the world began.
    package let at: Int64
    package let text: String
    package init(kind: Kind, at: Int64, text: String) {
        self.kind = kind
        self.at = at
        self.text = text
    }
    package var description: String { "\(kind.rawValue) at \(at / 1_000_000) ms: \(text)" }
}

/// What a run did, for reports.
package struct WorldStatistics: Hashable, Sendable {
    package var events: UInt64 = 0
    package var nodeEvents: UInt64 = 0
    package var messages: UInt64 = 0
    package var datagrams: UInt64 = 0
    package var operations: UInt64 = 0
    /// Of them, those that failed as they would not on a healthy cluster.
    package var failedOperations: UInt64 = 0
    package var commits: UInt64 = 0
    /// Of them, those that were made in the region where the group's leader was.
    package var commitsAtLeader: UInt64 = 0
    /// Of them, those that were made in a region that votes.
    package var commitsAmongVoters: UInt64 = 0
    package var faults: UInt64 = 0
    package var restarts: UInt64 = 0
    /// What the checkers looked at, and what they could not decide.
    package var checks = CheckTally()
    /// Locks that were taken and given back.
    package var locks: UInt64 = 0
    /// Connections that were not made because of versions of the wire.
    package var refusedConnections: UInt64 = 0
    /// Nodes that refused to start from a disk with decay.
    package var refusedStarts: UInt64 = 0
    /// Chunks that were collected.
    package var swept: UInt64 = 0
    package init(checks: CheckTally = CheckTally()) { self.checks = checks }
}
