package import Primitives

/// The measured region-to-region table. A node measures its own region's row from its probes; up to
/// three reporters of each region (its members with the lowest ids) publish theirs as `RegionLinkFact`s
/// by gossip and push/pull, so that any node can print the whole matrix.
///
/// A cell is the median over its reporters. A reporter that fell silent (it left, or another took its
/// place) stops counting once a fresher one speaks: facts more than five minutes older than the
/// newest of their cell are passed over.
package struct RegionTable: Hashable, Sendable {
    /// Facts kept at most: 40 regions, each to each, three reporters.
    package static let factsMax = 4_800
    static let reportersPerRegion = 3
    static let freshness: Int64 = 300_000_000_000

    struct Entry: Hashable, Sendable {
        var fact: RegionLinkFact
        /// When this version of it reached this node.
        var updated: Instant
    }

    /// Ordered by from, to, reporter.
    private(set) var entries: [Entry] = []
    /// Where each reporter's facts lie, ordered by reporter. Most facts that are heard are known: to see that, a few others
    /// only are looked at.
    private var reported: [Report] = []

    private struct Report: Hashable, Sendable {
        let reporter: NodeID
        var place: Int
    }

    package init() {}

    /// Takes the fact in if it is newer than what is known; says whether it was.
    mutating func merge(_ fact: RegionLinkFact, now: Instant) -> Bool {
        if let place = place(from: fact.from, to: fact.to, reporter: fact.reporter) {
            guard fact.isNewer(than: entries[place].fact) else { return false }
            entries[place] = Entry(fact: fact, updated: now)
            return true
        }
        guard entries.count < Self.factsMax else { return false }
        let place = position(fact.from, fact.to, fact.reporter)
        entries.insert(Entry(fact: fact, updated: now), at: place)
        for index in reported.indices where reported[index].place >= place { reported[index].place += 1 }
        list(place, of: fact.reporter)
        return true
    }

    /// Whether it would be taken in.
    func isNews(_ fact: RegionLinkFact) -> Bool {
        var report = index(of: fact.reporter)
        while report < reported.count, reported[report].reporter == fact.reporter {
            if entries[reported[report].place].fact === fact { return false }
            report += 1
        }
        guard let place = place(from: fact.from, to: fact.to, reporter: fact.reporter) else { return entries.count < Self.factsMax }
        return fact.isNewer(than: entries[place].fact)
    }

    func fact(from: RegionID, to: RegionID, reporter: NodeID) -> Entry? {
        place(from: from, to: to, reporter: reporter).map { entries[$0] }
    }

    /// Forgets all that a forgotten member reported.
    mutating func drop(reporter: NodeID) {
        entries.removeAll { $0.fact.reporter == reporter }
        reported = []
        for (place, entry) in entries.enumerated() { list(place, of: entry.fact.reporter) }
    }

    private mutating func list(_ place: Int, of reporter: NodeID) {
        reported.insert(Report(reporter: reporter, place: place), at: index(of: reporter))
    }

    /// The first report of the first reporter whose id is not lower.
    private func index(of reporter: NodeID) -> Int {
        var low = 0
        var high = reported.count
        while low < high {
            let middle = (low + high) / 2
            if reported[middle].reporter < reporter { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func place(from: RegionID, to: RegionID, reporter: NodeID) -> Int? {
        var index = index(of: reporter)
        while index < reported.count, reported[index].reporter == reporter {
            let place = reported[index].place
            if entries[place].fact.to == to, entries[place].fact.from == from { return place }
            index += 1
        }
        return nil
    }

    /// All facts that may travel: other reporters' and, where this node is one, its own.
    func published(by me: NodeID, isReporter: Bool) -> [RegionLinkFact] {
        entries.map(\.fact).filter { isReporter || $0.reporter != me }
    }

    /// The regions that the table speaks of, in order.
    package var regions: [RegionID] {
        var names: [RegionID] = []
        for entry in entries {
            names.append(entry.fact.from)
            names.append(entry.fact.to)
        }
        names.sort()
        var distinct: [RegionID] = []
        for name in names where distinct.last != name { distinct.append(name) }
        return distinct
    }

    /// Every measured cell, ordered by from and to.
    package var links: [RegionLink] {
        var cells: [RegionLink] = []
        var start = 0
        while start < entries.count {
            let head = entries[start].fact
            if let cell = link(from: head.from, to: head.to) { cells.append(cell) }
            while start < entries.count, entries[start].fact.from == head.from, entries[start].fact.to == head.to { start += 1 }
        }
        return cells
    }

    /// What was measured from one region to another, in that direction.
    package func link(from: RegionID, to: RegionID) -> RegionLink? {
        var end = position(from, to, NodeID(0))
        let start = end
        var newest = Instant(nanoseconds: .min)
        while end < entries.count, entries[end].fact.from == from, entries[end].fact.to == to {
            newest = max(newest, entries[end].updated)
            end += 1
        }
        guard start < end else { return nil }
        var medians: [UInt32] = []
        var tails: [UInt32] = []
        var least = UInt32.max
        var samples: UInt64 = 0
        for entry in entries[start..<end] where entry.updated.nanoseconds >= newest.nanoseconds - Self.freshness {
            medians.append(entry.fact.median)
            tails.append(entry.fact.p90)
            least = min(least, entry.fact.minimum)
            samples += UInt64(entry.fact.samples)
        }
        return RegionLink(
            from: from, to: to, median: Self.middle(&medians), p90: Self.middle(&tails), minimum: .microseconds(Int64(least)),
            samples: samples, reporters: medians.count, updated: newest)
    }

    /// The measured median between two regions, whichever of the two measured it, in nanoseconds.
    func medianNanoseconds(between a: RegionID, and b: RegionID) -> Int64? {
        (link(from: a, to: b) ?? link(from: b, to: a)).map(\.median.inNanoseconds)
    }

    private static func middle(_ values: inout [UInt32]) -> Duration {
        values.sort()
        return .microseconds(Int64(values[(values.count - 1) / 2]))
    }

    private static func precedes(_ a: RegionLinkFact, _ from: RegionID, _ to: RegionID, _ reporter: NodeID) -> Bool {
        if a.from != from { return a.from < from }
        if a.to != to { return a.to < to }
        return a.reporter < reporter
    }

    private func position(_ from: RegionID, _ to: RegionID, _ reporter: NodeID) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(entries[middle].fact, from, to, reporter) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func checkInvariants() {
        precondition(entries.count <= Self.factsMax, "the region table outgrew its bound")
        precondition(reported.count == entries.count, "a fact that its reporter does not lead to")
        for (place, entry) in entries.enumerated() {
            let fact = entry.fact
            precondition(self.place(from: fact.from, to: fact.to, reporter: fact.reporter) == place, "a fact in another's place")
        }
        for (a, b) in zip(entries, entries.dropFirst()) {
            precondition(Self.precedes(a.fact, b.fact.from, b.fact.to, b.fact.reporter), "the region table is out of order")
        }
    }
}
