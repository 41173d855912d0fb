import Primitives

extension RaftState {
    // MARK: - Appending

    mutating func propose(_ proposal: ProposalID, _ payload: [UInt8], into effects: inout [RaftEffect]) {
        let refusal: ProposalRefusal? =
            if role != .leader {
                .notLeader
            } else if lead.transfer != nil {
                .transferring
            } else if payload.count > settings.maximumEntryBytes {
                .tooLarge
            } else if lead.uncommittedBytes > 0, lead.uncommittedBytes + payload.count > settings.maximumUncommittedBytes {
                .overloaded
            } else {
                nil
            }
        if let refusal {
            effects.append(.proposalDropped(proposal, reason: refusal, leader: leader))
            return
        }
        appendEntry(.command, payload, into: &effects)
        effects.append(.proposalAppended(proposal, index: log.lastIndex, term: term))
    }

    mutating func appendEntry(_ kind: RaftEntry.Kind, _ payload: [UInt8], into effects: inout [RaftEffect]) {
        let entry = RaftEntry(index: log.lastIndex + 1, term: term, kind: kind, payload: payload)
        log.append(entry)
        lead.uncommittedBytes += entry.size
        wakeLeader()
        if kind == .configuration { adopt(entry, into: &effects) }
    }

    /// The leader's own disk is one vote among others.
    mutating func leaderPersisted() {
        if let slot = progress.slot(of: id) { _ = progress.peers[slot].acknowledge(through: persistence.durableIndex) }
    }

    // MARK: - The leader's flush

    mutating func advanceLeader(into effects: inout [RaftEffect]) {
        advanceCommit(into: &effects)
        serveReads(into: &effects)
        continueTransfer(into: &effects)
        sendOwedHeartbeats(into: &effects)
        for slot in progress.peers.indices where progress.peers[slot].id != id { sendAppends(to: slot, into: &effects) }
        departIfRemoved(into: &effects)
    }

    /// An entry of this term that a quorum holds durably is committed, and all before it with it
    /// (thesis §3.6.2: counting copies commits entries of the present term only).
    private mutating func advanceCommit(into effects: inout [RaftEffect]) {
        let reached = settings.mutant == .commitAlone ? persistence.durableIndex : progress.committed
        guard reached > commitIndex, log.term(at: reached) == term else { return }
        for entry in log.slice(from: commitIndex + 1, through: reached, bytes: .max) { lead.uncommittedBytes -= entry.size }
        commitIndex = reached
        if let mark = lead.leaseGivenUp, lead.transfer == nil, commitIndex > mark { lead.leaseGivenUp = nil }
        leaveJoint(into: &effects)
    }

    /// Sends what the window allows, and news of the commit index if nothing else carries it.
    private mutating func sendAppends(to slot: Int, into effects: inout [RaftEffect]) {
        sendCheck(to: slot, into: &effects)
        while progress.peers[slot].next <= log.lastIndex,
            !progress.peers[slot].isPaused(inflightBytesLimit: settings.maximumInflightBytes)
        {
            let next = progress.peers[slot].next
            guard let previousTerm = log.term(at: next - 1) else {
                sendSnapshot(to: slot, into: &effects)
                return
            }
            let entries = log.slice(from: next, bytes: settings.maximumAppendBytes, count: settings.maximumAppendEntries)
            let stamp = sendAppend(to: slot, after: next - 1, previousTerm, Array(entries), into: &effects)
            progress.peers[slot].sent(
                through: next - 1 + UInt64(entries.count), bytes: entries.reduce(0) { $0 + $1.size }, stamp: stamp)
        }
        if progress.peers[slot].sentCommit < commitIndex, progress.peers[slot].state == .replicate {
            sendHeartbeat(to: slot, stamp: 0, into: &effects)
        }
    }

