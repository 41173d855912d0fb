package import Primitives

/// The serialisation of a link that several flows share: a fluid queue, one `nextFree` and no more.
/// Equivalent to a token bucket whose burst is `Self.burst` worth of bytes.
package struct LinkCapacity: Hashable, Sendable {
    /// How much of an idle link's past can still be used. It makes up for timers that fire late, and
    /// is short enough not to be seen.
    static let burst: Duration = .milliseconds(2)

    private var nextFree: Instant = .zero

    package init() {}

    /// Puts `bytes` on the link and returns when the last of them has left. `rate` in bytes per second.
    package mutating func reserve(_ bytes: Int, rate: Int?, now: Instant) -> Instant {
        guard let rate else { return now }
        let start = max(nextFree, now - Self.burst)
        nextFree = start + .nanoseconds(Self.nanoseconds(for: bytes, rate: rate))
        return max(nextFree, now)
    }

    /// How long a byte put on the link now would wait.
    package func backlog(now: Instant) -> Duration { max(nextFree - now, .zero) }

    static func nanoseconds(for bytes: Int, rate: Int) -> Int64 {
        Int64(min(Double(bytes) * 1e9 / Double(rate), 1e15))
    }
}
