import NIOCore
import NIOPosix
import Primitives
import Testing

@testable import Transport

/// The shaper on real sockets. Only lower bounds of time are asserted: a busy machine may be late, but a
/// link can never be early.
@Suite struct ShapedNetworkTests {
    static let east = RegionID("east")
    static let west = RegionID("west")

    struct Pair {
        let a: TestPeer
        let b: TestPeer
        let shapers: [LinkShaper]
        func apply(_ rules: LinkRules) { for shaper in shapers { shaper.apply(rules) } }
    }

    private func pair(_ rules: LinkRules, _ change: (inout NetworkSettings) -> Void = { _ in }) async throws -> Pair {
        let one = LinkShaper(node: NodeID(1), region: Self.east, rules: rules)
        let two = LinkShaper(node: NodeID(2), region: Self.west, rules: rules)
        let a = try await makePeer(1) {
            $0.region = "east"
            $0.shaper = one
            change(&$0.settings)
        }
        let b = try await makePeer(2) {
            $0.region = "west"
            $0.shaper = two
            change(&$0.settings)
        }
        a.knows(b)
        b.knows(a)
        return Pair(a: a, b: b, shapers: [one, two])
    }

    private func rules(_ milliseconds: Int, window: Int? = nil) -> LinkRules {
        var rules = LinkRules()
        rules.set(Self.east, Self.west, roundTrip: .milliseconds(milliseconds), window: window)
        return rules
    }

    @Test func connectingAndSendingPayTheDistance() async throws {
        let pair = try await pair(rules(40)) { $0.keepalive = .milliseconds(50) }
        let start = Instant.now
        pair.a.network.send(to: NodeID(2), lane: .control, header: [1])
        await pair.b.events.wait("the message") { $0.contains { $0.header == [1] } }
        // TCP 40, TLS there and back 40, hello and message there 20.
        #expect(Instant.now - start >= .milliseconds(100))
        await pair.a.events.wait("the hello") { $0.contains { $0.isConnected(.control, .outgoing) } }
        #expect(Instant.now - start >= .milliseconds(120))
        let measured = Recorder<Duration>()
        let task = testGroup.next().scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { _ in
            if let trip = pair.a.network.roundTrip(to: NodeID(2)) { measured.add(trip) }
        }
        await measured.wait("a round trip") { !$0.isEmpty }
        task.cancel()
        #expect(measured.all.allSatisfy { $0 >= .milliseconds(40) })
        await stop(pair.a, pair.b)
    }

    @Test func aWindowLimitsThroughput() async throws {
        // 64 KiB per 20 ms: a megabyte takes at least 15 round trips on one flow.
        let pair = try await pair(rules(20, window: 64 << 10)) { $0.bulkFlowsBetweenRegions = 1 }
        pair.a.network.send(to: NodeID(2), lane: .bulk, header: [0])
        await pair.b.events.wait("the flow") { $0.contains { $0.header == [0] } }
        let start = Instant.now
        pair.a.network.send(to: NodeID(2), lane: .bulk, header: [1], attachment: ByteBuffer(repeating: 1, count: 1 << 20))
        await pair.b.events.wait("a megabyte") { $0.contains { $0.header == [1] } }
        #expect(Instant.now - start >= .milliseconds(15 * 20))
        await stop(pair.a, pair.b)
    }

    /// While a flow is busy others are dialled and take their part, as long as there is work for them.
    @Test func bulkUsesSeveralFlows() async throws {
        let pair = try await pair(rules(10, window: 256 << 10)) {
            $0.bulkFlowsBetweenRegions = 3
            $0.outstandingBytes = 1 << 20
        }
        var sent = 0
        var flows = 0
        // More is handed over while a slow machine makes the connections; some of it is always under way.
        while flows < 3 || sent < 12, sent < 200 {
            let outcome = pair.a.network.send(
                to: NodeID(2), lane: .bulk, header: [1], attachment: ByteBuffer(repeating: 1, count: 1 << 20))
            #expect(outcome == .accepted)
            sent += 1
            let least = sent - 8
            await pair.b.events.wait("message \(least)") { $0.count { $0.lane == .bulk } >= least }
            flows = pair.a.network.statistics.first?.bulk.connects ?? 0
        }
        let total = sent
        await pair.b.events.wait("all of it") { $0.count { $0.lane == .bulk } == total }
        let bulk = try #require(pair.a.network.statistics.first?.bulk)
        #expect(bulk.connects == 3)
        #expect(bulk.messagesOut == sent)
        #expect(bulk.bytesOut == sent * ((1 << 20) + 13))
        await stop(pair.a, pair.b)
    }

