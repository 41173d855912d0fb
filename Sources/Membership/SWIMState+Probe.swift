import Primitives

// Failure detection (SWIM §3.1, §4.3; deviations 1 to 5).
extension SWIMState {
    /// The present member heard of least recently that is not being probed.
    func nextTarget() -> Int? {
        turns.withUnsafeBufferPointer { turns in
            var best: Int?
            var bestKey: (Int64, UInt64) = (.max, .max)
            for index in 0..<turns.count {
                let key = (turns[index].attended, turns[index].tieBreak)
                guard key < bestKey, !isProbing(known[index].id) else { continue }
                best = index
                bestKey = key
            }
            return best
        }
    }

    func isProbing(_ id: NodeID) -> Bool { probes.contains { $0.target == id } }

    mutating func sequence() -> UInt32 {
        nextSequence &+= 1
        return nextSequence
    }

    /// Begins a probe, unless one of that member is open or too many are.
    mutating func startProbe(_ index: Int, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard probes.count < Self.probesMax, !isProbing(peers[index].id) else { return }
        let number = sequence()
        peers[index].checkedAt = now
        peers[index].tieBreak = generator.next()
        updateTurn(of: index)
        let wait = directNanoseconds(to: index) * health.multiplier
        let timer = arm(.probe(number), at: now + .nanoseconds(wait), &effects)
        probes.append(Probe(target: peers[index].id, sequence: number, startedAt: now, timer: timer))
        ping(index, number, &effects)
    }

    /// A ping; a suspect reads in it first that it is one (buddy system), a dead member that it is dead.
    mutating func ping(_ index: Int, _ number: UInt32, _ effects: inout [SWIMEffect]) {
        guard let endpoint = peers[index].record.gossip else { return }
        let body = SWIMPacket.Body.ping(
            sequence: number, target: peers[index].id, coordinate: spokenCoordinate, sample: peers[index].untold)
        peers[index].untold = 0
        send(body, to: endpoint, receiver: peers[index].id, first: accusation(of: index).map { [$0] } ?? [], &effects)
    }

    mutating func probeTimedOut(_ place: Int, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard let index = index(of: probes[place].target) else {
            probes.remove(at: place)
            return
        }
        switch probes[place].stage {
        case .direct:
            let startedAt = probes[place].startedAt
            askHelpers(place, index, now, &effects)
            probeNeighbours(of: index, since: startedAt, now, &effects)
        case .indirect: probeFailed(place, index, now, &effects)
        }
    }

    private mutating func askHelpers(_ place: Int, _ index: Int, _ now: Instant, _ effects: inout [SWIMEffect]) {
        let target = peers[index].id
        var wait = directNanoseconds(to: index)
        let helpers = chooseHelpers(for: index)
        if let endpoint = peers[index].record.gossip {
            for helper in helpers {
                let patience = patienceNanoseconds(of: helper, for: index)
                wait = max(wait, directNanoseconds(to: helper) + patience)
                let body = SWIMPacket.Body.pingRequest(
                    sequence: probes[place].sequence, target: target, endpoint: endpoint,
                    patience: UInt32(clamping: patience / 1_000))
                if let helperEndpoint = peers[helper].record.gossip {
                    send(body, to: helperEndpoint, receiver: peers[helper].id, &effects)
                }
            }
        }
        let number = sequence()
        ping(index, number, &effects)
        probes[place].stage = .indirect
        probes[place].helpers = helpers.filter { peers[$0].record.region != peers[index].record.region }.count
        probes[place].repeated = number
        probes[place].repeatedAt = now
        probes[place].timer = arm(.probe(probes[place].sequence), at: now + .nanoseconds(wait * health.multiplier), &effects)
    }

    /// Up to `helpers` alive members: one of our region and one of the target's, where there are any, the others by lot.
    private mutating func chooseHelpers(for target: Int) -> [Int] {
        var candidates: [Int] = []
        for index in peers.indices where index != target && peers[index].record.status == .alive { candidates.append(index) }
        var chosen: [Int] = []
        for region in [me.region, peers[target].record.region] where chosen.count < settings.helpers {
            let neighbours = candidates.filter { peers[$0].record.region == region }
            guard !neighbours.isEmpty else { continue }
            let pick = neighbours[generator.below(neighbours.count)]
            chosen.append(pick)
            candidates.removeAll { $0 == pick }
        }
        while chosen.count < settings.helpers, !candidates.isEmpty {
            chosen.append(candidates.remove(at: generator.below(candidates.count)))
        }
        return chosen
    }

