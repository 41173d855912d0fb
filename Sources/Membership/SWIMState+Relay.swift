import Primitives

// Probes in somebody else's place (SWIM §3.1's ping-req; nacks after Lifeguard §IV-A).
extension SWIMState {
    static let patienceMaximum: Int64 = 10_000_000_000

    mutating func asked(_ packet: SWIMPacket, from: Endpoint, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard case .pingRequest(let number, let target, let given, let patience) = packet.body, target != me.id else { return }
        guard relays.count < Self.relaysMax else {
            send(.nack(sequence: number, subject: target), to: from, receiver: packet.sender, &effects)
            return
        }
        let own = sequence()
        let wait = min(Self.patienceMaximum, max(1_000_000, Int64(patience) * 1_000))
        let timer = arm(.relay(own), at: now + .nanoseconds(wait), &effects)
        relays.append(
            Relay(
                sequence: own, startedAt: now, target: target, origin: packet.sender, replyTo: from, originSequence: number,
                patienceNanoseconds: wait, timer: timer))
        if let index = index(of: target) {
            ping(index, own, &effects)
        } else {
            let body = SWIMPacket.Body.ping(sequence: own, target: target, coordinate: spokenCoordinate, sample: 0)
            send(body, to: given, receiver: target, &effects)
        }
    }

    /// First the nack; after as long again the relay is forgotten, and until then a late ack is still passed on.
    mutating func relayTimedOut(_ place: Int, _ now: Instant, _ effects: inout [SWIMEffect]) {
        let relay = relays[place]
        guard !relay.isNacked else {
            relays.remove(at: place)
            return
        }
        relays[place].isNacked = true
        relays[place].timer = arm(.relay(relay.sequence), at: now + .nanoseconds(relay.patienceNanoseconds), &effects)
        send(.nack(sequence: relay.originSequence, subject: relay.target), to: relay.replyTo, receiver: relay.origin, &effects)
    }

    mutating func answerRelay(_ place: Int, _ other: NetworkCoordinate, _ now: Instant, _ effects: inout [SWIMEffect]) {
        let relay = relays.remove(at: place)
        effects.append(.cancelTimer(.relay(relay.sequence)))
        let body = SWIMPacket.Body.ack(sequence: relay.originSequence, subject: relay.target, coordinate: other)
        send(body, to: relay.replyTo, receiver: relay.origin, &effects)
        guard let index = index(of: relay.target) else { return }
        let micros = UInt32(clamping: max(1, (now.nanoseconds - relay.startedAt.nanoseconds) / 1_000))
        peers[index].coordinate = other
        measure(index, micros, other)
    }
}
