import Filesystem
import NFSProtocol
import Primitives
import Testing

/// Records that were damaged on their way, from a seed: whatever they say, the server answers or closes, keeps its bounds, and serves the
/// next one.
@Suite struct DamageTests {
    /// One record of each kind of compound, with all operations and their arguments in it.
    private static func record(_ operations: [[UInt32]], minor: UInt32) -> [UInt8] {
        var writer = XDRWriter()
        for word: UInt32 in [7, 0, 2, 100_003, 4, 1, 0, 0, 0, 0] { writer.write(word) }
        writer.write("tag")
        writer.write(minor)
        writer.write(UInt32(operations.count))
        for operation in operations { for word in operation { writer.write(word) } }
        return writer.bytes
    }

    private static let share: [UInt32] = [15, 1, 0x7300_0000]
    private static let attributes: [UInt32] = [2, 0x0010_011a, 0x00b0_a23a]
    private static let corpus: [[UInt8]] = [
        record([[24], share, [10], [9] + attributes, [3, 63], [26, 0, 0, 0, 0, 4_096, 4_096] + attributes], minor: 0),
        record([[24], share, [6, 2, 1, 0x6400_0000, 2, 0, 2, 4, 0o755], [16], [32], [29, 1, 0x6400_0000, 1, 0x6500_0000]], minor: 0),
        record([[35, 0, 1, 4, 0x6162_6364, 0, 3, 0x7463_7000, 0, 0]], minor: 0),
        record([[24], share, [18, 1, 3, 0, 0, 1, 1, 0x6f00_0000, 1, 0, 1, 0x10, 8, 0, 0, 0, 1, 0x6600_0000], [10]], minor: 0),
        record(
            [[24], share, [15, 1, 0x6600_0000], [25, 0, 0, 0, 0, 0, 0, 100], [38, 0, 0, 0, 0, 0, 0, 2, 3, 0x6162_6300], [5, 0, 0, 0]],
            minor: 0),
        record(
            [[24], share, [15, 1, 0x6600_0000], [34, 0, 0, 0, 0, 2, 0x10, 2, 12, 0, 9, 0o644], [13, 2, 0, 0, 0, 9, 0, 1, 0]], minor: 0),
        record([[42, 0, 1, 3, 0x6162_6300, 0, 0, 0]], minor: 1),
        record([[43, 0, 1, 1, 0, 0, 4_096, 4_096, 512, 8, 4, 0, 0, 4_096, 4_096, 512, 8, 4, 0, 0, 1, 0]], minor: 1),
        record(
            [[53, 0, 1, 0, 1, 1, 0, 0, 1], [24], share, [18, 0, 3, 0, 0, 1, 1, 0x6f00_0000, 1, 3, 0, 5, 0, 0, 0, 1, 0x6700_0000]], minor: 1),
        record([[53, 0, 1, 0, 1, 2, 0, 0, 1], [55, 1, 0, 0, 0, 0], [58, 0], [52, 0], [45, 0, 0, 0, 0]], minor: 1),
    ]

    @Test(arguments: 1...20) func damagedRecords(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var memory = MemoryFiles()
        memory.add("s")
        var state = NFSState(squash: .none, identity: "test", scope: "test", started: WallTime(nanoseconds: 1 << 50))
        var now = Instant.zero
        let connection = ConnectionID(1)
        var effects: [NFSEffect] = []
        state.handle(.connected(connection, address: ""), now: now, civil: WallTime(nanoseconds: 0), into: &effects)
        func send(_ bytes: [UInt8]) -> Int {
            var replies = 0
            var events: [NFSEvent] = [.record(connection, bytes)]
            while let event = events.popLast() {
                var effects: [NFSEffect] = []
                now = now + .milliseconds(10)
                state.handle(event, now: now, civil: WallTime(nanoseconds: 0), into: &effects)
                for effect in effects {
                    switch effect {
                    case .call(let id, let call): events.append(.answered(id, memory.answer(call)))
                    case .reply(_, let parts):
                        replies += 1
                        #expect(parts.reduce(0) { $0 + $1.count } % 4 == 0)
                    case .close: replies += 1
                    case .endSession: break
                    }
                }
            }
            return replies
        }
        for round in 0..<400 {
            var bytes = Self.corpus[Int(random.next() % UInt64(Self.corpus.count))]
            for _ in 0..<(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 5 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[place] ^= 1 << UInt8(random.next() % 8)
                case 2: bytes.removeLast(min(bytes.count - 1, Int(random.next() % 9)))
                case 3: bytes.replaceSubrange(place / 4 * 4..<min(bytes.count, place / 4 * 4 + 4), with: [0xff, 0xff, 0xff, 0xff])
                default: bytes += bytes[(place / 4 * 4)...]
                }
            }
            #expect(send(bytes) == 1, "seed \(seed), round \(round): \(bytes)")
        }
        #expect(send(Self.corpus[0]) == 1)
        #expect(state.counts.states < 100 && state.counts.connections == 1)
    }
}
