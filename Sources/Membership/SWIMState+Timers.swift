import Primitives

// Timers are named values with generations: what fires with an old generation was cancelled or replaced.
extension SWIMState {
    mutating func arm(_ timer: SWIMTimer, at moment: Instant, _ effects: inout [SWIMEffect]) -> ArmedTimer {
        let armed = ArmedTimer(generation: nextGeneration, at: moment)
        nextGeneration += 1
        effects.append(.startTimer(timer, generation: armed.generation, at: moment))
        return armed
    }

    mutating func fire(_ timer: SWIMTimer, _ generation: UInt64, _ now: Instant, _ effects: inout [SWIMEffect]) {
        switch timer {
        case .tick:
            guard let armed = tickTimer, armed.generation == generation else { return }
            tick(armed, now, &effects)
        case .probe(let sequence):
            guard let place = probes.firstIndex(where: { $0.sequence == sequence }), probes[place].timer.generation == generation
            else { return }
            probeTimedOut(place, now, &effects)
        case .relay(let sequence):
            guard let place = relays.firstIndex(where: { $0.sequence == sequence }), relays[place].timer.generation == generation
            else { return }
            relayTimedOut(place, now, &effects)
        case .suspicion(let id):
            guard let index = index(of: id), let suspicion = peers[index].suspicion, suspicion.timer.generation == generation
            else { return }
            suspicionExpired(index, suspicion, now, &effects)
        case .gossip:
            guard gossipTimer?.generation == generation else { return }
            gossip(now, &effects)
        case .sync:
            guard syncTimer?.generation == generation else { return }
            periodicSync(now, &effects)
        case .syncTimeout(let id):
            if let open = syncs.first(where: { $0.id == id }), open.timer.generation == generation { _ = endSync(id, &effects) }
        case .rejoin:
            guard rejoinTimer?.generation == generation else { return }
            rejoin(now, &effects)
        case .table:
            guard tableTimer?.generation == generation else { return }
            reckonTable(now, &effects)
        case .leave:
            guard leaveTimer?.generation == generation else { return }
            finishLeaving(&effects)
        }
    }

    /// Whether this node slept through the moment that the timer was set for.
    func isLate(_ timer: ArmedTimer, _ now: Instant) -> Bool {
        settings.guards.selfDoubt && now.nanoseconds - timer.at.nanoseconds > settings.lateTimer.inNanoseconds
    }

    /// The probe period's beat.
    mutating func tick(_ armed: ArmedTimer, _ now: Instant, _ effects: inout [SWIMEffect]) {
        if isLate(armed, now) { health.worsen(by: 1) }
        flushFacts(now, &effects)
        if let index = nextTarget() { startProbe(index, now, &effects) }
        // A tenth of chance either way: nodes must not fall into step.
        let period = settings.probePeriod.inNanoseconds * health.multiplier
        let wait = period - period / 10 + Int64(generator.below(Int(period / 5)))
        tickTimer = arm(.tick, at: now + .nanoseconds(wait), &effects)
    }
}
