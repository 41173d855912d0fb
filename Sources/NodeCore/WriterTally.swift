import Primitives
import Replication

/// From which regions a volume is written, as the leader of its group sees it: changes, of which an
/// eighth is forgotten every four seconds, so that what counts is the last half minute.
///
/// It proposes another region for the leader only where that one writes much and far more than the
/// present one, and not soon after the time before: moving costs a pause of a few round trips.
struct WriterTally {
    /// One change. Whole numbers, so that every machine forgets alike.
    private static let change: UInt64 = 1_024
    private static let pace: Duration = .seconds(4)
    /// Less does not matter: about one change in four seconds, for long enough.
    private static let least = 8 * change
    /// A region must write so many times as much as the present one.
    private static let advantage: UInt64 = 2
    /// From the beginning, or the last proposal, to the next.
    static let pause: Duration = .seconds(30)

    private var counts = OrderedTable<RegionID, UInt64>()
    private var forgotten: Instant
    private var since: Instant

    init(at now: Instant) {
        forgotten = now
        since = now
    }

    var isEmpty: Bool { counts.isEmpty }

    mutating func note(_ region: RegionID) { counts[region] = (counts[region] ?? 0) + Self.change }

    mutating func forget(at now: Instant) {
        while forgotten + Self.pace <= now, !counts.isEmpty {
            forgotten = forgotten + Self.pace
            for region in counts.keys {
                let left = (counts[region] ?? 0) / 8 * 7
                counts[region] = left > 0 ? left : nil
            }
        }
        if counts.isEmpty { forgotten = now }
    }

    /// Where the leader would be better off than in `present`; nil to leave it there. The home region wins ties.
    mutating func better(than present: RegionID, home: RegionID, at now: Instant) -> RegionID? {
        guard since + Self.pause <= now else { return nil }
        var best: (region: RegionID, count: UInt64)?
        for (region, count) in counts where count > best?.count ?? 0 || count == best?.count && region == home { best = (region, count) }
        guard let best, best.region != present, best.count >= Self.least, best.count >= Self.advantage * (counts[present] ?? 0) else {
            return nil
        }
        since = now
        return best.region
    }
}
