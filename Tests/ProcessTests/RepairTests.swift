import APIClient
import APISchema
import Filesystem
import Foundation
import Primitives
import Testing

extension Processes {
    /// `check … --repair`: what is mended without a guess, what is filled from other nodes, and what is refused.
    @Suite(.serialized) struct RepairTests {
        private func data(_ cluster: LocalCluster, _ node: LocalCluster.Node) -> String {
            "\(cluster.directory)/nodes/\(node.name)/data"
        }

        private func files(_ folder: String, _ ending: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
        }

        private func change(_ path: String, _ body: (inout [UInt8]) -> Void) throws {
            var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            body(&bytes)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        }

        @Test func aLogIsMendedWhereItsBatchesProveItAndRefusedElsewhere() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let client = cluster.client(cluster.nodes[0])
            let volume = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data")).id
            for index in 0..<10 {
                _ = try await LocalCluster.put(client, volume, "f\(index)", LocalCluster.noise(500, seed: UInt64(index)))
            }
            #expect(await cluster.digestsDiffer() == "")
            let victim = cluster.node(in: "c")
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)
            let log = try #require(try files("\(data(cluster, victim))/log", ".wal").last)
            let sound = try Data(contentsOf: URL(fileURLWithPath: log))
            let end = try #require(sound.lastIndex { $0 != 0 }) + 1

            // A torn tail, and an unfinished segment.
            try change(log) { bytes in bytes.replaceSubrange((end + 7) / 8 * 8..<(end + 7) / 8 * 8 + 56, with: bytes[64..<120]) }
            try Data([1]).write(to: URL(fileURLWithPath: "\(data(cluster, victim))/log/0000000000000099.wal.tmp"))
            let torn = cluster.run(["check", "log", data(cluster, victim), "--repair"])
            #expect(torn.status == 0 && torn.output.hasSuffix("Repaired.\n"), "\(torn)")
            #expect(torn.output.contains("\(log) at offset ") && torn.output.contains("wal.tmp: removed"), "\(torn.output)")
            #expect(cluster.run(["check", "log", data(cluster, victim)]).output.hasSuffix("Sound.\n"))

