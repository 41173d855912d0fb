import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// Content that nobody names gives its space back; content that is missing comes back.
    @Suite(.serialized) struct UpkeepTests {
        private func packs(_ cluster: LocalCluster, _ node: LocalCluster.Node) -> String {
            "\(cluster.directory)/nodes/\(node.name)/data/chunks/packs"
        }

        /// Bytes of the packs of a node.
        private func stored(_ cluster: LocalCluster, _ node: LocalCluster.Node) -> Int {
            let folder = packs(cluster, node)
            return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).reduce(0) { sum, name in
                sum + (((try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)"))?[.size] as? Int) ?? 0)
            }
        }

        /// A cluster whose nodes look after their chunks every second.
        private func busyCluster() throws -> LocalCluster {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            do {
                cluster.run(["down"])
                for node in cluster.nodes {
                    let path = "\(cluster.directory)/nodes/\(node.name)/config.yaml"
                    var text = try String(contentsOfFile: path, encoding: .utf8)
                    for (old, new) in [("upkeep_interval_s: 600", "upkeep_interval_s: 1"), ("garbage_grace_s: 1800", "garbage_grace_s: 3")]
                    {
                        try #require(text.contains(old), "\(text)")
                        text = text.replacing(old, with: new)
                    }
                    try text.write(toFile: path, atomically: true, encoding: .utf8)
                }
                let up = cluster.run(["up", "--detach"])
                try #require(up.status == 0, "\(up.errors)")
            } catch {
                cluster.end()
                throw error
            }
            return cluster
        }

        @Test func aDeletedFileSystemGivesItsSpaceBackOnAllNodes() async throws {
            let cluster = try busyCluster()
            defer { cluster.end() }
            let admin = cluster.client(cluster.nodes[0])
            let gone = try await admin.createFilesystem(NewFilesystem(kind: .volume, name: "gone")).id
            let kept = try await admin.createFilesystem(NewFilesystem(kind: .volume, name: "kept")).id
            let shared = LocalCluster.noise(1_000_000, seed: 1)
            let all = PutOptions(commit: CommitOptions(wait: .all))
            _ = try await admin.put(gone, FilePath("big")!, ByteBuffer(bytes: LocalCluster.noise(12_000_000, seed: 2)), options: all)
            _ = try await admin.put(gone, FilePath("both")!, ByteBuffer(bytes: shared), options: all)
            _ = try await admin.put(kept, FilePath("both")!, ByteBuffer(bytes: shared), options: all)
            for node in cluster.nodes { #expect(stored(cluster, node) > 13_000_000, "\(node.name) has \(stored(cluster, node)) bytes") }
            #expect(cluster.run(["volume", "delete", "gone", "--yes"]).status == 0)
            let isFree = await LocalCluster.eventually(within: 60) { cluster.nodes.allSatisfy { stored(cluster, $0) < 4_000_000 } }
            #expect(isFree, "\(cluster.nodes.map { "\($0.name) has \(stored(cluster, $0)) bytes" })")
            // What is still named is there, also after a node is killed in the midst of it.
            #expect(cluster.run(["fault", "kill", cluster.nodes[1].name]).status == 0)
            #expect(cluster.run(["fault", "restart", cluster.nodes[1].name]).status == 0)
            for node in cluster.nodes {
                let client = cluster.client(node)
                #expect(await LocalCluster.holds(client, kept, "both", shared), "on \(node.name)")
                await client.shutdown()
            }
            await admin.shutdown()
        }

        @Test func anEmptiedChunkStoreFillsAgain() async throws {
            let cluster = try busyCluster()
            defer { cluster.end() }
            let admin = cluster.client(cluster.nodes[0])
            let volume = try await admin.createFilesystem(NewFilesystem(kind: .volume, name: "data")).id
            let content = LocalCluster.noise(5_000_000, seed: 3)
            _ = try await admin.put(
                volume, FilePath("big")!, ByteBuffer(bytes: content), options: PutOptions(commit: CommitOptions(wait: .all)))
            await admin.shutdown()
            let victim = cluster.node(in: "c")
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/nodes/\(victim.name)/data/chunks")
            #expect(cluster.run(["fault", "restart", victim.name]).status == 0)
            let isBack = await LocalCluster.eventually(within: 60) { stored(cluster, victim) > 5_000_000 }
            #expect(isBack, "\(stored(cluster, victim)) bytes are back, and nobody has read anything")
            let client = cluster.client(victim)
            #expect(await LocalCluster.holds(client, volume, "big", content))
            await client.shutdown()
        }
    }
}
