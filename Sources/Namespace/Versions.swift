package import Primitives

/// Who made a commit, and why.
package struct CommitInfo: Hashable, Sendable {
    /// Refuse, with the paths, where anyone else changed what this commit changes.
    package var ifUnchanged: Bool
    package var session: UInt64
    /// Who, and from which region, as text; at most 256 bytes.
    package var author: String
    /// At most 4,096 bytes.
    package var message: String
    package init(ifUnchanged: Bool = false, session: UInt64 = 0, author: String = "", message: String = "") {
        self.ifUnchanged = ifUnchanged
        self.session = session
        self.author = author
        self.message = message
    }
}

extension CommitInfo: XDRCodable {
    package static let authorBytes = 256
    package static let messageBytes = 4_096
    package func encode(to writer: inout XDRWriter) {
        writer.write(ifUnchanged)
        writer.write(session)
        writer.write(author)
        writer.write(message)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            ifUnchanged: try reader.bool(), session: try reader.uint64(), author: try reader.string(limit: Self.authorBytes),
            message: try reader.string(limit: Self.messageBytes))
    }
}

/// One version of a volume: what is known about it, and its tree, which shares its pages with the
/// trees around it.
package struct VersionRecord: Sendable {
    package let id: VersionID
    package let time: WallTime
    package let info: CommitInfo
    /// The tree's.
    package let digest: Digest
    /// Files made, changed and removed.
    package let filesChanged: UInt64
    /// Bytes of content that the commit brought.
    package let bytesAdded: UInt64
    package let tree: NamespaceTree

    init(
        id: VersionID, time: WallTime, info: CommitInfo, digest: Digest, filesChanged: UInt64 = 0, bytesAdded: UInt64 = 0,
        tree: NamespaceTree
    ) {
        self.id = id
        self.time = time
        self.info = info
        self.digest = digest
        self.filesChanged = filesChanged
        self.bytesAdded = bytesAdded
        self.tree = tree
    }
}

/// The versions that are kept, oldest first; there is always one.
package struct VersionHistory: Sendable {
    package private(set) var versions: [VersionRecord] = []

    init() {}

    package var latest: VersionRecord {
        guard let last = versions.last else { preconditionFailure("a file system has a version from the start") }
        return last
    }

    mutating func append(_ version: VersionRecord) {
        precondition(versions.last.map { $0.id < version.id } ?? true, "versions grow")
        versions.append(version)
    }

    package subscript(_ id: VersionID) -> VersionRecord? {
        var low = 0
        var high = versions.count
        while low < high {
            let middle = (low + high) / 2
            if versions[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < versions.count && versions[low].id == id ? versions[low] : nil
    }

    fileprivate mutating func drop(after version: VersionID) { versions.removeAll { $0.id > version } }

    /// Drops what the settings no longer keep. `pinned` ascends.
    mutating func prune(_ settings: NamespaceSettings, now: WallTime, pinned: [VersionID]) {
        let kept = Int(settings.versionsKept)
        var isOld = versions.count > kept
        if let age = settings.versionAgeKept, let first = versions.first { isOld = isOld || Self.age(of: first, now) > age }
        guard isOld else { return }
        let surplus = versions.count - kept
        let last = versions.count - 1
        var index = -1
        versions.removeAll { version in
            index += 1
            guard index < last, index < surplus || settings.versionAgeKept.map({ Self.age(of: version, now) > $0 }) ?? false else {
                return false
            }
            return !pinned.contains(version.id)
        }
    }

    private static func age(of version: VersionRecord, _ now: WallTime) -> UInt64 {
        let (age, overflow) = now.nanoseconds.subtractingReportingOverflow(version.time.nanoseconds)
        return overflow || age < 0 ? 0 : UInt64(age)
    }
}

extension NamespaceState {
    /// The tree of a version; ENOENT where it is not kept.
    package func tree(at version: VersionID) throws(NamespaceError) -> NamespaceTree {
        guard let record = history[version] else {
            let oldest = history.versions.first?.id ?? version
            throw NamespaceError(
                .noEntry, object: "\(version)",
                cause: version > self.version ? "there is no such version yet" : "that version is no longer kept",
                hint: "versions \(oldest) to \(self.version) may be asked for")
        }
        return record.tree
    }

    /// This state as it was when `version` was the latest; itself where that is no longer kept.
    package func asOf(_ version: VersionID) -> NamespaceState {
        guard version < self.version, let record = history[version] else { return self }
        var copy = self
        copy.tree = record.tree
        copy.history.drop(after: version)
        return copy
    }

    /// A private copy of the latest version in which a session stages its changes. Its base, for
    /// `VolumeChanges.between`, is this state's `tree`, or that of the version that it shall begin on. Numbers that `earlier` gave are not given again.
    package func session(after earlier: NamespaceState? = nil, on base: NamespaceTree? = nil) -> NamespaceState {
        NamespaceState(
            tree: base ?? tree, settings: settings, nextInode: max(InodeID.provisionalBit + 1, earlier?.nextInode ?? 0),
            lastChange: lastChange,
            history: history, isSession: true)
    }

    /// A new file system with the content of a version of this one (the live tree where nil), as its
    /// version 1, after its own empty version 0. Metadata only: chunks are shared. It serves to clone
    /// and to change the kind, since both kinds are this one state.
    package func clone(at version: VersionID? = nil, info: CommitInfo, time: WallTime) throws(NamespaceError) -> NamespaceState {
        let source = try version.map { (id) throws(NamespaceError) in try tree(at: id) } ?? tree
        var copy = NamespaceState(settings: settings, time: time)
        copy.tree = source.withoutOrphans()
        copy.nextInode = nextInode
        copy.lastChange = lastChange
        copy.seal(info, time: time, filesChanged: copy.tree.statistics.files, bytesAdded: copy.tree.statistics.allocated)
        return copy
    }

    /// Makes the live tree a version.
    @discardableResult
    mutating func seal(_ info: CommitInfo, time: WallTime, filesChanged: UInt64, bytesAdded: UInt64) -> VersionRecord {
        let record = VersionRecord(
            id: VersionID(version.rawValue + 1), time: time, info: info, digest: tree.digest, filesChanged: filesChanged,
            bytesAdded: bytesAdded, tree: tree)
        history.append(record)
        history.prune(settings, now: time, pinned: conflictLog.pinnedVersions)
        return record
    }

    /// Makes what was changed without a commit a version of its own, so that every state that a
    /// commit replaces can be named.
    mutating func sealDirectChanges(_ context: CommandContext) {
        guard !tree.records.isIdentical(to: history.latest.tree.records) else { return }
        guard tree.records.digest != history.latest.tree.records.digest else { return }
        seal(CommitInfo(author: "", message: "changes made without a commit"), time: context.time, filesChanged: 0, bytesAdded: 0)
    }
}

extension NamespaceTree {
    /// Without inodes that are removed and only kept because they are open.
    func withoutOrphans() -> NamespaceTree {
        var copy = self
        for (key, record) in records {
            guard case .attributes(let inode) = record, key.inodeID != .root, inode.links == 0 else { continue }
            copy.destroy(key.inodeID)
        }
        return copy
    }
}
