package import Primitives

/// What a commit became.
package struct VolumeCommit: Hashable, Sendable {
    /// The version that it made; the latest one where there was nothing to commit.
    package var version: VersionID
    package var digest: Digest
    /// What the session's provisional inodes are now, ordered by the provisional id.
    package var renumbering: [Renumbering]
    package var conflicts: [ConflictRecord]
    package var filesChanged: UInt64
    package var bytesAdded: UInt64

    package struct Renumbering: Hashable, Sendable {
        package let provisional: InodeID
        package let real: InodeID
        package init(provisional: InodeID, real: InodeID) {
            self.provisional = provisional
            self.real = real
        }
    }

    /// The most conflicts that an answer lists; the log has those in which something lost.
    package static let maximumConflicts = 10_000
}

extension VolumeCommit: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(version)
        writer.write(digest)
        writer.write(renumbering)
        writer.write(conflicts)
        writer.write(filesChanged)
        writer.write(bytesAdded)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        version = try reader.value()
        digest = try reader.value()
        renumbering = try reader.array()
        conflicts = try reader.array(limit: Self.maximumConflicts)
        filesChanged = try reader.uint64()
        bytesAdded = try reader.uint64()
    }
}

extension VolumeCommit.Renumbering: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(provisional)
        writer.write(real)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(provisional: try reader.value(), real: try reader.value())
    }
}

extension NamespaceState {
    /// Merges a session's changes onto the latest version: see `VolumeMerge`.
    mutating func commit(_ changes: VolumeChanges, _ info: CommitInfo, _ context: CommandContext) throws(NamespaceError) -> NamespaceReply {
        guard !isSession else { throw NamespaceError(.invalid, object: "session", cause: "a session commits to the volume, not to itself") }
        try Self.validate(info)
        guard !changes.isEmpty else { return .committed(emptyCommit()) }
        return try atomically { (state) throws(NamespaceError) in
            state.sealDirectChanges(context)
            let stamp = state.stamp(context)
            var merge = VolumeMerge(state: state, changes: changes, stamp: stamp)
            let outcome = try merge.run()
            let refused = outcome.conflicts
            if info.ifUnchanged, !refused.isEmpty {
                throw NamespaceError(
                    .conflict, object: "\(changes.base)",
                    cause: "\(refused.count) \(refused.count == 1 ? "path was" : "paths were") changed by others since",
                    hint: "reload and make the changes again, or commit without --if-unchanged",
                    paths: refused.prefix(NamespaceError.maximumPaths).map(\.path))
            }
            try merge.state.requireWithinLimits(since: state)
            state = merge.state
            return .committed(state.publish(outcome, info, context))
        }
    }

    private func emptyCommit() -> VolumeCommit {
        VolumeCommit(
            version: version, digest: history.latest.digest, renumbering: [], conflicts: [], filesChanged: 0, bytesAdded: 0)
    }

    private mutating func publish(_ outcome: VolumeMerge.Outcome, _ info: CommitInfo, _ context: CommandContext) -> VolumeCommit {
        let id = VersionID(version.rawValue + 1)
        var conflicts = outcome.conflicts
        for index in conflicts.indices {
            conflicts[index].version = id
            conflicts[index].time = context.time
            conflicts[index].author = info.author
            if conflicts[index].losing != nil {
                conflicts[index].id = conflictLog.append(conflicts[index], limit: settings.conflictsKept)
            }
        }
        let record = seal(info, time: context.time, filesChanged: outcome.filesChanged, bytesAdded: outcome.bytesAdded)
        return VolumeCommit(
            version: record.id, digest: record.digest, renumbering: outcome.renumbering,
            conflicts: Array(conflicts.prefix(VolumeCommit.maximumConflicts)), filesChanged: outcome.filesChanged,
            bytesAdded: outcome.bytesAdded)
    }

    static func validate(_ info: CommitInfo) throws(NamespaceError) {
        guard info.author.utf8.count <= CommitInfo.authorBytes, info.message.utf8.count <= CommitInfo.messageBytes else {
            throw NamespaceError(
                .tooBig, object: "commit",
                cause: "an author has at most \(CommitInfo.authorBytes) bytes and a message at most \(CommitInfo.messageBytes)")
        }
    }

    /// A commit may fill the file system up to its limits, and make it smaller where it is beyond them.
    func requireWithinLimits(since before: NamespaceState) throws(NamespaceError) {
        let new = tree.statistics
        let old = before.tree.statistics
        if let limit = settings.maximumInodes, new.inodes > limit, new.inodes > old.inodes {
            throw NamespaceError(
                .quotaExceeded, object: "commit", cause: "the file system may hold \(limit) inodes", hint: "remove something")
        }
        if let limit = settings.maximumBytes, new.allocated > limit, new.allocated > old.allocated {
            throw NamespaceError(
                .quotaExceeded, object: "commit", cause: "the file system may hold \(limit) bytes", hint: "remove something")
        }
    }
}
