import Primitives

// Transfers to destinations: batches, acknowledgements, pauses and time-outs.

extension ChunkPushes {
    mutating func pump(_ now: Instant, _ effects: inout [PushEffect]) {
        while !touched.isEmpty {
            let node = touched.removeFirst()
            while mayStart(node, now) {
                let batch = nextBatch(for: node)
                guard !batch.isEmpty else { continue }
                let id = ChunkTransferID(nextTransfer)
                nextTransfer += 1
                transfers[id] = Transfer(node: node, pending: batch, timeoutAt: timeout(batch, now))
                _ = destinations.update(node) { $0.transfers += 1 }
                for reference in batch {
                    guard let slot = slot(reference.id, node) else { preconditionFailure("\(reference) in a batch without a record") }
                    records[reference.id]?.copies[slot].state = .sending(id)
                    records[reference.id]?.copies[slot].attempts += 1
                }
                effects.append(.push(id, to: node, batch))
            }
        }
    }

    private func mayStart(_ node: NodeID, _ now: Instant) -> Bool {
        guard let destination = destinations[node], !destination.isIdle else { return false }
        // After a failure one transfer at a time finds out whether the destination is back.
        let limit = destination.backoff > settings.backoff ? 1 : settings.transfersPerDestination
        return destination.transfers < limit && (destination.pausedUntil.map { $0 <= now } ?? true)
    }

    private func timeout(_ batch: [ChunkReference], _ now: Instant) -> Instant {
        let bytes = batch.reduce(0) { $0 + UInt64($1.length) }
        return now + settings.timeout + .milliseconds(Int64(bytes * 1_000 / max(1, settings.slowestBytesPerSecond)))
    }

    private mutating func nextBatch(for node: NodeID) -> [ChunkReference] {
        var batch: [ChunkReference] = []
        var bytes: UInt64 = 0
        while batch.count < settings.batchChunks, let next = front(of: node) {
            guard let record = records[next.chunk], record.copies.contains(where: { $0.destination.node == node && $0.state == .queued }),
                !batch.contains(where: { $0.id == next.chunk })
            else {
                drop(next.isUrgent, of: node)
                continue
            }
            guard batch.isEmpty || bytes + UInt64(record.reference.length) <= settings.batchBytes else { break }
            drop(next.isUrgent, of: node)
            bytes += UInt64(record.reference.length)
            batch.append(record.reference)
        }
        return batch
    }

    private func front(of node: NodeID) -> (chunk: ChunkID, isUrgent: Bool)? {
        guard let destination = destinations[node] else { return nil }
        if let chunk = destination.urgent.first { return (chunk, true) }
        return destination.background.first.map { ($0, false) }
    }

    private mutating func drop(_ isUrgent: Bool, of node: NodeID) {
        _ = destinations.update(node) { isUrgent ? $0.urgent.pop() : $0.background.pop() }
    }

    // MARK: Answers

    mutating func acknowledged(_ id: ChunkTransferID, _ chunks: [ChunkID], _ now: Instant, _ effects: inout [PushEffect]) {
        guard let transfer = transfers[id] else { return }
        _ = destinations.update(transfer.node) { destination in
            destination.backoff = settings.backoff
            destination.pausedUntil = nil
        }
        touch(transfer.node)
        for chunk in chunks where take(chunk, from: id) { landed(chunk, at: transfer.node, &effects) }
        progress(id, now)
    }

    mutating func refused(_ id: ChunkTransferID, _ chunks: [ChunkID], _ reason: String, _ now: Instant, _ effects: inout [PushEffect]) {
        guard let node = transfers[id]?.node else { return }
        pause(node, reason, now)
        for chunk in chunks where take(chunk, from: id) { again(chunk, node, reason, &effects) }
        progress(id, now)
    }

    /// Takes a chunk out of what a transfer has not settled yet.
    private mutating func take(_ chunk: ChunkID, from id: ChunkTransferID) -> Bool {
        transfers.update(id) { transfer in
            guard let position = transfer.pending.firstIndex(where: { $0.id == chunk }) else { return false }
            transfer.pending.remove(at: position)
            return true
        } ?? false
    }

    /// Ends a transfer of which all is said, or gives the rest of it time again.
    private mutating func progress(_ id: ChunkTransferID, _ now: Instant) {
        guard let transfer = transfers[id] else { return }
        if transfer.pending.isEmpty {
            forget(id)
        } else {
            let at = timeout(transfer.pending, now)
            _ = transfers.update(id) { $0.timeoutAt = at }
        }
    }

