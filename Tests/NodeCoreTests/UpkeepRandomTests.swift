import Filesystem
import Namespace
import NodeCore
import Primitives
import Replication
import Testing

/// Writers, long sessions, partitions, emptied stores and a lost node, by chance: nothing is swept that
/// something names, and in the end everything named is where it belongs and nothing else is left.
@Suite struct UpkeepRandomTests {
    private final class World {
        let cluster: TestCluster
        var chance: SeededGenerator
        var filesystems: [FilesystemID] = []
        var checked = 0
        var violations: [String] = []

        init(seed: UInt64) throws {
            chance = SeededGenerator(seed: seed)
            cluster = TestCluster(
                [.init(name: "us", nodes: 3), .init(name: "eu", nodes: 2), .init(name: "ap", nodes: 2)], roundTrip: ClusterTests.roundTrip,
                seed: seed, settings: UpkeepTests.settings)
            _ = cluster.settle()
            filesystems = [
                try cluster.create(.volume, "v", region: "us", on: 0, keptVersions: 2), try cluster.create(.nfs, "s", region: "us", on: 0),
            ]
            cluster.run(for: .seconds(20))
        }

        /// The furthest state of a file system.
        func state(_ id: FilesystemID) -> NamespaceState? {
            cluster.hosts.filter(\.isUp).compactMap { host -> (UInt64, NamespaceState)? in
                guard let state = host.state.namespace(of: id) else { return nil }
                return (host.state.view.groups.first { $0.filesystem == id }?.appliedIndex ?? 0, state)
            }.max { $0.0 < $1.0 }?.1
        }

        func named() -> [(FilesystemID, ChunkID)] {
            filesystems.flatMap { id -> [(FilesystemID, ChunkID)] in
                var out: Set<ChunkID> = []
                state(id)?.forEachReferencedChunk { out.insert($0.id) }
                return out.sorted().map { (id, $0) }
            }
        }

        /// What was swept since the last look was named by nothing that wants it there.
        func check() {
            let all = named()
            let names = Set(all.map(\.1))
            for entry in cluster.swept[checked...] where names.contains(entry.id) {
                let holders = all.filter { $0.1 == entry.id }.flatMap { cluster.hosts[0].state.holders(of: $0.1, in: $0.0) }
                guard holders.contains(NodeID(UInt64(entry.node) + 1)) else { continue }
                violations.append("\(entry.at): node \(entry.node + 1) swept \(entry.id.hex.prefix(8)), which is named")
            }
            checked = cluster.swept.count
            for id in names where !cluster.hosts.contains(where: { $0.chunks[id] != nil }) {
                violations.append("\(cluster.now): \(id.hex.prefix(8)) is named and nowhere")
            }
        }

        func write(_ session: SessionID, on node: Int, file: Int, value: UInt64) throws {
            let mode = OpenMode.replace(mode: 0o644, refuseExisting: false)
            let open = try cluster.perform(.open(path: FilePath("f\(file)")!, mode: mode), session, on: node, limit: .seconds(5))
            guard case .opened(let handle, _) = open.outcome.value else { return }
            let bytes = ClusterDriver.bytes(5_000, seed: value)
            _ = try cluster.perform(.write(handle: handle, offset: 0), session, on: node, bytes: bytes, limit: .seconds(5))
            _ = try cluster.perform(.close(handle: handle, abandon: false), session, on: node, limit: .seconds(5))
        }

        /// Whether everything named lies on all its holders.
        func isPlaced() -> Bool {
            named().allSatisfy { filesystem, chunk in
                cluster.hosts[0].state.holders(of: chunk, in: filesystem).allSatisfy {
                    cluster.hosts[Int($0.rawValue) - 1].chunks[chunk] != nil
                }
            }
        }
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>) func nothingNamedIsSweptAndAllIsPlacedInTheEnd(seed: UInt64) throws {
        let world = try World(seed: seed)
        let cluster = world.cluster
        let options = SessionOptions(idleLimit: .seconds(86_400))
        var sessions: [(node: Int, id: SessionID, isVolume: Bool)] = []
        for node in [0, 3, 5] {
            sessions.append((node, try cluster.open(world.filesystems[0], on: node, options: options), true))
            sessions.append((node, try cluster.open(world.filesystems[1], on: node, options: options), false))
        }
        var done = 0
        for _ in 0..<100 {
            let session = sessions[world.chance.below(sessions.count)]
            // Few values, so that what is garbage is often written again.
            let (file, value) = (world.chance.below(8), UInt64(world.chance.below(30)))
            do {
                switch world.chance.below(10) {
                case 0:
                    _ = try cluster.perform(
                        .remove(path: FilePath("f\(file)")!, recursive: false), session.id, on: session.node, limit: .seconds(5))
                case 1, 2, 3:
                    if session.isVolume {
                        _ = try cluster.perform(.commit(CommitOptions()), session.id, on: session.node, limit: .seconds(20))
                    }
                case 4:
                    if session.isVolume {
                        _ = try cluster.perform(.reload(.latest, discard: false), session.id, on: session.node, limit: .seconds(5))
                    }
                default: try world.write(session.id, on: session.node, file: file, value: value)
                }
                done += 1
            } catch is FileFailure {}
            switch world.chance.below(24) {
            case 0:
                let apart = world.chance.below(7)
                cluster.cut = { ($0 == apart) != ($1 == apart) }
            case 1, 2: cluster.cut = { _, _ in false }
            case 3: if world.isPlaced() { cluster.hosts[world.chance.below(7)].chunks = [:] }
            default: break
            }
            cluster.run(for: .milliseconds(500 + world.chance.below(20_000)))
            world.check()
        }
        cluster.cut = { _, _ in false }
        for session in sessions { cluster.post(.closeSession(session.id), to: session.node, after: .zero) }
        for _ in 0..<120 where !world.isPlaced() { cluster.run(for: .seconds(5)) }
        cluster.run(for: .seconds(720))
        world.check()
        #expect(world.violations == [], "seed \(seed)")
        #expect(cluster.faults == [])
        #expect(world.isPlaced(), "seed \(seed): not all is where it belongs")
        let names = Set(world.named().map(\.1))
        let left = cluster.hosts.reduce(0) { $0 + $1.chunks.keys.count { !names.contains($0) } }
        #expect(left == 0, "seed \(seed): \(left) chunks that nothing names")
        // A run that did nothing would prove nothing.
        #expect(done > 60 && world.checked > 0 && names.count > 0, "seed \(seed): \(done) done, \(world.checked) swept")
    }
}
