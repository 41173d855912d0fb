import Primitives

extension RaftState {
    /// After the round trips or the voters have changed.
    mutating func recomputeTiming() {
        let voters = configuration.allVoters
        let worst = RaftTiming.worstRoundTrip(from: id, to: voters, in: roundTrips, assumed: settings.assumedRoundTrip)
        timing = RaftTiming(settings: settings, worstRoundTrip: worst)
        if role == .leader { renewLeaseTerms() }
    }

    /// A random part of the wait for a leader. Preferred voters draw from the front of the spread,
    /// the others from behind them.
    private mutating func drawJitter() -> Duration {
        let spread = timing.electionTimeout / 2
        guard !preferred.isEmpty else { return generator.duration(in: .zero...spread) }
        return preferred.contains(id)
            ? generator.duration(in: .zero...(spread / 4))
            : generator.duration(in: (spread / 2)...(spread / 2 * 3))
    }

    /// Begins the wait for a leader: `span`, or until promises end, and a random part.
    mutating func armElection(after span: Duration) {
        electionBase = max(now + span, promisedUntil)
        electionJitter = drawJitter()
        electionDeadline = electionBase + electionJitter
    }

    /// The leader was heard: the wait begins again. The random part stays, so that a heartbeat costs
    /// no draw; it is drawn anew with every campaign and change of leader.
    mutating func extendElection() {
        electionBase = max(now + timing.electionTimeout, promisedUntil)
        electionDeadline = electionBase + electionJitter
    }

    /// Waits before the next attempt; attempts are spread widely because collisions repeat. Votes
    /// that come to nothing double the wait: perhaps it is too short for disks or lines as they are.
    mutating func armRetry() {
        let span = min(timing.retry * (1 << min(lostCampaigns, 4)), max(timing.retry, settings.electionTimeoutMaximum))
        let spread = preferred.contains(id) ? span / 2 : span
        electionBase = max(now + span, promisedUntil)
        electionJitter = generator.duration(in: .zero...spread)
        electionDeadline = electionBase + electionJitter
    }

    mutating func prefer(_ nodes: [NodeID]) {
        let nodes = nodes.sorted()
        guard nodes != preferred else { return }
        preferred = nodes
        lead.preferredSince = nil
        lead.preferenceHold = settings.preferenceHold
        if !nodes.isEmpty, !nodes.contains(id) { wakeLeader() }
        guard electionDeadline != nil, role == .follower else { return }
        electionJitter = drawJitter()
        electionDeadline = electionBase + electionJitter
    }

    // MARK: - Peers come and go

    mutating func unreachable(_ peer: NodeID, into effects: inout [RaftEffect]) {
        if role == .leader {
            guard let slot = progress.slot(of: peer), peer != id else { return }
            progress.peers[slot].isReachable = false
            if progress.peers[slot].state != .probe { progress.peers[slot].becomeProbe() }
            return
        }
        guard peer == leader else { return }
        // The leader is probably gone: wait only as long as it was promised, and a little, so that
        // not everybody campaigns at once. Pre-vote bears with an error.
        follow.isLeaderSuspect = true
        isQuiesced = false
        failForwards(into: &effects)
        guard mayCampaign else { return extendElection() }
        electionBase = max(now, promisedUntil)
        electionJitter = drawJitter() / 2
        electionDeadline = electionBase + electionJitter
    }

    mutating func reachable(_ peer: NodeID, into effects: inout [RaftEffect]) {
        if role == .leader {
            guard let slot = progress.slot(of: peer), !progress.peers[slot].isReachable else { return }
            progress.peers[slot].isReachable = true
            progress.peers[slot].probeStamp = 0
            wakeLeader()
        } else if peer == leader {
            follow.isLeaderSuspect = false
        }
    }
}
