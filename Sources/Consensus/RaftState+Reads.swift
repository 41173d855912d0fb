import Primitives

/// Reads at the leader that wait for its leadership to be confirmed.
struct ReadQueue: Sendable {
    enum Origin: Sendable {
        case local(ReadToken)
        case member(NodeID, request: UInt64)
    }
    struct Item: Sendable {
        let origin: Origin
        /// Drawn when the read came: a newer one given back by a quorum confirms it.
        let stamp: UInt64
        let index: UInt64
    }
    /// Oldest first.
    var items: [Item] = []
    /// Stamps of the rounds under way, oldest first.
    var rounds: [UInt64] = []
    var isEmpty: Bool { items.isEmpty }
}

/// Reads of a member that it has sent on to the leader.
struct ForwardedReads: Sendable {
    struct Item: Sendable {
        let request: UInt64
        let token: ReadToken
        let sentAt: Instant
    }
    /// Oldest first.
    var items: [Item] = []
    /// Starts at random: a late answer to an earlier run of this node matches nothing.
    var nextRequest: UInt64 = 0
    var isEmpty: Bool { items.isEmpty }
}

extension RaftState {
    mutating func read(_ token: ReadToken, into effects: inout [RaftEffect]) {
        if role == .leader { return leaderRead(.local(token), into: &effects) }
        guard let leader, !follow.isLeaderSuspect, forwards.items.count < settings.maximumPendingReads else {
            effects.append(.readFailed(token, leader: leader))
            return
        }
        wakeFollower(into: &effects)
        let request = forwards.nextRequest
        forwards.nextRequest &+= 1
        forwards.items.append(ForwardedReads.Item(request: request, token: token, sentAt: now))
        effects.append(.send(to: leader, .readRequest(request: request)))
    }

    // MARK: - At the leader

    mutating func receiveReadRequest(_ request: UInt64, from: NodeID, into effects: inout [RaftEffect]) {
        guard role == .leader else {
            effects.append(.send(to: from, .readReply(request: request, index: 0, ok: false)))
            return
        }
        leaderRead(.member(from, request: request), into: &effects)
    }

    private mutating func leaderRead(_ origin: ReadQueue.Origin, into effects: inout [RaftEffect]) {
        if hasLease || settings.mutant == .readWithoutConfirmation { return answer(origin, index: commitIndex, into: &effects) }
        guard reads.items.count < settings.maximumPendingReads else { return answer(origin, index: nil, into: &effects) }
        wakeLeader()
        // What former leaders have committed is all before the beginning of this term.
        reads.items.append(ReadQueue.Item(origin: origin, stamp: nextStamp(), index: max(commitIndex, lead.termStart)))
    }

    /// With the leader's flush: answers what is confirmed, and begins a round for what is not.
    mutating func serveReads(into effects: inout [RaftEffect]) {
        guard !reads.items.isEmpty else { return }
        let confirmed = progress.acknowledgedStamp(self: id)
        reads.rounds.removeFirst(reads.rounds.prefix { $0 <= confirmed }.count)
        if commitIndex >= lead.termStart {
            let ready = reads.items.prefix { $0.stamp < confirmed }
            reads.items.removeFirst(ready.count)
            for item in ready { answer(item.origin, index: item.index, into: &effects) }
        }
        guard let newest = reads.items.last, newest.stamp > (reads.rounds.last ?? 0), newest.stamp >= confirmed,
            reads.rounds.count < settings.maximumReadRounds
        else { return }
        sendHeartbeats(quiesce: false, votersOnly: true, into: &effects)
        reads.rounds.append(lead.lastStamp)
    }

    private func answer(_ origin: ReadQueue.Origin, index: UInt64?, into effects: inout [RaftEffect]) {
        switch (origin, index) {
        case (.local(let token), let index?): effects.append(.readReady(token, index: index))
        case (.local(let token), nil): effects.append(.readFailed(token, leader: leader))
        case (.member(let peer, let request), _):
            effects.append(.send(to: peer, .readReply(request: request, index: index ?? 0, ok: index != nil)))
        }
    }

    /// Leadership is over: nothing can be confirmed any more.
    mutating func failReads(into effects: inout [RaftEffect]) {
        let items = reads.items
        reads = ReadQueue()
        for item in items { answer(item.origin, index: nil, into: &effects) }
    }

    // MARK: - At the member that asked

    mutating func receiveReadReply(_ request: UInt64, index: UInt64, ok: Bool, into effects: inout [RaftEffect]) {
        guard let position = forwards.items.firstIndex(where: { $0.request == request }) else { return }
        let token = forwards.items.remove(at: position).token
        effects.append(ok ? .readReady(token, index: index) : .readFailed(token, leader: leader))
    }

    /// The leader is gone or another: the host asks again.
    mutating func failForwards(into effects: inout [RaftEffect]) {
        let items = forwards.items
        forwards.items = []
        for item in items { effects.append(.readFailed(item.token, leader: nil)) }
    }

    /// A request or its answer was lost.
    mutating func expireForwards(into effects: inout [RaftEffect]) {
        let deadline = now - timing.electionTimeout * 2
        let late = forwards.items.prefix { $0.sentAt <= deadline }
        forwards.items.removeFirst(late.count)
        for item in late { effects.append(.readFailed(item.token, leader: leader)) }
    }
}
