package import Primitives

/// What an operator, or a host that reconciles, may want to know of a group.
package struct RaftStatus: Sendable {
    package struct Peer: Sendable, Hashable {
        package let id: NodeID
        package let state: Progress.State
        /// Agrees and durable there through this index.
        package let match: UInt64
        /// Since it was last known to follow; nil where it never was in this term.
        package let silence: Duration?
        package let isReachable: Bool
    }

    package let role: RaftRole
    package let term: UInt64
    package let leader: NodeID?
    package let commitIndex: UInt64
    package let appliedIndex: UInt64
    /// The log is held from here; the host's log store may drop what is before.
    package let firstIndex: UInt64
    package let lastIndex: UInt64
    package let durableIndex: UInt64
    package let logBytes: Int
    package let snapshot: SnapshotMetadata?
    package let configuration: RaftConfiguration
    /// Whether `configuration` is committed, so that another change may begin.
    package let isConfigurationCommitted: Bool
    /// Where in the log it is; 0 where the log began with it.
    package let configurationIndex: UInt64
    package let isQuiesced: Bool
    /// Until when no other leader can exist, if this node leads and has a lease. To answer a read, ask
    /// by `RaftEvent.read`.
    package let leaseEnd: Instant?
    package let transferTarget: NodeID?
    package let timing: RaftTiming
    /// The other members, at the leader; empty elsewhere.
    package let peers: [Peer]
}

extension RaftState {
    package var status: RaftStatus {
        RaftStatus(
            role: role, term: term, leader: leader, commitIndex: commitIndex, appliedIndex: appliedIndex, firstIndex: log.firstIndex,
            lastIndex: log.lastIndex, durableIndex: persistence.durableIndex, logBytes: log.bytes, snapshot: snapshot,
            configuration: configuration, isConfigurationCommitted: configurations.currentIndex <= commitIndex,
            configurationIndex: configurations.currentIndex, isQuiesced: isQuiesced,
            leaseEnd: leaseEnd, transferTarget: lead.transfer?.target, timing: timing,
            peers: progress.peers.filter { $0.id != id }.map { peer in
                RaftStatus.Peer(
                    id: peer.id, state: peer.state, match: peer.match,
                    silence: peer.ackedStamp == 0 ? nil : max(.zero, now - Instant(nanoseconds: Int64(clamping: peer.ackedStamp))),
                    isReachable: peer.isReachable)
            })
    }

    /// What must hold between two events. O(members), but for `isThorough`, which walks the log.
    package func checkInvariants(isThorough: Bool = false) {
        precondition(
            appliedIndex <= handedIndex && handedIndex <= commitIndex,
            "\(group): applied \(appliedIndex), handed \(handedIndex), committed \(commitIndex)")
        precondition(
            commitIndex <= log.lastIndex && commitIndex >= log.baseIndex,
            "\(group): committed \(commitIndex) of \(log.baseIndex)...\(log.lastIndex)")
        precondition(appliedIndex >= log.baseIndex, "\(group): the log is cut beyond what is applied")
        precondition(
            persistence.durableIndex < persistence.nextToWrite && persistence.nextToWrite == log.lastIndex + 1,
            "\(group): entries were not handed to the disk")
        precondition(log.lastTerm <= term, "\(group): an entry of term \(log.lastTerm) in term \(term)")
        precondition((snapshot?.index ?? 0) >= log.baseIndex, "\(group): the log is cut beyond the snapshot")
        precondition(persistence.fresh.isEmpty && !persistence.isHardStateDirty && persistence.truncateFrom == nil, "\(group): not flushed")
        precondition(
            persistence.held.isEmpty || persistence.hardStateToken > persistence.durableToken,
            "\(group): messages held for nothing")
        precondition(
            reads.items.count <= settings.maximumPendingReads && forwards.items.count <= settings.maximumPendingReads,
            "\(group): too many reads")
        switch role {
        case .leader:
            precondition(leader == id && votedFor == id && persistence.isHardStateDurable, "\(group): a leader without a durable vote")
            precondition(lead.uncommittedBytes >= 0 && forwards.isEmpty, "\(group): a leader that is not one")
            precondition(isQuiesced == (heartbeatDeadline == nil) && electionDeadline == nil, "\(group): a leader's timers")
            for peer in progress.peers {
                precondition(
                    peer.match < peer.next && peer.match <= log.lastIndex,
                    "\(group): \(peer.id) at \(peer.match), next \(peer.next)")
                precondition(
                    peer.inflightBytes >= 0 && (peer.inflightBytes == 0) == peer.inflight.isEmpty,
                    "\(group): the window to \(peer.id)")
            }
        case .candidate, .preCandidate, .follower:
            precondition(leader != id && heartbeatDeadline == nil && reads.isEmpty, "\(group): not a leader, but acts like one")
            precondition(isQuiesced == (electionDeadline == nil), "\(group): nobody watches the leader")
        }
        if isThorough { checkLog() }
    }

    private func checkLog() {
        var last = (index: log.baseIndex, term: log.baseTerm)
        for entry in log.entries {
            precondition(entry.index == last.index + 1 && entry.term >= last.term, "\(group): \(entry) after \(last)")
            last = (entry.index, entry.term)
        }
        let expected = [configurations.items[0].index] + log.entries.filter { $0.kind == .configuration }.map(\.index)
        let held = configurations.items.map(\.index)
        precondition(
            held.last == expected.last && held.allSatisfy(expected.contains),
            "\(group): configurations at \(held), in the log at \(expected)")
        precondition(log.bytes == log.entries.reduce(0) { $0 + $1.size }, "\(group): the log's size is miscounted")
    }
}
