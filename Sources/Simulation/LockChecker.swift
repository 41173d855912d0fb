/// A client held an exclusive lock from the moment at which it was told so until it asked to give it back,
/// or was gone. In nanoseconds of the world's time.
struct LockHold: Hashable {
    let client: Int
    let from: Int64
    let until: Int64
}

/// Exclusive locks are held by one client at a time, wherever the clients are. Holds are told when they end; they are checked
/// in the order in which they began, and dropped.
struct LockChecker {
    private(set) var holds: [LockHold] = []
    /// Of those that were checked the one that ended last.
    private var last: LockHold?

    mutating func add(_ hold: LockHold) { holds.append(hold) }

    /// Checks the holds that began before `pendingSince`, when the first of those under way did. Nil where no two were
    /// together, else which.
    mutating func advance(pendingSince: Int64) -> String? {
        var later: [LockHold] = []
        var fault: String?
        for hold in holds.sorted(by: { ($0.from, $0.client) < ($1.from, $1.client) }) {
            guard hold.from < pendingSince else {
                later.append(hold)
                continue
            }
            if let last, hold.from < last.until, fault == nil {
                fault =
                    "client \(last.client) held it from \(last.from / 1_000_000) to \(last.until / 1_000_000) ms, "
                    + "and client \(hold.client) from \(hold.from / 1_000_000) ms on"
            }
            if hold.until > last?.until ?? .min { last = hold }
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
