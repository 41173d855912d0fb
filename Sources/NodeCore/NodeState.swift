package import Consensus
import Filesystem
package import Membership
package import Primitives
import Replication

/// A node as one value: Raft groups, gossip, sessions and the requests under way. Events in,
/// effects out; completions come back as events (architecture §3). It waits for nothing, reads no
/// clock, draws chance from its seed only, and sees of file content only names and lengths.
///
/// Every request is a program that is run again from its start whenever something it waits for has
/// ended (`RequestProgress`). There is one table of waits for all of them, and every request has a
/// deadline: exactly one reply, always.
package struct NodeState {
    package let settings: NodeSettings
    package let cluster: ClusterConfig
    var generator: SeededGenerator
    var now: Instant
    /// Civil time minus `now`.
    var civilOffset: Int64

    let startedAt: Instant

    var raft: MultiRaft
    var groups = OrderedTable<GroupID, HostedGroup>()
    var swim: SWIMState
    var directory = OrderedTable<NodeID, NodeRecord>()

    var requests = RequestTable()
    var calls: CallTable
    var sessions = OrderedTable<SessionID, ClientSession>()
    var serverStages = OrderedTable<ServerStageKey, ServerStage>()
    /// Client nodes' sessions that hold locks or stages of groups led here, and when they were last renewed.
    var leases = OrderedTable<ServerSessionKey, Instant>()
    /// Clients of NFS servers that this node, as leader, has begun to end: told to be unknown from then on, however that goes on.
    var endingClients = OrderedTable<ServerSessionKey, Instant>()
    var proposers = OrderedTable<GroupID, Proposer>()
    /// Who was last seen to lead a group that is not hosted here.
    var leaderHints = OrderedTable<GroupID, NodeID>()
    var leaderQueries = OrderedTable<GroupID, LeaderQuery>()
    var placements = OrderedTable<UInt64, Placement>()
    var pushes = OrderedTable<WaitToken, PushFlight>()
    var outboxes = OrderedTable<NodeID, PushOutbox>()
    var pushRetries: [(at: Instant, push: ChunkPush)] = []
    var nextPlacement: UInt64 = 1
    /// Content on its way here, and the data plane's names of the transfers.
    var fetches = ChunkFetches()
    var transfers = OrderedTable<WaitToken, ChunkTransferID>()
    var transferTokens = OrderedTable<ChunkTransferID, WaitToken>()
    var fetchesArmed: Instant?
    var upkeep: ChunkUpkeep
    /// When the holders of what sessions here see are told so again.
    var nextVouch = Instant.zero
    /// Calls of peers waiting for a group to be applied up to an index.
    var remoteWaits: [RemoteWait] = []

    /// Compounds of peers: nil while they are executed, then their results if they changed something.
    var served: [ServedCall: [FileResult]?] = [:]
    var servedOrder = BoundedQueue<ServedCall>(capacity: 8_192)

    var nextSession: UInt64
    var nextHandle: UInt64 = 1
    var nextStage: UInt64 = 1
    var nextProposal: UInt64 = 1
    var nextUpload: UInt64 = 1
    var sweepArmed = false
    /// Requests to be run again, calls to be sent and buffers to be dropped before this event ends.
    var runnable: [RequestTable.Key] = []
    var freshCalls: [CallID] = []
    var laterEffects: [Effect] = []
    var droppable: [BufferID] = []
    /// Empty between events; their room is used again.
    var swimEffects: [SWIMEffect] = []
    var raftEffects: [MultiRaftEffect] = []
    /// The request that is being run, and its deadline.
    var currentKey: RequestTable.Key = 0
    var currentDeadline = Instant.zero
    /// Stamps of changes under way, to be ended with their calls.
    var stampsInUse: [WaitToken: (group: GroupID, stamp: ClientStamp)] = [:]
    /// Written bytes that outlive the operation that brought them (write-behind).
    var keptPayloads: Set<BufferID> = []
    /// What sessions of network file systems have read.
    var readCache = NFSReadCache()
    /// Rounds of readahead of volumes.
    var readaheadsUnderWay = 0
    /// Requests that wait for a place in an open file's window, and writes sent and not answered.
    var handleWaiters: [HandleID: [RequestTable.Key]] = [:]
    var handleSends: [HandleID: Int] = [:]
    /// Requests that wait until a session has moved to another version.
    var versionWaiters: [SessionID: [RequestTable.Key]] = [:]
    /// The read that is being given to Raft, and its answer where that came at once.
    var readingNow: WaitToken?
    var earlyRead: StepValue?
    /// Ends of steps of the request that is being run; it is not in the table then.
    var laterEnds: [(token: WaitToken, value: StepValue)] = []
    /// What the disk held of groups that are not started yet.
    var restoredRaft = OrderedTable<GroupID, RaftRestored>()
    /// Waits for a moment.
    var pauses: [(until: Instant, token: WaitToken)] = []
    package internal(set) var isLeaving = false
    /// Set until the cluster has let this node in.
    var joining: Joining?
    /// Founders that were heard to have nothing of the cluster yet, and the data directories that they named.
    var newFounders = OrderedTable<NodeID, UInt64>()
    /// Groups whose plan had been changed when this node stopped, as far as its log tells.
    var movedBefore: Set<GroupID> = []
    /// Replicas that the plan no longer names and that must stay until the catalog is known: looked at with each of its
    /// changes.
    var keptReplicas: [GroupID] = []
    /// The catalog has been known here since the start.
    var catalogWasKnown = false
    /// When this node last told the catalog, or asked, who it is.
    var presentedAt: Instant?
    var mover = Mover()
    var fills = OrderedTable<GroupID, GroupFill>()
    /// Of volumes that are led here and were written to of late.
    var writers = OrderedTable<GroupID, WriterTally>()
    var handingOver = false
    package internal(set) var counters = Counters()

    /// What the disk held when the node started.
    package struct Restored {
        package var groups: [(GroupID, RaftRestored, GroupMachine?)]
        package init(groups: [(GroupID, RaftRestored, GroupMachine?)] = []) { self.groups = groups }
    }

    package init(
        settings: NodeSettings, cluster: ClusterConfig, member: MemberRecord, seeds: [Endpoint], restored: Restored, seed: UInt64,
        now: Instant,
        civil: WallTime
    ) {
        self.settings = settings
        self.cluster = cluster
        var generator = SeededGenerator(seed: seed)
        // A session id carries chance, so that one from before a restart is unknown, not another's.
        nextSession = (generator.next() >> 24) << 16 | 1
        raft = MultiRaft(id: settings.id, settings: settings.raft, seed: generator.next(), now: now)
        swim = SWIMState(self: member, seeds: seeds, settings: settings.swim, seed: generator.next(), now: now)
        // Call ids carry chance too: a leader remembers those of before a restart.
        calls = CallTable(first: (generator.next() >> 24) << 20 | 1)
        self.generator = generator
        upkeep = ChunkUpkeep(settings.garbage)
        self.now = now
        startedAt = now
        civilOffset = civil.nanoseconds - now.nanoseconds
        restore(restored)
    }

    var civil: WallTime { WallTime(nanoseconds: now.nanoseconds + civilOffset) }

    /// The host tells the civil time now and then: it may be stepped.
    package mutating func setCivil(_ time: WallTime, now: Instant) { civilOffset = time.nanoseconds - now.nanoseconds }

    /// Called once, before the first event.
    package mutating func start(now: Instant, into effects: inout [Effect]) {
        self.now = now
        effects.append(.startTimer(.housekeeping, generation: 0, at: now + .seconds(1)))
        if mustAskToJoin {
            joining = Joining()
            askToJoin(into: &effects)
        } else {
            begin(into: &effects)
        }
    }

    mutating func begin(into effects: inout [Effect]) {
        startGossip(into: &effects)
        startGroups(into: &effects)
    }

    package mutating func handle(_ event: Event, now: Instant, into effects: inout [Effect]) {
        self.now = now
        counters.events += 1
        if joining != nil { return whileJoining(event, into: &effects) }
        switch event {
        case .openSession(let request, let filesystem, let options, let deadline):
            openSession(request, filesystem, options, deadline: deadline, into: &effects)
        case .closeSession(let session): closeSession(session, into: &effects)
        case .operation(let request, let session, let operation, let payload, let deadline):
            begin(.operation(request, session, operation, payload), deadline: deadline, into: &effects)
        case .changeCatalog(let request, let command, let deadline):
            beginCatalogChange(request, command, deadline: deadline, into: &effects)
        case .abandoned(let request): abandon(request, into: &effects)
        case .message(let from, let message, let attachment): receive(message, from: from, attachment: attachment, into: &effects)
        case .peerConnected(let peer): peerConnected(peer, into: &effects)
        case .peerLost(let peer):
            peerLost(peer, into: &effects)
            driveFetches(.nodeLost(peer))
        case .gossip, .syncRequest, .syncReply, .syncFailed, .leave: gossip(event, into: &effects)
        case .joinRequest(let token, let from, let request): serveJoin(token, from: from, request, into: &effects)
        case .joinReply(let reply): belongs(reply, into: &effects)
        case .handOver:
            handingOver = true
            handOver(into: &effects)
        case .timer(let key, let generation): timer(key, generation, into: &effects)
        case .logDurable, .logFailed, .snapshotSaved, .snapshotReceived, .snapshotSent: groupCompletion(event, into: &effects)
        case .stageWritten(let token, let ok, let reason):
            resolve(token, ok ? .done : .failed(FileFailure(.ioError, operation: "write", object: "stage", cause: reason)))
        case .stageStored(let token, let content): resolve(token, .stored(content))
        case .stageFailed(let token, let failure): resolve(token, .failed(failure))
        case .bytesRead(let token, let payload): if !resolve(token, .bytes(payload)) { effects.append(.dropBuffer(payload.buffer)) }
        case .bytesMissing(let token, let chunks, let reason):
            resolve(
                token,
                chunks.isEmpty ? .failed(FileFailure(.ioError, operation: "read", object: "chunk", cause: reason)) : .missing(chunks))
        case .chunksPushed(let token, let ok): pushed(token, ok: ok, into: &effects)
        case .chunksFetched(let token, let missing): fetchEnded(token, missing: missing)
        case .chunks(let report): chunkReport(report, into: &effects)
        }
        runPending(into: &effects)
        armFetches(into: &effects)
        armSweep(into: &effects)
    }

    private mutating func timer(_ key: TimerKey, _ generation: UInt64, into effects: inout [Effect]) {
        switch key {
        case .raft(let timer): driveRaft(.timer(timer), into: &effects)
        case .swim(let timer): driveSWIM(.timer(timer, generation: generation), into: &effects)
        case .sweep: sweep(into: &effects)
        case .fetches:
            fetchesArmed = nil
            driveFetches(.tick)
        case .upkeep: upkeepTurn(into: &effects)
        case .handOver: handOver(into: &effects)
        case .housekeeping:
            housekeeping(into: &effects)
            upkeepDue(into: &effects)
            effects.append(.startTimer(.housekeeping, generation: 0, at: now + .seconds(1)))
        }
    }

    /// The region of a node, from the catalog or, before there is one, from the founders.
    package func region(of node: NodeID) -> RegionID? {
        if node == settings.id { return settings.region }
        if let record = directory[node] { return record.region }
        let position = Int(clamping: node.rawValue) - 1
        return cluster.founders.indices.contains(position) ? cluster.founders[position].region : nil
    }

    func isWideArea(_ node: NodeID) -> Bool { region(of: node).map { $0 != settings.region } ?? true }
}

