import Primitives

extension RaftState {
    mutating func electionTimerFired(into effects: inout [RaftEffect]) {
        armedElection = nil
        expireForwards(into: &effects)
        guard let deadline = electionDeadline, deadline <= now else { return }
        electionTimedOut(into: &effects)
    }

    /// No leader for too long, or the last campaign came to nothing.
    mutating func electionTimedOut(into effects: inout [RaftEffect]) {
        guard role != .leader else { return }
        guard mayCampaign else {
            // Not ours to mend. But a quiesced leader may not know that it is missed.
            if leader != nil { becomeFollower(term: term, leader: nil, into: &effects) }
            for voter in configuration.allVoters { effects.append(.send(to: voter, .wake(term: term))) }
            armElection(after: timing.electionTimeout)
            return
        }
        guard now >= promisedUntil else {
            armElection(after: .zero)
            return
        }
        campaign(.pre, into: &effects)
    }

    var mayCampaign: Bool { configurations.mayCampaign(id, commitIndex: commitIndex) }

    enum Campaign {
        case pre
        case real
        /// At the old leader's request.
        case transfer
    }

    mutating func campaign(_ kind: Campaign, into effects: inout [RaftEffect]) {
        precondition(mayCampaign, "\(group): \(id) campaigns without a vote")
        if role == .follower { failForwards(into: &effects) }
        isQuiesced = false
        leader = nil
        votes = []
        armRetry()
        if kind == .pre {
            role = .preCandidate
            requestVotes(term: term + 1, isPre: true, isTransfer: false, into: &effects)
            record(vote: true, of: id, into: &effects)
            return
        }
        precondition(kind == .transfer || now >= promisedUntil, "\(group): \(id) campaigns against its promise")
        role = .candidate
        lostCampaigns += 1
        enter(term: term + 1, votedFor: id)
        requestVotes(term: term, isPre: false, isTransfer: kind == .transfer, into: &effects)
        // Counted when it is durable.
        hold(.voteReply(RaftMessage.VoteReply(term: term, isPre: false, granted: true)), to: id)
    }

    private mutating func requestVotes(term: UInt64, isPre: Bool, isTransfer: Bool, into effects: inout [RaftEffect]) {
        let request = RaftMessage.VoteRequest(
            term: term, lastIndex: log.lastIndex, lastTerm: log.lastTerm, isPre: isPre, isTransfer: isTransfer)
        for voter in configuration.allVoters where voter != id {
            if isPre { effects.append(.send(to: voter, .vote(request))) } else { hold(.vote(request), to: voter) }
        }
    }

    /// Begins a term, or votes in it.
    private mutating func enter(term: UInt64, votedFor: NodeID?) {
        precondition(term >= self.term, "\(group): from term \(self.term) back to \(term)")
        guard term != self.term || votedFor != self.votedFor else { return }
        precondition(term > self.term || self.votedFor == nil, "\(group): \(id) votes twice in term \(term)")
        if term > self.term { follow.begin(commit: commitIndex) }
        self.term = term
        self.votedFor = votedFor
        persistence.isHardStateDirty = true
    }

    /// Follows `leader`, or waits for one to appear.
    mutating func becomeFollower(term: UInt64, leader: NodeID?, into effects: inout [RaftEffect]) {
        if self.leader != leader || role != .follower { failForwards(into: &effects) }
        if term > self.term { enter(term: term, votedFor: nil) }
        if role == .leader { stepDown() }
        if self.leader != leader { follow.begin(commit: commitIndex) }
        role = .follower
        self.leader = leader
        if leader != nil { lostCampaigns = 0 }
        isQuiesced = false
        votes = []
        armElection(after: timing.electionTimeout)
        failReads(into: &effects)
    }

    // MARK: - Voting

