import Filesystem
import Namespace
import Primitives
import Replication

// Operations of a volume session. Names and attributes are changed in the session's own tree and
// cost no message.

extension NodeState {
    mutating func performVolume(
        _ operation: FileOperation, _ session: SessionContext, payload: Payload?, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        try takeTurn(operation, session, &progress)
        switch operation {
        case .stat(let path, let follow):
            return .attributes(try staged(session, operation) { (tree) throws(FileFailure) in try tree.walk(path, followLast: follow) })
        case .list(let path, let cookie, let limit):
            return try staged(session, operation) { (tree) throws(FileFailure) in
                let directory = try tree.walk(path, followLast: true).inode
                let page = try tree.list(directory, after: cookie, limit: Int(max(1, min(limit, 10_000))))
                return .entries(page.entries, nextCookie: page.next)
            }
        case .open(let path, let mode): return try volumeOpen(path, mode, session, operation)
        case .read(let handle, let offset, let length):
            return try volumeRead(handle, offset, length, session, operation, &progress, into: &effects)
        case .write(let handle, let offset): return try volumeWrite(handle, offset, payload, session, operation, &progress)
        case .sync(let id):
            let handle = try volumeHandle(id, session, operation)
            guard !handle.replaces else { throw .failure(unpublished(operation)) }
            try volumeFlush(handle, session, operation, &progress, into: &effects)
            _ = updateVolume(session.id) { volume in _ = volume.handles.update(id) { $0.isSynced = true } }
            return .done
        case .flush(let id):
            let handle = try volumeHandle(id, session, operation)
            guard !handle.replaces else { throw .failure(unpublished(operation)) }
            try volumeFlush(handle, session, operation, &progress, into: &effects)
            return .done
        case .close(let handle, let abandon):
            return try volumeClose(handle, abandon: abandon, session, operation, &progress, into: &effects)
        case .lock, .unlock, .testLock, .client:
            throw .failure(
                FileFailure(
                    .notSupported, operation: operation.name, object: operation.object,
                    cause: "a volume has no locks that hold between hosts", hint: "use a network file system where writers need locks"))
        case .statistics:
            var statistics = try staged(session, operation) { (tree) throws(FileFailure) in tree.fileStatistics }
            statistics.maximumBytes = sessions[session.id]?.volume?.staged.settings.maximumBytes
            return .statistics(statistics)
        case .make(let path, let object): return try volumeMake(path, object, session, operation)
        case .seek(let path, let offset, let hole):
            return .position(
                try staged(session, operation) { (tree) throws(FileFailure) in
                    try tree.position(of: tree.walk(path, followLast: true).inode, from: offset, hole: hole)
                })
        case .sessionStatus: return .session(try volumeStatus(session, operation))
        case .readLink(let path):
            return .link(
                try staged(session, operation) { (tree) throws(FileFailure) in
                    try tree.linkTarget(of: tree.walk(path, followLast: false).inode)
                })
        case .getXattr(let path, let name):
            return .bytes(
                try staged(session, operation) { (tree) throws(FileFailure) in
                    try tree.xattr(name, of: tree.walk(path, followLast: true).inode)
                })
        case .listXattrs(let path):
            return .names(
                try staged(session, operation) { (tree) throws(FileFailure) in
                    try tree.xattrList(of: tree.walk(path, followLast: true).inode)
                })
        case .makeDirectory, .remove, .rename, .exchange, .link, .symlink, .makeNode, .setAttributes, .zeroRange, .copy, .setXattr,
            .removeXattr:
            let command = try staged(session, operation) { (tree) throws(FileFailure) in try tree.change(for: operation) }
            let result = try stage(command, session, operation)
            switch (operation, result) {
            case (.setAttributes, .attributes(let attributes)), (.makeNode, .attributes(let attributes)): return .attributes(attributes)
            default: return .done
            }
        case .commit(let options): return try volumeCommit(options, session, operation, &progress, into: &effects)
        case .reload(let mode, let discard): return try volumeReload(mode, discard: discard, session, operation, &progress, into: &effects)
        case .history(let limit): return .history(try latest(session, operation).summaries(limit: Int(min(limit, 10_000))))
        case .diff(let from, let to, let limit):
            let tree = try latest(session, operation)
            do {
                let found = try tree.pathChanges(from: from, to: to, limit: Int(min(limit, 100_000)))
                return .changes(found.changes, truncated: found.truncated)
            } catch { throw .failure(error.about(operation)) }
        case .rollback(let version): return try volumeRollback(version, session, operation, &progress, into: &effects)
        case .clone: throw .failure(unexpected(operation))
        case .conflicts(let limit): return .conflicts(try latest(session, operation).conflictSummaries(limit: Int(min(limit, 10_000))))
        case .resolveConflict(let index):
            _ = try proposeChange(.resolveConflict(id: index, .dismiss), session, operation, Step(.propose), &progress)
            return .done
        }
    }

