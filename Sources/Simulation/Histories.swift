import Filesystem
import Primitives

/// What clients did and saw, as they saw it. The checkers know nothing else, but for what lies on
/// disks at the end.
struct Histories {
    /// Values by number; each is written once.
    private(set) var lengths: [UInt64] = [0]
    private var byPrefix: [UInt64: UInt64] = [:]  // looked up only
    /// By file system and file.
    private(set) var registers: [RegisterKey: [RegisterOperation]] = [:]  // looked up only
    private(set) var registerKeys: [RegisterKey] = []
    /// Times during which a client knew itself to hold a lock, by file system and file.
    private(set) var locks: [RegisterKey: [LockHold]] = [:]  // looked up only
    private(set) var lockKeys: [RegisterKey] = []
    /// By file system.
    var volumes: [Int: VolumeHistory] = [:]  // looked up only

    struct RegisterKey: Hashable {
        let filesystem: Int
        let file: Int
    }

    mutating func newValue(length: UInt64) -> UInt64 {
        let tag = UInt64(lengths.count)
        lengths.append(length)
        byPrefix[Self.prefix(Content(tag: tag, length: 8).bytes)] = tag
        return tag
    }

    private static func prefix(_ bytes: [UInt8]) -> UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    func content(_ tag: UInt64) -> Content { Content(tag: tag, length: lengths[Int(tag)]) }

    /// Which value these bytes are, all of it; nil where they are none.
    func value(of content: Content) -> UInt64? {
        var tag: UInt64?
        switch content.pieces.first {
        case .stream(let stream, 0, _)?: tag = stream
        case .bytes(let bytes)? where bytes.count >= 8: tag = byPrefix[Self.prefix(bytes)]
        default: break
        }
        guard let tag, tag > 0, tag < UInt64(lengths.count), content.isSame(as: self.content(tag)) else { return nil }
        return tag
    }

    mutating func register(_ filesystem: Int, _ file: Int, _ operation: RegisterOperation) {
        let key = RegisterKey(filesystem: filesystem, file: file)
        if registers[key] == nil { registerKeys.append(key) }
        registers[key, default: []].append(operation)
    }

    mutating func hold(_ filesystem: Int, _ file: Int, _ hold: LockHold) {
        let key = RegisterKey(filesystem: filesystem, file: file)
        if locks[key] == nil { lockKeys.append(key) }
        locks[key, default: []].append(hold)
    }

    mutating func begin(_ commit: CommitRecord, _ filesystem: Int) -> Int {
        volumes[filesystem, default: VolumeHistory()].commits.append(commit)
        return volumes[filesystem]!.commits.count - 1
    }
}

/// An operation on one file of a network file system, as its client saw it.
struct RegisterOperation: Hashable {
    enum Kind: Hashable {
        case read, write
        /// Succeeds only where there is no file.
        case createNew
        case remove
        /// Refused because the file was there, or was not.
        case foundExisting, foundAbsent
    }
    var kind: Kind
    /// What was read or written; nil: no file.
    var value: UInt64?
    let began: Int64
    /// Nil where no answer came: it may happen at any time after it began, or never.
    let ended: Int64?

    init(kind: Kind, value: UInt64?, began: Int64, ended: Int64?) {
        self.kind = kind
        self.value = value
        self.began = began
        self.ended = ended
    }

    init(_ job: Job, ended: Int64?, _ end: World.JobEnd) {
        began = job.began
        self.ended = ended
        switch (job.kind, end) {
        case (.read, _): (kind, value) = (.read, nil)
        case (.createNew, .exists): (kind, value) = (.foundExisting, nil)
        case (.createNew, _): (kind, value) = (.createNew, job.tag)
        case (.remove, .absent): (kind, value) = (.foundAbsent, nil)
        case (.remove, _): (kind, value) = (.remove, nil)
        default: (kind, value) = (.write, job.tag)
        }
    }
}

struct CommitRecord {
    struct Write: Hashable {
        let file: Int
        let tag: UInt64?
    }
    enum Outcome {
        /// No answer, or one that does not say.
        case unknown
        case published(version: UInt64, conflicts: [FilePath], isEmpty: Bool)
        /// Surely not.
        case refused
    }
    let client: Int
    let base: UInt64
    let writes: [Write]
    let ifUnchanged: Bool
    let began: Int64
    var ended: Int64?
    var outcome = Outcome.unknown
}

struct ReadRecord {
    let client: Int
    let version: UInt64
    let file: Int
    let tag: UInt64?
}

struct ListRecord {
    let client: Int
    let version: UInt64
    let staged: [CommitRecord.Write]
    let files: [Int]
}

/// A reload that promised the latest version.
struct ReloadRecord {
    let client: Int
    let began: Int64
    let version: UInt64
}

struct VolumeHistory {
    var commits: [CommitRecord] = []
    var reads: [ReadRecord] = []
    var lists: [ListRecord] = []
    var reloads: [ReloadRecord] = []
}
