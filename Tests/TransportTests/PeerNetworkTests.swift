import NIOCore
import NIOPosix
import Primitives
import Testing

@testable import Transport

@Suite struct PeerNetworkTests {
    @Test func messagesBothWaysInOrder() async throws {
        let a = try await makePeer(1)
        let b = try await makePeer(2)
        a.knows(b)
        b.knows(a)
        for index in 0..<500 {
            #expect(a.network.send(to: NodeID(2), lane: .control, header: [UInt8(index >> 8), UInt8(index & 255)]) == .accepted)
        }
        let seen = await b.events.wait("500 messages") { $0.filter { $0.lane == .control }.count == 500 }
        let sent: [[UInt8]] = (0..<500).map { index in [UInt8(index >> 8), UInt8(index & 255)] }
        #expect(seen.compactMap(\.header) == sent)
        #expect(seen.first == .connected(NodeID(1), .control, .incoming, 1))
        b.network.send(to: NodeID(1), lane: .control, header: [9], attachment: ByteBuffer(bytes: [1, 2]))
        await a.events.wait("the answer") { $0.contains(.received(NodeID(2), .control, [9], 2)) }
        // Nothing was sent on bulk, so nothing was dialled for it.
        #expect(a.network.statistics.first?.bulk.connects == 0)
        #expect(a.network.statistics.first?.control.messagesOut == 500)
        #expect(b.network.statistics.first?.control.messagesIn == 500)
        await stop(a, b)
    }