/// What a node counts of itself; exported as metrics.
package struct Counters: Sendable, Hashable {
    package var events: UInt64 = 0
    package var operations: UInt64 = 0
    package var operationFailures: UInt64 = 0
    package var compoundsServed: UInt64 = 0
    package var proposals: UInt64 = 0
    package var entriesApplied: UInt64 = 0
    package var wideAreaRoundTrips: UInt64 = 0
    package var wideAreaBytes: UInt64 = 0
    package var callRetries: UInt64 = 0
    package var leaderQueries: UInt64 = 0
    package var chunksFetchedFromAfar: UInt64 = 0
    package var snapshotsSaved: UInt64 = 0
    /// Batches of chunks that could not be brought home; the next round of upkeep tries again.
    package var adoptionsFailed: UInt64 = 0
    /// Rounds over all names; chunks that were found missing in them, and those that were fetched for it.
    package var chunkRounds: UInt64 = 0
    package var chunksMissing: UInt64 = 0
    package var chunksRepaired: UInt64 = 0
    /// Sweeps of the store, chunks that nobody named and their bytes as stored; and rounds without a sweep,
    /// because chunks may lie here whose names are not known here.
    package var sweeps: UInt64 = 0
    package var chunksSwept: UInt64 = 0
    package var bytesSwept: UInt64 = 0
    package var sweepsHeldBack: UInt64 = 0
    /// Background commits, and those that failed; what they held stays staged and goes with the next.
    package var backgroundCommits: UInt64 = 0
    package var backgroundCommitsFailed: UInt64 = 0
    package init() {}
}
