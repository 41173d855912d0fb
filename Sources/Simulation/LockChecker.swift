/// A client held a range of a file from the moment at which it was told so until it asked to give it back,
/// or was gone. In nanoseconds of the world's time.
struct LockHold: Hashable {
    let client: Int
    var start: UInt64 = 0
    /// Exclusive; `UInt64.max`: to the end of the file, however it grows.
    var end: UInt64 = .max
    var exclusive = true
    let from: Int64
    let until: Int64

    /// They may not be at one time.
    func excludes(_ other: LockHold) -> Bool {
        client != other.client && start < other.end && other.start < end && (exclusive || other.exclusive)
    }

    var words: String {
        "client \(client) held \(start)..<\(end == .max ? "end" : "\(end)") \(exclusive ? "alone" : "shared") from \(from / 1_000_000) to \(until / 1_000_000) ms"
    }
}

/// Exclusive locks on a range are held by one client at a time, shared ones beside shared ones only, wherever the clients are.
/// Holds are told when they end; they are checked in the order in which they began, and dropped.
struct LockChecker {
    private(set) var holds: [LockHold] = []
    /// Of those that were checked the ones that later ones may meet.
    private var before: [LockHold] = []

    mutating func add(_ hold: LockHold) { holds.append(hold) }

    /// Checks the holds that began before `pendingSince`, when the first of those under way did. Nil where no two were
    /// together, else which.
    mutating func advance(pendingSince: Int64) -> String? {
        var later: [LockHold] = []
        var fault: String?
        for hold in holds.sorted(by: { ($0.from, $0.client, $0.start) < ($1.from, $1.client, $1.start) }) {
            guard hold.from < pendingSince else {
                later.append(hold)
                continue
            }
            before.removeAll { $0.until <= hold.from }
            // One that was over at once held nothing.
            guard hold.from < hold.until else { continue }
            if let other = before.first(where: { $0.excludes(hold) }), fault == nil { fault = "\(other.words), and \(hold.words)" }
            before.append(hold)
        }
        holds = later
        return fault
    }

    static func check(_ holds: [LockHold]) -> String? {
        var checker = LockChecker()
        for hold in holds { checker.add(hold) }
        return checker.advance(pendingSince: .max)
    }
}