    /// A block that is repeated; its length fits no piece of the wire's, so that no two pieces are alike.
    private func someBytes(_ count: Int, seed: UInt64) -> ByteBuffer {
        var random = SeededGenerator(seed: seed)
        let block = (0..<10_007).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count + block.count)
        while buffer.readableBytes < count { buffer.writeBytes(block) }
        return buffer.readSlice(length: count)!
    }

    @Test func attachmentsOfEverySizeArriveWhole() async throws {
        let a = try await makePeer(1)
        let b = try await makePeer(2) { $0.region = "there" }
        a.knows(b)
        let sizes: [Int?] = [nil, 0, 1, 8_191, 8_192, 8_193, 262_144, 300_001, 5 << 20, 16 << 20]
        var digests: [Digest] = []
        for (index, size) in sizes.enumerated() {
            let attachment = size.map { someBytes($0, seed: UInt64(index)) }
            if let attachment { digests.append(attachment.withUnsafeReadableBytes { SHA256.hash($0) }) }
            #expect(a.network.send(to: NodeID(2), lane: .bulk, header: [UInt8(index)], attachment: attachment) == .accepted)
        }
        #expect(
            a.network.send(to: NodeID(2), lane: .bulk, header: [], attachment: ByteBuffer(repeating: 0, count: (16 << 20) + 1))
                == .refused(.tooLarge))
        #expect(a.network.send(to: NodeID(2), lane: .control, header: [UInt8](repeating: 0, count: (4 << 20) + 1)) == .refused(.tooLarge))
        let seen = await b.events.wait("all sizes") { $0.filter { $0.lane == .bulk }.count == sizes.count }
        for (index, size) in sizes.enumerated() { #expect(seen.contains(.received(NodeID(1), .bulk, [UInt8(index)], size))) }
        #expect(b.digests.all.sorted() == digests.sorted())
        await stop(a, b)
    }

    /// Control messages handed over after 16 MiB of bulk bytes arrive before them: the lanes share
    /// nothing but the link, and that they share piece by piece. The bulk bytes need two seconds on it.
    @Test func bulkDoesNotStandInFrontOfControl() async throws {
        var rules = LinkRules()
        rules.set(RegionID("a"), RegionID("b"), roundTrip: .milliseconds(4), capacity: 8 << 20)
        let a = try await makePeer(1) {
            $0.region = "a"; $0.shaper = LinkShaper(node: NodeID(1), region: RegionID("a"), rules: rules)
        }
        let b = try await makePeer(2) {
            $0.region = "b"; $0.shaper = LinkShaper(node: NodeID(2), region: RegionID("b"), rules: rules)
        }
        a.knows(b, connect: true)
        await a.events.wait("control up") { $0.contains { $0.isConnected(.control, .outgoing) } }
        a.network.send(to: NodeID(2), lane: .bulk, header: [0])
        await a.events.wait("bulk up") { $0.contains { $0.isConnected(.bulk, .outgoing) } }
        a.network.send(to: NodeID(2), lane: .bulk, header: [255], attachment: ByteBuffer(repeating: 7, count: 16 << 20))
        for index in 1...20 { a.network.send(to: NodeID(2), lane: .control, header: [UInt8(index)]) }
        let seen = await b.events.wait("both lanes") { $0.contains { $0.header == [255] } && $0.filter { $0.lane == .control }.count == 20 }
        let headers = seen.compactMap(\.header)
        let control: [[UInt8]] = (1...20).map { [UInt8($0)] }
        #expect(headers == [[0]] + control + [[255]])
        await stop(a, b)
    }

    @Test func aFullQueueRefusesAndCounts() async throws {
        // Somebody who accepts connections and says nothing, until the test hangs up on them.
        let callers = Recorder<any Channel>()
        let mute = try await ServerBootstrap(group: testGroup)
            .childChannelInitializer { channel in
                callers.add(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let a = try await makePeer(1) {
            $0.settings.controlQueueMessages = 8
            $0.settings.bulkQueueBytes = 1_000
            $0.settings.dialTimeout = .seconds(60)
            $0.settings.backoffFirst = .seconds(60)
            $0.settings.backoffLast = .seconds(60)
        }
        a.network.setPeer(PeerAddress(id: NodeID(2), region: RegionID("here"), host: "127.0.0.1", port: mute.localAddress!.port!))
        #expect(a.network.send(to: NodeID(3), lane: .control, header: []) == .refused(.unknownPeer))
        for _ in 0..<8 { #expect(a.network.send(to: NodeID(2), lane: .control, header: [1]) == .accepted) }
        for _ in 0..<3 { #expect(a.network.send(to: NodeID(2), lane: .control, header: [1]) == .refused(.queueFull)) }
        #expect(a.network.send(to: NodeID(2), lane: .bulk, header: [1], attachment: ByteBuffer(repeating: 0, count: 5_000)) == .accepted)
        #expect(a.network.send(to: NodeID(2), lane: .bulk, header: [1]) == .refused(.queueFull))
        let before = try #require(a.network.statistics.first)
        #expect(before.control.queuedMessages == 8 && before.control.refusedFull == 3 && before.bulk.refusedFull == 1)
        for caller in await callers.wait("both lanes to call", until: { $0.count == 2 }) { try await caller.close() }
        await a.events.wait("both attempts to fail") { $0.compactMap(\.failure).count == 2 }
        let after = try #require(a.network.statistics.first)
        #expect(after.control.dropped == 8 && after.control.queuedMessages == 0 && after.control.failures == 1)
        #expect(a.network.send(to: NodeID(2), lane: .control, header: [1]) == .refused(.unreachable))
        await stop(a)
        #expect(a.network.send(to: NodeID(2), lane: .control, header: [1]) == .refused(.stopped))
        try await mute.close()
    }

    @Test func aPeerThatComesBackIsReachedAgain() async throws {
        let quick: (inout PeerOptions) -> Void = {
            $0.settings.backoffFirst = .milliseconds(10)
            $0.settings.backoffLast = .milliseconds(50)
        }
        let a = try await makePeer(1, quick)
        let port = try await lastingPort()
        let b = try await makePeer(2) { $0.port = port }
        a.knows(b, connect: true)
        await a.events.wait("the first connection") { $0.contains(.connected(NodeID(2), .control, .outgoing, 1)) }
        await b.network.stop(grace: .milliseconds(100))
        await a.events.wait("its end") { $0.contains { $0.failure != nil } }
        let again = try await makePeer(2) {
            $0.port = b.port
            $0.incarnation = 2
        }
        // Nobody sends anything: a control lane that was wanted comes back by itself.
        await a.events.wait("the second connection") { $0.contains(.connected(NodeID(2), .control, .outgoing, 2)) }
        a.network.send(to: NodeID(2), lane: .control, header: [5])
        await again.events.wait("a message") { $0.contains(.received(NodeID(1), .control, [5], nil)) }
        #expect(a.network.statistics.first?.control.connects == 2)
        await stop(a, again)
    }

    @Test func aPeerThatMovedIsDialledAnew() async throws {
        let a = try await makePeer(1)
        let b = try await makePeer(2)
        let elsewhere = try await makePeer(2) { $0.incarnation = 2 }
        a.knows(b, connect: true)
        await a.events.wait("the first place") { $0.contains(.connected(NodeID(2), .control, .outgoing, 1)) }
        a.knows(elsewhere, connect: true)
        await a.events.wait("the second place") { $0.contains(.connected(NodeID(2), .control, .outgoing, 2)) }
        a.network.removePeer(NodeID(2))
        #expect(a.network.send(to: NodeID(2), lane: .control, header: []) == .refused(.unknownPeer))
        await elsewhere.events.wait("the end") {
            $0.contains { if case .disconnected(_, .control, .incoming, _) = $0 { true } else { false } }
        }
        await stop(a, b, elsewhere)
    }

    @Test func pingsMeasureAndKeepAlive() async throws {
        let a = try await makePeer(1) { $0.settings.keepalive = .milliseconds(50) }
        let b = try await makePeer(2)
        a.knows(b, connect: true)
        await a.events.wait("a connection") { $0.contains { $0.isConnected(.control, .outgoing) } }
        let measured = Recorder<Duration>()
        let task = testGroup.next().scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { _ in
            if let trip = a.network.roundTrip(to: NodeID(2)) { measured.add(trip) }
        }
        await measured.wait("a round trip") { !$0.isEmpty }
        task.cancel()
        #expect(measured.all.allSatisfy { $0 > .zero })
        await stop(a, b)
    }

    @Test func syncNeedsNoNodeID() async throws {
        let a = try await makePeer(1)
        let b = try await makePeer(2)
        let payload = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(try await a.network.sync(host: "127.0.0.1", port: b.port, payload: payload) == payload.reversed())
        #expect(try await a.network.sync(host: "localhost", port: b.port, payload: []) == [])
        #expect(b.events.all.contains(.sync(NodeID(1), payload)))
        await b.network.stop(grace: .milliseconds(100))
        let error = await #expect(throws: TransportError.self) { try await a.network.sync(host: "127.0.0.1", port: b.port, payload: [1]) }
        #expect(error?.code == .unreachable)
        await stop(a)
        let stopped = await #expect(throws: TransportError.self) { try await a.network.sync(host: "127.0.0.1", port: b.port, payload: [1]) }
        #expect(stopped?.code == .stopped)
    }

    @Test func aPortInUseIsNamed() async throws {
        let a = try await makePeer(1)
        let error = await #expect(throws: TransportError.self) { _ = try await makePeer(2) { $0.port = a.port } }
        #expect(error?.description.contains("Address already in use") == true)
        #expect(error?.object == "127.0.0.1:\(a.port)")
        await stop(a)
    }

    @Test func stoppingDeliversWhatWasAccepted() async throws {
        let a = try await makePeer(1)
        let b = try await makePeer(2)
        a.knows(b)
        for index in 0..<200 { a.network.send(to: NodeID(2), lane: .control, header: [UInt8(index)]) }
        await a.network.stop(grace: .seconds(20))
        let seen = await b.events.wait("the end") {
            $0.contains { if case .disconnected(_, .control, .incoming, _) = $0 { true } else { false } }
        }
        #expect(seen.compactMap(\.header).count == 200)
        await stop(b)
    }
}

@Suite struct TimingTests {
    @Test func backoffDoublesWithinItsBounds() {
        var settings = NetworkSettings()
        settings.backoffFirst = .milliseconds(100)
        settings.backoffLast = .milliseconds(700)
        var random = SeededGenerator(seed: 1)
        var backoff = Backoff(settings)
        for ceiling in [100, 200, 400, 700, 700, 700] {
            let delay = backoff.failed(random: &random)
            #expect(delay >= .milliseconds(ceiling) / 2 && delay <= .milliseconds(ceiling))
        }
        for _ in 0..<100 { _ = backoff.failed(random: &random) }
        #expect(backoff.failed(random: &random) <= .milliseconds(700))
        backoff.succeeded()
        #expect(backoff.failed(random: &random) <= .milliseconds(100))
    }

    @Test func roundTripsAreSmoothed() {
        var estimate = RoundTripEstimate()
        #expect(estimate.smoothed == nil && estimate.median == nil)
        estimate.add(.milliseconds(80))
        #expect(estimate.smoothed == .milliseconds(80))
        estimate.add(.milliseconds(160))
        #expect(estimate.smoothed == .milliseconds(90) && estimate.last == .milliseconds(160) && estimate.median == .milliseconds(80))
        for _ in 0..<RoundTripEstimate.window { estimate.add(.milliseconds(10)) }
        #expect(estimate.median == .milliseconds(10))
    }

    @Test func pongTimeoutsFollowTheDistance() {
        let settings = NetworkSettings()
        #expect(settings.pongTimeout(roundTrip: nil) == .seconds(3))
        #expect(settings.pongTimeout(roundTrip: .milliseconds(400)) == .seconds(3))
        #expect(settings.pongTimeout(roundTrip: .seconds(1)) == .seconds(5))
        #expect(settings.pongTimeout(roundTrip: .seconds(100)) == .seconds(10))
    }
}
