package import Namespace
package import Primitives

/// The past of a volume as the seam speaks of it.
extension NamespaceState {
    /// Newest first.
    package func summaries(limit: Int) -> [VersionSummary] {
        history.versions.suffix(max(limit, 0)).reversed().map { record in
            VersionSummary(
                version: record.id, time: record.time, region: record.info.author, message: record.info.message, digest: record.digest,
                changes: record.filesChanged)
        }
    }

    /// Unresolved conflicts, oldest first.
    package func conflictSummaries(limit: Int) -> [ConflictSummary] { conflictLog.records.prefix(max(limit, 0)).map(ConflictSummary.init) }
}

extension ConflictSummary {
    package init(_ record: ConflictRecord) {
        self.init(
            index: record.id, path: FilePath(record.path) ?? .root, reason: record.reason.sentence,
            losingVersion: record.losing?.version ?? VersionID(0), size: record.losing?.inode.size ?? 0)
    }
}

extension NamespaceState {
    package func pathChanges(from: VersionID, to: VersionID, limit: Int) throws(FileFailure) -> (changes: [PathChange], truncated: Bool) {
        do {
            let found = try diff(from: from, to: to, limit: limit)
            return (found.changes.map(PathChange.init), found.truncated)
        } catch {
            throw FileFailure(error)
        }
    }
}

extension PathChange {
    init(_ change: TreeChange) {
        let kind: Kind =
            switch change.kind {
            case .added: .added
            case .removed: .removed
            case .modified: .modified
            case .renamed: .renamed
            }
        self.init(
            kind: kind, path: FilePath(change.path) ?? .root, from: change.oldPath.flatMap { FilePath($0) },
            size: change.kind == .removed ? change.oldSize : change.newSize)
    }
}
