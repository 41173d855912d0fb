import Primitives

// The life of a flight: from the request that needs a chunk to its arrival, or to its failure.

extension ChunkFetches {
    mutating func request(_ id: ChunkWaiterID, _ wants: [FetchWant], _ deadline: Instant, _ now: Instant, _ effects: inout [FetchEffect]) {
        precondition(!waiters.contains(id), "\(id) waits already")
        // A request may name a chunk many times. The order stays: what is read first is asked for first.
        var seen: Set<ChunkID> = []
        let distinct = wants.filter { seen.insert($0.chunk.id).inserted }
        guard !distinct.isEmpty else { return effects.append(.done(id, FetchCosts())) }
        let new = distinct.count { flights[$0.chunk.id] == nil }
        guard waiters.count < settings.maximumWaiters, flights.count + new <= settings.maximumFlights else {
            return effects.append(.failed(id, FetchFailure(cause: .busy, chunk: nil, tried: [])))
        }
        if let orphan = distinct.first(where: { flights[$0.chunk.id] == nil && $0.sources.isEmpty }) {
            return effects.append(.failed(id, FetchFailure(cause: .noSource, chunk: orphan.chunk.id, tried: [])))
        }
        waiters[id] = Waiter(deadline: deadline, chunks: distinct.map(\.chunk.id), remaining: distinct.count)
        deadlines[Due(at: deadline, id: id)] = true
        for want in distinct {
            let chunk = want.chunk.id
            if let flight = flights[chunk] {
                for transfer in flight.transfers { count(transfer, for: id) }
                flights[chunk]?.waiters.append(id)
                for source in want.sources {
                    let isKnown = flights[chunk]?.sources.contains { $0.node == source.node } ?? true
                    if !isKnown { flights[chunk]?.sources.append(source) }
                }
            } else {
                var flight = Flight(reference: want.chunk, sources: want.sources)
                flight.waiters = [id]
                flights[chunk] = flight
                advance(chunk, now, &effects)
                guard waiters.contains(id) else { return }
            }
        }
    }

    /// Puts a flight that is nowhere under way into the queue of its next source.
    mutating func advance(_ chunk: ChunkID, _ now: Instant, _ effects: inout [FetchEffect]) {
        guard let flight = flights[chunk], flight.transfers.isEmpty, flight.queued == nil, flight.retryAt == nil else { return }
        if flight.mayTry(settings), enqueueNext(chunk) { return }
        guard flight.round + 1 < settings.rounds, flight.mayTry(settings) else {
            return fail(chunk, .exhausted, &effects)
        }
        let at = now + settings.roundPause * (1 << flight.round)
        flights[chunk]?.round += 1
        flights[chunk]?.next = 0
        flights[chunk]?.retryAt = at
        retries[Due(at: at, id: chunk)] = true
    }

    /// Queues the flight at its next source; false where there is none left in this round.
    mutating func enqueueNext(_ chunk: ChunkID) -> Bool {
        while let flight = flights[chunk], flight.next < flight.sources.count {
            flights[chunk]?.next += 1
            let source = flight.sources[flight.next]
            let isAsked = flight.transfers.contains { transfers[$0]?.source.node == source.node }
            if isAsked { continue }
            if !sources.contains(source.node) { sources[source.node] = Source(queue: BoundedQueue(capacity: settings.maximumFlights * 2)) }
            let isIn = sources.update(source.node) { $0.queue.push(chunk) } ?? false
            guard isIn else {
                note(chunk, source.node, "its queue is full")
                continue
            }
            flights[chunk]?.attempts += 1
            flights[chunk]?.queued = source.node
            touch(source.node)
            return true
        }
        return false
    }

    mutating func touch(_ node: NodeID) {
        if !touched.contains(node) { touched.append(node) }
    }

    /// Remembers an attempt that failed.
    mutating func note(_ chunk: ChunkID, _ node: NodeID, _ reason: String) {
        guard let flight = flights[chunk], flight.tried.count < settings.maximumAttempts else { return }
        flights[chunk]?.tried.append(FetchFailure.Attempt(node: node, reason: String(reason.prefix(120))))
    }

    /// A chunk is here: its waiters come nearer to their end, other attempts at it stop.
    mutating func land(_ chunk: FetchedChunk, isWideArea: Bool, _ now: Instant, _ effects: inout [FetchEffect]) {
        guard let flight = remove(chunk.id, now, &effects) else { return }
        for (position, id) in flight.waiters.enumerated() {
            let isDone = waiters.update(id) { waiter in
                waiter.remaining -= 1
                if chunk.sentBytes > 0 {
                    if isWideArea { waiter.costs.chunksFromAfar += 1 } else { waiter.costs.chunksFromRegion += 1 }
                    if isWideArea, position == 0 { waiter.costs.wideAreaBytes += UInt64(chunk.sentBytes) }
                }
                waiter.costs.wideAreaRoundTrips = max(waiter.costs.wideAreaRoundTrips, flight.wideAreaRoundTrips)
                return waiter.remaining == 0
            }
            guard isDone == true, let waiter = waiters.remove(id) else { continue }
            deadlines[Due(at: waiter.deadline, id: id)] = nil
            effects.append(.done(id, waiter.costs))
        }
    }

    /// Takes a flight out of everything that refers to it, but not out of its waiters.
    mutating func remove(_ chunk: ChunkID, _ now: Instant?, _ effects: inout [FetchEffect]) -> Flight? {
        guard let flight = flights.removeValue(forKey: chunk) else { return nil }
        if let at = flight.retryAt { retries[Due(at: at, id: chunk)] = nil }
        for id in flight.transfers {
            _ = transfers.update(id) { $0.pending.removeAll { $0.id == chunk } }
            if transfers[id]?.pending.isEmpty ?? false { finish(id, isCancelled: true, now, &effects) }
        }
        return flight
    }

    /// Gives a chunk up, and with it everyone who waits for it.
    mutating func fail(_ chunk: ChunkID, _ cause: FetchFailure.Cause, _ effects: inout [FetchEffect]) {
        guard let flight = flights[chunk] else { return }
        let failure = FetchFailure(cause: cause, chunk: chunk, tried: flight.tried)
        for id in flight.waiters {
            cancel(id, &effects)
            effects.append(.failed(id, failure))
        }
    }

    /// Takes a waiter out; flights for which nobody else waits end.
    mutating func cancel(_ id: ChunkWaiterID, _ effects: inout [FetchEffect]) {
        guard let waiter = waiters.remove(id) else { return }
        deadlines[Due(at: waiter.deadline, id: id)] = nil
        for chunk in waiter.chunks {
            guard flights[chunk]?.waiters.contains(id) ?? false else { continue }
            flights[chunk]?.waiters.removeAll { $0 == id }
            if flights[chunk]?.waiters.isEmpty ?? false { _ = remove(chunk, nil, &effects) }
        }
    }
}
