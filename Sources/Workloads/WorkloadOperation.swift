package import Primitives

/// The vocabulary of workloads: what a client does and is timed doing. Each stands for a few file
/// operations of the seam, which differ by kind of file system where the contracts differ; the
/// table below is also what reports print beside the names.
package enum WorkloadOperation: String, Sendable, Hashable, CaseIterable {
    case list
    case stat
    case openReadClose = "open-read-close"
    case open
    case readSequential = "read-1MiB-sequential"
    case readRandom = "read-4KiB-random"
    case createWriteClose = "create-write-close"
    case rename
    case remove
    case publish
    case poll
    case readLatest = "read-latest"
    case updateRecord = "update-record"
    case lockCycle = "lock-cycle"
    case saveCheckpoint = "save-checkpoint"
    case resume
    case putRevision = "put-revision"
    case commit
    case reload
    case reloadLocal = "reload-local"
    /// The preparation, once a kind: files put from the primary region, and the commit that waits for all regions.
    case putFile = "put-file"
    case commitAll = "commit-all"
    /// Several clients of every region at the same record: the whole change, and what it is made of.
    case contendedUpdate = "contended-update"
    case acquireLock = "acquire-lock"
    case tryCommit = "try-commit"
    case lockRefused = "lock-refused"
    /// Single calls of a trace.
    case read, write, sync, close
    case makeDirectory = "mkdir"
    /// Small operations while something is broken: see `FaultKind`.
    case partitionRead = "partition-read"
    case partitionWrite = "partition-write"
    case primaryLostRead = "primary-lost-read"
    case primaryLostWrite = "primary-lost-write"

    /// What is done on a file system of that kind; nil where that kind does not offer it.
    package func meaning(on kind: FilesystemKind) -> String? {
        switch (self, kind) {
        case (.list, _): "list a directory with attributes"
        case (.stat, _): "attributes of one file by path"
        case (.openReadClose, .nfs): "open, read whole, close one small file (close-to-open)"
        case (.openReadClose, .volume): "the same on the session's snapshot"
        case (.open, _): "open a large file to read"
        case (.readSequential, _): "the next MiB of an open large file"
        case (.readRandom, _): "4 KiB at a random page of an open large file"
        case (.createWriteClose, .nfs): "create, write, close: durable and visible"
        case (.createWriteClose, .volume): "create, write, close: staged; commit publishes it"
        case (.rename, .nfs): "rename one file"
        case (.rename, .volume): "rename one file, staged"
        case (.remove, .nfs): "remove one file"
        case (.remove, .volume): "remove one file, staged"
        case (.publish, .nfs): "write beside, close, rename into place"
        case (.publish, .volume): "write beside, close, rename into place, commit"
        case (.poll, .nfs): "list a directory that others write to"
        case (.poll, .volume): "reload to what the region has, list"
        case (.readLatest, .nfs): "open, read, close: sees what was closed before"
        case (.readLatest, .volume): "reload to the latest commit, open, read, close"
        case (.updateRecord, .nfs): "open, lock, read, write, sync, unlock, close one record"
        case (.updateRecord, .volume): "reload, read, replace one record, commit if unchanged"
        case (.lockCycle, .nfs): "take and drop a byte-range lock"
        case (.lockCycle, .volume): nil
        case (.saveCheckpoint, .nfs): "write a checkpoint beside, close, rename into place"
        case (.saveCheckpoint, .volume): "write a checkpoint, close, commit"
        case (.resume, .nfs): "open, read, close a whole checkpoint"
        case (.resume, .volume): "reload to the latest commit, open, read, close a whole checkpoint"
        case (.putRevision, .nfs): "put the second version of a file whole"
        case (.putRevision, .volume): "put the second version whole, commit, all regions"
        case (.commit, .volume): "publish what is staged, durable on a majority of regions"
        case (.reload, .volume): "move to the latest commit, asking the leader"
        case (.reloadLocal, .volume): "move to the newest commit that the region has"
        case (.commit, .nfs), (.reload, .nfs), (.reloadLocal, .nfs): nil
        case (.putFile, _): "put a file whole, from the primary region"
        case (.commitAll, .volume): "commit, waiting for all regions"
        case (.commitAll, .nfs): nil
        case (.contendedUpdate, .nfs): "lock a file that all clients want, read, write, sync, unlock"
        case (.contendedUpdate, .volume): "reload, read, replace, commit if unchanged; all again where another was first"
        case (.acquireLock, .nfs): "wait until the lock is one's own"
        case (.acquireLock, .volume): nil
        case (.tryCommit, .nfs): nil
        case (.tryCommit, .volume): "one commit if unchanged; an error is one that was refused because another was first"
        case (.lockRefused, .nfs): nil
        case (.lockRefused, .volume): "ask for a lock and be refused"
        case (.read, _): "bytes of an open file"
        case (.write, .nfs), (.sync, .nfs): self == .write ? "bytes into an open file" : "durable and visible"
        case (.write, .volume), (.sync, .volume): self == .write ? "bytes into an open file, staged" : "stored; commit publishes it"
        case (.close, _): "close a file, writing what is left of it"
        case (.makeDirectory, _): "make a directory"
        case (.partitionRead, _), (.primaryLostRead, _): FaultKind.readMeaning(kind)
        case (.partitionWrite, _), (.primaryLostWrite, _): FaultKind.writeMeaning(kind)
        }
    }

    /// Whether it belongs to the preparation and not to a workload's mix.
    package var isPreparation: Bool { self == .putFile || self == .commitAll }

    /// Whether a file of a workload may name it: others are parts of an operation, or belong to a phase.
    package var mayBeMixed: Bool {
        switch self {
        case .putFile, .commitAll, .open, .acquireLock, .tryCommit, .read, .write, .sync, .close, .makeDirectory, .partitionRead,
            .partitionWrite, .primaryLostRead, .primaryLostWrite:
            false
        default: true
        }
    }

    /// Whether its time is spent on bytes rather than on round trips, so that count × round trip
    /// does not predict it.
    package var isBulk: Bool {
        switch self {
        case .readSequential, .saveCheckpoint, .resume, .putRevision, .putFile, .commitAll, .read, .write, .close: true
        default: false
        }
    }

    /// Whether its time is that of waiting for others, or of faults: no count of round trips explains it.
    package var isContended: Bool {
        switch self {
        case .contendedUpdate, .acquireLock, .tryCommit, .partitionRead, .partitionWrite, .primaryLostRead, .primaryLostWrite: true
        default: false
        }
    }

    /// Whether count × round trip should predict it.
    package var isPredictable: Bool { !isBulk && !isContended }

    /// Whether it changes the file system.
    package var writes: Bool {
        switch self {
        case .createWriteClose, .rename, .remove, .publish, .updateRecord, .saveCheckpoint, .putRevision, .commit, .putFile, .commitAll:
            true
        case .contendedUpdate, .write, .sync, .makeDirectory: true
        default: false
        }
    }

    /// Whether it writes to the cell's own directory.
    var usesOwnDirectory: Bool {
        switch self {
        case .createWriteClose, .publish, .saveCheckpoint: true
        default: false
        }
    }

    /// Whether a volume's client begins it with a reload.
    var reloadsFirst: Bool { [.poll, .readLatest, .updateRecord, .contendedUpdate, .resume].contains(self) }

    /// Whether it reads small input files of the tree (each operation gets files of its own).
    var usesTree: Bool { self == .stat || self == .openReadClose }
}
