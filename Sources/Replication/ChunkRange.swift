package import Primitives

/// A 256th of the space of chunk names, by their first byte: the unit in which garbage is collected
/// where there are more names than are kept in memory at once.
package struct ChunkRange: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let prefix: UInt8
    package init(_ prefix: UInt8) { self.prefix = prefix }
    package init(of chunk: ChunkID) { prefix = UInt8(truncatingIfNeeded: chunk.words.0 >> 56) }
    package static let everything = ChunkRange(0)...ChunkRange(.max)
    package static func < (a: ChunkRange, b: ChunkRange) -> Bool { a.prefix < b.prefix }
    package var description: String { "\(Hex.encode([prefix]))…" }
}