    /// While a commit or reload moves the session to another version, its changes wait: none may
    /// fall between the change set that was sent and the tree that comes back.
    private mutating func takeTurn(_ operation: FileOperation, _ session: SessionContext, _ progress: inout RequestProgress)
        throws(Interrupt)
    {
        guard !progress.holdsVersion, let volume = sessions[session.id]?.volume else { return }
        switch operation {
        case .commit, .reload, .rollback:
            guard !volume.isChangingVersion else { try waitForVersion(session) }
            progress.holdsVersion = true
            _ = updateVolume(session.id) { $0.isChangingVersion = true }
        case .sync, .flush, .close:
            guard !volume.isChangingVersion || !progress.begun.isEmpty else { try waitForVersion(session) }
        default:
            guard !volume.isChangingVersion || !operation.isChange || !progress.begun.isEmpty else { try waitForVersion(session) }
        }
    }

    private mutating func waitForVersion(_ session: SessionContext) throws(Interrupt) -> Never {
        versionWaiters[session.id, default: []].append(currentKey)
        throw .waiting
    }

    /// The newest state of the volume that this node has applied.
    func latest(_ session: SessionContext, _ operation: FileOperation) throws(Interrupt) -> NamespaceState {
        guard let files = groups[session.group]?.machine.files else {
            throw .failure(
                FileFailure(.unavailable, operation: operation.name, object: operation.object, cause: "this node holds no replica of it"))
        }
        return files.namespace
    }

    private func volumeStatus(_ session: SessionContext, _ operation: FileOperation) throws(Interrupt) -> SessionStatus {
        guard let volume = sessions[session.id]?.volume else {
            throw .failure(FileFailure(.stale, operation: operation.name, object: operation.object, cause: "the session has ended"))
        }
        return SessionStatus(
            session: session.id, filesystem: session.filesystem, version: volume.version, latest: try latest(session, operation).version,
            staged: volume.changes, openFiles: UInt32(volume.handles.count),
            readOnly: session.options.readOnly || session.options.version != nil, lag: lag(of: session.group))
    }

    // MARK: Reload

