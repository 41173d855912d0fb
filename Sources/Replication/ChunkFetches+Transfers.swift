import Primitives

// Transfers: batches on their way, their hedges, time-outs and ends.

extension ChunkFetches {
    /// Starts transfers at the sources whose queues or capacities have changed.
    mutating func pump(_ now: Instant, _ effects: inout [FetchEffect]) {
        while !touched.isEmpty {
            let node = touched.removeFirst()
            while mayStart(node) {
                let batch = nextBatch(at: node)
                guard let first = batch.first, let flight = flights[first.id], let source = flight.sources.first(where: { $0.node == node })
                else { continue }
                start(batch, source, now, &effects)
            }
        }
    }

    private func mayStart(_ node: NodeID) -> Bool {
        guard let source = sources[node] else { return false }
        return source.transfers < settings.transfersPerSource && !source.queue.isEmpty
    }

    private mutating func nextBatch(at node: NodeID) -> [ChunkReference] {
        var batch: [ChunkReference] = []
        var bytes: UInt64 = 0
        while batch.count < settings.batchChunks, let chunk = sources[node]?.queue.first {
            // Flights that ended or moved on leave their place in the queue behind.
            guard let flight = flights[chunk], flight.queued == node else {
                _ = sources.update(node) { $0.queue.pop() }
                continue
            }
            guard batch.isEmpty || bytes + UInt64(flight.reference.length) <= settings.batchBytes else { break }
            _ = sources.update(node) { $0.queue.pop() }
            flights[chunk]?.queued = nil
            bytes += UInt64(flight.reference.length)
            batch.append(flight.reference)
        }
        return batch
    }

    private mutating func start(_ batch: [ChunkReference], _ source: FetchSource, _ now: Instant, _ effects: inout [FetchEffect]) {
        let id = ChunkTransferID(nextTransfer)
        nextTransfer += 1
        let expected = source.link.transferTime(bytes: batch.reduce(0) { $0 + UInt64($1.length) })
        var transfer = Transfer(source: source, pending: batch, started: now, expected: expected, hedgeAt: nil, timeoutAt: now)
        expect(&transfer, now)
        transfers[id] = transfer
        _ = sources.update(source.node) { $0.transfers += 1 }
        for reference in batch {
            guard let flight = flights[reference.id] else { preconditionFailure("chunk \(reference) in a batch without a flight") }
            let isSequel = source.isWideArea && !flight.transfers.contains { transfers[$0]?.source.isWideArea ?? false }
            flights[reference.id]?.transfers.append(id)
            if isSequel { flights[reference.id]?.wideAreaRoundTrips += 1 }
            for waiter in flight.waiters { count(id, for: waiter) }
        }
        effects.append(.fetch(id, from: source.node, batch))
    }

    /// Counts a wide-area transfer for a waiter, once.
    mutating func count(_ id: ChunkTransferID, for waiter: ChunkWaiterID) {
        guard transfers[id]?.source.isWideArea ?? false else { return }
        _ = waiters.update(waiter) { waiter in
            guard waiter.counted != id else { return }
            waiter.counted = id
            waiter.costs.wideAreaRequests += 1
        }
    }

    /// Sets the times at which the rest of a transfer is hedged and given up.
    private func expect(_ transfer: inout Transfer, _ now: Instant) {
        let rest = transfer.source.link.transferTime(bytes: transfer.pending.reduce(0) { $0 + UInt64($1.length) })
        let tail = max(settings.minimumHedge, (sources[transfer.source.node]?.service ?? ServiceTime()).tail(of: rest))
        transfer.hedgeAt = now + tail
        transfer.timeoutAt = now + max(settings.minimumTimeout, tail * 4)
    }

    mutating func arrived(_ id: ChunkTransferID, _ chunks: [FetchedChunk], _ now: Instant, _ effects: inout [FetchEffect]) {
        let isWideArea = transfers[id]?.source.isWideArea ?? false
        for chunk in chunks {
            let wasPending = transfers.update(id) { transfer in
                guard let position = transfer.pending.firstIndex(where: { $0.id == chunk.id }) else { return false }
                transfer.pending.remove(at: position)
                return true
            }
            if wasPending == true { flights[chunk.id]?.transfers.removeAll { $0 == id } }
            // Of a transfer that was given up too: the chunk is here all the same.
            land(chunk, isWideArea: isWideArea, now, &effects)
        }
        guard var transfer = transfers[id] else { return }
        guard !transfer.pending.isEmpty else { return finish(id, isCancelled: false, now, &effects) }
        let isHedged = transfer.hedgeAt == nil
        expect(&transfer, now)
        if isHedged { transfer.hedgeAt = nil }
        transfers[id] = transfer
    }

    /// A source will not give this chunk.
    mutating func drop(_ chunk: ChunkID, from id: ChunkTransferID, _ reason: String, _ now: Instant, _ effects: inout [FetchEffect]) {
        guard let transfer = transfers[id], transfer.pending.contains(where: { $0.id == chunk }) else { return }
        _ = transfers.update(id) { $0.pending.removeAll { $0.id == chunk } }
        flights[chunk]?.transfers.removeAll { $0 == id }
        note(chunk, transfer.source.node, reason)
        if transfers[id]?.pending.isEmpty ?? false { finish(id, isCancelled: false, now, &effects) }
        advance(chunk, now, &effects)
    }

