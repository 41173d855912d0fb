import Filesystem
import Primitives
import Replication

// Commits that the node makes for a session, every so many seconds: what a mount of a volume does.

extension NodeState {
    /// With the housekeeping.
    mutating func beginBackgroundCommits(into effects: inout [Effect]) {
        for (id, session) in sessions {
            guard let every = session.options.commitEvery, !session.options.readOnly, !session.isDeleted, let volume = session.volume,
                volume.pinned == nil, volume.changes > 0 || volume.pending != nil, !volume.isChangingVersion,
                volume.lastCommit + every <= now
            else { continue }
            let time = now
            _ = updateVolume(id) {
                $0.isChangingVersion = true
                $0.lastCommit = time
            }
            begin(.background(.commitSession(id)), deadline: now + .seconds(60), into: &effects)
        }
    }

    mutating func performBackgroundCommit(_ id: SessionID, _ progress: inout RequestProgress, into effects: inout [Effect])
        throws(Interrupt)
    {
        guard let session = sessions[id], session.volume != nil else { return }
        progress.leavesOutOpenFiles = true
        let options = CommitOptions(message: "background commit")
        _ = try volumeCommit(options, session.context, .commit(options), &progress, into: &effects)
    }

    /// What could not be published stays staged; the next one takes it up.
    mutating func finishBackgroundCommit(_ id: SessionID, _ failure: FileFailure?, into effects: inout [Effect]) {
        if failure == nil { counters.backgroundCommits += 1 } else { counters.backgroundCommitsFailed += 1 }
        if failure != nil, updateVolume(id, { $0.hasUpload }) == true, let group = sessions[id]?.group {
            _ = updateVolume(id) { $0.hasUpload = false }
            dropUploads(of: id, group, into: &effects)
        }
        _ = updateVolume(id) { $0.isChangingVersion = false }
        runnable.append(contentsOf: versionWaiters.removeValue(forKey: id) ?? [])
    }
}
