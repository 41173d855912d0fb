package import Primitives

/// A file system as a replicated state machine: the tree, what it takes to change it, and its past.
///
/// It is a value, it knows no clock, no randomness and no mode: commands carry their time and their
/// caller, and replicas that apply the same commands in the same order have equal `namespaceDigest`s.
/// A command that fails changes nothing at all.
///
/// POSIX rules are kept here once, for all front ends (IEEE Std 1003.1-2024). Choices where POSIX
/// leaves one, and deviations:
/// - the times of access are set only when asked for; reading is not a command;
/// - changes of owner and writes clear the set-id bits unless root makes them;
/// - whoever owns a file may write its content whatever its mode says, as NFS servers allow it: mode
///   was checked when the file was opened (RFC 8881 §18.32.4 lets the server decide);
/// - inode numbers only grow, also past a rollback, so that no number names two inodes and a stale
///   handle never finds a stranger;
/// - a removed inode stays, without a name, while a registered reference holds it.
package struct NamespaceState: Sendable {
    /// The live tree, for reads and snapshots.
    package internal(set) var tree: NamespaceTree
    package internal(set) var settings: NamespaceSettings
    /// Ids below it were handed out, or the provisional ones of a session.
    var nextInode: UInt64
    /// The last value that `Inode.changeID` took anywhere.
    var lastChange: UInt64
    var references = ReferenceTable()
    package internal(set) var history: VersionHistory
    package internal(set) var conflictLog = ConflictLog()
    /// Within a batch: what it made last.
    var lastCreated: InodeID?
    /// A private copy in which a volume session stages: new inodes get provisional ids.
    package let isSession: Bool

    /// A file system with nothing but its root, which is version 0.
    package init(settings: NamespaceSettings, time: WallTime, rootMode: UInt32 = 0o755, owner: UInt32 = 0, group: UInt32 = 0) {
        var tree = NamespaceTree(salt: settings.salt)
        tree.set(Inode(type: .directory, mode: rootMode, owner: owner, group: group, stamp: Stamp(time: time, change: 1)), for: .root)
        self.init(tree: tree, settings: settings, nextInode: 2, lastChange: 1, history: VersionHistory(), isSession: false)
        history.append(VersionRecord(id: VersionID(0), time: time, info: CommitInfo(), digest: tree.digest, tree: tree))
    }

    init(
        tree: NamespaceTree, settings: NamespaceSettings, nextInode: UInt64, lastChange: UInt64, history: VersionHistory, isSession: Bool
    ) {
        self.tree = tree
        self.settings = settings
        self.nextInode = nextInode
        self.lastChange = lastChange
        self.history = history
        self.isSession = isSession
    }

    /// The latest version.
    package var version: VersionID { history.latest.id }
    package var statistics: NamespaceStatistics { tree.statistics }

    /// Carries the command out, or says why not and leaves everything as it was.
    package mutating func apply(_ command: NamespaceCommand) -> NamespaceResult {
        apply(command.operation, context: command.context)
    }

    package mutating func apply(_ operation: NamespaceOperation, context: CommandContext) -> NamespaceResult {
        do {
            return .success(try execute(operation, context))
        } catch {
            return .failure(error.during(operation.word))
        }
    }

    /// Whether an inode exists, for front ends that keep handles.
    package func contains(_ id: InodeID) -> Bool { tree.inode(id) != nil }

    // MARK: For the operations

    /// Draws the next value of the change counter. Called once nothing can fail any more.
    mutating func stamp(_ context: CommandContext) -> Stamp {
        lastChange += 1
        return Stamp(time: context.time, change: lastChange)
    }

    mutating func allocateInode() -> InodeID {
        defer { nextInode += 1 }
        return InodeID(nextInode)
    }

    /// Runs `body` on a state that is put back if it throws.
    mutating func atomically<Result>(
        _ body: (inout NamespaceState) throws(NamespaceError) -> Result
    ) throws(NamespaceError) -> Result {
        let before = self
        do {
            return try body(&self)
        } catch {
            self = before
            throw error
        }
    }

    /// Refuses what would pass the limits of the file system.
    func charge(inodes: UInt64, bytes: UInt64, object: @autoclosure () -> String) throws(NamespaceError) {
        if let limit = settings.maximumInodes, inodes > 0, tree.statistics.inodes + inodes > limit {
            throw NamespaceError(
                .quotaExceeded, object: object(), cause: "the file system may hold \(limit) inodes",
                hint: "remove something or raise the limit")
        }
        let (total, overflow) = tree.statistics.allocated.addingReportingOverflow(bytes)
        if bytes > 0, overflow || total > settings.maximumBytes ?? .max {
            throw NamespaceError(
                .quotaExceeded, object: object(), cause: "the file system may hold \(settings.maximumBytes ?? .max) bytes",
                hint: "remove something or raise the limit")
        }
    }

    /// An inode as a command names it.
    func resolve(_ id: InodeID) throws(NamespaceError) -> InodeID {
        guard id == .lastCreated else { return id }
        guard let lastCreated else {
            throw NamespaceError(.invalid, object: "i0", cause: "inode 0 stands for what a batch made last, and nothing was made")
        }
        return lastCreated
    }
}
