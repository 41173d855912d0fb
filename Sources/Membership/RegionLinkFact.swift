package import Primitives

/// What one node measured from its own region to another (or within its own): a small versioned
/// fact, written only by its reporter. All spans are microseconds. It never changes: all that hold it share one copy.
package final class RegionLinkFact: Hashable, Sendable, XDRCodable {
    package let reporter: NodeID
    package let from: RegionID
    package let to: RegionID
    /// The reporter's incarnation, then its own count: the later fact replaces the earlier one.
    package let incarnation: UInt64
    package let version: UInt32
    /// The median over the reporter's peers in `to` of each one's median.
    package let median: UInt32
    /// The p90 over those peers of each one's p90.
    package let p90: UInt32
    package let minimum: UInt32
    /// Round trips measured in all, saturating.
    package let samples: UInt32

    package init(
        reporter: NodeID, from: RegionID, to: RegionID, incarnation: UInt64, version: UInt32, median: UInt32, p90: UInt32,
        minimum: UInt32, samples: UInt32
    ) {
        self.reporter = reporter
        self.from = from
        self.to = to
        self.incarnation = incarnation
        self.version = version
        self.median = median
        self.p90 = p90
        self.minimum = minimum
        self.samples = samples
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(reporter)
        writer.write(from)
        writer.write(to)
        writer.write(incarnation)
        for number in [version, median, p90, minimum, samples] { writer.write(number) }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        reporter = try reader.value()
        from = try reader.value()
        to = try reader.value()
        incarnation = try reader.incarnation()
        version = try reader.uint32()
        median = try reader.uint32()
        p90 = try reader.uint32()
        minimum = try reader.uint32()
        samples = try reader.uint32()
    }

    package static func == (a: RegionLinkFact, b: RegionLinkFact) -> Bool {
        a === b
            || a.reporter == b.reporter && a.from == b.from && a.to == b.to && a.incarnation == b.incarnation && a.version == b.version
                && a.median == b.median && a.p90 == b.p90 && a.minimum == b.minimum && a.samples == b.samples
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(reporter)
        hasher.combine(to)
        hasher.combine(version)
    }

    func isNewer(than other: RegionLinkFact) -> Bool {
        (incarnation, version) > (other.incarnation, other.version)
    }

    /// Whether the measurement moved: median or minimum by more than 5 % and 200 µs, the p90, which is the
    /// jitter's, by more than 25 % and 1 ms. All nodes hear of what moved.
    func differs(from other: RegionLinkFact) -> Bool {
        func moved(_ a: UInt32, _ b: UInt32, percent: UInt64, least: UInt32) -> Bool {
            let gap = a > b ? a - b : b - a
            return gap > least && UInt64(gap) * 100 > UInt64(max(a, b)) * percent
        }
        return moved(median, other.median, percent: 5, least: 200) || moved(minimum, other.minimum, percent: 5, least: 200)
            || moved(p90, other.p90, percent: 25, least: 1_000)
    }
}

/// The round trips from one region to another, over all reporters.
package struct RegionLink: Hashable, Sendable {
    package let from: RegionID
    package let to: RegionID
    package let median: Duration
    package let p90: Duration
    package let minimum: Duration
    package let samples: UInt64
    /// Nodes whose measurements are in it.
    package let reporters: Int
    /// When the newest of them reached this node.
    package let updated: Instant
}