    mutating func receiveVote(_ request: RaftMessage.VoteRequest, from: NodeID, into effects: inout [RaftEffect]) {
        if request.isPre { return receivePreVote(request, from: from, into: &effects) }
        guard request.term >= term else { return answerVote(false, to: from) }
        guard request.isTransfer || !isBound else { return }
        if request.term > term { becomeFollower(term: request.term, leader: nil, into: &effects) }
        let isFree = votedFor == from || votedFor == nil && leader == nil && role == .follower
        guard isFree, log.isCovered(byIndex: request.lastIndex, term: request.lastTerm) else { return answerVote(false, to: from) }
        if votedFor == nil { enter(term: term, votedFor: from) }
        armElection(after: timing.electionTimeout)
        answerVote(true, to: from)
    }

    private mutating func answerVote(_ granted: Bool, to peer: NodeID) {
        hold(.voteReply(RaftMessage.VoteReply(term: term, isPre: false, granted: granted)), to: peer)
    }

    /// A promise holds, or this node leads and a quorum still answers it.
    private var isBound: Bool {
        now < promisedUntil && settings.mutant != .promiseForgotten || role == .leader && isInTouch
    }

    private mutating func receivePreVote(_ request: RaftMessage.VoteRequest, from: NodeID, into effects: inout [RaftEffect]) {
        if isQuiesced || role == .leader { disturbed(by: from, into: &effects) }
        let granted = request.term > term && !isBound && log.isCovered(byIndex: request.lastIndex, term: request.lastTerm)
        // A refusal carries the voter's own term, which a candidate from the past adopts.
        let reply = RaftMessage.VoteReply(term: granted ? request.term : term, isPre: true, granted: granted)
        if granted { effects.append(.send(to: from, .voteReply(reply))) } else { hold(.voteReply(reply), to: from) }
        guard granted, role != .leader else { return }
        // Let the other one try first, unless this node has the better claim.
        if role == .follower {
            if mayCampaign { armRetry() }
        } else if role == .preCandidate, yields(to: request, from: from) {
            becomeFollower(term: term, leader: nil, into: &effects)
            armRetry()
        }
    }

    /// Of two pre-candidates that would both be granted, the one with the longer log goes on, then
    /// the preferred one, then the one with the higher id.
    private func yields(to other: RaftMessage.VoteRequest, from: NodeID) -> Bool {
        if (other.lastTerm, other.lastIndex) != (log.lastTerm, log.lastIndex) {
            return (other.lastTerm, other.lastIndex) > (log.lastTerm, log.lastIndex)
        }
        let mine = preferred.contains(id)
        let theirs = preferred.contains(from)
        return mine == theirs ? from > id : theirs
    }

    mutating func receiveVoteReply(_ reply: RaftMessage.VoteReply, from: NodeID, into effects: inout [RaftEffect]) {
        if reply.term > term, !(reply.isPre && reply.granted) {
            return becomeFollower(term: reply.term, leader: nil, into: &effects)
        }
        if reply.isPre {
            guard role == .preCandidate, !reply.granted || reply.term == term + 1 else { return }
        } else {
            guard role == .candidate, reply.term == term else { return }
        }
        record(vote: reply.granted, of: from, into: &effects)
    }

    private mutating func record(vote granted: Bool, of voter: NodeID, into effects: inout [RaftEffect]) {
        guard configuration.isVoter(voter), !votes.contains(where: { $0.node == voter }) else { return }
        votes.append((voter, granted))
        let result = Quorum.tally(configuration) { voter in votes.first { $0.node == voter }?.granted }
        switch (result, role) {
        case (.pending, _), (_, .follower), (_, .leader): return
        case (.won, .preCandidate): campaign(.real, into: &effects)
        case (.won, .candidate): becomeLeader(into: &effects)
        case (.lost, .preCandidate), (.lost, .candidate):
            // The retry is armed already; what is left is to wait for it.
            role = .follower
            votes = []
        }
    }

    // MARK: - Transfer, seen from the target

    mutating func receiveTimeoutNow(term: UInt64, lastIndex: UInt64, from: NodeID, into effects: inout [RaftEffect]) {
        guard term == self.term, role == .follower, from == leader || leader == nil else { return }
        // A log that ends elsewhere belongs to another moment: see `Leading.transfer`.
        guard configuration.isVoter(id), log.lastIndex == lastIndex else { return }
        campaign(.transfer, into: &effects)
    }
}