            // A header: nothing in it is known from it alone.
            try change(log) { $0[20] ^= 0xff }
            let refused = cluster.run(["fault", "restart", victim.name])
            #expect(refused.status == 1 && refused.errors.contains("\(log) at offset 0"), "\(refused)")
            let headed = cluster.run(["check", "log", data(cluster, victim), "--repair", "--json"])
            #expect(headed.status == 0 && headed.output.contains("header anew"), "\(headed)")
            #expect(cluster.run(["fault", "restart", victim.name]).status == 0)
            #expect(await cluster.digestsDiffer() == "")
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)

            // Before the tail: told with file and offset, and not one byte dropped. What it says to do heals.
            let broken = end / 2
            try change(log) { $0[broken] ^= 1 }
            let before = try Data(contentsOf: URL(fileURLWithPath: log))
            let dead = cluster.run(["check", "log", data(cluster, victim), "--repair"])
            #expect(dead.status == 1 && dead.errors.split(separator: "\n").count == 1, "\(dead)")
            #expect(dead.errors.contains("\(log) at offset ") && dead.errors.contains("nothing of it was dropped"), "\(dead.errors)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: log)) == before, "it was changed")
            _ = try await LocalCluster.put(client, volume, "meanwhile", [7])
            let commands = dead.errors.split(separator: "`").map(String.init).filter { $0.hasPrefix("atoll ") }
            #expect(commands.count == 2, "\(dead.errors)")
            for command in commands {
                let words = command.split(separator: " ").dropFirst().map(String.init)
                let healed = cluster.run(words + (words[0] == "up" ? ["--detach"] : ["-y"]))
                #expect(healed.status == 0, "\(command): \(healed)")
            }
            try cluster.reload()
            let fresh = cluster.client(try #require(cluster.nodes.first { $0.region == "c" }))
            for index in 0..<10 {
                let bytes = LocalCluster.noise(500, seed: UInt64(index))
                #expect(await LocalCluster.eventually { await LocalCluster.holds(fresh, volume, "f\(index)", bytes) }, "f\(index)")
            }
            #expect(await LocalCluster.eventually { await LocalCluster.holds(fresh, volume, "meanwhile", [7]) })
            for client in [client, fresh] { await client.shutdown() }
            #expect(await cluster.digestsDiffer() == "")
        }

        @Test func aReplicaWhoseSnapshotIsDestroyedIsFilledFromAnotherNode() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let client = cluster.client(cluster.nodes[0])
            let share = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data"))
            let victim = cluster.node(in: "c")
            let folder = "\(data(cluster, victim))/snapshots/\(share.group.rawValue)"
            // A snapshot is due after 64 MiB of log: attributes are what fills it soonest.
            var written = 0
            let isThere = await LocalCluster.eventually(within: 240) {
                let session = try await client.openSession(share.id)
                let path = FilePath("f\(written)")!
                let opened = try await client.perform(
                    .open(path: path, mode: .create(mode: 0o644, exclusive: true, truncate: false)), session: session
                ).outcome.value
                guard case .opened(let handle, _) = opened else { return false }
                _ = try await client.perform(.close(handle: handle, abandon: false), session: session)
                for number in 0..<30 {
                    let value = LocalCluster.noise(60_000, seed: UInt64(written * 30 + number))
                    _ = try await client.perform(.setXattr(path: path, name: Array("user.\(number)".utf8), value: value), session: session)
                }
                _ = try await client.perform(.commit(CommitOptions()), session: session, within: .seconds(60))
                try await client.closeSession(session)
                written += 1
                return (try? self.files(folder, ".snap").isEmpty) == false
            }
            try #require(isThere, "no snapshot after \(written) commits")
            #expect(await cluster.digestsDiffer() == "")
            for damage in ["content", "end", "gone"] { try await damageAndFill(damage, folder, victim, share.id, client, cluster) }
            let here = cluster.client(victim)
            let session = try await here.openSession(share.id, options: SessionOptions(readOnly: true))
            for file in 0..<written {
                let found = try await here.perform(
                    .getXattr(path: FilePath("f\(file)")!, name: Array("user.7".utf8)), session: session
                ).outcome.value
                #expect(found == .bytes(LocalCluster.noise(60_000, seed: UInt64(file * 30 + 7))), "f\(file)")
            }
            #expect(await LocalCluster.eventually { await LocalCluster.holds(here, share.id, "meanwhile", [7]) })
            // It votes and commits with only one other, as before.
            #expect(cluster.run(["fault", "kill", cluster.node(in: "b").name]).status == 0)
            let isCommitted = await LocalCluster.eventually {
                _ = try await LocalCluster.put(client, share.id, "after", [8], force: true)
                return true
            }
            #expect(isCommitted)
            for client in [client, here] { await client.shutdown() }
        }

        private func damageAndFill(
            _ damage: String, _ folder: String, _ victim: LocalCluster.Node, _ volume: FilesystemID, _ client: APIClient,
            _ cluster: LocalCluster
        ) async throws {
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)
            for kept in try files(folder, ".damaged") { try FileManager.default.removeItem(atPath: kept) }
            let snapshot = try #require(try files(folder, ".snap").last)
            switch damage {
            case "content": try change(snapshot) { $0[$0.count / 2] ^= 1 }
            case "end": try change(snapshot) { $0[$0.count - 20] ^= 1 }
            default: try FileManager.default.removeItem(atPath: snapshot)
            }
            let refused = cluster.run(["fault", "restart", victim.name])
            #expect(refused.status == 1 && refused.errors.contains(folder) && refused.errors.contains("offset"), "\(damage): \(refused)")
            #expect(refused.errors.contains("check namespace"), "\(refused.errors)")
            _ = try await LocalCluster.put(client, volume, "meanwhile", [7], force: true)
            let home = "\(cluster.directory)/nodes/\(victim.name)"
            let asked = cluster.run(["check", "namespace", home, "--repair"])
            #expect(asked.status == 2 && asked.errors.contains("--yes"), "\(asked)")
            let filled = cluster.run(["check", "namespace", home, "--repair", "-y"])
            #expect(filled.status == 0 && filled.output.contains("volume 'data' was taken from"), "\(damage): \(filled)")
            #expect(filled.output.hasSuffix("Sound.\n"), "\(filled.output)")
            #expect(try files(folder, ".damaged").isEmpty == (damage == "gone"))
            #expect(cluster.run(["fault", "restart", victim.name]).status == 0)
            #expect(await cluster.digestsDiffer() == "")
        }
    }
}