    private mutating func volumeReload(
        _ mode: ReloadMode, discard: Bool, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        guard let volume = sessions[session.id]?.volume else {
            throw .failure(FileFailure(.stale, operation: operation.name, object: operation.object, cause: "the session has ended"))
        }
        if session.options.version != nil {
            throw .failure(
                FileFailure(.readOnly, operation: operation.name, object: operation.object, cause: "the session is pinned to a version"))
        }
        let dirty =
            volume.handles.contains { $0.value.stage != nil }
            || volume.changes > 0 && !VolumeChanges.between(base: volume.base, staged: volume.staged.tree, version: volume.version).isEmpty
        if dirty, !discard {
            let lost =
                volume.changes == 0 ? "what open files were written" : "\(volume.changes) staged change\(volume.changes == 1 ? "" : "s")"
            throw .failure(
                FileFailure(
                    .conflict, operation: operation.name, object: session.filesystem.description, cause: "\(lost) would be lost",
                    hint: "commit first, or reload with discard"))
        }
        switch mode {
        case .local: break
        case .strict:
            guard volume.handles.isEmpty else {
                throw .failure(
                    FileFailure(
                        .busy, operation: operation.name, object: session.filesystem.description,
                        cause: "\(volume.handles.count) \(volume.handles.count == 1 ? "file is" : "files are") open",
                        hint: "close them, or reload without strict: open files keep what they read"))
            }
            try followLeader(session.group, &progress, into: &effects)
        case .latest: try followLeader(session.group, &progress, into: &effects)
        case .maxStaleness(let age):
            let known = progress.askedAt == nil ? groups[session.group]?.freshAsOf : nil
            if let known, known + age >= now { break }
            try followLeader(session.group, &progress, into: &effects)
        case .minimum(let version):
            guard try latest(session, operation).version < version else { break }
            try followLeader(session.group, &progress, into: &effects)
            guard try latest(session, operation).version >= version else {
                throw .failure(
                    FileFailure(.notFound, operation: operation.name, object: version.description, cause: "there is no such version yet"))
            }
        }
        for (id, handle) in sessions[session.id]?.volume?.handles ?? OrderedTable() {
            guard let stage = handle.stage else { continue }
            effects.append(.dropStage(stage))
            _ = updateVolume(session.id) { volume in _ = volume.handles.update(id) { $0.stage = nil } }
        }
        let newest = try latest(session, operation)
        let tree = mode == .local ? wholeState(of: newest, session.group, atLeast: volume.version) : newest
        _ = updateVolume(session.id) { $0.move(to: tree) }
        return .session(try volumeStatus(session, operation))
    }

    /// Applies everything that was committed when this began, and notes when that was.
    mutating func followLeader(_ group: GroupID, _ progress: inout RequestProgress, into effects: inout [Effect]) throws(Interrupt) {
        let asked = progress.askedAt ?? now
        progress.askedAt = asked
        let index = try patientReadIndex(group, &progress, into: &effects)
        countReadIndex(group, &progress)
        try waitApplied(group, index, Step(.applied), &progress)
        _ = groups.update(group) { $0.freshAsOf = max($0.freshAsOf ?? asked, asked) }
    }

    /// A read index that a leader in another region confirmed cost one round trip.
    private func countReadIndex(_ group: GroupID, _ progress: inout RequestProgress) {
        guard progress.charged.insert(Step(.readIndex)).inserted, let leader = groups[group]?.leader, isWideArea(leader) else { return }
        progress.cost.wideAreaRoundTrips += 1
        progress.cost.wideAreaBytes += 128
    }
}

extension VolumeSession {
    /// Takes a newer tree. Files that are open for reading keep what they read until they are closed.
    /// Those open for writing go on in the newer tree, with what was written to them and not flushed:
    /// a commit in the midst of writing takes nothing from them. `renumbering` tells what became of
    /// the inodes that this session had made. `isCarried`: what was staged beyond comes behind this, and `keepReaders` then.
    mutating func move(to state: NamespaceState, renumbering: [VolumeCommit.Renumbering] = [], isCarried: Bool = false) {
        let before = staged.tree
        for id in handles.keys {
            _ = handles.update(id) { handle in
                guard handle.isWritable else {
                    if handle.pinned == nil, numbers == nil { handle.pinned = before }
                    return
                }
                if let inode = handle.inode, inode.isProvisional, let renamed = renumbering.first(where: { $0.provisional == inode }) {
                    handle.inode = renamed.real
                }
            }
        }
        numbers?.rename(renumbering)
        base = state.tree
        staged = state.session(after: staged)
        version = state.version
        changes = 0
        placements = []
        if !isCarried { keepReaders(before: before) }
    }
}
