import Primitives
import Testing

@testable import Consensus

@Suite struct CodecTests {
    private static let entry = RaftEntry(index: 7, term: 2, kind: .command, payload: [0xaa, 0xbb, 0xcc])

    /// The forms are on disks and between versions: these bytes must not change.
    @Test func goldenBytes() {
        #expect(
            Hex.encode(Self.entry.xdrBytes)
                == "00000101" + "0000000000000007" + "0000000000000002" + "00000003" + "aabbcc00")
        #expect(
            Hex.encode(HardState(term: 5, votedFor: NodeID(3), commit: 9).xdrBytes)
                == "00000001" + "0000000000000005" + "00000001" + "0000000000000003" + "0000000000000009")
        let configuration = RaftConfiguration(voters: [NodeID(2), NodeID(1)], outgoing: [NodeID(1)], learners: [NodeID(4)])
        let golden =
            "00000001" + "00000002" + "0000000000000001" + "0000000000000002" + "00000001" + "0000000000000001" + "00000001"
            + "0000000000000004"
        #expect(Hex.encode(configuration.xdrBytes) == golden)
        #expect(
            Hex.encode(SnapshotMetadata(index: 6, term: 2, configuration: configuration).xdrBytes)
                == "00000001" + "0000000000000006" + "0000000000000002" + golden)
        let append = RaftMessage.append(
            RaftMessage.Append(term: 2, previousIndex: 6, previousTerm: 1, commit: 5, stamp: 300, lease: 600, entries: [Self.entry]))
        #expect(
            Hex.encode(append.xdrBytes)
                == "00000101" + "0000000000000002" + "0000000000000006" + "0000000000000001" + "0000000000000005" + "000000000000012c"
                + "00000258" + "00000001" + Hex.encode(Self.entry.xdrBytes))
        let vote = RaftMessage.vote(RaftMessage.VoteRequest(term: 3, lastIndex: 7, lastTerm: 2, isPre: true, isTransfer: false))
        #expect(
            Hex.encode(vote.xdrBytes) == "00000105" + "0000000000000003" + "0000000000000007" + "0000000000000002" + "00000001" + "00000000"
        )
        // One wake in full; two heartbeats and an answer packed.
        let batch = RaftBatch(items: [
            RaftBatch.Item(group: GroupID(1), message: Self.beat(term: 2, commit: 300, stamp: 1_000)),
            RaftBatch.Item(group: GroupID(9), message: .wake(term: 4)),
            RaftBatch.Item(group: GroupID(2), message: Self.beat(term: 3, commit: 5, stamp: 1_001)),
            RaftBatch.Item(group: GroupID(3), message: .ack(RaftMessage.Ack(term: 1, stamp: 77, match: 4, received: 6))),
        ])
        #expect(
            Hex.encode(batch.xdrBytes)
                == "00000001" + "00000001" + "0000000000000009" + "0000010a" + "0000000000000004" + "00000010" + "010202ac02d804e807"
                + "02020305d80402" + "00000005" + "03014d0402000000")
    }

    private static func beat(term: UInt64, commit: UInt64, stamp: UInt64, quiesce: Bool = false) -> RaftMessage {
        .heartbeat(RaftMessage.Heartbeat(term: term, commit: commit, stamp: stamp, lease: 600, quiesce: quiesce))
    }

    private static func random(_ chance: inout SeededGenerator) -> RaftMessage {
        // Small and huge numbers alike.
        func number() -> UInt64 { chance.next() >> UInt64(chance.below(64)) }
        func term() -> UInt64 { number() >> 2 }
        let flag = chance.below(2) == 0
        switch chance.below(10) {
        case 0:
            let previous = UInt64(chance.below(1_000))
            let entries = (0..<chance.below(4)).map {
                RaftEntry(index: previous + UInt64($0) + 1, term: 5, kind: .command, payload: [UInt8](repeating: 3, count: chance.below(9)))
            }
            return .append(
                RaftMessage.Append(
                    term: 6, previousIndex: previous, previousTerm: 4, commit: number(), stamp: number(), lease: 700, entries: entries))
        case 1, 2: return beat(term: term(), commit: number(), stamp: flag ? 0 : number() | 1, quiesce: flag)
        case 3, 4: return .ack(RaftMessage.Ack(term: term(), stamp: number(), match: number(), received: number()))
        case 5:
            return .reject(
                RaftMessage.Reject(term: term(), stamp: number(), previousIndex: number(), hintIndex: number(), hintTerm: number()))
        case 6:
            return .vote(RaftMessage.VoteRequest(term: term(), lastIndex: number(), lastTerm: number(), isPre: flag, isTransfer: !flag))
        case 7: return .voteReply(RaftMessage.VoteReply(term: term(), isPre: flag, granted: !flag))
        case 8: return flag ? .timeoutNow(term: term(), lastIndex: number()) : .wake(term: term())
        default: return flag ? .readRequest(request: number()) : .readReply(request: number(), index: number(), ok: flag)
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        var chance = SeededGenerator(seed: 5)
        for _ in 0..<400 {
            let batch = RaftBatch(
                items: (0..<chance.below(8)).map { _ in
                    RaftBatch.Item(group: GroupID(chance.next() >> UInt64(chance.below(64))), message: Self.random(&chance))
                })
            let back = try RaftBatch(xdr: batch.xdrBytes)
            // Heartbeats and answers come last; otherwise the order stays.
            func rank(_ item: RaftBatch.Item) -> Int {
                switch item.message {
                case .heartbeat: 1
                case .ack: 2
                default: 0
                }
            }
            #expect(back.items == (0...2).flatMap { wanted in batch.items.filter { rank($0) == wanted } })
            for item in batch.items { #expect(try RaftMessage(xdr: item.message.xdrBytes) == item.message) }
        }
    }

    /// Bytes that were damaged are refused or read as something else; they never trap.
    @Test func damagedBytesAreHarmless() {
        var chance = SeededGenerator(seed: 6)
        var refused = 0
        for _ in 0..<3_000 {
            let batch = RaftBatch(
                items: (0..<4).map { _ in RaftBatch.Item(group: GroupID(UInt64(chance.below(9))), message: Self.random(&chance)) })
            var bytes = batch.xdrBytes
            if chance.below(4) == 0 { bytes.removeLast(chance.below(bytes.count)) }
            for _ in 0..<(1 + chance.below(3)) where !bytes.isEmpty {
                bytes[chance.below(bytes.count)] = UInt8(truncatingIfNeeded: chance.next())
            }
            if (try? RaftBatch(xdr: bytes)) == nil { refused += 1 }
        }
        #expect(refused > 500)
    }

    @Test func shapesAreChecked() {
        func append(_ entries: [RaftEntry], previous: UInt64 = 6) -> RaftMessage {
            .append(RaftMessage.Append(term: 2, previousIndex: previous, previousTerm: 1, commit: 0, stamp: 1, lease: 1, entries: entries))
        }
        #expect(throws: XDRError.badValue(what: "next entry of an append", value: 7)) {
            try RaftMessage(xdr: append([Self.entry], previous: 5).xdrBytes)
        }
        let late = RaftEntry(index: 7, term: 3, kind: .command, payload: [])
        #expect(throws: XDRError.badValue(what: "next entry of an append", value: 7)) { try RaftMessage(xdr: append([late]).xdrBytes) }
        let odd = RaftEntry(index: 7, term: 2, kind: .configuration, payload: [1, 2, 3, 4])
        #expect(throws: XDRError.self) { try RaftMessage(xdr: append([odd]).xdrBytes) }
        #expect(throws: XDRError.badValue(what: "version of a raft message", value: 2)) {
            try RaftMessage(xdr: [0, 0, 2, 1])
        }
        let huge = RaftMessage.wake(term: 1 << 62)
        #expect(throws: XDRError.badValue(what: "term", value: 1 << 62)) { try RaftMessage(xdr: huge.xdrBytes) }
        #expect(throws: XDRError.badValue(what: "kind of raft message", value: 99)) { try RaftMessage(xdr: [0, 0, 1, 99]) }
    }

    @Test func numbersOfVariableLength() throws {
        for value in [0, 1, 127, 128, 16_383, 16_384, UInt64(UInt32.max), .max - 1, .max] {
            var writer = VarintWriter()
            writer.write(value)
            var reader = VarintReader(writer.bytes[...])
            #expect(try reader.next() == value && reader.isAtEnd)
        }
        var long = VarintReader([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][...])
        #expect(throws: XDRError.self) { try long.next() }
    }
}