    private mutating func sendAppend(
        to slot: Int, after previous: UInt64, _ previousTerm: UInt64, _ entries: [RaftEntry], into effects: inout [RaftEffect]
    ) -> UInt64 {
        let stamp = nextStamp()
        let append = RaftMessage.Append(
            term: term, previousIndex: previous, previousTerm: previousTerm, commit: commitIndex, stamp: stamp, lease: appendLease,
            entries: entries)
        progress.peers[slot].sentCommit = commitIndex
        effects.append(.send(to: progress.peers[slot].id, .append(append)))
        return stamp
    }

    /// Tells a member that was restarted in this term what its log is known to hold.
    private mutating func sendCheck(to slot: Int, into effects: inout [RaftEffect]) {
        guard progress.peers[slot].owesCheck else { return }
        progress.peers[slot].owesCheck = false
        let match = progress.peers[slot].match
        guard progress.peers[slot].state != .snapshot, let term = log.term(at: match) else { return }
        let stamp = sendAppend(to: slot, after: match, term, [], into: &effects)
        progress.peers[slot].appendStamp = stamp
        if progress.peers[slot].state == .probe { progress.peers[slot].probeStamp = stamp }
    }

    // MARK: - Answers

    /// The slot of a member that answered in this term; nil for anything else.
    private mutating func answered(term: UInt64, stamp: UInt64, from: NodeID, into effects: inout [RaftEffect]) -> Int? {
        if term > self.term {
            becomeFollower(term: term, leader: nil, into: &effects)
            return nil
        }
        // A stamp or an index that was never sent is not believed.
        guard term == self.term, role == .leader, stamp <= lead.lastStamp, let slot = progress.slot(of: from) else { return nil }
        progress.peers[slot].ackedStamp = max(progress.peers[slot].ackedStamp, stamp)
        progress.peers[slot].isReachable = true
        return slot
    }

    mutating func receiveAck(_ ack: RaftMessage.Ack, from: NodeID, into effects: inout [RaftEffect]) {
        guard ack.match <= ack.received, ack.received <= log.lastIndex || ack.term != term else { return }
        guard let slot = answered(term: ack.term, stamp: ack.stamp, from: from, into: &effects) else { return }
        if isQuiesced, ack.match < log.lastIndex { wakeLeader() }
        _ = progress.peers[slot].acknowledge(through: ack.match)
        let peer = progress.peers[slot]
        switch peer.state {
        case .probe:
            if ack.received + 1 >= peer.next {
                progress.peers[slot].becomeReplicate()
                progress.peers[slot].next = ack.received + 1
            } else if ack.stamp > peer.probeStamp {
                // Something sent after the probe was answered, so the probe is lost.
                progress.peers[slot].probeStamp = 0
                // There is nothing to send to a member that had everything and has restarted since: only a
                // check tells it what of its log is committed.
                progress.peers[slot].owesCheck = ack.received < peer.match
            }
        case .replicate:
            if ack.received + 1 < peer.next, ack.stamp >= peer.appendStamp {
                // All appends should have arrived, but some have not.
                progress.peers[slot].rewind(to: ack.received + 1)
                progress.peers[slot].owesCheck = ack.received < peer.match
            } else if ack.received >= peer.next {
                progress.peers[slot].next = ack.received + 1
            }
        case .snapshot:
            if ack.match >= log.baseIndex { progress.peers[slot].becomeReplicate() }
        }
    }

    mutating func receiveReject(_ reject: RaftMessage.Reject, from: NodeID, into effects: inout [RaftEffect]) {
        guard let slot = answered(term: reject.term, stamp: reject.stamp, from: from, into: &effects) else { return }
        wakeLeader()
        let peer = progress.peers[slot]
        guard reject.previousIndex > peer.match else { return }
        switch peer.state {
        case .snapshot: return
        case .replicate: progress.peers[slot].becomeProbe()
        case .probe:
            guard reject.previousIndex == peer.next - 1 else { return }
            // Skips whole terms: the last entry here that may be in the follower's log too.
            let hint = log.lastIndex(notAfter: min(reject.hintIndex, reject.previousIndex - 1), termAtMost: reject.hintTerm)
            progress.peers[slot].rewind(to: hint.index + 1)
        }
    }
}
