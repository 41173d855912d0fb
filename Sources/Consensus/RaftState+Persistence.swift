import Primitives

/// What is on its way to the disk, and what waits for it.
struct Persistence: Sendable {
    /// The log is durable through here. It may lie before the commit index: others have it.
    var durableIndex: UInt64
    /// The first entry that no `persist` has carried yet.
    var nextToWrite: UInt64
    var truncateFrom: UInt64?
    /// Term or vote changed since the last `persist`.
    var isHardStateDirty = false
    var nextToken: UInt64 = 1
    var durableToken: UInt64 = 0
    /// The newest token that carries a term or a vote.
    var hardStateToken: UInt64 = 0
    /// Writes under way, oldest first, each with the log's end after it.
    var writes: [(token: UInt64, lastIndex: UInt64)] = []
    /// Messages that say what must first be durable. The receiver may be this node itself: its own vote.
    var held: [(token: UInt64, to: NodeID, message: RaftMessage)] = []
    /// Held messages of this step, before their token is known.
    var fresh: [(to: NodeID, message: RaftMessage)] = []

    init(durableIndex: UInt64, nextToWrite: UInt64) {
        self.durableIndex = durableIndex
        self.nextToWrite = nextToWrite
    }

    var isHardStateDurable: Bool { !isHardStateDirty && durableToken >= hardStateToken }

    /// The log's end was cut: writes under way no longer vouch for it.
    mutating func truncated(from index: UInt64) {
        durableIndex = min(durableIndex, index - 1)
        for place in writes.indices { writes[place].lastIndex = min(writes[place].lastIndex, index - 1) }
        if index < nextToWrite {
            truncateFrom = min(truncateFrom ?? index, index)
            nextToWrite = index
        }
    }

    /// The log was replaced by a snapshot, which is durable. The disk may hold more of the old one
    /// than memory does: all of it is void.
    mutating func reset(to index: UInt64) {
        durableIndex = index
        for place in writes.indices { writes[place].lastIndex = 0 }
        truncateFrom = 1
        nextToWrite = index + 1
    }
}

extension RaftState {
    /// Sends when term and vote are durable.
    mutating func hold(_ message: RaftMessage, to peer: NodeID) { persistence.fresh.append((peer, message)) }

    /// One write for all that has changed, then what need not wait for it.
    mutating func writePending(into effects: inout [RaftEffect]) {
        if persistence.nextToWrite <= log.lastIndex || persistence.truncateFrom != nil || persistence.isHardStateDirty {
            let token = persistence.nextToken
            persistence.nextToken += 1
            let entries =
                persistence.nextToWrite <= log.lastIndex ? Array(log.slice(from: persistence.nextToWrite, bytes: .max)) : []
            let hardState = HardState(term: term, votedFor: votedFor, commit: commitIndex)
            effects.append(
                .persist(
                    RaftPersist(token: token, hardState: hardState, truncateFrom: persistence.truncateFrom, entries: entries)))
            if persistence.isHardStateDirty { persistence.hardStateToken = token }
            persistence.isHardStateDirty = false
            persistence.truncateFrom = nil
            persistence.nextToWrite = log.lastIndex + 1
            persistence.writes.append((token, log.lastIndex))
        }
        guard !persistence.fresh.isEmpty else { return }
        let fresh = persistence.fresh
        persistence.fresh.removeAll(keepingCapacity: true)
        for (peer, message) in fresh {
            if persistence.isHardStateDurable, peer != id {
                effects.append(.send(to: peer, message))
            } else {
                persistence.held.append((persistence.hardStateToken, peer, message))
            }
        }
    }

    mutating func persisted(_ token: UInt64, into effects: inout [RaftEffect]) {
        guard token > persistence.durableToken else { return }
        precondition(token < persistence.nextToken, "\(group): persisted \(token), which was never written")
        persistence.durableToken = token
        var done = 0
        while done < persistence.writes.count, persistence.writes[done].token <= token {
            persistence.durableIndex = max(persistence.durableIndex, persistence.writes[done].lastIndex)
            done += 1
        }
        persistence.writes.removeFirst(done)
        follow.isAckDue = follow.isAckDue || role == .follower && min(follow.matched, persistence.durableIndex) > follow.ackedMatch
        releaseHeld(into: &effects)
        if role == .leader { leaderPersisted() }
    }

    private mutating func releaseHeld(into effects: inout [RaftEffect]) {
        guard persistence.held.first.map({ $0.token <= persistence.durableToken }) ?? false else { return }
        let ready = persistence.held.prefix { $0.token <= persistence.durableToken }
        persistence.held.removeFirst(ready.count)
        for (_, peer, message) in ready {
            if peer != id {
                effects.append(.send(to: peer, message))
            } else if case .voteReply(let reply) = message {
                receiveVoteReply(reply, from: id, into: &effects)
            }
        }
    }

    // MARK: - Applying

    /// Hands the next batch of committed entries over, once the last one was taken in.
    mutating func handCommitted(into effects: inout [RaftEffect]) {
        guard handedIndex == appliedIndex, handedIndex < commitIndex else { return }
        let batch = log.slice(
            from: handedIndex + 1, through: commitIndex, bytes: settings.maximumApplyBytes, count: settings.maximumApplyEntries)
        handedIndex += UInt64(batch.count)
        effects.append(.apply(Array(batch)))
    }

    mutating func applied(_ index: UInt64) {
        // A snapshot may have overtaken what was handed over.
        guard index > appliedIndex else { return }
        precondition(index <= handedIndex, "\(group): applied \(index), but only \(handedIndex) was handed over")
        appliedIndex = index
    }

    // MARK: - Timers

    /// Tells the host of deadlines that its timers would miss.
    mutating func syncTimers(into effects: inout [RaftEffect]) {
        Self.sync(electionDeadline, armed: &armedElection, .election, into: &effects)
        Self.sync(heartbeatDeadline, armed: &armedHeartbeat, .heartbeat, into: &effects)
    }

    private static func sync(_ deadline: Instant?, armed: inout Instant?, _ timer: RaftTimer, into effects: inout [RaftEffect]) {
        switch (deadline, armed) {
        case (nil, nil): return
        case (nil, _?):
            armed = nil
            effects.append(.cancelTimer(timer))
        case (let wanted?, let running?) where running <= wanted: return
        case (let wanted?, _):
            armed = wanted
            effects.append(.startTimer(timer, at: wanted))
        }
    }
}
