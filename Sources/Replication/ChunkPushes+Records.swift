import Primitives

// Records and waits: what is to be copied, who waits for it, and when it is enough.

extension ChunkPushes {
    /// Takes a chunk in, or adds to what is known of it; false where there is no room.
    mutating func stage(_ want: PushWant, isUrgent: Bool, _ effects: inout [PushEffect]) -> Bool {
        let chunk = want.chunk.id
        if records[chunk] == nil {
            guard openRecords < settings.maximumRecords else {
                for destination in want.destinations where !want.held.contains(destination) {
                    effects.append(.leftOut(chunk, at: destination.node, reason: "too many chunks are being copied"))
                }
                return false
            }
            records[chunk] = Record(reference: want.chunk, copies: [])
            openRecords += 1
        }
        for destination in want.destinations where !want.held.contains(destination) {
            enqueue(chunk, destination, isUrgent: isUrgent, &effects)
        }
        for destination in want.held { hold(chunk, destination, &effects) }
        settle(chunk)
        return true
    }

    /// Opens a complete record again.
    private mutating func reopen(_ chunk: ChunkID) {
        guard records[chunk]?.settled != nil else { return }
        records[chunk]?.settled = nil
        openRecords += 1
    }

    private mutating func hold(_ chunk: ChunkID, _ destination: ChunkDestination, _ effects: inout [PushEffect]) {
        if let slot = slot(chunk, destination.node) {
            // One being sent is settled by its acknowledgement.
            if case .sending = records[chunk]?.copies[slot].state { return }
        } else {
            records[chunk]?.copies.append(Copy(destination: destination, state: .queued))
        }
        landed(chunk, at: destination.node, &effects)
    }

    private mutating func enqueue(_ chunk: ChunkID, _ destination: ChunkDestination, isUrgent: Bool, _ effects: inout [PushEffect]) {
        if let slot = records[chunk]?.copies.firstIndex(where: { $0.destination.node == destination.node }) {
            switch records[chunk]?.copies[slot].state {
            case .queued where isUrgent: break
            case .leftOut:
                records[chunk]?.copies[slot].state = .queued
                records[chunk]?.copies[slot].attempts = 0
            case .queued, .sending, .held, nil: return
            }
        } else {
            records[chunk]?.copies.append(Copy(destination: destination, state: .queued))
        }
        reopen(chunk)
        put(chunk, at: destination.node, isUrgent: isUrgent, &effects)
    }

    /// Puts a queued copy into the queue of its destination. One that becomes urgent stands in both
    /// queues; whoever takes it out of the second finds it sent.
    mutating func put(_ chunk: ChunkID, at node: NodeID, isUrgent: Bool, _ effects: inout [PushEffect]) {
        if !destinations.contains(node) {
            destinations[node] = Destination(
                urgent: BoundedQueue(capacity: settings.maximumRecords * 2),
                background: BoundedQueue(capacity: settings.maximumRecords * 2),
                backoff: settings.backoff)
        }
        let isIn = destinations.update(node) { isUrgent ? $0.urgent.push(chunk) : $0.background.push(chunk) }
        if isIn == true {
            if !touched.contains(node) { touched.append(node) }
        } else {
            leaveOut(chunk, at: node, "its queue is full", &effects)
        }
    }

    mutating func slot(_ chunk: ChunkID, _ node: NodeID) -> Int? {
        records[chunk]?.copies.firstIndex { $0.destination.node == node }
    }

    mutating func leaveOut(_ chunk: ChunkID, at node: NodeID, _ reason: String, _ effects: inout [PushEffect]) {
        guard let slot = slot(chunk, node) else { return }
        records[chunk]?.copies[slot].state = .leftOut
        effects.append(.leftOut(chunk, at: node, reason: reason))
        guard let record = records[chunk] else { return }
        let possible = record.possible
        for id in record.waiters {
            guard let waiter = waiters[id], !waiter.rule.isSatisfied(copiesIn: possible) else { continue }
            fail(id, .impossible, chunk, &effects)
        }
        settle(chunk)
    }

