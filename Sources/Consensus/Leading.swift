package import Primitives

/// What a leader keeps besides its progress table.
struct Leading: Sendable {
    /// A handover under way.
    struct Transfer: Sendable {
        let target: NodeID
        let deadline: Instant
        /// The end of the log when `timeoutNow` was sent.
        var sentAt: UInt64?
    }

    /// The empty entry that began the term: before it is committed no read is answered.
    var termStart: UInt64 = 0
    /// When leadership began, or the group last woke: before that nobody owes an answer.
    var since: Instant = .zero
    var lastStamp: UInt64 = 0
    var uncommittedBytes = 0
    var idleSince: Instant = .zero

    /// The lease asked of followers, and the one counted on. They differ while a longer one is being
    /// made known: it counts when a quorum has given back `leaseGrowth`.
    var leaseAsked: Duration = .zero
    var leaseHeld: Duration = .zero
    var leaseGrowth: UInt64?

    var transfer: Transfer?
    /// `timeoutNow` has been sent: no lease until an entry after this index is committed, because
    /// until then the target may win against all promises.
    var leaseGivenUp: UInt64?

    var preferredSince: Instant?
    var preferenceHold: Duration = .zero

    /// Members to show the leader to with the next flush.
    var owesHeartbeat: [NodeID] = []
}

extension RaftState {
    mutating func becomeLeader(into effects: inout [RaftEffect]) {
        precondition(role == .candidate && votedFor == id, "\(group): \(id) leads in term \(term) without its own vote")
        let hold = max(lead.preferenceHold, settings.preferenceHold)
        role = .leader
        leader = id
        votes = []
        isQuiesced = false
        lostCampaigns = 0
        electionDeadline = nil
        follow.begin(commit: commitIndex)
        lead = Leading()
        lead.since = now
        lead.idleSince = now
        lead.preferenceHold = hold
        lead.leaseAsked = timing.lease
        lead.leaseHeld = timing.lease
        progress = ProgressTable()
        progress.adopt(configuration, next: log.lastIndex + 1, window: settings.maximumInflightMessages)
        leaderPersisted()
        lead.uncommittedBytes = log.slice(from: commitIndex + 1, bytes: .max).reduce(0) { $0 + $1.size }
        appendEntry(.noop, [], into: &effects)
        lead.termStart = log.lastIndex
        heartbeatDeadline = now + timing.heartbeatInterval
    }

    /// What ends with leadership.
    mutating func stepDown() {
        lead.transfer = nil
        lead.owesHeartbeat = []
        progress = ProgressTable()
        heartbeatDeadline = nil
    }

    /// A new stamp: unique, rising, and not before the clock by more than the number of messages
    /// sent in this nanosecond.
    mutating func nextStamp() -> UInt64 {
        lead.lastStamp = max(lead.lastStamp + 1, UInt64(max(0, now.nanoseconds)))
        return lead.lastStamp
    }

    private func instant(ofStamp stamp: UInt64) -> Instant { Instant(nanoseconds: Int64(clamping: stamp)) }

    /// Whether a quorum has answered within an election timeout.
    var isInTouch: Bool {
        let stamp = progress.acknowledgedStamp(self: id)
        return max(instant(ofStamp: stamp), lead.since) + timing.electionTimeout > now
    }

    /// Until when no other leader can exist; nil without a lease, `.distantFuture` where this node
    /// alone is a quorum.
    package var leaseEnd: Instant? {
        guard settings.leaseReads, role == .leader, lead.leaseGivenUp == nil, commitIndex >= lead.termStart else { return nil }
        let stamp = progress.acknowledgedStamp(self: id)
        guard stamp != .max else { return .distantFuture }
        return stamp == 0 ? nil : instant(ofStamp: stamp) + lead.leaseHeld * (100 - settings.clockDriftPercent) / 100
    }

    var hasLease: Bool { leaseEnd.map { $0 > now || settings.mutant == .leaseWithoutBound } ?? false }

