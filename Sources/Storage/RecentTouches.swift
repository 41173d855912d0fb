import Primitives

/// Which chunks were stored or vouched for of late, so that none of them is taken for garbage.
///
/// Time is cut into generations; each is a Bloom filter (Bloom, CACM 1970; three bits a name) over the
/// chunks touched in it. A name is a hash already, so its own words are the filter's hash functions.
/// A false positive keeps garbage for one generation longer and loses nothing: with half a million touches
/// in one generation 4 in 1,000 are. Memory is bounded at `generations` × 1 MiB, whatever is written.
///
/// Nothing is kept over a restart: whatever lies in the store when it opens counts as touched then.
struct RecentTouches {
    private static let words = 1 << 17
    private static let generations = 8

    private struct Generation {
        let start: Instant
        var bits: [UInt64]
    }

    private let span: Duration
    /// Oldest first.
    private var generations: [Generation] = []
    /// Before this time nothing is known.
    private var floor: Instant

    /// `span` is how long one generation lasts.
    init(span: Duration, now: Instant) {
        self.span = span
        floor = now
    }

    private static func bits(_ id: ChunkID) -> (UInt64, UInt64, UInt64) {
        let mask = UInt64(words * 64 - 1)
        return (id.words.1 & mask, id.words.2 & mask, id.words.3 & mask)
    }

    mutating func touch(_ id: ChunkID, now: Instant) {
        if generations.last.map({ $0.start + span <= now }) ?? true {
            if generations.count == Self.generations {
                generations.removeFirst()
                floor = max(floor, generations[0].start)
            }
            generations.append(Generation(start: now, bits: Array(repeating: 0, count: Self.words)))
        }
        let (a, b, c) = Self.bits(id)
        for bit in [a, b, c] { generations[generations.count - 1].bits[Int(bit >> 6)] |= 1 << (bit & 63) }
    }

    /// Whether the chunk was surely not touched at `time` or later.
    func isIdle(_ id: ChunkID, since time: Instant) -> Bool {
        guard floor < time else { return false }
        let (a, b, c) = Self.bits(id)
        for generation in generations where generation.start + span > time {
            if [a, b, c].allSatisfy({ generation.bits[Int($0 >> 6)] >> ($0 & 63) & 1 == 1 }) { return false }
        }
        return true
    }
}
