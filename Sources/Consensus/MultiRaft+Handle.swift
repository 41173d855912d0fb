package import Primitives

extension MultiRaft {
    package mutating func handle(_ event: MultiRaftEvent, now: Instant, into effects: inout [MultiRaftEffect]) {
        let start = effects.count
        step(event, now: now, into: &effects)
        finish(from: start, into: &effects)
    }

    /// Takes in several events of the same moment with one write, and one batch to each peer: what a
    /// host should do with the proposals that came in together.
    package mutating func handle(_ events: [MultiRaftEvent], now: Instant, into effects: inout [MultiRaftEffect]) {
        let start = effects.count
        for event in events { step(event, now: now, into: &effects) }
        finish(from: start, into: &effects)
    }

    private mutating func step(_ event: MultiRaftEvent, now: Instant, into effects: inout [MultiRaftEffect]) {
        switch event {
        case .group(let group, let event): deliver(event, to: group, now: now, into: &effects)
        case .batch(let from, let batch):
            // Messages for groups that are not here are of the past or the future: not answered.
            for item in batch.items { deliver(.message(from: from, item.message), to: item.group, now: now, into: &effects) }
        case .timer(let timer):
            if let group = timer.group {
                deliver(.timer(.election), to: group, now: now, into: &effects)
            } else {
                tick(now: now, into: &effects)
            }
        case .persisted(let token): persisted(token, now: now, into: &effects)
        case .roundTrips(let spans):
            roundTrips = spans
            deliverToAll(.roundTrips(spans), now: now, into: &effects)
        case .unreachable(let peer): deliverToAll(.unreachable(peer), now: now, into: &effects)
        case .reachable(let peer): deliverToAll(.reachable(peer), now: now, into: &effects)
        }
    }

    private mutating func deliver(_ event: RaftEvent, to group: GroupID, now: Instant, into effects: inout [MultiRaftEffect]) {
        guard let place = slot(of: group) else { return refuse(event, group, into: &effects) }
        states[place].step(event, now: now, into: &scratch)
        touch(place)
        if !scratch.isEmpty { translate(place, into: &effects) }
    }

    private mutating func deliverToAll(_ event: RaftEvent, now: Instant, into effects: inout [MultiRaftEffect]) {
        for place in states.indices {
            states[place].step(event, now: now, into: &scratch)
            touch(place)
            translate(place, into: &effects)
        }
    }

    /// A host that asks a group that is gone must not wait for ever.
    private func refuse(_ event: RaftEvent, _ group: GroupID, into effects: inout [MultiRaftEffect]) {
        switch event {
        case .propose(let id, _): effects.append(.proposalDropped(group, id, reason: .notLeader, leader: nil))
        case .read(let token): effects.append(.readFailed(group, token, leader: nil))
        default: return
        }
    }

    private mutating func touch(_ place: Int) {
        guard !isTouched[place] else { return }
        isTouched[place] = true
        touched.append(place)
    }

    private mutating func persisted(_ token: UInt64, now: Instant, into effects: inout [MultiRaftEffect]) {
        precondition(token < nextToken, "persisted \(token), which was never written")
        var done = 0
        while done < writes.count, writes[done].token <= token {
            for part in writes[done].parts {
                guard let place = slot(of: part.group), incarnations[place] == part.incarnation else { continue }
                states[place].step(.persisted(token: part.token), now: now, into: &scratch)
                touch(place)
                translate(place, into: &effects)
            }
            done += 1
        }
        writes.removeFirst(done)
    }

    // MARK: - What leaves

    /// Flushes the groups that were touched, and puts what they want written and sent before all
    /// other effects of this call, which begin at `start`: a host that answers `apply` or `readReady`
    /// by calling again, before it has looked at the rest, still writes in the order of tokens.
    mutating func finish(from start: Int, into effects: inout [MultiRaftEffect]) {
        for place in touched {
            isTouched[place] = false
            states[place].flush(into: &scratch)
            translate(place, into: &effects)
        }
        touched.removeAll(keepingCapacity: true)
        guard !batchedWrites.isEmpty || !outbox.isEmpty else { return }
        var first: [MultiRaftEffect] = []
        first.reserveCapacity(outbox.count + 1)
        if !batchedWrites.isEmpty {
            first.append(.persist(token: nextToken, batchedWrites))
            writes.append(Write(token: nextToken, parts: batchedParts))
            nextToken += 1
            batchedWrites = []
            batchedParts = []
        }
        for (peer, batch) in outbox { first.append(.send(to: peer, batch)) }
        outbox.removeAll(keepingCapacity: true)
        effects.insert(contentsOf: first, at: start)
    }

    /// Turns what a group wants into what the node wants.
    mutating func translate(_ place: Int, into effects: inout [MultiRaftEffect]) {
        let group = ids[place]
        for effect in scratch {
            switch effect {
            case .send(let peer, let message): post(message, of: group, to: peer)
            case .persist(let persist):
                batchedWrites.append((group, persist))
                batchedParts.append(Write.Part(group: group, incarnation: incarnations[place], token: persist.token))
            case .startTimer(.election, let at): effects.append(.startTimer(.election(group), at: at))
            case .cancelTimer(.election): effects.append(.cancelTimer(.election(group)))
            case .startTimer(.heartbeat, let at): startTicking(group, at: at, into: &effects)
            case .cancelTimer(.heartbeat): stopTicking(group, into: &effects)
            case .apply(let entries): effects.append(.apply(group, entries))
            case .proposalAppended(let id, let index, let term):
                effects.append(.proposalAppended(group, id, index: index, term: term))
            case .proposalDropped(let id, let reason, let leader):
                effects.append(.proposalDropped(group, id, reason: reason, leader: leader))
            case .readReady(let token, let index): effects.append(.readReady(group, token, index: index))
            case .readFailed(let token, let leader): effects.append(.readFailed(group, token, leader: leader))
            case .sendSnapshot(let peer, let metadata): effects.append(.sendSnapshot(group, to: peer, metadata))
            case .roleChanged(let role, let term, let leader): effects.append(.roleChanged(group, role, term: term, leader: leader))
            case .membershipChanged(let configuration): effects.append(.membershipChanged(group, configuration))
            }
        }
        scratch.removeAll(keepingCapacity: true)
    }

    /// Peers are few: looking through them costs less than hashing.
    private mutating func post(_ message: RaftMessage, of group: GroupID, to peer: NodeID) {
        let item = RaftBatch.Item(group: group, message: message)
        for place in outbox.indices where outbox[place].peer == peer {
            outbox[place].batch.items.append(item)
            return
        }
        outbox.append((peer, RaftBatch(items: [item])))
    }
}
