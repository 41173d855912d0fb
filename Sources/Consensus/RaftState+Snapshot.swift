import Primitives

extension RaftState {
    // MARK: - On the leader

    /// The member needs entries that are cut off.
    mutating func sendSnapshot(to slot: Int, into effects: inout [RaftEffect]) {
        let peer = progress.peers[slot]
        // Streaming to somebody who has not been heard in this term is wasted.
        guard let snapshot, peer.ackedStamp != 0, peer.isReachable else { return }
        precondition(
            snapshot.index >= log.baseIndex, "\(group): the log is cut through \(log.baseIndex), the snapshot ends at \(snapshot.index)")
        progress.peers[slot].becomeSnapshot(at: snapshot.index)
        effects.append(.sendSnapshot(to: peer.id, snapshot))
    }

    mutating func snapshotSendFinished(to peer: NodeID, ok: Bool) {
        guard role == .leader, let slot = progress.slot(of: peer), progress.peers[slot].state == .snapshot else { return }
        let next = progress.peers[slot].next
        progress.peers[slot].becomeProbe()
        if ok {
            progress.peers[slot].rewind(to: next)
        } else {
            // Not again before the member has answered something newer.
            progress.peers[slot].probeStamp = nextStamp()
        }
        wakeLeader()
    }

    // MARK: - On a follower

    /// Whether a received snapshot would replace the state machine. If not, the host drops it.
    /// Ask before `snapshotReceived`, and put the snapshot's state machine in place together with it.
    package func accepts(_ metadata: SnapshotMetadata) -> Bool {
        role != .leader && metadata.index > commitIndex && log.term(at: metadata.index) != metadata.term
    }

    mutating func snapshotReceived(_ metadata: SnapshotMetadata, into effects: inout [RaftEffect]) {
        guard role != .leader else { return }
        follow.isAckDue = true
        guard metadata.index > commitIndex else { return }
        if metadata.term > term || role != .follower {
            becomeFollower(term: max(term, metadata.term), leader: metadata.term > term ? nil : leader, into: &effects)
        }
        follow.matched = max(follow.matched, metadata.index)
        follow.leaderCommit = max(follow.leaderCommit, metadata.index)
        if log.term(at: metadata.index) == metadata.term {
            // All of it is in the log: apply it from there.
            commitIndex = metadata.index
            return
        }
        snapshot = metadata
        log.reset(index: metadata.index, term: metadata.term)
        persistence.reset(to: metadata.index)
        follow.matched = metadata.index
        commitIndex = metadata.index
        handedIndex = metadata.index
        appliedIndex = metadata.index
        configurations.reset(index: metadata.index, metadata.configuration)
        recomputeTiming()
    }

    // MARK: - Compaction

    /// What to call a snapshot of the state machine through `index`: pass it to `compact` when the
    /// snapshot is durable. Nil where the log no longer says.
    package func snapshotMetadata(at index: UInt64) -> SnapshotMetadata? {
        guard index <= handedIndex, let term = log.term(at: index), let configuration = configurations.at(index) else { return nil }
        return SnapshotMetadata(index: index, term: term, configuration: configuration)
    }

    mutating func compact(_ metadata: SnapshotMetadata) {
        guard metadata.index > (snapshot?.index ?? 0), metadata.index <= appliedIndex else { return }
        precondition(
            log.term(at: metadata.index) == metadata.term, "\(group): a snapshot at \(metadata), where the log does not agree")
        snapshot = metadata
        var cut = metadata.index
        var kept = 0
        var bytes = 0
        while cut > log.baseIndex, kept < settings.compactionKeepEntries {
            bytes += log[cut].size
            if bytes > settings.compactionKeepBytes { break }
            kept += 1
            cut -= 1
        }
        log.compact(through: cut)
        configurations.compact(through: cut)
    }
}
