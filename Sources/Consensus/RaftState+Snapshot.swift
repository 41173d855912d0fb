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
        if ok { progress.peers[slot].rewind(to: next) }
        // Nothing before the member has said how far it is, or has answered something newer.
        progress.peers[slot].probeStamp = nextStamp()
        wakeLeader()
    }

    // MARK: - On a follower

    /// Whether a received snapshot is ahead of the state machine. If so the host puts it in place
    /// together with `snapshotReceived`; if not it drops it, and says `snapshotReceived` all the same,
    /// so that the leader hears how far this member is.
    package func accepts(_ metadata: SnapshotMetadata) -> Bool { metadata.index > handedIndex }

    mutating func snapshotReceived(_ metadata: SnapshotMetadata, into effects: inout [RaftEffect]) {
        follow.isAckDue = true
        guard accepts(metadata) else { return }
        if metadata.term > term { becomeFollower(term: metadata.term, leader: nil, into: &effects) }
        if log.term(at: metadata.index) == metadata.term {
            jump(to: metadata)
        } else {
            replaceLog(with: metadata, into: &effects)
        }
        follow.matched = max(follow.matched, commitIndex)
        follow.leaderCommit = max(follow.leaderCommit, commitIndex)
        handedIndex = metadata.index
        appliedIndex = metadata.index
    }

    /// The log holds all of it, but the state machine is ahead of what was handed over.
    private mutating func jump(to metadata: SnapshotMetadata) {
        if metadata.index > (snapshot?.index ?? 0) { snapshot = metadata }
        guard metadata.index > commitIndex else { return }
        for entry in log.slice(from: commitIndex + 1, through: metadata.index, bytes: .max) { lead.uncommittedBytes -= entry.size }
        commitIndex = metadata.index
    }

    /// The log is shorter, or another: the snapshot takes its place.
    private mutating func replaceLog(with metadata: SnapshotMetadata, into effects: inout [RaftEffect]) {
        precondition(
            role != .leader && metadata.index > commitIndex,
            "\(group): a snapshot at \(metadata) contradicts what is committed through \(commitIndex)")
        if role != .follower { becomeFollower(term: term, leader: nil, into: &effects) }
        snapshot = metadata
        log.reset(index: metadata.index, term: metadata.term)
        persistence.reset(to: metadata.index)
        follow.matched = metadata.index
        commitIndex = metadata.index
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