    private mutating func probeFailed(_ place: Int, _ index: Int, _ now: Instant, _ effects: inout [SWIMEffect]) {
        let probe = probes.remove(at: place)
        peers[index].checkedAt = now
        if isLate(probe.timer, now) {
            // We slept: the ack may lie unread. No verdict, and the member is next in turn.
            health.worsen(by: 1)
            peers[index].checkedAt = nil
            noteHeard(index, at: nil)
            updateTurn(of: index)
            return
        }
        updateTurn(of: index)
        if probe.nacks == 0 { health.worsen(by: max(1, probe.helpers)) }
        if lapsed.count == Self.lapsedMax { lapsed.removeFirst() }
        lapsed.append(probe)
        guard peers[index].record.status.isPresent, !turns[index].wasHeard(after: probe.startedAt) else { return }
        suspect(index, peers[index].record.incarnation, accuser: me.id, now, &effects)
    }

    /// A foreign region may be cut off as a whole: look at two more of its members without awaiting the verdict on
    /// the first, so that a cut is known as one before anybody is declared dead.
    private mutating func probeNeighbours(of index: Int, since moment: Instant, _ now: Instant, _ effects: inout [SWIMEffect]) {
        let region = peers[index].record.region
        guard region != me.region else { return }
        var left = 2
        for other in peers.indices where left > 0 && other != index {
            guard peers[other].record.region == region, peers[other].record.status == .alive, !turns[other].wasHeard(after: moment)
            else { continue }
            startProbe(other, now, &effects)
            left -= 1
        }
    }

    // MARK: Answers

    mutating func pinged(_ packet: SWIMPacket, from: Endpoint, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard case .ping(let number, let target, let other, let sample) = packet.body else { return }
        guard target == me.id else {
            // Somebody else lived at this address before: say who does now.
            if phase == .running { send(.gossip, to: from, receiver: packet.sender, first: [.alive(me)], &effects) }
            return
        }
        send(.ack(sequence: number, subject: me.id, coordinate: spokenCoordinate), to: from, receiver: packet.sender, &effects)
        guard let index = index(of: packet.sender) else { return }
        peers[index].coordinate = other
        if sample > 0 { measure(index, sample, other) }
    }

    mutating func acked(_ packet: SWIMPacket, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard case .ack(let number, let subject, let other) = packet.body else { return }
        if let place = relays.firstIndex(where: { $0.sequence == number && $0.target == packet.sender }) {
            answerRelay(place, other, now, &effects)
            return
        }
        let probe: Probe
        if let place = probes.firstIndex(where: { $0.target == subject && $0.isAnswered(by: number) }) {
            probe = probes.remove(at: place)
            effects.append(.cancelTimer(.probe(probe.sequence)))
            health.improve()
        } else if let place = lapsed.firstIndex(where: { $0.target == subject && $0.isAnswered(by: number) }) {
            // It was alive, and we were too quick or too slow.
            probe = lapsed.remove(at: place)
            health.worsen(by: 1)
        } else {
            return
        }
        guard let index = index(of: subject) else { return }
        peers[index].checkedAt = now
        updateTurn(of: index)
        guard packet.sender == subject else { return }
        let micros = UInt32(clamping: max(1, (now.nanoseconds - probe.sentAt(number).nanoseconds) / 1_000))
        peers[index].untold = micros
        peers[index].coordinate = other
        measure(index, micros, other)
    }

    mutating func nacked(_ packet: SWIMPacket) {
        guard case .nack(let number, let subject) = packet.body,
            let place = probes.firstIndex(where: { $0.sequence == number && $0.target == subject }),
            let helper = index(of: packet.sender), let target = index(of: subject),
            peers[helper].record.region != peers[target].record.region, probes[place].nacks < probes[place].helpers
        else { return }
        probes[place].nacks += 1
    }

    /// A minute: no network is that slow, only a sleeper is.
    private static let measuredMaximum: UInt32 = 60_000_000

    mutating func measure(_ index: Int, _ micros: UInt32, _ other: NetworkCoordinate) {
        guard micros <= Self.measuredMaximum else { return }
        peers[index].roundTrips.add(micros)
        let smoothed = Double(peers[index].roundTrips.smoothed) / 1_000
        coordinate.update(milliseconds: smoothed, to: other, using: &generator)
        spokenCoordinate = coordinate.quantised
    }
}
