import Primitives

// What this node says of itself: facts, endpoints, goodbye.
extension SWIMState {
    mutating func publishFacts(_ facts: MemberFacts, _ now: Instant, _ effects: inout [SWIMEffect]) {
        pendingFacts = facts
        flushFacts(now, &effects)
    }

    /// Publishes changed facts, at most once in `factsPeriod`.
    mutating func flushFacts(_ now: Instant, _ effects: inout [SWIMEffect]) {
        guard phase == .running, var facts = pendingFacts else { return }
        if let last = factsAt, now.nanoseconds - last.nanoseconds < settings.factsPeriod.inNanoseconds { return }
        pendingFacts = nil
        facts.version = me.facts.version
        guard facts != me.facts else { return }
        facts.version += 1
        me.facts = facts
        if let problem = me.problem { preconditionFailure(problem.description) }
        factsAt = now
        spread(.alive(me), now, &effects)
    }

    /// Endpoints are taken only with a new incarnation.
    mutating func moveEndpoints(_ endpoints: [NamedEndpoint], _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard phase == .running, endpoints != me.endpoints else { return }
        me.endpoints = endpoints
        if let problem = me.problem { preconditionFailure(problem.description) }
        outlive(me.incarnation, now, &effects)
    }

    mutating func leave(_ now: Instant, _ effects: inout [SWIMEffect]) {
        guard phase == .running else { return }
        phase = .leaving
        me.status = .left
        guard presentCount > 1 else { return finishLeaving(&effects) }
        leaveTimer = arm(.leave, at: now + settings.leaveTimeout, &effects)
        spread(.left(me.id, incarnation: me.incarnation), now, &effects)
    }

    /// The news is out, or time is up: stop everything.
    mutating func finishLeaving(_ effects: inout [SWIMEffect]) {
        phase = .left
        for timer in [SWIMTimer.tick, .gossip, .sync, .rejoin, .table, .leave] { effects.append(.cancelTimer(timer)) }
        for probe in probes { effects.append(.cancelTimer(.probe(probe.sequence))) }
        for relay in relays { effects.append(.cancelTimer(.relay(relay.sequence))) }
        for open in syncs { effects.append(.cancelTimer(.syncTimeout(open.id))) }
        for peer in peers where peer.suspicion != nil { effects.append(.cancelTimer(.suspicion(peer.id))) }
        probes = []
        relays = []
        syncs = []
        effects.append(.leaveFinished)
    }
}
