package import Primitives

/// How a file is cut into chunks.
///
/// | setting | unit | default | range | advice |
/// |---|---|---|---|---|
/// | minimum | bytes | 65,536 | 64 … average/2, a power of two | a quarter of the average |
/// | average | bytes | 262,144 | minimum×2 … maximum/2, a power of two | smaller finds more duplicates and costs more metadata |
/// | maximum | bytes | 1,048,576 | average×2 … 64 MiB, a power of two | four times the average |
/// | fixed | bytes | 65,536 | 512 … 64 MiB, a power of two | the size of a typical overwrite |
package enum ChunkPolicy: Hashable, Sendable {
    /// Cut where the content says (FastCDC): an insertion moves the cuts with it, so unchanged parts
    /// keep their chunks. The chunks of random data are 1.2 times `average` in the mean.
    case contentDefined(minimum: Int, average: Int, maximum: Int)
    /// Cut at every multiple: for files written at random, where an overwrite must touch few bytes.
    case fixed(Int)

    package static let standard = ChunkPolicy.contentDefined(minimum: 64 << 10, average: 256 << 10, maximum: 1 << 20)
    package static let randomWrites = ChunkPolicy.fixed(64 << 10)
    /// No chunk of any policy is longer.
    package static let largestChunk = 64 << 20

    /// The longest chunk that this policy makes.
    package var maximumLength: Int {
        switch self {
        case .contentDefined(_, _, let maximum): maximum
        case .fixed(let size): size
        }
    }

    /// Why the policy cannot be, or nil where it can.
    package var problem: String? {
        func isPower(_ value: Int) -> Bool { value > 0 && value & (value - 1) == 0 }
        switch self {
        case .contentDefined(let minimum, let average, let maximum):
            guard isPower(minimum), isPower(average), isPower(maximum) else { return "chunk sizes must be powers of two" }
            guard minimum >= 64 else { return "the minimum chunk must have at least 64 bytes" }
            guard minimum < average, average < maximum else { return "chunk sizes must grow: minimum < average < maximum" }
            guard maximum <= Self.largestChunk else { return "the maximum chunk must not exceed 64 MiB" }
            return nil
        case .fixed(let size):
            guard isPower(size), size >= 512, size <= Self.largestChunk else {
                return "a fixed chunk size must be a power of two from 512 bytes to 64 MiB"
            }
            return nil
        }
    }
}

extension ChunkPolicy: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .contentDefined(let minimum, let average, let maximum):
            writer.write(UInt32(1))
            writer.write(UInt32(minimum))
            writer.write(UInt32(average))
            writer.write(UInt32(maximum))
        case .fixed(let size):
            writer.write(UInt32(2))
            writer.write(UInt32(size))
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let policy: ChunkPolicy
        switch try reader.uint32() {
        case 1:
            policy = .contentDefined(
                minimum: Int(try reader.uint32()), average: Int(try reader.uint32()), maximum: Int(try reader.uint32()))
        case 2: policy = .fixed(Int(try reader.uint32()))
        case let other: throw .badValue(what: "chunk policy", value: UInt64(other))
        }
        guard policy.problem == nil else { throw .badValue(what: "chunk policy", value: UInt64(policy.maximumLength)) }
        self = policy
    }
}

extension ChunkPolicy: CustomStringConvertible {
    package var description: String {
        switch self {
        case .contentDefined(let minimum, let average, let maximum): "cdc:\(minimum):\(average):\(maximum)"
        case .fixed(let size): "fixed:\(size)"
        }
    }

    /// Reads the text form (`cdc:65536:262144:1048576`, `fixed:65536`); nil where it is none or cannot be.
    package init?(_ text: String) {
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = words.dropFirst().compactMap { Int($0) }
        guard numbers.count == words.count - 1 else { return nil }
        switch (words.first, numbers.count) {
        case ("cdc", 3): self = .contentDefined(minimum: numbers[0], average: numbers[1], maximum: numbers[2])
        case ("fixed", 1): self = .fixed(numbers[0])
        default: return nil
        }
        guard problem == nil else { return nil }
    }
}
