import Primitives

// Packets, and the news in them (SWIM §4.1; deviation 8).
extension SWIMState {
    /// Each node passes a piece of news of members on this many times; a measurement, of which more are on their way and
    /// an exchange brings what was missed, log2(n + 1) times.
    var retransmissions: Int {
        settings.retransmitFactor * Int(Logarithm.base2(Double(presentCount + 1)).rounded(.up))
    }

    /// Sends a packet: `first` goes in whatever else does, then news as the limit allows.
    mutating func send(
        _ body: SWIMPacket.Body, to endpoint: Endpoint, receiver: NodeID, first: [MemberUpdate] = [], _ effects: inout [SWIMEffect]
    ) {
        var packet = SWIMPacket(
            sender: me.id, run: me.run, incarnation: me.incarnation, knowsReceiver: index(of: receiver) != nil, body: body, updates: first)
        if !dissemination.isEmpty {
            let budget = settings.packetLimit - packet.encodedBytes
            let news = dissemination.take(
                budget: budget, room: SWIMPacket.updatesMax - first.count, limit: retransmissions,
                linkWeight: settings.retransmitFactor, already: first)
            packet.updates = first.isEmpty ? news : first + news
        }
        effects.append(.send(to: endpoint, packet))
    }

    mutating func receive(_ packet: SWIMPacket, from: Endpoint, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard packet.sender != me.id else {
            if packet.run != me.run {
                claimedByOther(run: packet.run, incarnation: packet.incarnation, at: from, isDirect: true, now, &effects)
            }
            return
        }
        if let index = index(of: packet.sender) {
            noteHeard(index, at: now)
            // Back from the dead, or thought dead by mistake; or it does not know us: tell each other everything.
            if statuses[index] == .dead || !packet.knowsReceiver { contact(index, now, &effects) }
        }
        var place = 0
        while let news = firstNews(packet.updates, from: place) {
            apply(packet.updates[news], now, &effects)
            place = news + 1
        }
        switch packet.body {
        case .ping: pinged(packet, from: from, now, &effects)
        case .ack: acked(packet, now, &effects)
        case .pingRequest: asked(packet, from: from, now, &effects)
        case .nack: nacked(packet)
        case .gossip: break
        }
        armGossip(now, &effects)
    }

    /// The first piece that may be news. Most are known words of members: those are passed over here, in a loop that
    /// neither copies nor calls anything.
    private func firstNews(_ updates: [MemberUpdate], from start: Int) -> Int? {
        updates.withUnsafeBufferPointer { updates in
            for place in start..<updates.count {
                guard case .alive(let record) = updates[place], let index = index(of: record.id), known[index].areNewer(than: record)
                else { return place }
            }
            return nil
        }
    }

    /// Makes sure that pending news goes out soon.
    mutating func armGossip(_ now: Instant, _ effects: inout [SWIMEffect]) {
        guard gossipTimer == nil, !dissemination.isEmpty else { return }
        gossipTimer = arm(.gossip, at: now + settings.gossipDelay, &effects)
    }

    mutating func spread(_ update: MemberUpdate, _ now: Instant, _ effects: inout [SWIMEffect]) {
        dissemination.enqueue(update)
        armGossip(now, &effects)
    }

    mutating func gossip(_ now: Instant, _ effects: inout [SWIMEffect]) {
        gossipTimer = nil
        var told: [NodeID] = []
        while told.count < settings.gossipFanout, !dissemination.isEmpty, let index = nextInRing(now), !told.contains(known[index].id) {
            told.append(known[index].id)
            guard let endpoint = known[index].gossip else { continue }
            send(.gossip, to: endpoint, receiver: known[index].id, first: accusation(of: index).map { [$0] } ?? [], &effects)
        }
        if phase == .leaving, !dissemination.isPending(.member(me.id)) {
            finishLeaving(&effects)
            return
        }
        if !dissemination.isEmpty { gossipTimer = arm(.gossip, at: now + gossipPause, &effects) }
    }

    /// A leaving node is in a hurry.
    private var gossipPause: Duration { phase == .leaving ? min(.milliseconds(50), settings.gossipInterval) : settings.gossipInterval }

    /// The next member to tell: alive, suspect, or dead for less than ten seconds (it may be wrongly so).
    private mutating func nextInRing(_ now: Instant) -> Int? {
        var isFresh = false
        while true {
            while ringPlace < ring.count {
                let id = ring[ringPlace]
                ringPlace += 1
                if let index = index(of: id), isTold(index, now) { return index }
            }
            guard !isFresh else { return nil }
            isFresh = true
            ring = peers.indices.filter { isTold($0, now) }.map { known[$0].id }
            ringPlace = 0
            // Fisher and Yates, by our own generator.
            for last in stride(from: ring.count - 1, to: 0, by: -1) { ring.swapAt(last, generator.below(last + 1)) }
        }
    }

    private func isTold(_ index: Int, _ now: Instant) -> Bool {
        switch statuses[index] {
        case .alive, .suspect: true
        case .dead: now.nanoseconds - peers[index].statusSince.nanoseconds < 10_000_000_000
        case .left: false
        }
    }

    /// What a member should hear of itself.
    func accusation(of index: Int) -> MemberUpdate? {
        guard statuses[index] != .alive else { return nil }
        let record = peers[index].record
        switch record.status {
        case .suspect:
            guard settings.guards.buddySystem else { return nil }
            return .suspect(record.id, incarnation: record.incarnation, accuser: peers[index].suspicion?.accusers.first ?? me.id)
        case .dead: return .dead(record.id, incarnation: record.incarnation, accuser: me.id)
        case .alive, .left: return nil
        }
    }
}
