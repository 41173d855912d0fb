import Filesystem
import Primitives
import Testing
import Workloads

@Suite struct PayloadTests {
    @Test(arguments: 0..<40) func revisionsAreMadeOfTheirPieces(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let size = UInt64(generator.below(100_000))
        let first = (0..<size).map { UInt8(truncatingIfNeeded: SeededGenerator.mix($0) >> 8) }
        let revision = Revision(of: size, edits: 1 + generator.below(12), editSize: 500, seed: generator.next())
        func bytes(_ offset: UInt64, _ length: UInt64) -> [UInt8] {
            revision.pieces(at: offset, length: length).flatMap { piece -> [UInt8] in
                switch piece {
                case .copy(let from, let length): Array(first[Int(from)..<Int(from + length)])
                case .fresh(let seed, let length): Revision.freshBytes(seed: seed, length: length)
                }
            }
        }
        let whole = bytes(0, revision.size)
        #expect(whole.count == Int(revision.size))
        // Any cut gives the same bytes.
        for _ in 0..<10 where revision.size > 1 {
            let offset = generator.next(upperBound: revision.size)
            let length = generator.next(upperBound: revision.size)
            let end = min(revision.size, offset + length)
            #expect(bytes(offset, length) == Array(whole[Int(offset)..<Int(end)]))
        }
        #expect(revision.freshBytes <= 12 * 500)
    }

    @Test func aRevisionDiffersALittle() {
        let revision = Revision(of: 1 << 20, edits: 6, editSize: 4_096, seed: 5)
        #expect(revision.pieces.count >= 6)
        #expect(revision.freshBytes < 30_000)
        #expect(revision != Revision(of: 1 << 20, edits: 6, editSize: 4_096, seed: 6))
    }

    @Test func stampsOfPiecesAreThoseOfTheWhole() {
        let stamp = ContentStamp(9)
        var whole = [UInt8](repeating: 0, count: 100_000)
        stamp.apply(to: &whole, offset: 0, file: 3)
        for (offset, length) in [(0, 10), (5, 40_000), (32_760, 20), (32_768 + 4, 4), (65_536, 34_464)] {
            var piece = [UInt8](repeating: 0, count: length)
            stamp.apply(to: &piece, offset: UInt64(offset), file: 3)
            #expect(piece == Array(whole[offset..<offset + length]), "\(offset)+\(length)")
        }
        #expect(whole.count { $0 != 0 } > 50)
        var other = [UInt8](repeating: 0, count: 16)
        stamp.apply(to: &other, offset: 0, file: 4)
        #expect(other != Array(whole[..<16]))
    }

    @Test func recordsHaveTheirLength() {
        for length in [1, 80, 4_096] { #expect(RecordText.bytes(seed: 1, length: length).count == length) }
        #expect(RecordText.bytes(seed: 1, length: 64) != RecordText.bytes(seed: 2, length: 64))
        #expect(Array(RecordText.bytes(seed: 1, length: 4_096)[..<64]) == RecordText.bytes(seed: 1, length: 64))
    }
}
