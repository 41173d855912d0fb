import Primitives

/// What a member knows of itself as a follower of the present leader.
struct Following: Sendable {
    /// The log agrees with the leader's through here.
    var matched: UInt64 = 0
    /// What the leader said is committed; it may be beyond `matched`.
    var leaderCommit: UInt64 = 0
    /// The newest stamp heard, to be given back.
    var stamp: UInt64 = 0
    var ackedMatch: UInt64 = 0
    /// An answer goes out with the next flush in which term and vote are durable.
    var isAckDue = false
    /// The host has lost the leader.
    var isLeaderSuspect = false

    /// Under a new leader all that is known to agree is what is committed.
    mutating func begin(commit: UInt64) {
        self = Following()
        matched = commit
        leaderCommit = commit
    }
}

extension RaftState {
    /// No settings allow a longer lease than this, in milliseconds.
    private static let leaseLimit: UInt32 = 60_000

    /// True if the message is from the leader of this term: it is then followed, and promised to.
    private mutating func hear(term: UInt64, from: NodeID, stamp: UInt64, lease: UInt32, into effects: inout [RaftEffect]) -> Bool {
        guard term >= self.term else {
            // Tells a leader of the past that it is one.
            hold(.reject(RaftMessage.Reject(term: self.term, stamp: 0, previousIndex: 0, hintIndex: 0, hintTerm: 0)), to: from)
            return false
        }
        if term > self.term || role != .follower || leader != from {
            precondition(term > self.term || role != .leader, "\(group): both \(id) and \(from) lead in term \(term)")
            becomeFollower(term: term, leader: from, into: &effects)
        }
        lastHeard = now
        promisedUntil = max(promisedUntil, now + .milliseconds(Int64(min(lease, Self.leaseLimit))))
        follow.stamp = max(follow.stamp, stamp)
        follow.isLeaderSuspect = false
        isQuiesced = false
        extendElection()
        return true
    }

    mutating func receiveHeartbeat(_ beat: RaftMessage.Heartbeat, from: NodeID, into effects: inout [RaftEffect]) {
        guard hear(term: beat.term, from: from, stamp: beat.stamp, lease: beat.lease, into: &effects) else { return }
        follow.leaderCommit = max(follow.leaderCommit, beat.commit)
        followCommit()
        if beat.stamp != 0 { follow.isAckDue = true }
        if beat.quiesce { fallSilent(at: beat.commit) }
    }

    mutating func receiveAppend(_ append: RaftMessage.Append, from: NodeID, into effects: inout [RaftEffect]) {
        guard hear(term: append.term, from: from, stamp: append.stamp, lease: append.lease, into: &effects) else { return }
        follow.leaderCommit = max(follow.leaderCommit, append.commit)
        guard let fresh = fit(append, from: from) else { return }
        for entry in fresh {
            log.append(entry)
            if entry.kind == .configuration { adopt(entry, into: &effects) }
        }
        follow.matched = max(follow.matched, append.previousIndex + UInt64(append.entries.count))
        followCommit()
        // With news for the disk the answer comes when it is durable.
        if fresh.isEmpty { follow.isAckDue = true }
    }

    /// Makes room for the entries that are not in the log yet and returns them, or rejects the append.
    private mutating func fit(_ append: RaftMessage.Append, from: NodeID) -> ArraySlice<RaftEntry>? {
        var entries = append.entries[...]
        if append.previousIndex < commitIndex {
            // What is committed agrees, whether or not it is still held.
            entries = entries.dropFirst(Int(clamping: commitIndex - append.previousIndex))
        } else if log.term(at: append.previousIndex) != append.previousTerm {
            let hint = log.lastIndex(notAfter: min(append.previousIndex, log.lastIndex), termAtMost: append.previousTerm)
            hold(
                .reject(
                    RaftMessage.Reject(
                        term: term, stamp: append.stamp, previousIndex: append.previousIndex, hintIndex: hint.index, hintTerm: hint.term)),
                to: from)
            return nil
        }
        // The log's present end is passed over at one step in the ordinary case.
        if let first = entries.first, first.index <= log.lastIndex {
            let held = entries.prefix { log.term(at: $0.index) == $0.term }
            entries = entries.dropFirst(held.count)
        }
        if let first = entries.first, first.index <= log.lastIndex { truncateLog(from: first.index) }
        return entries
    }

    private mutating func truncateLog(from index: UInt64) {
        precondition(index > commitIndex, "\(group): a leader replaces entry \(index), which is committed through \(commitIndex)")
        log.truncate(from: index)
        persistence.truncated(from: index)
        follow.matched = min(follow.matched, index - 1)
        configurations.truncate(from: index)
        recomputeTiming()
    }

    private mutating func followCommit() {
        let known = min(follow.leaderCommit, follow.matched)
        if known > commitIndex { commitIndex = known }
    }

    /// Acknowledges what is durable. One answer stands for all messages of the same moment.
    mutating func answerLeader(into effects: inout [RaftEffect]) {
        guard follow.isAckDue, persistence.isHardStateDurable else { return }
        follow.isAckDue = false
        guard role == .follower, let leader, follow.stamp != 0 else { return }
        let match = min(follow.matched, persistence.durableIndex)
        follow.ackedMatch = max(follow.ackedMatch, match)
        effects.append(
            .send(to: leader, .ack(RaftMessage.Ack(term: term, stamp: follow.stamp, match: match, received: follow.matched))))
    }

    // MARK: - Quiescence

    private mutating func fallSilent(at end: UInt64) {
        guard log.lastIndex == end, commitIndex == end, follow.matched >= end, persistence.durableIndex >= end,
            persistence.isHardStateDurable, forwards.isEmpty
        else { return }
        isQuiesced = true
        electionDeadline = nil
    }

    /// A quiesced member, or the leader, was asked for its support by another one, which then does
    /// not hear the leader. The leader shows itself; a follower asks it to, and refuses until it
    /// has had time to.
    mutating func disturbed(by peer: NodeID, into effects: inout [RaftEffect]) {
        if role == .leader {
            wakeLeader()
            lead.owesHeartbeat.append(peer)
        } else {
            wakeFollower(into: &effects)
            promisedUntil = max(promisedUntil, now + timing.lease)
            extendElection()
        }
    }

    /// Watches the leader again.
    mutating func wakeFollower(into effects: inout [RaftEffect]) {
        guard isQuiesced, let leader else { return }
        isQuiesced = false
        effects.append(.send(to: leader, .wake(term: term)))
        extendElection()
    }

    mutating func receiveWake(term: UInt64, from: NodeID) {
        guard role == .leader, term <= self.term, progress.slot(of: from) != nil else { return }
        wakeLeader()
        lead.owesHeartbeat.append(from)
    }
}
