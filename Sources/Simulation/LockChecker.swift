/// A client held an exclusive lock from the moment at which it was told so until it asked to give it back,
/// or was gone. In nanoseconds of the world's time.
struct LockHold: Hashable {
    let client: Int
    let from: Int64
    let until: Int64
}

/// Exclusive locks are held by one client at a time, wherever the clients are.
enum LockChecker {
    /// Nil where that holds, else which two held it together.
    static func check(_ holds: [LockHold]) -> String? {
        let sorted = holds.sorted { ($0.from, $0.client) < ($1.from, $1.client) }
        var last: LockHold?
        for hold in sorted {
            if let last, hold.from < last.until {
                return "client \(last.client) held it from \(last.from / 1_000_000) to \(last.until / 1_000_000) ms, "
                    + "and client \(hold.client) from \(hold.from / 1_000_000) ms on"
            }
            if hold.until > last?.until ?? .min { last = hold }
        }
        return nil
    }
}
