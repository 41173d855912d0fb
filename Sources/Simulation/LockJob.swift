import Filesystem

/// Ranges of one file that a client locks, as it knows them: what it was granted, less what it has asked to give back.
struct LockJob {
    struct Ask: Hashable {
        let range: LockRange
        let exclusive: Bool
    }

    /// What it does while it holds the first: asks for more, for less, or for another kind, which POSIX locks may become at once.
    enum Change: Hashable {
        case lock(Ask)
        case unlock(LockRange)
    }

    struct Held: Hashable {
        let start: UInt64
        let end: UInt64
        let exclusive: Bool
        let from: Int64
    }

    let wait: Bool
    let first: Ask
    let change: Change?
    private(set) var held: [Held] = []

    init(wait: Bool, first: Ask, change: Change?) {
        self.wait = wait
        self.first = first
        self.change = change
    }

    static let wholeFile = LockRange(start: 0, length: .max)
    /// Some that overlap, some that do not.
    static let ranges = [
        wholeFile, LockRange(start: 0, length: 10), LockRange(start: 5, length: 10), LockRange(start: 15, length: 5),
        LockRange(start: 18, length: .max),
    ]

    static func end(of range: LockRange) -> UInt64 {
        let (sum, overflow) = range.start.addingReportingOverflow(range.length)
        return overflow ? .max : sum
    }

    /// Nobody else may count on a range that it held: what it held of it, which ends; what it had beside that stays.
    private mutating func take(_ range: LockRange, where isWanted: (Held) -> Bool) -> [Held] {
        let (start, end) = (range.start, Self.end(of: range))
        var (taken, kept): ([Held], [Held]) = ([], [])
        for lock in held {
            guard isWanted(lock), lock.start < end, start < lock.end else {
                kept.append(lock)
                continue
            }
            func part(_ start: UInt64, _ end: UInt64) -> Held { Held(start: start, end: end, exclusive: lock.exclusive, from: lock.from) }
            taken.append(part(max(start, lock.start), min(end, lock.end)))
            if lock.start < start { kept.append(part(lock.start, start)) }
            if end < lock.end { kept.append(part(end, lock.end)) }
        }
        held = kept
        return taken
    }

    /// It asks to give a range back: from here on it does not hold it.
    mutating func gives(_ range: LockRange) -> [Held] { take(range) { _ in true } }

    /// It asks for a lock: what it holds alone may be shared from here on, where it asks for that.
    mutating func asks(_ ask: Ask, at now: Int64) -> [Held] {
        guard !ask.exclusive else { return [] }
        let taken = take(ask.range) { $0.exclusive }
        held += taken.map { Held(start: $0.start, end: $0.end, exclusive: false, from: now) }
        return taken
    }

    /// It was granted one.
    mutating func granted(_ ask: Ask, at now: Int64) -> [Held] {
        let taken = take(ask.range) { _ in true }
        held.append(Held(start: ask.range.start, end: Self.end(of: ask.range), exclusive: ask.exclusive, from: now))
        return taken
    }
}
