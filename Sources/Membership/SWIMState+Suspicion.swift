import Primitives

// Suspicion and death (SWIM §4.2, Lifeguard §IV-B; deviations 4 to 6).
extension SWIMState {
    /// A present member is accused, by us or by another.
    mutating func suspect(
        _ index: Int, _ incarnation: UInt64, accuser: NodeID, _ now: Instant, _ effects: inout [SWIMEffect]
    ) {
        guard incarnation >= peers[index].record.incarnation else { return }
        let id = peers[index].id
        peers[index].record.incarnation = incarnation
        if peers[index].suspicion != nil {
            confirm(index, incarnation, accuser, now, &effects)
            return
        }
        let (shortest, longest, needed) = suspicionTimes(index)
        var suspicion = Suspicion(
            startedAt: now, shortest: shortest, longest: longest, needed: needed, accuser: accuser,
            timer: ArmedTimer(generation: 0, at: now))
        suspicion.timer = arm(.suspicion(id), at: suspicion.deadline, &effects)
        peers[index].suspicion = suspicion
        setStatus(index, .suspect, now, &effects)
        spread(.suspect(id, incarnation: incarnation, accuser: accuser), now, &effects)
        if accuser == me.id {
            tellAccused(index, &effects)
        } else if generator.below(presentCount) < settings.confirmingProbes {
            startProbe(index, now, &effects)
        }
    }

    private mutating func confirm(
        _ index: Int, _ incarnation: UInt64, _ accuser: NodeID, _ now: Instant, _ effects: inout [SWIMEffect]
    ) {
        guard peers[index].suspicion?.confirm(by: accuser) == true, let suspicion = peers[index].suspicion else { return }
        let id = peers[index].id
        let due = max(now, suspicion.deadline)
        if due < suspicion.timer.at {
            let timer = arm(.suspicion(id), at: due, &effects)
            peers[index].suspicion?.timer = timer
        }
        spread(.suspect(id, incarnation: incarnation, accuser: accuser), now, &effects)
    }

    /// The buddy system: who is accused hears of it first, and from the accuser.
    mutating func tellAccused(_ index: Int, _ effects: inout [SWIMEffect]) {
        guard let endpoint = peers[index].record.gossip, let claim = accusation(of: index) else { return }
        send(.gossip, to: endpoint, receiver: peers[index].id, first: [claim], &effects)
    }

    mutating func suspicionExpired(_ index: Int, _ suspicion: Suspicion, _ now: Instant, _ effects: inout [SWIMEffect]) {
        let isLate = isLate(suspicion.timer, now)
        if isLate { health.worsen(by: 1) }
        let id = peers[index].id
        let wasHeard = settings.guards.selfDoubt && turns[index].wasHeard(after: suspicion.startedAt)
        if !suspicion.isExtended, isLate || wasHeard {
            peers[index].suspicion?.isExtended = true
            let timer = arm(.suspicion(id), at: now + .nanoseconds(suspicion.shortestNanoseconds), &effects)
            peers[index].suspicion?.timer = timer
            tellAccused(index, &effects)
            return
        }
        let incarnation = peers[index].record.incarnation
        setStatus(index, .dead, now, &effects)
        spread(.dead(id, incarnation: incarnation, accuser: me.id), now, &effects)
    }
}
