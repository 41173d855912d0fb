import Primitives

extension RaftState {
    /// Begins a change to `target`. Refused silently, to be asked for again, unless this node leads,
    /// has committed in its term, hands over to nobody and has finished the last change. A node should
    /// be a learner, and caught up, before it becomes a voter: until then it counts and cannot help.
    mutating func changeMembership(_ target: RaftConfiguration, into effects: inout [RaftEffect]) {
        guard role == .leader, lead.transfer == nil, !target.voters.isEmpty else { return }
        guard !configuration.isJoint, configurations.currentIndex <= commitIndex, commitIndex >= lead.termStart else { return }
        guard target.voters != configuration.voters || target.leaving.learners != configuration.learners else { return }
        appendConfiguration(configuration.entering(target), into: &effects)
    }

    /// Refused silently, as `changeMembership`.
    mutating func recordMembership(into effects: inout [RaftEffect]) {
        guard role == .leader, lead.transfer == nil, configurations.currentIndex == 0, commitIndex >= lead.termStart else { return }
        appendConfiguration(configuration, into: &effects)
    }

    private mutating func appendConfiguration(_ configuration: RaftConfiguration, into effects: inout [RaftEffect]) {
        appendEntry(.configuration, configuration.xdrBytes, into: &effects)
    }

    /// The joint configuration is committed: on to the one it leads to. Also after an election.
    mutating func leaveJoint(into effects: inout [RaftEffect]) {
        guard configuration.isJoint, configurations.currentIndex <= commitIndex, commitIndex >= lead.termStart else { return }
        appendConfiguration(configuration.leaving, into: &effects)
    }

    /// A configuration is in force from the moment it is in the log.
    mutating func adopt(_ entry: RaftEntry, into effects: inout [RaftEffect]) {
        configurations.append(entry)
        if role == .leader {
            progress.adopt(configuration, next: entry.index, window: settings.maximumInflightMessages)
            leaderPersisted()
            if let transfer = lead.transfer, !configuration.isVoter(transfer.target) { abortTransfer(into: &effects) }
        }
        recomputeTiming()
    }

    /// A leader without a vote manages the group until the configuration without it is committed,
    /// then goes (thesis §4.2.2), handing over to whoever has everything.
    mutating func departIfRemoved(into effects: inout [RaftEffect]) {
        guard role == .leader, !configuration.isVoter(id), configurations.currentIndex <= commitIndex else { return }
        let heir = progress.peers.first { configuration.isVoter($0.id) && $0.match == log.lastIndex && $0.isReachable }
        if let heir { effects.append(.send(to: heir.id, .timeoutNow(term: term, lastIndex: log.lastIndex))) }
        becomeFollower(term: term, leader: nil, into: &effects)
    }
}
