import NIOCore
import NIOPosix
import Primitives
import Testing

@testable import Transport

@Suite struct KeyRingTests {
    @Test func rotation() throws {
        var ring = try KeyRing.create()
        let first = ring.primary.id
        let second = try ring.addNew()
        #expect(ring.primary.id == first && ring.keys.count == 2)
        #expect(throws: TransportError.self) { try ring.remove(first) }
        try ring.use(second)
        #expect(ring.primary.id == second)
        try ring.remove(first)
        #expect(ring.keys.map(\.id) == [second])
        #expect(throws: TransportError.self) { try ring.use(first) }
        #expect(throws: TransportError.self) { try ring.add(Secret([1, 2])) }
        #expect(throws: TransportError.self) { try ring.add(ring.primary.secret) }
    }

    /// The steps of a rotation by the ring alone, from any id, and as many as it takes with keys left over.
    @Test(arguments: [1, 127, 128, 254, 255] as [UInt8]) func stepByStep(id: UInt8) throws {
        var ring = try KeyRing(keys: [(id: id, secret: try .random(count: 32))])
        for round in 0..<3 as Range<UInt8> {
            let (old, new) = (id &+ round, id &+ round &+ 1)
            #expect(try ring.advance() == .added(new))
            #expect(ring.keys.map(\.id) == [old, new])
            #expect(try ring.advance() == .used(new))
            #expect(ring.keys.map(\.id) == [new, old])
            #expect(try ring.advance() == .removed(old))
            #expect(ring.keys.map(\.id) == [new])
        }
        let first = ring.primary.id
        let second = try ring.addNew()
        let third = try ring.addNew()
        #expect(try ring.advance() == .used(third))
        #expect(try ring.advance() == .removed(first))
        #expect(!ring.isSettled(by: .removed(first)), "another old key still opens")
        #expect(try ring.advance() == .removed(second))
        #expect(ring.isSettled(by: .removed(second)))
        #expect(ring.keys.map(\.id) == [third])
    }

    /// Three nodes that take each step at moments of their own, always the next only when all have taken the one before:
    /// whoever seals, everybody opens.
    @Test func nobodyIsCutOffDuringARotation() throws {
        var target = try KeyRing.create()
        var nodes = try (0..<3).map { _ in try PacketSealer(ring: target, cluster: "test") }
        for _ in 0..<6 {
            _ = try target.advance()
            for late in [2, 0, 1] {
                nodes[late].ring = target
                for sender in nodes.indices {
                    let packet = try nodes[sender].seal([7])
                    for reader in nodes.indices { #expect(nodes[reader].open(packet) == .payload([7])) }
                }
            }
        }
    }

    @Test func aRingIsBoundedAndIdsDoNotCollide() throws {
        var ring = try KeyRing(keys: [(id: 255, secret: try .random(count: 32))])
        for _ in 1..<KeyRing.limit { try ring.addNew() }
        #expect(throws: TransportError.self) { try ring.addNew() }
        #expect(ring.keys.map(\.id) == [255, 0, 1, 2, 3, 4, 5, 6])
    }

    @Test func file() throws {
        try withFolder { folder in
            let path = folder + "/gossip.keys"
            var ring = try KeyRing.create()
            try ring.use(ring.addNew())
            try ring.save(to: path)
            #expect(try mode(of: path) == 0o600)
            #expect(try KeyRing.load(from: path) == ring)
            try PrivateFile.write(Array("atoll gossip key ring 1\n1 zz\n".utf8), to: path, mode: 0o600)
            #expect(throws: TransportError.self) { try KeyRing.load(from: path) }
            try PrivateFile.write(Array("something else\n".utf8), to: path, mode: 0o600)
            #expect(throws: TransportError.self) { try KeyRing.load(from: path) }
        }
    }
}

@Suite struct PacketTests {
    private func sealer(_ ring: KeyRing, _ cluster: String = "test") throws -> PacketSealer {
        try PacketSealer(ring: ring, cluster: cluster)
    }

