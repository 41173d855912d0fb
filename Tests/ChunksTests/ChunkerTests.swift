import Chunks
import Primitives
import Testing

@Suite struct ChunkerTests {
    private static let small = ChunkPolicy.contentDefined(minimum: 64, average: 256, maximum: 1_024)

    /// The definition, byte by byte, without any of the tricks.
    private static func plain(_ bytes: [UInt8], minimum: Int, average: Int, maximum: Int) -> [Int] {
        let bits = average.trailingZeroBitCount
        func mask(_ bits: Int) -> UInt64 { (0..<bits).reduce(0) { $0 | 1 << UInt64(62 - $1) } }
        var lengths: [Int] = []
        var length = 0
        var hash: UInt64 = 0
        for byte in bytes {
            length += 1
            if length <= minimum { continue }
            hash = (hash << 1) &+ Gear.words[Int(byte)]
            if hash & mask(length <= average ? bits + 2 : bits - 2) == 0 || length == maximum {
                lengths.append(length)
                length = 0
                hash = 0
            }
        }
        return length > 0 ? lengths + [length] : lengths
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64]) func agreesWithThePlainDefinition(seed: UInt64) {
        let bytes = ChunkScriptTests.random(seed: seed, count: 20_000 + Int(seed))
        #expect(ChunkScriptTests.lengths(of: bytes, Self.small) == Self.plain(bytes, minimum: 64, average: 256, maximum: 1_024))
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func piecesDoNotMatter(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let policy: ChunkPolicy = seed % 5 == 4 ? .fixed(512) : Self.small
        var bytes = ChunkScriptTests.random(seed: seed, count: 8_000)
        if seed % 3 == 0 { bytes.replaceSubrange(1_000..<4_000, with: repeatElement(0, count: 3_000)) }
        let whole = ChunkScriptTests.lengths(of: bytes, policy)
        var chunker = Chunker(policy)
        var lengths: [Int] = []
        var position = 0
        while position < bytes.count {
            let count = min(1 + generator.below([1, 7, 300, 5_000][generator.below(4)]), bytes.count - position)
            bytes[position..<position + count].withUnsafeBytes { lengths += chunker.feed($0) }
            position += count
        }
        let last = chunker.finish()
        if last > 0 { lengths.append(last) }
        #expect(lengths == whole)
        #expect(lengths.reduce(0, +) == bytes.count)
        #expect(chunker.finish() == 0, "a finished chunker is new")
    }

    @Test func spansAreBytesToo() {
        let bytes = ChunkScriptTests.random(seed: 9, count: 3_000)
        var one = Chunker(Self.small)
        var other = Chunker(Self.small)
        #expect(one.next(in: bytes.span) == bytes.withUnsafeBytes { other.next(in: $0) })
        #expect(one.next(in: [UInt8]().span) == nil)
    }

    @Test func checksumsContinue() {
        var generator = SeededGenerator(seed: 3)
        let bytes = ChunkScriptTests.random(seed: 3, count: 300)
        for _ in 0..<200 {
            let a = generator.below(301)
            let b = a + generator.below(301 - a)
            let whole = bytes[..<b].withUnsafeBytes { CRC32C.checksum($0) }
            let first = bytes[..<a].withUnsafeBytes { CRC32C.checksum($0) }
            #expect(bytes[a..<b].withUnsafeBytes { CRC32C.update(first, $0) } == whole)
        }
    }

    /// Every single bit of a frame counts, and no length of it crashes the decoder.
    @Test func damagedFramesAreRefused() {
        let payload = ChunkScriptTests.random(seed: 4, count: 40)
        let frame = ChunkFrame.bytes(codec: .stored, rawLength: 40, id: SHA256.hash(payload), payload: payload)
        for bit in 0..<(ChunkFrame.headerSize + payload.count) * 8 {
            var bad = frame
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: FrameProblem.self) { try bad.withUnsafeBytes { _ = try ChunkFrame(verifying: $0) } }
        }
        for count in 0..<ChunkFrame.headerSize + payload.count {
            #expect(throws: FrameProblem.truncated) { try frame[..<count].withUnsafeBytes { _ = try ChunkFrame(verifying: $0) } }
        }
    }

    @Test func damagedFootersAreRefused() throws {
        let entries = [PackEntry(offset: 64, rawLength: 9, storedLength: 9, codec: .stored, id: .zero)]
        let footer = PackFooter.bytes(at: 136, entries: entries)
        #expect(try footer.withUnsafeBytes { try PackFooter.entries($0, at: 136) } == entries)
        for bit in 0..<footer.count * 8 {
            var bad = footer
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: PackProblem.self) { try bad.withUnsafeBytes { _ = try PackFooter.entries($0, at: 136) } }
        }
        for count in 0..<footer.count {
            #expect(throws: PackProblem.self) { try footer[..<count].withUnsafeBytes { _ = try PackFooter.entries($0, at: 136) } }
        }
    }
}
