package import Primitives

/// A 256th of the space of chunk names, by their first byte: the unit in which holdings are
/// compared and garbage is collected, so that no list grows with the whole store.
package struct ChunkRange: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
    package static let count = 256
    package let prefix: UInt8
    package init(_ prefix: UInt8) { self.prefix = prefix }
    package init(of chunk: ChunkID) { prefix = UInt8(truncatingIfNeeded: chunk.words.0 >> 56) }
    package static var all: [ChunkRange] { (0...UInt8.max).map(ChunkRange.init) }
    package static func < (a: ChunkRange, b: ChunkRange) -> Bool { a.prefix < b.prefix }
    package func contains(_ chunk: ChunkID) -> Bool { ChunkRange(of: chunk) == self }
    package var first: ChunkID { Digest(words: (UInt64(prefix) << 56, 0, 0, 0)) }
    package var next: ChunkRange? { prefix == .max ? nil : ChunkRange(prefix + 1) }
    package var description: String { "\(Hex.encode([prefix]))…" }
    package func encode(to writer: inout XDRWriter) { writer.write(UInt32(prefix)) }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(UInt8(try reader.uint32("chunk range", in: 0...255)))
    }
}

/// A set of chunks in few bytes: for each range their number and the exclusive-or of their names.
/// Equal sets have equal summaries whatever the order in which they were added; different sets of
/// SHA-256 names with equal summaries do not come about by chance (they could be made on purpose by
/// who can choose names, who could as well not answer at all).
package struct HoldingSummary: Hashable, Sendable, XDRCodable {
    package struct Entry: Hashable, Sendable, XDRCodable {
        package var count: UInt32 = 0
        package var sum = Digest.zero
        package init() {}
        package func encode(to writer: inout XDRWriter) {
            writer.write(count)
            writer.write(sum)
        }
        package init(from reader: inout XDRReader) throws(XDRError) {
            count = try reader.uint32()
            sum = try reader.value()
        }
    }

    package private(set) var entries: [Entry]

    package init() { entries = Array(repeating: Entry(), count: ChunkRange.count) }

    /// Adds a chunk that is not in it yet, or takes one out that is.
    package mutating func add(_ chunk: ChunkID) { change(chunk, by: 1) }
    package mutating func remove(_ chunk: ChunkID) { change(chunk, by: -1) }

    private mutating func change(_ chunk: ChunkID, by step: Int32) {
        let slot = Int(ChunkRange(of: chunk).prefix)
        entries[slot].count = UInt32(truncatingIfNeeded: Int64(entries[slot].count) + Int64(step))
        let (a, b) = (entries[slot].sum.words, chunk.words)
        entries[slot].sum = Digest(words: (a.0 ^ b.0, a.1 ^ b.1, a.2 ^ b.2, a.3 ^ b.3))
    }

    package subscript(range: ChunkRange) -> Entry { entries[Int(range.prefix)] }

    /// The ranges in which two sets differ, in order.
    package func differences(from other: HoldingSummary) -> [ChunkRange] {
        ChunkRange.all.filter { self[$0] != other[$0] }
    }

    package func encode(to writer: inout XDRWriter) { writer.write(entries) }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let entries: [Entry] = try reader.array(limit: ChunkRange.count)
        guard entries.count == ChunkRange.count else { throw .badValue(what: "number of ranges", value: UInt64(entries.count)) }
        self.entries = entries
    }
}
