import Filesystem
import Primitives

/// What clients did and saw, as they saw it. The checkers know nothing else, but for what lies on
/// disks at the end. What has been checked is dropped (`World+Checking`).
struct Histories {
    private var values: UInt64 = 0
    private var edits = EditedValues()
    /// By file system and file.
    private var registers: [RegisterKey: RegisterHistory] = [:]  // looked up only
    private(set) var registerKeys: [RegisterKey] = []
    /// Times during which a client knew itself to hold a lock, by file system and file.
    private var locks: [RegisterKey: LockChecker] = [:]  // looked up only
    private(set) var lockKeys: [RegisterKey] = []
    /// By file system.
    var volumes: [Int: VolumeHistory] = [:]  // looked up only
    private(set) var volumeKeys: [Int] = []

    struct RegisterKey: Hashable {
        let filesystem: Int
        let file: Int
    }

    mutating func newValue(length: UInt64) -> UInt64 {
        values += 1
        return WrittenValue(number: values, length: length).rawValue
    }

    func content(_ value: UInt64) -> Content { WrittenValue(rawValue: value).content }

    /// Which value these bytes are, or would be if one of their length had been written; nil where they are nobody's.
    func value(of content: Content) -> UInt64? {
        var number: UInt64?
        switch content.pieces.first {
        case .stream(let stream, 0, _)?: number = stream
        case .bytes(let bytes)?: number = Content.tag(beginning: bytes)
        default: break
        }
        guard let number, number > 0, number <= values, content.length < WrittenValue.lengthMax else { return edits.value(of: content) }
        let value = WrittenValue(number: number, length: content.length)
        return content.isSame(as: value.content) ? value.rawValue : edits.value(of: content)
    }

    /// What a client has made of a file by writing a part of it, which may have been all that it had.
    mutating func newEdit(_ content: Content) -> UInt64 { value(of: content) ?? edits.add(content) }

    // MARK: Network file systems

    mutating func register(_ filesystem: Int, _ file: Int, _ operation: RegisterOperation) {
        let key = RegisterKey(filesystem: filesystem, file: file)
        if registers[key] == nil { registerKeys.append(key) }
        registers[key, default: RegisterHistory()].add(operation)
    }

    mutating func hold(_ filesystem: Int, _ file: Int, _ hold: LockHold) {
        let key = RegisterKey(filesystem: filesystem, file: file)
        if locks[key] == nil { lockKeys.append(key) }
        locks[key, default: LockChecker()].add(hold)
    }

    /// Checks what it can of a file. Fewer than `least` operations wait for more.
    mutating func advance(register key: RegisterKey, pendingSince: Int64, least: Int) -> RegisterChecker.Verdict {
        guard registers[key]?.answered.count ?? 0 >= least else { return .linearizable }
        return registers[key]?.advance(pendingSince: pendingSince) ?? .linearizable
    }

    mutating func finish(register key: RegisterKey) -> RegisterChecker.Verdict { registers[key]?.finish() ?? .linearizable }

    mutating func advance(lock key: RegisterKey, pendingSince: Int64, least: Int) -> String? {
        guard locks[key]?.holds.count ?? 0 >= least else { return nil }
        return locks[key]?.advance(pendingSince: pendingSince)
    }

    // MARK: Volumes

    mutating func begin(_ commit: CommitRecord, _ filesystem: Int, name: String) -> Int {
        if volumes[filesystem] == nil {
            volumes[filesystem] = VolumeHistory(name: name)
            volumeKeys.append(filesystem)
        }
        return volumes[filesystem]?.begin(commit) ?? 0
    }

    /// Records that wait to be checked or that something may yet refer to.
    var held: Int {
        registerKeys.reduce(0) { $0 + (registers[$1].map { $0.answered.count + $0.unanswered.count } ?? 0) }
            + lockKeys.reduce(0) { $0 + (locks[$1]?.holds.count ?? 0) }
            + volumeKeys.reduce(0) { $0 + (volumes[$1]?.held ?? 0) }
    }
}

/// Something that a client writes once, and nobody else: the stream with its number, so many bytes of it. Both in one number,
/// so that no table has to remember what was written.
struct WrittenValue: Hashable {
    private static let lengthBits: UInt64 = 24
    static let lengthMax: UInt64 = 1 << lengthBits
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(number: UInt64, length: UInt64) {
        precondition(length < Self.lengthMax && number < 1 << (63 - Self.lengthBits), "a value of \(length) bytes")
        rawValue = number << Self.lengthBits | length
    }

    var number: UInt64 { rawValue >> Self.lengthBits }
    var length: UInt64 { rawValue & (1 << Self.lengthBits - 1) }
    var content: Content { Content(tag: number, length: length) }

    /// Named by its bytes (`EditedValues`): not a value that was written whole.
    static func isEdit(_ value: UInt64) -> Bool { value >> 63 == 1 }

    static func words(_ value: UInt64?) -> String {
        guard let value, value != 0 else { return "nothing" }
        if isEdit(value), value != .max { return "edit \(value & 0xFFFF_FFFF)" }
        let written = WrittenValue(rawValue: value)
        return value == .max ? "what nobody wrote" : "value \(written.number) of \(written.length) bytes"
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
