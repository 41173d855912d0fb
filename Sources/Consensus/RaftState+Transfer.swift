import Primitives

extension RaftState {
    mutating func transferLeadership(to target: NodeID, into effects: inout [RaftEffect]) {
        guard role == .leader, target != id, configuration.voters.contains(target), lead.transfer == nil else { return }
        wakeLeader()
        lead.transfer = Leading.Transfer(target: target, deadline: now + timing.electionTimeout)
        continueTransfer(into: &effects)
    }

    /// When the target has everything, it is told to campaign. From here on there is no lease.
    mutating func continueTransfer(into effects: inout [RaftEffect]) {
        guard let transfer = lead.transfer, transfer.sentAt == nil, let slot = progress.slot(of: transfer.target),
            progress.peers[slot].match == log.lastIndex
        else { return }
        lead.transfer?.sentAt = log.lastIndex
        lead.leaseGivenUp = log.lastIndex
        effects.append(.send(to: transfer.target, .timeoutNow(term: term, lastIndex: log.lastIndex)))
    }

    /// The target did not take over in time.
    mutating func superviseTransfer(into effects: inout [RaftEffect]) {
        guard let transfer = lead.transfer, now >= transfer.deadline else { return }
        abortTransfer(into: &effects)
    }

    /// With `timeoutNow` on its way the target may still campaign, by a log that ends at `sentAt`.
    /// Once an entry after that is committed, such a campaign cannot win, and the lease is safe again.
    mutating func abortTransfer(into effects: inout [RaftEffect]) {
        guard let transfer = lead.transfer else { return }
        lead.transfer = nil
        lead.preferenceHold = min(lead.preferenceHold * 2, settings.preferenceHold * 16)
        lead.preferredSince = nil
        if transfer.sentAt != nil { appendEntry(.noop, [], into: &effects) }
    }

    /// Hands over to a preferred voter that has been ready for long enough: in the order of the
    /// configuration, which is the same on all nodes.
    mutating func followPreference(into effects: inout [RaftEffect]) {
        guard lead.transfer == nil, !preferred.isEmpty, !preferred.contains(id), let heir = readyHeir else {
            lead.preferredSince = nil
            return
        }
        guard let since = lead.preferredSince else {
            lead.preferredSince = now
            return
        }
        if now >= since + lead.preferenceHold { transferLeadership(to: heir, into: &effects) }
    }

    /// What may be on its way to an heir: while entries are written all the time, one that is far away never has
    /// the last of them. The transfer itself takes no new ones until it has all.
    private static var lagAllowed: UInt64 { 1_024 }

    /// A preferred voter that has what is committed, or is about to, is in touch and reachable.
    private var readyHeir: NodeID? {
        guard !configuration.isJoint, commitIndex >= lead.termStart else { return nil }
        return preferred.first { node in
            guard configuration.voters.contains(node), let slot = progress.slot(of: node) else { return false }
            let peer = progress.peers[slot]
            return peer.state == .replicate && peer.isReachable && peer.match > 0 && peer.match + Self.lagAllowed >= commitIndex
                && Instant(nanoseconds: Int64(clamping: peer.ackedStamp)) + timing.electionTimeout > now
        }
    }
}