    /// A transfer is over; what it has not brought goes on elsewhere.
    mutating func end(_ id: ChunkTransferID, _ reason: String, _ now: Instant, _ effects: inout [FetchEffect]) {
        guard let transfer = transfers[id] else { return }
        finish(id, isCancelled: false, nil, &effects)
        for reference in transfer.pending {
            flights[reference.id]?.transfers.removeAll { $0 == id }
            note(reference.id, transfer.source.node, reason)
        }
        for reference in transfer.pending { advance(reference.id, now, &effects) }
    }

    /// Forgets a transfer. With a time, its duration teaches what to expect of the source.
    mutating func finish(_ id: ChunkTransferID, isCancelled: Bool, _ now: Instant?, _ effects: inout [FetchEffect]) {
        guard let transfer = transfers.remove(id) else { return }
        if isCancelled { effects.append(.cancel(id)) }
        _ = sources.update(transfer.source.node) { source in
            source.transfers -= 1
            if let now { source.service.observe(now - transfer.started, expected: transfer.expected) }
        }
        touch(transfer.source.node)
    }

    mutating func lose(_ node: NodeID, _ now: Instant, _ effects: inout [FetchEffect]) {
        for (id, transfer) in transfers where transfer.source.node == node {
            effects.append(.cancel(id))
            end(id, "connection lost", now, &effects)
        }
        // Those that queue there go on to others.
        var queued: [ChunkID] = []
        while let chunk = sources.update(node, { $0.queue.pop() }) ?? nil {
            if flights[chunk]?.queued == node { queued.append(chunk) }
        }
        for chunk in queued {
            flights[chunk]?.queued = nil
            note(chunk, node, "connection lost")
            advance(chunk, now, &effects)
        }
    }

    mutating func tick(_ now: Instant, _ effects: inout [FetchEffect]) {
        for (id, transfer) in transfers {
            if transfer.timeoutAt <= now {
                effects.append(.cancel(id))
                end(id, "no progress for \((now - transfer.started).inNanoseconds / 1_000_000) ms", now, &effects)
            } else if let at = transfer.hedgeAt, at <= now {
                _ = transfers.update(id) { $0.hedgeAt = nil }
                for reference in transfer.pending { hedge(reference.id) }
            }
        }
        while let due = retries.first, due.key.at <= now {
            _ = retries.removeFirst()
            flights[due.key.id]?.retryAt = nil
            advance(due.key.id, now, &effects)
        }
        while let due = deadlines.first, due.key.at <= now { expire(due.key.id, &effects) }
    }

    /// Asks the next source too, where only one has been asked.
    private mutating func hedge(_ chunk: ChunkID) {
        guard let flight = flights[chunk], flight.transfers.count == 1, flight.queued == nil,
            flight.mayTry(settings)
        else { return }
        _ = enqueueNext(chunk)
    }

    private mutating func expire(_ id: ChunkWaiterID, _ effects: inout [FetchEffect]) {
        let missing = waiters[id]?.chunks.first { flights[$0]?.waiters.contains(id) ?? false }
        var tried = missing.flatMap { flights[$0]?.tried } ?? []
        if let missing, let flight = flights[missing] {
            for transfer in flight.transfers {
                guard let node = transfers[transfer]?.source.node else { continue }
                tried.append(FetchFailure.Attempt(node: node, reason: "no answer yet"))
            }
        }
        cancel(id, &effects)
        effects.append(.failed(id, FetchFailure(cause: .deadline, chunk: missing, tried: tried)))
    }

    package func checkInvariants() {
        precondition(touched.isEmpty, "sources left to look at")
        precondition(waiters.count == deadlines.count, "\(waiters.count) waiters, \(deadlines.count) deadlines")
        var seen = 0
        var pending = 0
        for (id, waiter) in waiters {
            let mine = waiter.chunks.filter { flights[$0]?.waiters.contains(id) ?? false }
            precondition(
                mine.count == waiter.remaining && waiter.remaining > 0, "\(id) waits for \(waiter.remaining), in fact \(mine.count)")
            for chunk in mine where flights[chunk]?.waiters.first == id {
                seen += 1
                guard let flight = flights[chunk] else { continue }
                precondition(
                    !flight.transfers.isEmpty || flight.queued != nil || flight.retryAt != nil, "chunk \(chunk) is nowhere under way")
                pending += flight.transfers.count
                for transfer in flight.transfers {
                    precondition(transfers[transfer]?.pending.contains { $0.id == chunk } ?? false, "\(transfer) does not carry \(chunk)")
                }
            }
        }
        precondition(seen == flights.count, "\(flights.count) flights, \(seen) waited for")
        precondition(transfers.values.reduce(0) { $0 + $1.pending.count } == pending, "a transfer carries what has no flight")
        for (node, source) in sources {
            let running = transfers.values.count { $0.source.node == node }
            precondition(running == source.transfers && running <= settings.transfersPerSource, "transfers from \(node)")
        }
    }
}
