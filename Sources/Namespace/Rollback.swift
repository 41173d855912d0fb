import Primitives

extension NamespaceState {
    /// A new version with the content of an old one. What differs gets new change counters, so that
    /// no session takes it for what it saw before; the digest is that of the old version.
    mutating func rollback(to target: VersionID, _ info: CommitInfo, _ context: CommandContext) throws(NamespaceError) -> NamespaceReply {
        try Self.validate(info)
        let old = try tree(at: target)
        return try atomically { (state) throws(NamespaceError) in
            state.sealDirectChanges(context)
            let current = state.tree
            guard current.records.digest.content != old.records.digest.content else {
                return .committed(
                    VolumeCommit(
                        version: state.version, digest: state.history.latest.digest, renumbering: [], conflicts: [], filesChanged: 0,
                        bytesAdded: 0))
            }
            let stamp = state.stamp(context)
            state.tree = old
            var files: UInt64 = 0
            var bytes: UInt64 = 0
            for id in Self.changedInodes(from: current, to: old) {
                let (before, after) = (current.inode(id), old.inode(id))
                if (before ?? after).map({ !$0.isDirectory }) ?? false { files += 1 }
                guard var inode = after else { continue }
                if inode.links == 0, id != .root, !state.references.holds(id) {
                    state.tree.destroy(id)
                    continue
                }
                if before?.allocated ?? 0 < inode.allocated { bytes += inode.allocated - (before?.allocated ?? 0) }
                inode.edit(stamp)
                state.tree.set(inode, for: id)
            }
            let record = state.seal(info, time: context.time, filesChanged: files, bytesAdded: bytes)
            return .committed(
                VolumeCommit(
                    version: record.id, digest: record.digest, renumbering: [], conflicts: [], filesChanged: files, bytesAdded: bytes))
        }
    }

    /// Inodes of which any record differs, ascending.
    private static func changedInodes(from old: NamespaceTree, to new: NamespaceTree) -> [InodeID] {
        var ids: [InodeID] = []
        for difference in new.records.differences(from: old.records) where ids.last != difference.key.inodeID {
            ids.append(difference.key.inodeID)
        }
        return ids
    }

    mutating func resolveConflict(
        _ id: UInt64, _ resolution: ConflictResolution, _ context: CommandContext
    ) throws(NamespaceError) -> NamespaceReply {
        guard let conflict = conflictLog[id] else {
            throw NamespaceError(
                .noEntry, object: "conflict \(id)", cause: "there is no such unresolved conflict", hint: "list the conflicts")
        }
        switch resolution {
        case .dismiss:
            conflictLog.remove(id)
            history.prune(settings, now: context.time, pinned: conflictLog.pinnedVersions)
            return .done
        case .restore(let path, let info):
            try Self.validate(info)
            guard let losing = conflict.losing else { preconditionFailure("the log keeps conflicts in which something lost") }
            let source = try tree(at: losing.version)
            let target = path ?? conflict.path + Array(".conflict-\(losing.version)".utf8)
            let (directory, name) = try tree.walkToParent(target, credentials: context.enforced)
            return try atomically { (state) throws(NamespaceError) in
                state.sealDirectChanges(context)
                let place = try state.place(directory, name, context)
                try state.requireFree(place)
                try state.requireWritable(place, context)
                var graft = Graft(source: source, limit: .max, context: context, stamp: state.stamp(context))
                let copy = try graft.copy(losing.id, to: place.name, in: &state)
                state.conflictLog.remove(id)
                let bytes = state.tree.inode(copy)!.allocated
                let record = state.seal(info, time: context.time, filesChanged: UInt64(graft.objects), bytesAdded: bytes)
                return .committed(
                    VolumeCommit(
                        version: record.id, digest: record.digest, renumbering: [], conflicts: [], filesChanged: UInt64(graft.objects),
                        bytesAdded: bytes))
            }
        }
    }
}