    private mutating func forget(_ id: ChunkTransferID) {
        guard let transfer = transfers.remove(id) else { return }
        _ = destinations.update(transfer.node) { $0.transfers -= 1 }
        touch(transfer.node)
    }

    mutating func touch(_ node: NodeID) {
        if !touched.contains(node) { touched.append(node) }
    }

    /// Queues a copy again that was not taken, unless it was tried too often.
    private mutating func again(_ chunk: ChunkID, _ node: NodeID, _ reason: String, _ effects: inout [PushEffect]) {
        guard let slot = slot(chunk, node), let record = records[chunk] else { return }
        if record.copies[slot].attempts >= settings.maximumAttempts {
            leaveOut(chunk, at: node, reason, &effects)
        } else {
            records[chunk]?.copies[slot].state = .queued
            put(chunk, at: node, isUrgent: !record.waiters.isEmpty, &effects)
        }
    }

    /// Lets a destination rest, longer each time.
    private mutating func pause(_ node: NodeID, _ reason: String, _ now: Instant) {
        _ = destinations.update(node) { destination in
            destination.lastFailure = String(reason.prefix(120))
            // Several transfers that break at once are one failure.
            if let until = destination.pausedUntil, until > now { return }
            destination.pausedUntil = now + destination.backoff
            destination.backoff = min(destination.backoff * 2, settings.maximumBackoff)
        }
    }

    mutating func end(_ id: ChunkTransferID, _ reason: String, _ now: Instant, _ effects: inout [PushEffect]) {
        guard let transfer = transfers[id] else { return }
        forget(id)
        guard !transfer.pending.isEmpty else { return }
        pause(transfer.node, reason, now)
        for reference in transfer.pending { again(reference.id, transfer.node, reason, &effects) }
    }

    mutating func lose(_ node: NodeID, _ now: Instant, _ effects: inout [PushEffect]) {
        for (id, transfer) in transfers where transfer.node == node {
            effects.append(.cancel(id))
            end(id, "connection lost", now, &effects)
        }
        pause(node, "connection lost", now)
    }

    mutating func resume(_ node: NodeID) {
        _ = destinations.update(node) { destination in
            destination.pausedUntil = nil
            destination.backoff = settings.backoff
        }
        touch(node)
    }

    mutating func tick(_ now: Instant, _ effects: inout [PushEffect]) {
        for (id, transfer) in transfers where transfer.timeoutAt <= now {
            effects.append(.cancel(id))
            end(id, "no progress for \(settings.timeout.inNanoseconds / 1_000_000) ms", now, &effects)
        }
        for (node, destination) in destinations {
            guard let at = destination.pausedUntil, at <= now else { continue }
            _ = destinations.update(node) { $0.pausedUntil = nil }
            touch(node)
        }
        while let due = deadlines.first, due.key.at <= now {
            guard let waiter = waiters[due.key.id] else { preconditionFailure("deadline of nobody") }
            let late = waiter.chunks.first { records[$0]?.waiters.contains(due.key.id) ?? false }
            guard let late else { preconditionFailure("\(due.key.id) waits for nothing") }
            fail(due.key.id, .deadline, late, &effects)
        }
    }

    package func checkInvariants() {
        precondition(touched.isEmpty, "destinations left to look at")
        precondition(waiters.count == deadlines.count, "\(waiters.count) waiters, \(deadlines.count) deadlines")
        for (id, waiter) in waiters {
            let mine = waiter.chunks.filter { records[$0]?.waiters.contains(id) ?? false }
            precondition(
                mine.count == waiter.remaining && waiter.remaining > 0, "\(id) waits for \(waiter.remaining), in fact \(mine.count)")
            for chunk in mine {
                guard let record = records[chunk] else { continue }
                precondition(!waiter.rule.isSatisfied(copiesIn: record.held), "\(id) waits for \(chunk), which is placed")
                precondition(record.settled == nil, "\(chunk) is complete, and \(id) waits for it")
            }
        }
        for (id, transfer) in transfers {
            precondition(!transfer.pending.isEmpty, "\(id) carries nothing")
            for reference in transfer.pending {
                let copy = records[reference.id]?.copies.first { $0.destination.node == transfer.node }
                precondition(copy?.state == .sending(id), "\(id) carries \(reference), whose record does not know")
            }
        }
        for (node, destination) in destinations {
            precondition(transfers.values.count { $0.node == node } == destination.transfers, "transfers to \(node)")
        }
        precondition(openRecords <= settings.maximumRecords + settings.remembered, "\(openRecords) open records")
    }
}
