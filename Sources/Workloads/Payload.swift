internal import Primitives

/// The bytes of a write, named rather than held: the driver (live or simulated) makes them.
package enum Payload: Hashable, Sendable {
    /// Part of a file of the source tree, of a large file.
    case tree(Int, offset: UInt64, length: UInt32)
    /// The salt tells copies of one input apart, so that a checkpoint is not found to be stored already; 0 is the input itself.
    case large(Int, salt: UInt64, offset: UInt64, length: UInt32)
    /// Part of the second version of a large file.
    case revised(Int, Revision, offset: UInt64, length: UInt32)
    /// A small record, made from its seed.
    case record(seed: UInt64, length: UInt32)

    package var length: UInt32 {
        switch self {
        case .tree(_, _, let length), .large(_, _, _, let length), .revised(_, _, _, let length), .record(_, let length): length
        }
    }
}

/// Records as text that looks like one (names and numbers, JSON), so that it compresses as such.
package enum RecordText {
    package static func bytes(seed: UInt64, length: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var out: [UInt8] = []
        out.reserveCapacity(length + 96)
        while out.count < length {
            let id = generator.next() % 1_000_000
            let state = ["queued", "running", "done", "failed"][generator.below(4)]
            let key = generator.next()
            out.append(contentsOf: "{\"id\":\(id),\"state\":\"\(state)\",\"key\":\"\(key)\",\"retries\":\(generator.below(4))}\n".utf8)
        }
        out.removeLast(out.count - length)
        return out
    }
}

/// Sixteen bytes of a run's own at every 32 KiB of a file: the least chunk is 64 KiB, so every
/// chunk differs from those of other runs and of the other kind. Without it the second file
/// system to be measured would find the first one's chunks already in every region.
/// Compressibility changes by 0.05 %.
package struct ContentStamp: Hashable, Sendable {
    package static let spacing: UInt64 = 32_768
    package let value: UInt64
    package init(_ value: UInt64) { self.value = value }

    /// Overwrites the stamped places among `bytes`, which lie at `offset` of file number `file`.
    package func apply(to bytes: inout [UInt8], offset: UInt64, file: UInt64) {
        guard !bytes.isEmpty else { return }
        let end = offset + UInt64(bytes.count)
        var place = offset / Self.spacing * Self.spacing
        while place < end {
            var generator = SeededGenerator(seed: value ^ SeededGenerator.mix(file) &+ place)
            let words = [generator.next(), generator.next()]
            for index in 0..<UInt64(16) where place + index >= offset && place + index < end {
                bytes[Int(place + index - offset)] = UInt8(truncatingIfNeeded: words[Int(index / 8)] >> (index % 8 * 8))
            }
            place += Self.spacing
        }
    }
}
