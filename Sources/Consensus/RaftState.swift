package import Primitives

/// One replicated log on one node: Raft as in Ongaro's thesis ("Consensus: Bridging Theory and
/// Practice", 2014), as a value. Events in, effects out; it waits for nothing and reads no clock.
///
/// **In short.** Members of a group agree on a log. Time is cut into terms; each has at most one
/// leader, elected by a majority, and each member votes once a term. The leader alone appends; an
/// entry of its term that a majority holds durably is committed, and with it all before it. A vote
/// goes only to a candidate whose log is at least as complete, so a new leader has every committed
/// entry. Everything else here serves speed, or calm:
///
/// - *Pre-vote* (§9.6): a campaign first asks whether it could win, without raising the term, so a
///   member that was cut off does not disturb the others when it returns.
/// - *Promises*: each append and heartbeat asks the follower to support nobody else for `lease`
///   from its receipt. Until then it refuses votes and pre-votes, and does not campaign. A restarted
///   node, which has forgotten what it promised, promises `leaseMaximum` to nobody in particular.
/// - *Lease* (§6.4.1): a quorum gave back stamp `s`; so until `s + lease`, less the drift of clocks,
///   no other leader can exist, and the leader answers reads from what it has.
/// - *Check-quorum* (§6.2): a leader that no quorum has answered for an election timeout steps down.
/// - *ReadIndex* (§6.4): without the lease, a read waits until a quorum has given back a stamp that
///   is younger than the read. Members that do not lead ask the leader.
/// - *Disk as an event*: the leader sends entries while its own disk writes them, and counts itself
///   only after `persisted` (§10.2.1). Followers acknowledge, and voters answer, after `persisted`.
/// - *Pipelining* (§10.2.2): appends go out ahead of their answers, in a window; see `Progress`.
/// - *Membership* (§4.3): joint consensus, left automatically. A change of learners only is one entry.
/// - *Transfer* (§3.10), *preference*: a leader that the host does not prefer hands over to one that
///   it does. Preferred voters wait less before they campaign.
/// - *Quiescence*: when nothing happens and everybody has everything, the leader says so and falls
///   silent; members then stop their timers, and rely on `unreachable` to miss it.
///
/// **Deviations from the thesis.** Votes that a promise forbids are not answered at all. A candidate's
/// requests go out after its own vote is durable. A transfer's vote requests override promises, hence a leader that has sent
/// `timeoutNow` gives up its lease; if the transfer comes to nothing it appends an empty entry and
/// takes the lease again when that is committed: the target may only campaign with a log that ends
/// where it ended then, and such a log can no longer win. A member that grants a pre-vote waits
/// longer itself, and of two pre-candidates one yields, which makes split votes rare.
///
/// **What the clock must do.** `now` is monotonic, its rate differs from other nodes' by less than
/// `RaftSettings.clockDriftPercent`, and it does not stand still while the machine is suspended
/// (CLOCK_BOOTTIME on Linux). Otherwise set `leaseReads` to false.
///
/// Timers are lazy: a deadline that moves later leaves the running timer alone, which re-arms when it
/// goes off too early. A heartbeat thus costs no timer.
package struct RaftState: Sendable {
    package let group: GroupID
    package let id: NodeID
    package let settings: RaftSettings
    var generator: SeededGenerator
    var now: Instant

    // What is durable, or on its way to the disk.
    package internal(set) var term: UInt64
    package internal(set) var votedFor: NodeID?
    package internal(set) var log: RaftLog
    var persistence: Persistence
    /// The newest durable snapshot.
    package internal(set) var snapshot: SnapshotMetadata?

    // What is known to be committed; handed to the state machine; taken in by it.
    package internal(set) var commitIndex: UInt64
    var handedIndex: UInt64
    package internal(set) var appliedIndex: UInt64

    // Membership.
    var configurations: ConfigurationHistory
    package var configuration: RaftConfiguration { configurations.current }

    // Role.
    package internal(set) var role = RaftRole.follower
    package internal(set) var leader: NodeID?
    var reportedRole = RoleReport(role: .follower, term: 0, leader: nil)
    var votes: [(node: NodeID, granted: Bool)] = []
    package internal(set) var isQuiesced = false

    // Following.
    var follow = Following()
    /// Until then nobody else is supported.
    var promisedUntil: Instant
    var lastHeard: Instant

    // Leading.
    package internal(set) var progress = ProgressTable()
    var lead = Leading()

    // Reads.
    var reads = ReadQueue()
    var forwards = ForwardedReads()

    // Time.
    package internal(set) var timing: RaftTiming
    var roundTrips: [RoundTrip] = []
    var preferred: [NodeID] = []
    /// When the wait for a leader began, and its random part.
    var electionBase: Instant
    var electionJitter = Duration.zero
    var electionDeadline: Instant?
    /// Campaigns with votes since a leader was last known.
    var lostCampaigns = 0
    var heartbeatDeadline: Instant?
    var armedElection: Instant?
    var armedHeartbeat: Instant?

    /// `restored` is what the disk held; its `problem` must be nil. `seed` must differ from run to
    /// run of the same node. Effects begin with `start`.
    package init(group: GroupID, id: NodeID, restored: RaftRestored, settings: RaftSettings, seed: UInt64, now: Instant) {
        settings.check()
        if let problem = restored.problem { preconditionFailure("\(group) on \(id) cannot start: \(problem)") }
        self.group = group
        self.id = id
        self.settings = settings
        self.now = now
        generator = SeededGenerator(seed: SeededGenerator.mix(seed) ^ SeededGenerator.mix(group.rawValue &+ id.rawValue << 32))
        // A received snapshot may have become durable just before the term that came with it.
        term = max(restored.hardState.term, restored.snapshot?.term ?? 0)
        votedFor = term == restored.hardState.term ? restored.hardState.votedFor : nil
        snapshot = restored.snapshot
        log = Self.log(from: restored)
        let base = restored.snapshot?.index ?? 0
        commitIndex = max(base, min(restored.hardState.commit, log.lastIndex))
        handedIndex = base
        appliedIndex = base
        persistence = Persistence(durableIndex: log.lastIndex, nextToWrite: log.lastIndex + 1)
        persistence.isHardStateDirty = term != restored.hardState.term
        if let last = restored.entries.last, log.entries.isEmpty, (last.index, last.term) != (log.baseIndex, log.baseTerm) {
            // What the snapshot made void must not stay before what is appended next.
            persistence.truncateFrom = 1
        }
        configurations = ConfigurationHistory(base: base, restored.snapshot?.configuration ?? restored.initialConfiguration, log: log)
        timing = RaftTiming(settings: settings, worstRoundTrip: settings.assumedRoundTrip)
        lastHeard = now
        promisedUntil = now
        electionBase = now
        follow.matched = commitIndex
        forwards.nextRequest = SeededGenerator.mix(generator.next() ^ UInt64(bitPattern: now.nanoseconds) ^ log.lastIndex &* 31)
        reportedRole.term = term
        recomputeTiming()
        begin(afterRestart: term > 0)
    }

    /// Entries behind the snapshot, if they are a continuation of it.
    private static func log(from restored: RaftRestored) -> RaftLog {
        guard let snapshot = restored.snapshot else { return RaftLog(entries: restored.entries) }
        let rest = RaftLog(baseIndex: snapshot.index, baseTerm: snapshot.term)
        guard let first = restored.entries.first, let last = restored.entries.last, last.index >= snapshot.index else { return rest }
        if first.index == snapshot.index + 1 {
            return first.term >= snapshot.term
                ? RaftLog(baseIndex: snapshot.index, baseTerm: snapshot.term, entries: restored.entries) : rest
        }
        let position = Int(snapshot.index - first.index)
        guard restored.entries[position].term == snapshot.term else { return rest }
        return RaftLog(baseIndex: snapshot.index, baseTerm: snapshot.term, entries: Array(restored.entries[(position + 1)...]))
    }

    /// The first wait. In a new group nobody can have promised anything, and somebody must begin soon.
    private mutating func begin(afterRestart: Bool) {
        // Whoever never had company never promised anything.
        let alone = snapshot == nil && configurations.isAlwaysOnly(id)
        if afterRestart, !alone { promisedUntil = now + settings.leaseMaximum }
        armElection(after: afterRestart && !alone ? timing.electionTimeout : .zero)
        if alone { electionDeadline = now }
    }

    /// The first effects: timers, and what the disk knew to be committed.
    package mutating func start(now: Instant, into effects: inout [RaftEffect]) {
        advance(to: now)
        if electionDeadline.map({ $0 <= now }) ?? false { electionTimedOut(into: &effects) }
        flush(into: &effects)
    }

    package mutating func handle(_ event: RaftEvent, now: Instant, into effects: inout [RaftEffect]) {
        step(event, now: now, into: &effects)
        flush(into: &effects)
    }

    /// Takes in one event. What can wait for other events of the same moment (sending, writing,
    /// applying) is left to `flush`.
    mutating func step(_ event: RaftEvent, now: Instant, into effects: inout [RaftEffect]) {
        advance(to: now)
        switch event {
        case .message(let from, let message): receive(message, from: from, into: &effects)
        case .timer(.election): electionTimerFired(into: &effects)
        case .timer(.heartbeat): heartbeatTimerFired(into: &effects)
        case .propose(let id, let payload): propose(id, payload, into: &effects)
        case .read(let token): read(token, into: &effects)
        case .persisted(let token): persisted(token, into: &effects)
        case .applied(let index): applied(index)
        case .compact(let metadata): compact(metadata)
        case .snapshotReceived(let metadata): snapshotReceived(metadata, into: &effects)
        case .snapshotSendFinished(let peer, let ok): snapshotSendFinished(to: peer, ok: ok)
        case .transferLeadership(let target): transferLeadership(to: target, into: &effects)
        case .changeMembership(let target): changeMembership(target, into: &effects)
        case .recordMembership: recordMembership(into: &effects)
        case .roundTrips(let spans):
            roundTrips = spans.map { RoundTrip(node: $0.0, span: $0.1) }
            recomputeTiming()
        case .preference(let nodes): prefer(nodes)
        case .unreachable(let peer): unreachable(peer, into: &effects)
        case .reachable(let peer): reachable(peer, into: &effects)
        }
    }

    private mutating func advance(to now: Instant) { self.now = max(self.now, now) }

    /// Everything that the steps since the last flush have made due.
    mutating func flush(into effects: inout [RaftEffect]) {
        if role == .leader { advanceLeader(into: &effects) }
        writePending(into: &effects)
        answerLeader(into: &effects)
        handCommitted(into: &effects)
        report(into: &effects)
        syncTimers(into: &effects)
    }

    private mutating func receive(_ message: RaftMessage, from: NodeID, into effects: inout [RaftEffect]) {
        guard from != id else { return }
        switch message {
        case .append(let append): receiveAppend(append, from: from, into: &effects)
        case .heartbeat(let beat): receiveHeartbeat(beat, from: from, into: &effects)
        case .ack(let ack): receiveAck(ack, from: from, into: &effects)
        case .reject(let reject): receiveReject(reject, from: from, into: &effects)
        case .vote(let request): receiveVote(request, from: from, into: &effects)
        case .voteReply(let reply): receiveVoteReply(reply, from: from, into: &effects)
        case .timeoutNow(let term, let lastIndex): receiveTimeoutNow(term: term, lastIndex: lastIndex, from: from, into: &effects)
        case .readRequest(let request): receiveReadRequest(request, from: from, into: &effects)
        case .readReply(let request, let index, let ok): receiveReadReply(request, index: index, ok: ok, into: &effects)
        case .wake(let term): receiveWake(term: term, from: from)
        }
    }

    private mutating func report(into effects: inout [RaftEffect]) {
        let current = RoleReport(role: role, term: term, leader: leader)
        if current != reportedRole {
            reportedRole = current
            effects.append(.roleChanged(role, term: term, leader: leader))
        }
        if configurations.changed {
            configurations.changed = false
            effects.append(.membershipChanged(configuration))
        }
    }
}

struct RoleReport: Hashable, Sendable {
    var role: RaftRole
    var term: UInt64
    var leader: NodeID?
}