    /// After `timing` has changed: a shorter lease holds at once, a longer one when it is known.
    mutating func renewLeaseTerms() {
        guard timing.lease != lead.leaseAsked else { return }
        lead.leaseAsked = timing.lease
        if timing.lease <= lead.leaseHeld {
            lead.leaseHeld = timing.lease
            lead.leaseGrowth = nil
        } else {
            lead.leaseGrowth = nextStamp()
        }
    }

    private var leaseMilliseconds: UInt32 { UInt32(clamping: lead.leaseAsked.inNanoseconds / 1_000_000) }
    var appendLease: UInt32 { leaseMilliseconds }

    // MARK: - Heartbeats

    mutating func heartbeatTimerFired(into effects: inout [RaftEffect]) {
        armedHeartbeat = nil
        guard let deadline = heartbeatDeadline, deadline <= now else { return }
        tick(into: &effects)
    }

    /// Everything that a leader does by time.
    mutating func tick(into effects: inout [RaftEffect]) {
        guard role == .leader, !isQuiesced else { return }
        guard isInTouch || settings.mutant == .leaseWithoutBound else { return becomeFollower(term: term, leader: nil, into: &effects) }
        heartbeatDeadline = now + timing.heartbeatInterval
        if let growth = lead.leaseGrowth, progress.acknowledgedStamp(self: id) > growth {
            lead.leaseGrowth = nil
            lead.leaseHeld = lead.leaseAsked
        }
        superviseTransfer(into: &effects)
        followPreference(into: &effects)
        let quiesce = mayQuiesce
        sendHeartbeats(quiesce: quiesce, votersOnly: false, into: &effects)
        if quiesce {
            isQuiesced = true
            heartbeatDeadline = nil
        }
    }

    mutating func sendHeartbeats(quiesce: Bool, votersOnly: Bool, into effects: inout [RaftEffect]) {
        let stamp = nextStamp()
        for slot in progress.peers.indices where progress.peers[slot].id != id {
            if votersOnly, !configuration.isVoter(progress.peers[slot].id) { continue }
            sendHeartbeat(to: slot, stamp: stamp, quiesce: quiesce, into: &effects)
        }
    }

    mutating func sendHeartbeat(to slot: Int, stamp: UInt64, quiesce: Bool = false, into effects: inout [RaftEffect]) {
        progress.peers[slot].sentCommit = commitIndex
        let beat = RaftMessage.Heartbeat(term: term, commit: commitIndex, stamp: stamp, lease: leaseMilliseconds, quiesce: quiesce)
        effects.append(.send(to: progress.peers[slot].id, .heartbeat(beat)))
    }

    mutating func sendOwedHeartbeats(into effects: inout [RaftEffect]) {
        guard !lead.owesHeartbeat.isEmpty else { return }
        let owed = lead.owesHeartbeat
        lead.owesHeartbeat = []
        for peer in owed {
            if let slot = progress.slot(of: peer) { sendHeartbeat(to: slot, stamp: nextStamp(), into: &effects) }
        }
    }

    // MARK: - Quiescence

    /// Idle for long enough, and everybody who can be reached has everything.
    private var mayQuiesce: Bool {
        guard let span = settings.quiesceAfter, now >= lead.idleSince + span else { return false }
        guard commitIndex == log.lastIndex, appliedIndex == commitIndex, reads.isEmpty, lead.transfer == nil, lead.leaseGivenUp == nil,
            !configuration.isJoint, lead.leaseGrowth == nil, lead.preferredSince == nil
        else { return false }
        for peer in progress.peers where peer.id != id && peer.isReachable {
            guard peer.match == log.lastIndex, peer.state == .replicate else { return false }
        }
        return Quorum.tally(configuration) { voter in progress.slot(of: voter).map { progress.peers[$0].isReachable } } == .won
    }

    /// Something happened: heartbeats go on, and nobody is late yet.
    mutating func wakeLeader() {
        guard role == .leader else { return }
        lead.idleSince = now
        guard isQuiesced else { return }
        isQuiesced = false
        lead.since = now
        heartbeatDeadline = now
    }
}
