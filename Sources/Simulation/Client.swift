import Filesystem
package import Primitives

/// What clients of one kind do.
package struct ClientPlan: Hashable, Sendable {
    /// Which file system of the scenario, by its place.
    package var filesystem: Int
    /// At machines of these regions; `count` at each region.
    package var regions: [RegionID]
    package var count: Int
    /// They share so many files, `d/f0` and on.
    package var files = 6
    /// Pause between two jobs, in milliseconds: at least, at most.
    package var thinkMilliseconds: ClosedRange<Int> = 20...200
    /// One value in so many is too large to be kept inline.
    package var largeOneIn = 4
    package var largeBytes: ClosedRange<Int> = 5_000...600_000
    /// Changes that a volume's client stages before it commits, at most.
    package var stagedMax = 4
    /// Deadlines of operations, in milliseconds.
    package var deadlineMilliseconds: ClosedRange<Int> = 2_000...12_000
    /// The clients move to the next region of their list after so long; nil: they stay.
    package var roamAfter: Duration?
    /// Commits in a hundred that refuse to overwrite (`--if-unchanged`).
    package var ifUnchangedPercent = 20
    /// Jobs in a hundred of a network file system's client that take a lock, hold it and give it back.
    package var lockPercent = 0
    /// Jobs in a hundred of a network file system's client that move, link, append to and list what is in small directories
    /// (`NamesJob`). Such clients believe nothing that they were told before.
    package var namesPercent = 0
    /// Jobs in a hundred of a volume's client that write files in place, rename them, and go back to older versions.
    package var editPercent = 0

    package init(filesystem: Int, regions: [RegionID], count: Int) {
        self.filesystem = filesystem
        self.regions = regions
        self.count = count
    }
}

/// A file system of the world, and what it is called there.
struct FilesystemInWorld {
    let name: String
    let kind: FilesystemKind
    let home: RegionID
    var id: FilesystemID?
}

/// Something that a client does in a few operations.
struct Job {
    enum Kind: Hashable {
        case read, write, createNew, remove, list, commit(ifUnchanged: Bool), reload(latest: Bool), status
        /// Opens a file, locks a range of it, holds that for a while, perhaps asks for another, and unlocks it (`Job.lock`).
        case lockCycle(wait: Bool)
        /// What `Job.names` says.
        case names
        /// Writes a part of a volume's file in place, or at its end, after it has read it.
        case edit(appends: Bool)
        /// Renames a volume's file, after it has read it.
        case move(to: Int)
        /// Makes an older version of a volume the newest.
        case rollback(to: UInt64)
        case diff(from: UInt64, to: UInt64)
    }
    let kind: Kind
    var file = 0
    /// What it writes (`WrittenValue`).
    var tag: UInt64 = 0
    var length: UInt64 = 0
    var began: Int64 = 0
    var step = 0
    var handle = HandleID(0)
    var size: UInt64 = 0
    var read: Content?
    /// The commit's number, which is its message too.
    var commit = 0
    /// The highest version that had been acknowledged when a reload began, and the commit that made it.
    var newest: (version: UInt64, commit: Int)?
    var lock: LockJob?
    /// For how long a lock is held.
    var hold: Int64 = 0
    /// Writes go in so many pieces.
    var pieces = 1
    var names: NamesJob?
    /// Where an edit writes.
    var offset: UInt64 = 0

    init(_ kind: Kind) { self.kind = kind }

    var path: FilePath { Client.path(file) }

    /// Nil when it is done.
    var next: FileOperation? {
        switch (kind, step) {
        case (.read, 0): .open(path: path, mode: .read)
        case (.read, 1): .read(handle: handle, offset: 0, length: UInt32(clamping: max(size, 1)))
        case (.read, 2): .close(handle: handle, abandon: false)
        case (.write, 0): .open(path: path, mode: .replace(mode: 0o644, refuseExisting: false))
        case (.createNew, 0): .open(path: path, mode: .replace(mode: 0o644, refuseExisting: true))
        case (.write, 1...pieces), (.createNew, 1...pieces): .write(handle: handle, offset: pieceRange.lowerBound)
        case (.write, pieces + 1), (.createNew, pieces + 1): .close(handle: handle, abandon: false)
        case (.remove, 0): .remove(path: path, recursive: false)
        case (.list, 0): .list(path: Client.directory, cookie: 0, limit: 10_000)
        case (.commit(let ifUnchanged), 0): .commit(CommitOptions(ifUnchanged: ifUnchanged, message: "c\(commit)"))
        case (.reload(let latest), 0): .reload(latest ? .latest : .local, discard: false)
        case (.status, 0): .sessionStatus
        case (.lockCycle, 0): .open(path: Client.lockPath(file), mode: .create(mode: 0o644, exclusive: false, truncate: false))
        case (.lockCycle, 1): lock.map { .lock(handle: handle, range: $0.first.range, exclusive: $0.first.exclusive, wait: $0.wait) }
        case (.lockCycle, 2): lockChange
        case (.lockCycle, 3): .unlock(handle: handle, range: LockJob.wholeFile)
        case (.lockCycle, 4): .close(handle: handle, abandon: false)
        case (.names, _): names?.next
        default: volumeNext
        }
    }

