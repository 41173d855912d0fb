import Primitives
import Replication
import Testing

/// Bytes from outside never trap, and what decodes encodes to the same bytes again.
@Suite struct CodecTests {
    private func fuzz<Value: XDRCodable & Equatable>(_ value: Value, seed: UInt64, rounds: Int) throws {
        let bytes = value.xdrBytes
        #expect(try Value(xdr: bytes) == value)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<rounds {
            var damaged = bytes
            switch generator.below(3) {
            case 0: damaged.removeLast(generator.below(bytes.count) + 1)
            case 1: damaged[generator.below(bytes.count)] = UInt8(truncatingIfNeeded: generator.next())
            default:
                let at = generator.below(bytes.count / 4) * 4
                for offset in 0..<4 { damaged[at + offset] = generator.below(2) == 0 ? 0xFF : 0 }
            }
            if let other = try? Value(xdr: damaged) {
                let isSame = other.xdrBytes == damaged
                #expect(isSame, "what was decoded encodes otherwise")
            }
        }
    }

    private func sampleState() throws -> CatalogState {
        var driver = CatalogDriver()
        for line in [
            "bootstrap nodes=(us-east-1:a eu-west-1:b)", "create kind=volume name=data client=1 seq=1", "create kind=nfs name=cache",
            "app name=train", "create kind=volume mode=ephemeral owner=ap-0000000000000000000003", "token secret=s scopes=(env:main:read)",
            "stop app=train",
        ] {
            let seen = try driver.run(line)
            #expect(!seen.contains(": "), "\(seen)")
        }
        return driver.state
    }

    @Test func snapshotsAreSafe() throws {
        try fuzz(try sampleState(), seed: 1, rounds: 3_000)
    }

    @Test func commandsAreSafe() throws {
        let plan = ReplicaPlan(purpose: .volume, home: RegionID("a"), voters: [.init(node: NodeID(1), region: RegionID("a"))], learners: [])
        let actions: [CatalogAction] = [
            .bootstrap(
                high: 1, low: 2, name: "reef", format: 1,
                nodes: [.init(region: RegionID("a"), name: "n", endpoints: [.init(key: "http", host: "::1", port: 80)], weight: 3)],
                catalogPlan: plan),
            .createFilesystem(
                FilesystemRequest(
                    kind: .nfs, name: "x", mode: .ephemeral(owner: AppID(high: 1, low: 2)), high: 3, low: 4, region: RegionID("a"),
                    policy: ReplicationPolicy(durability: .bounded(lag: .seconds(3))), plan: plan)),
            .setOptions(.name("x", .volume, .main), FilesystemOptions(), .nfs),
            .createApp(high: 1, low: 2, name: "n", about: "text", environment: .main, leaseSeconds: 60, tasks: 2),
            .createToken(
                secretHash: .zero, scopes: [.clusterAdmin, .filesystem(FilesystemID(kind: .nfs, high: 1, low: 2), write: true)], about: "",
                expiry: WallTime(nanoseconds: -5)),
            .stopApp(.name("n", .main), .finished), .updateNode(NodeID(1), endpoints: [], weight: nil), .expire, .nothing,
        ]
        for (number, action) in actions.enumerated() {
            let stamp = ClientStamp(client: ClientID(high: 7, low: 8), sequence: 3, acknowledged: 1, opened: 9)
            try fuzz(
                CatalogCommand(stamp: stamp, at: WallTime(nanoseconds: 5), by: "ann", action: action), seed: UInt64(number), rounds: 200)
        }
    }

    @Test func clientTablesAreSafe() throws {
        var table = ClientTable()
        for sequence in 1...5 as ClosedRange<UInt64> {
            let stamp = ClientStamp(client: ClientID(high: 1, low: sequence % 2), sequence: sequence, acknowledged: 0, opened: 0)
            _ = table.admit(stamp, index: sequence, at: WallTime(nanoseconds: 1))
            table.record(stamp, result: [1, 2, 3])
        }
        try fuzz(table, seed: 4, rounds: 1_000)
    }

    @Test func whatCannotBeReadIsNotProposed() {
        let command = CatalogCommand(
            at: WallTime(nanoseconds: 0), by: "ann",
            action: .renameFilesystem(.name("a", nil, .main), to: String(repeating: "x", count: 2_000)))
        #expect(command.refusal?.code == .invalidArgument)
        let long = CatalogCommand(at: WallTime(nanoseconds: 0), by: String(repeating: "é", count: 200), action: .nothing)
        #expect(long.refusal == nil && long.by.utf8.count <= 256)
    }
}
