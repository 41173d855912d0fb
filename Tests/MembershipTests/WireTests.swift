import Primitives
import Testing

@testable import Membership

@Suite struct WireTests {
    static let record = MemberRecord(
        id: NodeID(7), region: RegionID("eu-west-1"),
        endpoints: [
            NamedEndpoint("gossip", Endpoint(host: "10.1.2.3", port: 7000)), NamedEndpoint("peer", Endpoint(host: "10.1.2.3", port: 7001)),
        ], incarnation: 3, run: 99,
        facts: MemberFacts(capacityBytes: 1 << 40, freeBytes: 5, softwareVersion: "1.2", labels: [MemberLabel("rack", "b7")], version: 2))

    static let link = RegionLinkFact(
        reporter: NodeID(7), from: RegionID("eu-west-1"), to: RegionID("us-east-1"), incarnation: 3, version: 8, median: 70_100,
        p90: 74_000,
        minimum: 69_800, samples: 120)

    static let coordinate: NetworkCoordinate = {
        var generator = SeededGenerator(seed: 1)
        var here = NetworkCoordinate()
        for _ in 0..<10 { here.update(milliseconds: 70, to: NetworkCoordinate(), using: &generator) }
        return here.quantised
    }()

    static func packet(_ body: SWIMPacket.Body) -> SWIMPacket {
        SWIMPacket(
            sender: NodeID(7), run: 99, incarnation: 3, knowsReceiver: true, body: body,
            updates: [
                .alive(record), .suspect(NodeID(2), incarnation: 4, accuser: NodeID(7)),
                .dead(NodeID(3), incarnation: 0, accuser: NodeID(1)),
                .left(NodeID(4), incarnation: 1), .link(link),
            ])
    }

    static let packets: [SWIMPacket] = [
        packet(.ping(sequence: 1, target: NodeID(2), coordinate: coordinate, sample: 70_000)),
        packet(.ack(sequence: 1, subject: NodeID(7), coordinate: coordinate)),
        packet(.pingRequest(sequence: .max, target: NodeID(2), endpoint: Endpoint(host: "::1", port: 9), patience: 600_000)),
        packet(.nack(sequence: 0, subject: NodeID(2))), packet(.gossip),
    ]

    static let payload = SyncPayload(
        sender: NodeID(7), run: 99, members: [record], coordinates: [PlacedCoordinate(node: NodeID(7), coordinate: coordinate)],
        links: [link])

    @Test(arguments: packets) func packetsSurvive(_ packet: SWIMPacket) throws {
        #expect(try SWIMPacket(xdr: packet.xdrBytes) == packet)
    }