    var isHolding: Bool { if case .lockCycle = kind { step > 1 } else { false } }

    private var volumeNext: FileOperation? {
        switch (kind, step) {
        case (.edit, 0), (.move, 0): .open(path: path, mode: .read)
        case (.edit, 1), (.move, 1): .read(handle: handle, offset: 0, length: UInt32(clamping: max(size, 1)))
        case (.edit, 2), (.move, 2), (.edit, 5): .close(handle: handle, abandon: false)
        case (.edit, 3): .open(path: path, mode: .write)
        case (.edit(let appends), 4): .write(handle: handle, offset: appends ? .max : offset)
        case (.move(let other), 3): .rename(from: path, to: Client.path(other), noReplace: false)
        case (.rollback(let version), 0): .rollback(to: VersionID(version))
        case (.diff(let from, let to), 0): .diff(from: VersionID(from), to: VersionID(to), limit: 10_000)
        default: nil
        }
    }

    /// Files that are longer are not edited or moved, but only read.
    static let editMax: UInt64 = 8_192

    /// It never waits for this one: two that wait for each other's would do so until their deadlines.
    private var lockChange: FileOperation? {
        switch lock?.change {
        case .lock(let ask): .lock(handle: handle, range: ask.range, exclusive: ask.exclusive, wait: false)
        case .unlock(let range): .unlock(handle: handle, range: range)
        case nil: nil
        }
    }

    var isWriting: Bool {
        if case .edit = kind { return step == 4 }
        return (kind == .write || kind == .createNew) && (1...pieces).contains(step)
    }

    /// The bytes that this step writes.
    var pieceRange: Range<UInt64> {
        if case .edit = kind { return 0..<length }
        let width = length / UInt64(pieces)
        let start = width * UInt64(step - 1)
        return start..<(step == pieces ? length : start + width)
    }

    var isChange: Bool {
        switch kind {
        case .write, .createNew, .remove, .commit: true
        case .read, .list, .reload, .status, .lockCycle, .names, .edit, .move, .rollback, .diff: false
        }
    }

    /// The last step of these makes the change; before it nothing has happened.
    var isPublishing: Bool {
        switch kind {
        case .write, .createNew: step == pieces + 1
        case .remove, .commit: true
        case .read, .list, .reload, .status, .lockCycle, .names, .edit, .move, .rollback, .diff: false
        }
    }
}

/// A client at one machine: it does one thing after the other, and what it sees is recorded.
struct Client {
    let index: Int
    let plan: ClientPlan
    /// The region that it is at, by place in its plan's list.
    var regionPlace: Int
    var node: Int
    var chance: SeededGenerator
    var session: SessionID?
    /// Counts what it waits for; whatever comes for an earlier turn is void.
    var turn: UInt64 = 0
    var request: RequestID?
    var requestLife: UInt32 = 0
    var job: Job?
    /// Jobs to be done in order, of a client that verifies; each is repeated until it is done.
    var script: [Job]?
    var isDone = false
    var lastFailure = ""
    var nextRoam: Int64 = .max
    var began: Int64 = 0
    var volume = VolumeView()
    /// The group of names whose directory it knows to be there.
    var namesGroup: NamesGroup?

    static let directory = FilePath("d")!
    static func path(_ file: Int) -> FilePath { FilePath("d/f\(file)")! }
    /// Locks have files of their own, outside of what is listed and compared.
    static func lockPath(_ file: Int) -> FilePath { FilePath("lock\(file)")! }
}

/// What a volume's client knows of its session.
struct VolumeView {
    /// The version that the session reads; nil while not known.
    var version: UInt64?
    /// Changes not yet committed, in order: the value's tag, or nil where the file was removed.
    var staged: [(file: Int, tag: UInt64?)] = []
    /// Some of them keep a file's identity: it was written in place, or has another name.
    var hasEdits = false
    /// How many changes before it begins to commit.
    var goal = 1

    func staged(_ file: Int) -> UInt64?? { staged.last { $0.file == file }.map { $0.tag } }

    mutating func stage(_ file: Int, _ tag: UInt64?) {
        staged.removeAll { $0.file == file }
        staged.append((file, tag))
    }
}
