import NIOCore
import Primitives
import Testing

@testable import Transport

@Suite struct FrameTests {
    /// The wire form, byte by byte: it may not change without a new version.
    @Test func goldenBytes() {
        var buffer = ByteBuffer()
        Frame(.message, header: [0xaa, 0xbb], attachment: ByteBuffer(bytes: [1, 2, 3])).write(to: &buffer)
        #expect(Hex.encode(buffer.readableBytesView) == "0000000d0102000100000002aabb010203")
        buffer.clear()
        Frame(.ping, header: [9]).write(to: &buffer)
        #expect(Hex.encode(buffer.readableBytesView) == "00000009010300000000000109")
    }

    private func someFrames(_ random: inout SeededGenerator, count: Int) -> [Frame] {
        (0..<count).map { _ in
            let header = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let kind = FrameKind.allCases[random.below(FrameKind.allCases.count)]
            guard random.below(2) == 0 else { return Frame(kind, header: header) }
            let size = random.below(8) == 0 ? random.below(600_000) : random.below(50)
            return Frame(kind, header: header, attachment: ByteBuffer(repeating: UInt8(truncatingIfNeeded: random.next()), count: size))
        }
    }

    @Test(arguments: 0..<40) func anyCutGivesTheSameFrames(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let frames = someFrames(&random, count: 12)
        var stream = ByteBuffer()
        for frame in frames { frame.write(to: &stream) }
        var decoder = FrameDecoder(limits: .open)
        var seen: [Frame] = []
        while stream.readableBytes > 0 {
            let step = random.below(3) == 0 ? 1 + random.below(3) : 1 + random.below(200_000)
            var piece = stream.readSlice(length: min(step, stream.readableBytes))!
            while let frame = try decoder.next(from: &piece) { seen.append(frame) }
            #expect(piece.readableBytes == 0)
        }
        #expect(seen == frames)
    }

    private func decodeAll(_ bytes: [UInt8], limits: FrameLimits) throws -> Int {
        var decoder = FrameDecoder(limits: limits)
        var buffer = ByteBuffer(bytes: bytes)
        var count = 0
        while try decoder.next(from: &buffer) != nil { count += 1 }
        return count
    }

    @Test func limitsHold() throws {
        func bytes(_ frame: Frame) -> [UInt8] {
            var buffer = ByteBuffer()
            frame.write(to: &buffer)
            return Array(buffer.readableBytesView)
        }
        let limits = FrameLimits(header: 10, attachment: 20)
        #expect(
            try decodeAll(
                bytes(Frame(.message, header: Array(repeating: 1, count: 10), attachment: ByteBuffer(repeating: 2, count: 20))),
                limits: limits) == 1)
        #expect(throws: FrameError.tooLong(part: "header", length: 11, limit: 10)) {
            try decodeAll(bytes(Frame(.message, header: Array(repeating: 1, count: 11))), limits: limits)
        }
        #expect(throws: FrameError.tooLong(part: "attachment", length: 21, limit: 20)) {
            try decodeAll(bytes(Frame(.message, attachment: ByteBuffer(repeating: 2, count: 21))), limits: limits)
        }
        // Before the hello a stranger can announce nothing large.
        #expect(throws: FrameError.tooLong(part: "attachment", length: 1, limit: 0)) {
            try decodeAll(bytes(Frame(.message, attachment: ByteBuffer(repeating: 2, count: 1))), limits: .greeting)
        }
    }

    @Test func everyBadFieldIsNamed() throws {
        func prefix(_ hex: String) throws -> Int { try decodeAll(Hex.decode(hex)!, limits: .open) }
        #expect(throws: FrameError.version(2)) { try prefix("000000080202000000000000") }
        #expect(throws: FrameError.kind(99)) { try prefix("000000080163000000000000") }
        #expect(throws: FrameError.flags(0x8000)) { try prefix("000000080102800000000000") }
        #expect(throws: FrameError.lengths(total: 8, header: 1)) { try prefix("000000080102000000000001") }
        #expect(throws: FrameError.lengths(total: 9, header: 0)) { try prefix("000000090102000000000000") }
        #expect(throws: FrameError.lengths(total: 0, header: 0)) { try prefix("000000000102000100000000") }
        #expect(throws: FrameError.tooLong(part: "header", length: 0xffff_ff00, limit: 4 << 20)) { try prefix("ffffffff01020001ffffff00") }
    }

    @Test func afterAnErrorNothingMoreIsGiven() throws {
        var decoder = FrameDecoder(limits: .open)
        var bad = ByteBuffer(bytes: Hex.decode("000000080202000000000000")!)
        #expect(throws: FrameError.version(2)) { try decoder.next(from: &bad) }
        var good = ByteBuffer()
        Frame(.ping).write(to: &good)
        #expect(throws: FrameError.version(2)) { try decoder.next(from: &good) }
    }

    /// Random bytes, and true frames with some bytes changed: never a crash, and what comes out is
    /// within the limits.
    @Test(arguments: 0..<200) func garbageIsSurvived(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let limits = FrameLimits(header: 1 << 16, attachment: 1 << 16)
        var stream = ByteBuffer()
        if seed % 2 == 0 {
            for frame in someFrames(&random, count: 6) { frame.write(to: &stream) }
            for _ in 0..<1 + random.below(6) {
                stream.setInteger(UInt8(truncatingIfNeeded: random.next()), at: random.below(stream.writerIndex))
            }
        } else {
            stream.writeBytes((0..<4_096).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            // Often a plausible beginning, so that the depths are reached.
            if seed % 3 == 0 { stream.setBytes([0, 0, UInt8(random.below(256)), 0, 1, 2, 0, 1], at: 0) }
        }
        var decoder = FrameDecoder(limits: limits)
        var given = 0
        while stream.readableBytes > 0 {
            var piece = stream.readSlice(length: min(1 + random.below(900), stream.readableBytes))!
            while let frame = try? decoder.next(from: &piece) {
                #expect(frame.header.count <= limits.header && (frame.attachment?.readableBytes ?? 0) <= limits.attachment)
                given += Frame.prefixLength + frame.header.count + (frame.attachment?.readableBytes ?? 0)
            }
        }
        #expect(given <= stream.writerIndex)
    }

    @Test func aTrickleOfALargeFrameCostsNoMoreThanItBrings() throws {
        var decoder = FrameDecoder(limits: .open)
        var head = ByteBuffer()
        Frame.writeHead(.message, header: [], attachment: 16 << 20, to: &head)
        head.writeInteger(UInt8(7))
        #expect(try decoder.next(from: &head) == nil)
        // 16 MiB were announced, one byte came.
        #expect((1...FrameDecoder.firstStep).contains(try #require(decoder.attachment).capacity))
        var more = ByteBuffer(repeating: 1, count: FrameDecoder.firstStep)
        #expect(try decoder.next(from: &more) == nil)
        #expect(try #require(decoder.attachment).capacity >= 16 << 20)
    }
}

