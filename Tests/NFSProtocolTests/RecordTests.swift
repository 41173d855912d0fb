import NFSProtocol
import Testing

@Suite struct RecordTests {
    private static func fragment(_ bytes: [UInt8], last: Bool) -> [UInt8] {
        let word = UInt32(bytes.count) | (last ? 1 << 31 : 0)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } + bytes
    }

    /// However the stream is cut, the records are the same.
    @Test(arguments: 1...9) func recordsOfManyFragments(piece: Int) throws {
        let stream =
            Self.fragment([1, 2, 3], last: false) + Self.fragment([], last: false) + Self.fragment([4], last: true)
            + Self.fragment([5, 6], last: true) + Self.fragment([], last: true)
        var assembler = RecordAssembler(limit: 16)
        var records: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: piece) {
            records += try assembler.append(stream[start..<min(start + piece, stream.count)])
        }
        #expect(records == [[1, 2, 3, 4], [5, 6], []])
        #expect(assembler.waiting == 0)
    }

    @Test func lengthsAreNotBelieved() {
        var assembler = RecordAssembler(limit: 16)
        #expect(throws: RecordError.tooLong(limit: 16)) { _ = try assembler.append([0x80, 0, 0, 17]) }
        var joined = RecordAssembler(limit: 16)
        #expect(throws: RecordError.tooLong(limit: 16)) {
            _ = try joined.append((Self.fragment([UInt8](repeating: 1, count: 10), last: false) + [0x80, 0, 0, 7])[...])
        }
        var fragments = RecordAssembler(limit: 16)
        #expect(throws: RecordError.tooManyFragments) {
            for _ in 0..<100 { _ = try fragments.append(Self.fragment([], last: false)[...]) }
        }
    }
}