    /// What is reckoned of a packet without encoding it is what the encoder makes.
    @Test(arguments: packets) func sizesAreThoseOfTheEncoder(_ packet: SWIMPacket) {
        #expect(packet.encodedBytes == packet.xdrBytes.count)
        for update in packet.updates { #expect(update.encodedBytes == update.xdrBytes.count) }
        let long = MemberRecord(
            id: NodeID(8), region: RegionID("a"), endpoints: [NamedEndpoint("x", Endpoint(host: "ä.example", port: 1))], incarnation: 1,
            run: 1)
        #expect(MemberUpdate.alive(long).encodedBytes == MemberUpdate.alive(long).xdrBytes.count)
        #expect(Self.payload.encodedBytes == Self.payload.xdrBytes.count)
    }

    @Test func payloadSurvives() throws {
        #expect(try SyncPayload(xdr: Self.payload.xdrBytes) == Self.payload)
    }

    /// The bytes of version 1, so that nobody changes them unawares.
    @Test func goldenBytes() {
        let nack = SWIMPacket(
            sender: NodeID(7), run: 99, incarnation: 3, knowsReceiver: false, body: .nack(sequence: 5, subject: NodeID(2)),
            updates: [
                .suspect(NodeID(2), incarnation: 4, accuser: NodeID(7))
            ])
        #expect(
            Hex.encode(nack.xdrBytes) == "00000001" + "0000000000000007" + "0000000000000063" + "0000000000000003" + "00000000"
                + "00000004" + "00000005" + "0000000000000002" + "00000001" + "00000002" + "0000000000000002" + "0000000000000004"
                + "0000000000000007")
        #expect(
            Hex.encode(Self.record.xdrBytes) == "0000000000000007" + "0000000965752d776573742d31000000" + "00000002"
                + "00000006676f737369700000"
                + "0000000831302e312e322e33" + "00001b58" + "0000000470656572" + "0000000831302e312e322e33" + "00001b59"
                + "0000000000000003" + "0000000000000063" + "00000000" + "0000000000000002" + "0000010000000000" + "0000000000000005"
                + "00000003312e3200" + "00000001" + "00000001" + "000000047261636b" + "0000000262370000")
        #expect(Hex.encode(NetworkCoordinate().xdrBytes) == "00000000000000000000000000000000" + "00000064" + "0016e360")
    }

    /// Truncated and mangled bytes are refused or decode to something that encodes again; they never trap.
    @Test func mangledBytesNeverTrap() {
        var generator = SeededGenerator(seed: 5)
        var accepted = 0
        for bytes in Self.packets.map(\.xdrBytes) + [Self.payload.xdrBytes] {
            for length in stride(from: 0, to: bytes.count, by: 3) {
                #expect(throws: XDRError.self) { _ = try SWIMPacket(xdr: Array(bytes[..<length])) }
            }
            for _ in 0..<300 {
                var mangled = bytes
                for _ in 0...generator.below(3) { mangled[generator.below(mangled.count)] = UInt8(generator.below(256)) }
                if let packet = try? SWIMPacket(xdr: mangled) {
                    accepted += 1
                    #expect((try? SWIMPacket(xdr: packet.xdrBytes)) == packet)
                }
                if let payload = try? SyncPayload(xdr: mangled) { #expect(payload.members.count <= 1) }
            }
        }
        #expect(accepted > 0)
    }

    @Test func nonsenseIsRefused() {
        func bytes(_ change: (inout MemberRecord) -> Void) -> [UInt8] {
            var record = Self.record
            change(&record)
            return record.xdrBytes
        }
        let long = Endpoint(host: String(repeating: "h", count: 250), port: 1)
        let refused = [
            bytes { $0.incarnation = MemberRecord.incarnationMax + 1 },
            bytes { $0.endpoints = [] },
            bytes { $0.region = RegionID(String(repeating: "x", count: 65)) },
            bytes { $0.endpoints += [NamedEndpoint("a", long), NamedEndpoint("b", long), NamedEndpoint("c", long)] },
        ]
        for bytes in refused { #expect(throws: XDRError.self) { _ = try MemberRecord(xdr: bytes) } }
        var version = Self.packets[0].xdrBytes
        version[3] = 2
        #expect(throws: XDRError.badValue(what: "version of a gossip packet", value: 2)) { _ = try SWIMPacket(xdr: version) }
    }

    @Test func recordsNameTheirProblem() {
        func problem(_ change: (inout MemberRecord) -> Void) -> MembershipError? {
            var record = Self.record
            change(&record)
            return record.problem
        }
        #expect(Self.record.problem == nil)
        let deaf = problem { $0.endpoints.remove(at: 0) }
        #expect(deaf == .missingEndpoint(NodeID(7), "gossip"))
        let wordy = problem { $0.facts.softwareVersion = String(repeating: "9", count: 33) }
        #expect(wordy == .unreadable(NodeID(7)))
        let endless = problem { $0.incarnation = .max }
        #expect(endless == .badIncarnation(NodeID(7), .max))
        let long = Endpoint(host: String(repeating: "h", count: 250), port: 1)
        let wide = problem { $0.endpoints += [NamedEndpoint("a", long), NamedEndpoint("b", long), NamedEndpoint("c", long)] }
        #expect(wide == .tooLarge(NodeID(7), bytes: 960, limit: 800))
    }

    @Test(arguments: [("10.0.0.1:7000", "10.0.0.1", 7000), ("[::1]:80", "::1", 80), ("node-a.example:1", "node-a.example", 1)])
    func endpointsRead(_ text: String, _ host: String, _ port: Int) {
        let endpoint = Endpoint(text)
        #expect(endpoint == Endpoint(host: host, port: UInt16(port)))
        #expect(endpoint?.description == text)
    }

    @Test(arguments: ["", "host", ":1", "a:b", "a:70000", "::1:80"]) func badEndpoints(_ text: String) {
        #expect(Endpoint(text) == nil)
    }
}
