import APIClient
import APISchema
import Foundation
import Testing

extension Processes {
    /// The keys of gossip are replaced while the cluster runs, and nobody is taken for dead.
    @Suite(.serialized) struct KeyRotationTests {
        private func keys(_ cluster: LocalCluster) -> [Substring] {
            let text = (try? String(contentsOfFile: cluster.directory + "/gossip-keys", encoding: .utf8)) ?? ""
            return text.split(separator: "\n").dropFirst().map { $0 }
        }

        /// Whether each of these nodes takes as many nodes for alive as there are.
        private func isWhole(_ clients: [APIClient]) async throws -> Bool {
            for client in clients {
                let alive = try await client.members().count { $0.status == "alive" }
                if alive < clients.count { return false }
            }
            return true
        }

        @Test func aRotationLeavesEverybodyAlive() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let clients = cluster.nodes.map { cluster.client($0) }
            #expect(await LocalCluster.eventually { try await isWhole(clients) })
            let before = keys(cluster)
            let incarnations = try await clients[0].members().map(\.incarnation)
            #expect(before.count == 1)

            let rotated = cluster.run(["keys", "rotate"])
            #expect(rotated.status == 0, "\(rotated.errors)")
            let after = keys(cluster)
            #expect(after.count == 1 && after != before)
            for client in clients {
                let report = try await client.gossipKeys()
                #expect(report.opens == [2] && report.seals == 2)
            }
            // A change that all must hear of by gossip under the new key alone: one goes, and comes back.
            let name = cluster.nodes[2].name
            #expect(cluster.run(["fault", "kill", name]).status == 0)
            let others = Array(clients.prefix(2))
            #expect(await LocalCluster.eventually { try await !isWhole(others + [clients[0]]) })
            // Who was not killed never had to refute a suspicion.
            let now = try await clients[0].members().map(\.incarnation)
            #expect(now.prefix(2) == incarnations.prefix(2), "\(incarnations) became \(now)")
            #expect(cluster.run(["fault", "restart", name]).status == 0)
            #expect(await LocalCluster.eventually { try await isWhole(clients) }, "it reads the new key when it starts")

            // One that does not answer keeps the rotation from going on; afterwards the command goes on where it was.
            #expect(cluster.run(["fault", "pause", name]).status == 0)
            let stuck = cluster.run(["keys", "rotate"])
            #expect(stuck.status == 1 && stuck.errors.contains(name) && stuck.errors.contains("repeat the command"), "\(stuck.errors)")
            #expect(cluster.run(["fault", "resume", name]).status == 0)
            #expect(await LocalCluster.eventually { cluster.run(["keys", "rotate"]).status == 0 })
            #expect(keys(cluster).count == 1)
            #expect(await LocalCluster.eventually { try await isWhole(clients) })
            let listed = cluster.run(["keys", "list", "--json"])
            #expect(listed.status == 0 && listed.output.matches(of: /"seals":\s*3/).count == 3, "\(listed.output)")

            // A file that is none changes nothing.
            let path = cluster.directory + "/gossip-keys"
            let sound = try String(contentsOfFile: path, encoding: .utf8)
            try "no keys\n".write(toFile: path, atomically: false, encoding: .utf8)
            let refused = cluster.run(["keys", "reload"])
            #expect(refused.status == 1 && refused.errors.contains("did not read its keys again"), "\(refused.errors)")
            #expect(try await clients[0].gossipKeys().opens == [3])
            try sound.write(toFile: path, atomically: false, encoding: .utf8)
            for client in clients { await client.shutdown() }
        }

        /// The file of a cluster elsewhere, a step at a time.
        @Test func anAuthoritysFileTakesAStepAtATime() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-test-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let authority = folder.path + "/authority"
            #expect(LocalCluster.run(["ca", "init", authority]).status == 0)
            func ids() throws -> [String] {
                try String(contentsOfFile: authority + "/gossip-keys", encoding: .utf8).split(separator: "\n").dropFirst().map {
                    String($0.prefix { $0 != " " })
                }
            }
            for wanted in [["1", "2"], ["2", "1"], ["2"]] {
                let step = LocalCluster.run(["keys", "rotate", "--authority", authority])
                #expect(step.status == 0, "\(step.errors)")
                #expect(try ids() == wanted)
            }
            let missing = LocalCluster.run(["keys", "rotate", "--authority", folder.path + "/nothing"])
            #expect(missing.status == 1 && missing.errors.contains("gossip-keys"), "\(missing.errors)")
            let both = LocalCluster.run(["keys", "rotate", "--authority", authority, "--data-dir", folder.path])
            #expect(both.status == 2, "\(both.errors)")
        }
    }
}
