import Primitives

/// The table of the Gear hash: 256 words of 64 bits, the first 256 outputs of SplitMix64 seeded
/// with the five letters `ATOLL` (0x41544F4C4C). It is part of the format: another table cuts at
/// other places, and nothing written before would be found again.
package enum Gear {
    package static let seed: UInt64 = 0x41_544F_4C4C

    /// The word of each byte value.
    package static let words: [UInt64] = {
        var generator = SeededGenerator(seed: seed)
        return (0..<256).map { _ in generator.next() }
    }()

    /// `words`, then each of them shifted left by one: for rolling two bytes a step.
    static let pairs: [UInt64] = words + words.map { $0 << 1 }
}
