/// Finds the ends of chunks in a stream of bytes, whatever the pieces in which they come.
///
/// FastCDC: Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
/// Deduplication" (USENIX ATC 2016) and "The Design of Fast Content-Defined Chunking for Data
/// Deduplication Based Storage Systems" (IEEE TPDS 2020).
///
/// A Gear hash rolls over the bytes, `hash = (hash << 1) + gear[byte]`, and a chunk ends after a
/// byte where the bits under a mask are all zero. Three things make it fast and even:
/// - *Minimum skip* (2016 §3.4): nothing is hashed before the minimum; each chunk starts from hash 0 there.
/// - *Normalised chunking* (2016 §3.5), level 2: up to the average the mask has log2(average) + 2 bits,
///   beyond it log2(average) − 2, so that sizes gather around the average. At the maximum it cuts anyway.
/// - *Two bytes a step* (2020 §4.2): one shift by two and a table of words shifted by one give the
///   same hashes as two single steps.
///
/// Deviations: the chunk ends after the byte that satisfies the mask, not before it. The mask is the
/// run of bits below the topmost, not bits spread by hand: each of these bits already depends
/// on more than forty of the bytes before. The topmost bit is left free for the two-byte step.
package struct Chunker: Sendable {
    package let policy: ChunkPolicy
    /// Bytes of the chunk being built.
    package private(set) var pending = 0
    private var hash: UInt64 = 0
    private let minimum: Int
    private let average: Int
    private let maximum: Int
    private let strictMask: UInt64
    private let looseMask: UInt64

    package init(_ policy: ChunkPolicy = .standard) {
        precondition(policy.problem == nil, "chunk policy \(policy): \(policy.problem ?? "")")
        self.policy = policy
        switch policy {
        case .contentDefined(let minimum, let average, let maximum):
            self.minimum = minimum
            self.average = average
            self.maximum = maximum
            let bits = average.trailingZeroBitCount
            strictMask = Self.mask(bits: bits + 2)
            looseMask = Self.mask(bits: bits - 2)
        case .fixed(let size):
            // Everything is skipped, and the maximum cuts.
            minimum = size
            average = size
            maximum = size
            strictMask = 0
            looseMask = 0
        }
    }

    /// `bits` ones below the topmost bit.
    static func mask(bits: Int) -> UInt64 { (1 << UInt64(bits) - 1) << UInt64(63 - bits) }

    /// Takes bytes in until a chunk ends or they are used up: the count of bytes that belong to the
    /// chunk that just ended, or nil where all of them were taken in and the chunk goes on. The
    /// caller comes again with the rest.
    package mutating func next(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return nil }
        let pointer = base.assumingMemoryBound(to: UInt8.self)
        var position = 0
        if pending < minimum {
            position = min(minimum - pending, bytes.count)
            pending += position
        }
        if pending >= minimum {
            let ended =
                roll(pointer, &position, bytes.count, until: average, strictMask)
                || roll(pointer, &position, bytes.count, until: maximum, looseMask)
            if ended || pending == maximum {
                pending = 0
                hash = 0
                return position
            }
        }
        return nil
    }

    package mutating func next(in bytes: Span<UInt8>) -> Int? {
        bytes.withUnsafeBytes { next(in: $0) }
    }

    /// The lengths of the chunks that end within `bytes`; the first may have begun before them.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) -> [Int] {
        var lengths: [Int] = []
        var rest = bytes
        while true {
            let before = pending
            guard let taken = next(in: rest) else { return lengths }
            lengths.append(before + taken)
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
    }

    /// The length of the last, unfinished chunk, 0 where there is none; the next byte begins a new stream.
    package mutating func finish() -> Int {
        defer {
            pending = 0
            hash = 0
        }
        return pending
    }

    /// Rolls the hash until a chunk ends (true), the chunk has `limit` bytes, or the bytes are used up.
    private mutating func roll(
        _ bytes: UnsafePointer<UInt8>, _ position: inout Int, _ count: Int, until limit: Int, _ mask: UInt64
    ) -> Bool {
        let end = position + min(count - position, max(limit - pending, 0))
        guard position < end else { return false }
        let start = position
        var index = position
        var rolling = hash
        let ended = Gear.pairs.withUnsafeBufferPointer { words in
            Self.roll(bytes, &index, end, &rolling, mask, words.baseAddress!)
        }
        position = index
        pending += index - start
        hash = rolling
        return ended
    }

    private static func roll(
        _ bytes: UnsafePointer<UInt8>, _ position: inout Int, _ end: Int, _ rolling: inout UInt64, _ mask: UInt64,
        _ words: UnsafePointer<UInt64>
    ) -> Bool {
        var index = position
        var hash = rolling
        let shiftedMask = mask << 1
        let shifted = words + 256
        defer {
            position = index
            rolling = hash
        }
        while end &- index >= 2 {
            let doubled = hash << 2 &+ shifted[Int(bytes[index])]
            if doubled & shiftedMask == 0 {
                index &+= 1
                return true
            }
            hash = doubled &+ words[Int(bytes[index &+ 1])]
            index &+= 2
            if hash & mask == 0 { return true }
        }
        if index < end {
            hash = hash << 1 &+ words[Int(bytes[index])]
            index &+= 1
            if hash & mask == 0 { return true }
        }
        return false
    }
}
