/// A reading of this node's monotonic clock, in nanoseconds since an origin of its own.
/// It is handed to the cores with each event; they never read a clock.
@usableFromInline package struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let nanoseconds: Int64
    @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    @inlinable package static var zero: Instant { Instant(nanoseconds: 0) }
    @inlinable package static var distantFuture: Instant { Instant(nanoseconds: .max) }

    @inlinable package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    @inlinable package static func + (a: Instant, b: Duration) -> Instant {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.inNanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }
    @inlinable package static func - (a: Instant, b: Duration) -> Instant {
        Instant(nanoseconds: a.nanoseconds - b.inNanoseconds)
    }
    @inlinable package static func - (a: Instant, b: Instant) -> Duration {
        .nanoseconds(a.nanoseconds - b.nanoseconds)
    }
    @usableFromInline package var description: String { "@\(nanoseconds / 1_000)us" }
}

/// A moment of civil time, in nanoseconds since 1970-01-01T00:00:00Z. It travels inside commands,
/// so that every replica stamps the same time.
@usableFromInline package struct WallTime: Hashable, Comparable, Sendable {
    @usableFromInline package let nanoseconds: Int64
    @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    @inlinable package static func < (a: WallTime, b: WallTime) -> Bool { a.nanoseconds < b.nanoseconds }
    @inlinable package var seconds: Int64 { nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000 }
}

extension Duration {
    /// Whole nanoseconds, saturating at the range of Int64 (292 years).
    @inlinable package var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// Milliseconds as a floating-point number, for arithmetic and reports.
    package var inMilliseconds: Double { Double(inNanoseconds) / 1_000_000 }
}