    /// NIST GCM test case 15 (AES-256, 60 bytes of zero-padded plaintext is case 16 with additional data).
    @Test func knownAnswer() throws {
        let key = Secret(Hex.decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")!)
        let nonce = Hex.decode("cafebabefacedbaddecaf888")!
        let plain = Hex.decode(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")!
        let more = Hex.decode("feedfacedeadbeeffeedfacedeadbeefabaddad2")!
        let sealed = try PacketSeal.seal(plain, key: key, nonce: nonce, authenticated: more)
        let cipher =
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        let tag = "76fc6ece0f4e1768cddf8853bb2d551b"
        #expect(Hex.encode(sealed) == cipher + tag)
        #expect(PacketSeal.open(sealed[...], key: key, nonce: nonce, authenticated: more) == plain)
    }

    @Test func roundTripOfAnyLength() throws {
        var sealer = try sealer(.create())
        for length in [0, 1, 15, 16, 17, 1_400, GossipSocket.payloadLimit] {
            let payload = [UInt8](repeating: 0x5a, count: length)
            let packet = try sealer.seal(payload)
            #expect(packet.count == length + PacketSealer.overhead)
            #expect(sealer.open(packet) == .payload(payload))
        }
    }

    @Test func everyChangedByteIsNoticed() throws {
        var sealer = try sealer(.create())
        let packet = try sealer.seal([1, 2, 3, 4])
        for index in packet.indices {
            var changed = packet
            changed[index] ^= 0x10
            let opening = sealer.open(changed)
            switch index {
            case 0: #expect(opening == .malformed)
            case 1: #expect(opening == .unknownKey)
            default: #expect(opening == .forged)
            }
            #expect(sealer.open(Array(packet[..<index])) != .payload([1, 2, 3, 4]))
        }
    }

    @Test func anotherClusterIsRefusedEvenWithTheSameKey() throws {
        let ring = try KeyRing.create()
        var one = try sealer(ring)
        #expect(try sealer(ring, "other").open(one.seal([1])) == .forged)
    }

    @Test func oldKeysOpenUntilTheyAreRemoved() throws {
        var ring = try KeyRing.create()
        var old = try sealer(ring)
        let packet = try old.seal([9])
        try ring.use(ring.addNew())
        #expect(try sealer(ring).open(packet) == .payload([9]))
        var new = try sealer(ring)
        #expect(try old.open(new.seal([9])) == .unknownKey)
        try ring.remove(1)
        #expect(try sealer(ring).open(packet) == .unknownKey)
    }

    @Test func noncesDiffer() throws {
        let ring = try KeyRing.create()
        var one = try sealer(ring)
        var two = try sealer(ring)
        let nonces = try (0..<100).flatMap { _ in [try one.seal([]), try two.seal([])] }.map { Array($0[2..<14]) }
        #expect(Set(nonces).count == 200)
    }

    @Test(arguments: 0..<100) func garbageIsSurvived(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let opening = try sealer(.create()).open(seed % 2 == 0 ? [1, 1] + bytes : bytes)
        if case .payload = opening { Issue.record("random bytes were opened") }
    }
}

final class GossipRecorder: GossipSocketDelegate {
    let packets = Recorder<[UInt8]>()
    func gossipReceived(_ payload: [UInt8], from: GossipEndpoint) { packets.add(payload) }
}

@Suite struct GossipSocketTests {
    private func socket(_ ring: KeyRing, shaper: LinkShaper? = nil) async throws -> (GossipSocket, GossipRecorder, Int) {
        let socket = try GossipSocket(cluster: "test", keys: ring, group: testGroup, shaper: shaper, logger: testLogger)
        let recorder = GossipRecorder()
        return (socket, recorder, try await socket.start(host: "127.0.0.1", port: 0, delegate: recorder))
    }

    @Test func packetsArriveAndStrangersAreCounted() async throws {
        let ring = try KeyRing.create()
        let (a, _, _) = try await socket(ring)
        let (b, seen, port) = try await socket(ring)
        let (stranger, _, _) = try await socket(KeyRing(keys: [(id: 1, secret: .random(count: 32))]))
        let (odd, _, _) = try await socket(KeyRing(keys: [(id: 77, secret: .random(count: 32))]))
        let target = GossipEndpoint(host: "127.0.0.1", port: port)
        stranger.send([1], to: target)
        odd.send([2], to: target)
        a.send([UInt8](repeating: 3, count: 30_000), to: target)
        a.send([4], to: target)
        let packets = await seen.packets.wait("two packets") { $0.count >= 2 }
        #expect(packets.map(\.count) == [30_000, 1])
        // Each socket sends on a loop of its own, so that the strangers' packets may come last.
        await eventually("all four packets") { b.counters.packetsReceived == 4 }
        #expect(b.counters.forged == 1)
        #expect(b.counters.unknownKey == 1)
        #expect(seen.packets.all.count == 2)
        #expect(a.counters.packetsSent == 2)
        a.send([UInt8](repeating: 0, count: GossipSocket.payloadLimit + 1), to: target)
        #expect(a.counters.dropped == 1)
        for socket in [a, b, stranger, odd] { await socket.stop() }
        a.send([5], to: target)
        #expect(a.counters.dropped == 2)
    }

    @Test func hostNamesAreLookedUp() async throws {
        let ring = try KeyRing.create()
        let (a, _, _) = try await socket(ring)
        let (b, seen, port) = try await socket(ring)
        // The first packets find no address yet; gossip repeats itself, and so does this.
        let resolved = Recorder<Bool>()
        let task = testGroup.next().scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { task in
            a.send([6], to: GossipEndpoint(host: "localhost", port: port))
            if !seen.packets.all.isEmpty || b.counters.packetsReceived > 0 { task.cancel() }
            resolved.add(a.counters.packetsSent > 0)
        }
        // localhost may be ::1 first, where nobody listens; that a packet was sent is what counts here.
        await resolved.wait("an address for localhost") { $0.contains(true) }
        task.cancel()
        await a.stop()
        await b.stop()
    }

    @Test func aShapedSocketLosesWhatTheRulesSay() async throws {
        let ring = try KeyRing.create()
        var rules = LinkRules()
        rules.set(RegionID("a"), RegionID("b"), roundTrip: .milliseconds(20))
        let shaper = LinkShaper(node: NodeID(1), region: RegionID("a"), rules: rules)
        let (a, _, _) = try await socket(ring, shaper: shaper)
        let (b, seen, port) = try await socket(ring)
        shaper.learn(host: "127.0.0.1", port: port, node: NodeID(2), region: RegionID("b"))
        let target = GossipEndpoint(host: "127.0.0.1", port: port)
        rules.partition(RegionID("a"), RegionID("b"))
        shaper.apply(rules)
        for _ in 0..<5 { a.send([1], to: target) }
        // All five have passed the shaper once one after them has: it asks at the same place, in order.
        rules.heal()
        let loop = testGroup.next()
        while a.counters.shapedAway < 5, a.counters.dropped == 0 { try await loop.submit {}.get() }
        shaper.apply(rules)
        let sent = Instant.now
        a.send([2], to: target)
        let packets = await seen.packets.wait("the packet after healing") { !$0.isEmpty }
        #expect(packets == [[2]])
        #expect(Instant.now - sent >= .milliseconds(10))
        #expect(a.counters.shapedAway == 5)
        await a.stop()
        await b.stop()
    }
}