    @Test func aShortPartitionDelaysAndAHealDelivers() async throws {
        let open = rules(10)
        let pair = try await pair(open) {
            $0.pongTimeoutLeast = .seconds(60); $0.pongTimeoutMost = .seconds(60)
        }
        pair.a.network.send(to: NodeID(2), lane: .control, header: [0])
        await pair.a.events.wait("a connection") { $0.contains { $0.isConnected(.control, .outgoing) } }
        await pair.b.events.wait("the first message") { $0.contains { $0.header == [0] } }
        var cut = open
        cut.partition(Self.east, Self.west)
        pair.apply(cut)
        for index in 1...50 { pair.a.network.send(to: NodeID(2), lane: .control, header: [UInt8(index)]) }
        // A question that the partitioned connection cannot answer passes elsewhere meanwhile.
        let bystander = try await makePeer(3) { $0.region = "east" }
        #expect(try await bystander.network.sync(host: "127.0.0.1", port: pair.b.port, payload: [1, 2]) == [2, 1])
        pair.b.events.add(.mark("healed"))
        pair.apply(open)
        let seen = await pair.b.events.wait("all after healing") { $0.filter { $0.lane == .control }.count == 51 }
        let sent: [[UInt8]] = (0...50).map { [UInt8($0)] }
        #expect(seen.compactMap(\.header) == sent)
        let healed = try #require(seen.firstIndex(of: .mark("healed")))
        #expect(seen[..<healed].compactMap(\.header) == [[0]])
        #expect(!seen.contains { if case .disconnected = $0 { true } else { false } })
        await stop(pair.a, pair.b, bystander)
    }

    @Test func aLongPartitionBreaksAndAHealReconnects() async throws {
        let open = rules(10)
        let pair = try await pair(open) {
            $0.keepalive = .milliseconds(40)
            $0.pongTimeoutLeast = .seconds(1)
            $0.pongTimeoutMost = .seconds(1)
            $0.dialTimeout = .seconds(20)
            $0.backoffFirst = .milliseconds(10)
            $0.backoffLast = .milliseconds(50)
        }
        pair.a.network.send(to: NodeID(2), lane: .control, header: [0])
        await pair.a.events.wait("a connection") { $0.contains { $0.isConnected(.control, .outgoing) } }
        var cut = open
        cut.isolate(Self.west)
        pair.apply(cut)
        let broken = await pair.a.events.wait("the end of it") { $0.contains { $0.failure != nil } }
        #expect(broken.compactMap(\.failure).first?.contains("no answer to a ping") == true)
        // Dialling into the partition waits; healing lets it through. A machine that stands still for a second has ended
        // connections and made new ones before: those do not count.
        pair.a.events.add(.mark("healed"))
        pair.apply(open)
        await pair.a.events.wait("a new connection") { events in
            events.drop { $0 != .mark("healed") }.contains { $0.isConnected(.control, .outgoing) }
        }
        await stop(pair.a, pair.b)
    }

    @Test func theStallLimitBreaksTheConnectionItself() async throws {
        var open = rules(10)
        let pair = try await pair(open) {
            $0.pongTimeoutLeast = .seconds(60)
            $0.pongTimeoutMost = .seconds(60)
            $0.backoffFirst = .seconds(60)
            $0.backoffLast = .seconds(60)
        }
        pair.a.network.send(to: NodeID(2), lane: .control, header: [0])
        await pair.a.events.wait("a connection") { $0.contains { $0.isConnected(.control, .outgoing) } }
        // Only from now on: a machine that stands still for a second must not end the connection before.
        open.stallLimit = .seconds(1)
        open.partition(Self.east, Self.west)
        pair.apply(open)
        pair.a.network.send(to: NodeID(2), lane: .control, header: [1])
        let seen = await pair.a.events.wait("the end of it") { $0.contains { $0.failure != nil } }
        #expect(seen.compactMap(\.failure).first?.contains("no acknowledgement for 1.0 seconds") == true)
        await stop(pair.a, pair.b)
    }

    /// What cannot be delivered does not hold up an orderly stop.
    @Test(.timeLimit(.minutes(1))) func stoppingDuringAPartitionIsBounded() async throws {
        var cut = rules(10)
        let pair = try await pair(cut)
        pair.a.network.send(to: NodeID(2), lane: .control, header: [0])
        await pair.a.events.wait("a connection") { $0.contains { $0.isConnected(.control, .outgoing) } }
        cut.isolate(Self.east)
        pair.apply(cut)
        pair.a.network.send(to: NodeID(2), lane: .control, header: [1])
        pair.a.network.send(to: NodeID(2), lane: .bulk, header: [2])
        await stop(pair.a, pair.b)
        #expect(pair.a.network.statistics.first?.control.flowsUp == 0)
    }

    @Test func rulesChangeWhileTrafficFlows() async throws {
        let pair = try await pair(rules(6, window: 128 << 10))
        for index in 0..<60 {
            pair.a.network.send(to: NodeID(2), lane: .control, header: [UInt8(index)], attachment: ByteBuffer(repeating: 1, count: 20_000))
            if index % 10 == 5 { pair.apply(rules(index / 10 + 1, window: index % 20 == 5 ? nil : 64 << 10)) }
        }
        let seen = await pair.b.events.wait("everything, in order") { $0.filter { $0.lane == .control }.count == 60 }
        let sent: [[UInt8]] = (0..<60).map { [UInt8($0)] }
        #expect(seen.compactMap(\.header) == sent)
        await stop(pair.a, pair.b)
    }
}
