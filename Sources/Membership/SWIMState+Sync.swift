import Primitives

// Push/pull: two nodes tell each other all that they know (deviation 9).
extension SWIMState {
    func payloadOfAll() -> SyncPayload {
        var members = [me]
        members.reserveCapacity(peers.count + 1)
        var coordinates = [PlacedCoordinate(node: me.id, coordinate: spokenCoordinate)]
        coordinates.reserveCapacity(peers.count + 1)
        for index in peers.indices {
            // A member's words travel under the incarnation that they were spoken in, not one that an accusation raised.
            var record = peers[index].record
            record.incarnation = record.words.incarnation
            members.append(record)
            if let place = peers[index].coordinate { coordinates.append(PlacedCoordinate(node: record.id, coordinate: place)) }
        }
        return SyncPayload(
            sender: me.id, run: me.run, members: members, coordinates: coordinates,
            links: regionTable.published(by: me.id, isReporter: isReporter))
    }

    /// Begins an exchange, unless too many are open or one with that endpoint is.
    mutating func startSync(_ endpoint: Endpoint, node: NodeID?, _ now: Instant, _ effects: inout [SWIMEffect]) {
        guard syncs.count < Self.syncsMax, !syncs.contains(where: { $0.endpoint == endpoint }), endpoint != me.peer else { return }
        let id = SyncID(nextSync)
        nextSync += 1
        let timer = arm(.syncTimeout(id), at: now + settings.syncTimeout, &effects)
        syncs.append(OpenSync(id: id, endpoint: endpoint, timer: timer))
        effects.append(.sync(id, with: endpoint, node: node, payloadOfAll()))
    }

    /// Whether the exchange was open.
    mutating func endSync(_ id: SyncID, _ effects: inout [SWIMEffect]) -> Bool {
        guard let place = syncs.firstIndex(where: { $0.id == id }) else { return false }
        syncs.remove(at: place)
        effects.append(.cancelTimer(.syncTimeout(id)))
        return true
    }

    mutating func periodicSync(_ now: Instant, _ effects: inout [SWIMEffect]) {
        let alive = peers.indices.filter { peers[$0].record.status == .alive }
        if !alive.isEmpty {
            let partner = alive[generator.below(alive.count)]
            if let endpoint = peers[partner].record.peer { startSync(endpoint, node: peers[partner].id, now, &effects) }
        }
        // Above 32 members the period grows with the logarithm, so that a node's share of the bytes grows slowly.
        let steps = max(1, Int(Logarithm.base2(Double(presentCount)).rounded(.up)) - 4)
        let period = settings.syncPeriod.inNanoseconds * Int64(steps)
        let wait = period - period / 8 + Int64(generator.below(Int(period / 4)))
        syncTimer = arm(.sync, at: now + .nanoseconds(wait), &effects)
    }

    /// An exchange out of turn with a peer that turned up, at most one in three seconds.
    mutating func contact(_ index: Int, _ now: Instant, _ effects: inout [SWIMEffect]) {
        if let last = peers[index].contactedAt, now.nanoseconds - last.nanoseconds < 3_000_000_000 { return }
        guard let endpoint = peers[index].record.peer else { return }
        peers[index].contactedAt = now
        startSync(endpoint, node: peers[index].id, now, &effects)
    }

    mutating func merge(_ payload: SyncPayload, _ now: Instant, _ effects: inout [SWIMEffect]) {
        // A newcomer learns what everybody knows; only what two established sides tell each other is news.
        let isEstablished = presentCount > 1
        var contested = 0
        for record in payload.members {
            guard record.id != me.id else {
                hearOfMyself(record, now, &effects)
                continue
            }
            let isNews = isEstablished || record.id == payload.sender
            mergeMember(record, isNews: isNews, &contested, now, &effects)
        }
        for placed in payload.coordinates {
            guard let index = index(of: placed.node), peers[index].roundTrips.isEmpty else { continue }
            peers[index].coordinate = placed.coordinate
        }
        for fact in payload.links where fact.reporter != me.id && index(of: fact.reporter) != nil {
            _ = regionTable.merge(fact, now: now)
        }
        armGossip(now, &effects)
    }

    private mutating func hearOfMyself(_ record: MemberRecord, _ now: Instant, _ effects: inout [SWIMEffect]) {
        if record.run != me.run, record.status == .alive || record.incarnation > me.incarnation {
            claimedByOther(run: record.run, incarnation: record.incarnation, at: record.gossip, isDirect: false, now, &effects)
        } else if record.status != .alive {
            refute(record.incarnation, now, &effects)
        }
    }

    private mutating func mergeMember(
        _ record: MemberRecord, isNews: Bool, _ contested: inout Int, _ now: Instant, _ effects: inout [SWIMEffect]
    ) {
        var words = record
        words.status = .alive
        switch record.status {
        case .alive: applyAlive(words, isNews: isNews, now, &effects)
        case .suspect, .dead:
            let known = index(of: record.id)
            if record.status == .dead, known.map({ !peers[$0].record.status.isPresent }) ?? true { return }
            applyAlive(words, isNews: isNews, now, &effects)
            guard contested < Self.contestedMax, let index = index(of: record.id), peers[index].record.status == .alive,
                record.incarnation >= peers[index].record.incarnation, let endpoint = peers[index].record.gossip
            else { return }
            contested += 1
            let claim = MemberUpdate.suspect(record.id, incarnation: record.incarnation, accuser: me.id)
            send(.gossip, to: endpoint, receiver: record.id, first: [claim], &effects)
            startProbe(index, now, &effects)
        case .left: applyLeft(record.id, record.incarnation, now, &effects)
        }
    }
}