@Suite struct HelloTests {
    static func sample(_ node: UInt64 = 1, cluster: String = "test") -> Hello {
        Hello(
            cluster: cluster, node: NodeID(node), region: RegionID("here"), incarnation: 7, settings: .zero, purpose: .control, flow: 0,
            expects: NodeID(2))
    }

    @Test func roundTrip() throws {
        let hello = Self.sample()
        #expect(try Hello(header: hello.xdrBytes) == hello)
        let refusal = Refusal(.settings, "because")
        #expect(try Refusal(xdr: refusal.xdrBytes) == refusal)
    }

    @Test func aNewerHelloMayHaveMoreFields() throws {
        var hello = Self.sample()
        hello.newest = 9
        #expect(try Hello(header: hello.xdrBytes + [0, 0, 0, 1]).newest == 9)
        #expect(throws: XDRError.trailing(4)) { try Hello(header: Self.sample().xdrBytes + [0, 0, 0, 1]) }
    }

    @Test func objections() throws {
        var me = Self.sample(2)
        me.expects = NodeID(1)
        let certified = PeerName(cluster: "test", node: NodeID(1))
        func objection(_ change: (inout Hello) -> Void) -> Refusal.Code? {
            var hello = Self.sample()
            change(&hello)
            return hello.objection(certified: certified, me: me, dialled: NodeID(1))?.code
        }
        #expect(objection { _ in } == nil)
        #expect(objection { ($0.oldest, $0.newest) = (2, 3) } == .wireVersion)
        #expect(objection { ($0.oldest, $0.newest) = (0, 0) } == .wireVersion)
        #expect(objection { $0.cluster = "other" } == .cluster)
        #expect(objection { $0.node = NodeID(5) } == .identity)
        #expect(objection { $0.expects = NodeID(3) } == .wrongNode)
        #expect(objection { $0.settings = SHA256.hash([1]) } == .settings)
        #expect(Self.sample().objection(certified: certified, me: me, dialled: NodeID(4))?.code == .wrongNode)
    }

    @Test(arguments: 0..<200) func garbageIsSurvived(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = Self.sample().xdrBytes
        for _ in 0..<1 + random.below(8) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
        bytes.removeLast(random.below(bytes.count))
        if let hello = try? Hello(header: bytes) { #expect(hello.cluster.utf8.count <= 64) }
        _ = try? Refusal(xdr: bytes)
    }
}