    /// Marks a record as complete where it is, and forgets the oldest complete ones.
    mutating func settle(_ chunk: ChunkID) {
        guard let record = records[chunk], record.settled == nil, record.waiters.isEmpty, !record.isOpen else { return }
        openRecords -= 1
        settledTurns += 1
        records[chunk]?.settled = settledTurns
        while settled.isFull, let oldest = settled.pop() {
            if records[oldest.chunk]?.settled == oldest.turn { records[oldest.chunk] = nil }
        }
        _ = settled.push(Settled(chunk: chunk, turn: settledTurns))
    }

    // MARK: Waiting

    mutating func wait(
        _ id: ChunkWaiterID, _ wants: [PushWant], _ rule: PlacementRule, _ deadline: Instant, _ effects: inout [PushEffect]
    ) {
        precondition(!waiters.contains(id), "\(id) waits already")
        var seen: Set<ChunkID> = []
        let distinct = wants.filter { seen.insert($0.chunk.id).inserted }
        var open: [ChunkID] = []
        var hasRoom = waiters.count < settings.maximumWaiters
        for want in distinct where hasRoom {
            hasRoom = stage(want, isUrgent: true, &effects)
            // Asked at once: a complete record may be forgotten while later chunks are staged.
            if hasRoom, !rule.isSatisfied(copiesIn: records[want.chunk.id]?.held ?? []) { open.append(want.chunk.id) }
        }
        guard hasRoom else {
            return effects.append(.failed(id, PushFailure(cause: .busy, chunk: nil, holding: [], missing: [])))
        }
        guard !open.isEmpty else { return effects.append(.placed(id)) }
        waiters[id] = Waiter(rule: rule, deadline: deadline, chunks: open, remaining: open.count)
        deadlines[Due(at: deadline, id: id)] = true
        for chunk in open {
            guard let record = records[chunk], rule.isSatisfied(copiesIn: record.possible) else {
                return fail(id, .impossible, chunk, &effects)
            }
            reopen(chunk)
            records[chunk]?.waiters.append(id)
        }
    }

    /// A copy is durable: waiters for whom that is enough come nearer to their end.
    mutating func landed(_ chunk: ChunkID, at node: NodeID, _ effects: inout [PushEffect]) {
        guard let slot = slot(chunk, node) else { return }
        records[chunk]?.copies[slot].state = .held
        guard let record = records[chunk] else { return }
        let held = record.held
        for id in record.waiters {
            guard let waiter = waiters[id], waiter.rule.isSatisfied(copiesIn: held) else { continue }
            records[chunk]?.waiters.removeAll { $0 == id }
            let isDone = waiters.update(id) { waiter in
                waiter.remaining -= 1
                return waiter.remaining == 0
            }
            guard isDone == true else { continue }
            waiters[id] = nil
            deadlines[Due(at: waiter.deadline, id: id)] = nil
            effects.append(.placed(id))
        }
        settle(chunk)
    }

    mutating func fail(_ id: ChunkWaiterID, _ cause: PushFailure.Cause, _ chunk: ChunkID, _ effects: inout [PushEffect]) {
        guard let waiter = waiters[id] else { return }
        let copies = records[chunk]?.copies ?? []
        let missing = copies.filter { $0.state != .held }.map { copy in
            let reason =
                switch copy.state {
                case .sending: "no answer yet"
                case .queued, .leftOut, .held: destinations[copy.destination.node]?.lastFailure ?? "not sent yet"
                }
            return PushFailure.Missing(destination: copy.destination, reason: reason)
        }
        let holding = waiter.rule.holding(copiesIn: records[chunk]?.held ?? [])
        cancel(id)
        effects.append(.failed(id, PushFailure(cause: cause, chunk: chunk, holding: holding, missing: missing)))
    }

    /// Takes a waiter out; copying goes on.
    mutating func cancel(_ id: ChunkWaiterID) {
        guard let waiter = waiters.remove(id) else { return }
        deadlines[Due(at: waiter.deadline, id: id)] = nil
        for chunk in waiter.chunks {
            records[chunk]?.waiters.removeAll { $0 == id }
            settle(chunk)
        }
    }
}
