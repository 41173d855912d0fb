import Filesystem
import Namespace
import Primitives
import Replication

/// A client's attachment to a volume: a snapshot of one version, and what it has staged on it.
/// Reads and staged writes ask nobody; `commit` publishes the staged changes at once.
struct VolumeSession {
    /// The snapshot that was taken; changes are told against it.
    var base: NamespaceTree
    /// The snapshot with what this session has changed.
    var staged: NamespaceState
    var version: VersionID
    /// Changes applied to `staged` since the snapshot.
    var changes: UInt64 = 0
    var handles = OrderedTable<HandleID, VolumeHandle>()
    /// Copies under way of the chunks that staged changes name.
    var placements: [UInt64] = []
    /// A commit or reload is under way; changes wait for it.
    var isChangingVersion = false
    /// A commit of which no result is known: the next one begins with it.
    var pending: PendingCommit?
    /// When the last background commit began, or the session.
    var lastCommit = Instant.zero
    /// Parts of a commit may lie in the log.
    var hasUpload = false
    /// Changes of others that lost to what was staged while a commit was on its way.
    var overtaken: [ConflictRecord] = []
    /// Where the session keeps numbers (`SessionOptions.keepsNumbers`).
    var numbers: SessionNumbers?
    /// Numbers that stand for what a file was when its session moved on, while it is open.
    var retired = OrderedTable<InodeID, Retired>()
    /// The tree of a past version, which the session reads and never leaves.
    var pinned: NamespaceTree?

    /// What the session reads.
    var view: NamespaceTree { pinned ?? staged.tree }

    /// Files whose content is not to be published yet.
    var unfinished: [InodeID] {
        let writers = handles.filter { $0.value.isWritable }
        let synced = Set(writers.filter(\.value.isSynced).compactMap { $0.value.inode })
        var open = writers.compactMap { $0.value.inode }.filter { !synced.contains($0) }
        open.sort()
        return open
    }

    /// Nil where the version that the options name is not kept.
    init?(_ state: NamespaceState, options: SessionOptions) {
        if options.keepsNumbers { numbers = SessionNumbers() }
        guard let wanted = options.version else {
            version = options.startsAt ?? state.version
            guard let tree = version == state.version ? state.tree : try? state.tree(at: version) else { return nil }
            base = tree
            staged = state.session(on: tree)
            return
        }
        guard let tree = try? state.tree(at: wanted) else { return nil }
        base = tree
        staged = state.session()
        version = wanted
        pinned = tree
    }
}

/// An open file of a volume session. It keeps its inode though the session reloads.
struct VolumeHandle {
    let id: HandleID
    let path: FilePath
    let mode: OpenMode
    /// Nil while a replaced file is not published.
    var inode: InodeID?
    var stage: StageID?
    /// End of the furthest write since the last flush.
    var writtenEnd: UInt64 = 0
    var size: UInt64
    /// Synced since it was opened: what it had then may be published.
    var isSynced = false
    var reads = SequentialReads()
    /// The snapshot that reads see, after a reload has moved the session on.
    var pinned: NamespaceTree?
    /// The number by which the session shows it, where it keeps numbers; and whether that stands for the past by now.
    var shown: InodeID?
    var isRetired = false

    var replaces: Bool {
        if case .replace = mode { return true }
        return false
    }

    var isWritable: Bool {
        switch mode {
        case .read: false
        case .write, .create, .replace: true
        }
    }
}
