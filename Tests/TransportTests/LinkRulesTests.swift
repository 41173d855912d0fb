import NIOCore
import Primitives
import Testing

@testable import Transport

@Suite struct LinkRulesTests {
    let a = RegionID("a")
    let b = RegionID("b")
    let c = RegionID("c")

    private func end(_ node: UInt64, _ region: RegionID) -> LinkEnd { LinkEnd(node: NodeID(node), region: region) }

    @Test func mapAndFaults() {
        var rules = LinkRules()
        rules.set(a, b, roundTrip: .milliseconds(80), jitter: .milliseconds(1), loss: 0.5, window: 1 << 20, capacity: 1_000_000)
        let expected = LinkRule(delay: .milliseconds(40), jitter: .milliseconds(1), loss: 0.5, window: 1 << 20, capacity: 1_000_000)
        #expect(rules.rule(from: end(1, a), to: end(2, b)) == expected)
        #expect(rules.rule(from: end(2, b), to: end(1, a)) == expected)
        #expect(rules.rule(from: end(1, a), to: end(2, c)) == .none)
        #expect(rules.rule(from: end(1, a), to: end(3, a)) == .none)

        rules.slow(a, b, roundTrip: .milliseconds(20), loss: 0.5)
        let slowed = rules.rule(from: end(1, a), to: end(2, b))
        #expect(slowed.delay == .milliseconds(50) && slowed.loss == 0.75)

        rules.partition(a, b)
        #expect(rules.rule(from: end(1, a), to: end(2, b)).isBlocked && rules.rule(from: end(2, b), to: end(1, a)).isBlocked)
        #expect(!rules.rule(from: end(1, a), to: end(2, c)).isBlocked)
        rules.heal()
        #expect(rules.rule(from: end(1, a), to: end(2, b)) == expected)

        rules.isolate(a)
        #expect(rules.rule(from: end(1, a), to: end(2, c)).isBlocked && rules.rule(from: end(2, c), to: end(1, a)).isBlocked)
        #expect(!rules.rule(from: end(1, a), to: end(4, a)).isBlocked && !rules.rule(from: end(1, b), to: end(4, c)).isBlocked)
        rules.heal()

        rules.isolate(NodeID(1))
        #expect(rules.rule(from: end(1, a), to: end(4, a)).isBlocked && rules.rule(from: end(4, a), to: end(1, a)).isBlocked)
        #expect(!rules.rule(from: end(2, a), to: end(4, a)).isBlocked)
    }

    @Test func oneWayPartition() {
        var rules = LinkRules()
        rules.faults = [LinkFault(from: .region(a), to: .node(NodeID(9)), kind: .block)]
        #expect(rules.rule(from: end(1, a), to: end(9, b)).isBlocked)
        #expect(!rules.rule(from: end(9, b), to: end(1, a)).isBlocked)
    }

    @Test func wireForm() throws {
        var rules = LinkRules()
        rules.seed = 42
        rules.set(b, a, roundTrip: .milliseconds(80), jitter: .microseconds(300), loss: 0.01, window: 1 << 20)
        rules.set(a, c, roundTrip: .milliseconds(150), capacity: 7)
        rules.isolate(c)
        rules.slow(a, b, roundTrip: .milliseconds(3), loss: 0.25)
        rules.isolate(NodeID(4))
        rules.faults.append(LinkFault(from: .anywhere, to: .node(NodeID(1)), kind: .pause))
        let bytes = rules.xdrBytes
        #expect(try LinkRules(xdr: bytes) == rules)
        #expect(rules.links.map(\.from) == [a, a, b, c])
        rules[a, c] = nil
        #expect(rules[a, c] == nil && rules[c, a] != nil)
    }

    @Test(arguments: 0..<300) func garbageIsSurvived(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var rules = LinkRules()
        rules.set(a, b, roundTrip: .milliseconds(80), window: 9)
        rules.isolate(a)
        var bytes = rules.xdrBytes
        for _ in 0..<1 + random.below(10) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
        bytes.removeLast(random.below(bytes.count) / 4 * 4)
        guard let read = try? LinkRules(xdr: bytes) else { return }
        let rule = read.rule(from: end(1, a), to: end(2, b))
        #expect((0...1).contains(rule.loss) && rule.delay >= .zero && rule.delay <= .seconds(10))
        #expect(rule.window ?? 1 > 0 && rule.capacity ?? 1 > 0)
    }

    @Test func preamble() {
        var buffer = ByteBuffer()
        RoutePreamble(node: NodeID(5), region: a).write(to: &buffer)
        buffer.writeString("TLS")
        let whole = Array(buffer.readableBytesView)
        for length in 0...whole.count {
            var part = ByteBuffer(bytes: whole[..<length])
            switch RoutePreamble.read(from: &part) {
            case .incomplete: #expect(length < whole.count - 3)
            case .complete(let preamble):
                #expect(length >= whole.count - 3)
                #expect(preamble.end == end(5, a))
                #expect(part.readableBytes == length - (whole.count - 3))
            case .absent: Issue.record("\(length) bytes of a preamble were taken for something else")
            }
        }
        var tls = ByteBuffer(bytes: [0x16, 3, 1])
        guard case .absent = RoutePreamble.read(from: &tls) else {
            Issue.record("TLS was taken for a preamble")
            return
        }
        #expect(tls.readableBytes == 3)
    }
}
