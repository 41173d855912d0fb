package import Primitives

/// Weighted rendezvous hashing: for each key every node draws a lot, and the lowest lots win.
///
/// With u uniform in (0, 1) drawn from the hash of (key, node), the lot is −ln(u)/weight, an
/// exponential variable: a node wins with the probability weight ÷ all weights, and a node that
/// joins or leaves moves only the keys that it wins or held (Thaler and Ravishankar, "Using
/// name-based mappings to increase hit rates", 1998; the weights after Schindelhauer and Schomaker,
/// "Weighted distributed hash tables", SPAA 2005).
///
/// The logarithm must come out alike on every node, whatever its C library: it is computed in
/// integers. −log2(u) is read from a table of 1,024 steps, interpolated in between; the table itself
/// is made by repeated squaring. Error below 2^-21, and steps never fall: far finer than the chance
/// in the hash. The base of the logarithm scales all lots alike and drops out.
package enum Rendezvous {
    private static let stepBits: UInt64 = 10
    private static let fractionBits: UInt64 = 32

    /// log2(1 + i/1024) in units of 2^-32, for i in 0...1024.
    private static let steps: [UInt64] = (0...UInt64(1) << stepBits).map {
        logarithm(ofMantissa: (UInt64(1) << 63) &+ ($0 << (63 - stepBits)))
    }

    /// log2 of mantissa ÷ 2^63, which lies in [1, 2), by squaring: each squaring yields a bit.
    /// A mantissa that wrapped to 0 stands for 2.
    private static func logarithm(ofMantissa start: UInt64) -> UInt64 {
        guard start != 0 else { return 1 << fractionBits }
        var mantissa = start
        var result: UInt64 = 0
        for _ in 0..<fractionBits {
            let square = mantissa.multipliedFullWidth(by: mantissa).high
            result <<= 1
            if square >= 1 << 63 {
                // The square is 2 or more: halve it.
                result |= 1
                mantissa = square
            } else {
                mantissa = square << 1
            }
        }
        return result
    }

    /// −log2(hash ÷ 2^64) in units of 2^-32; 0 ≤ it ≤ 64.
    package static func negativeLogarithm(_ hash: UInt64) -> UInt64 {
        let value = hash | 1
        let shift = UInt64(value.leadingZeroBitCount)
        let mantissa = value << shift
        let fraction = mantissa & (1 << 63 - 1)
        let step = Int(fraction >> (63 - stepBits))
        let rest = (fraction >> (63 - stepBits - 20)) & (1 << 20 - 1)
        let low = steps[step]
        let log = low + ((steps[step + 1] - low) * rest) >> 20
        return (shift + 1) << fractionBits - log
    }

    /// The part of a node's draw that does not depend on the key; keep it where many keys are placed.
    package static func salt(_ node: NodeID) -> UInt64 { SeededGenerator.mix(node.rawValue &+ 0x9E37_79B9_7F4A_7C15) }

    /// The lot of a node for a key; the lowest wins. `weight` is 1...1,048,576.
    package static func lot(key: UInt64, salt: UInt64, weight: UInt32) -> UInt64 {
        let lot = negativeLogarithm(SeededGenerator.mix(key ^ salt))
        return (lot << 24) / UInt64(weight)
    }

    /// The key under which a group's replicas are spread.
    package static func key(_ group: GroupID) -> UInt64 { SeededGenerator.mix(group.rawValue &+ 0xD1B5_4A32_D192_ED03) }
    /// The key under which a chunk's copies are spread: its name is a hash already.
    package static func key(_ chunk: ChunkID) -> UInt64 { chunk.words.0 }
}
