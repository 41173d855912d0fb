import APIClient
import APISchema
import Filesystem
import Foundation
import Primitives
import Testing

extension Processes {
    /// Nodes join, are lost for good, drain, are removed and restarted, as real processes.
    @Suite(.serialized) struct NodeSetTests {
        /// Replicas of a dead node are replaced after five seconds on every node made from now on.
        private func shortGrace(_ cluster: LocalCluster) throws {
            for node in cluster.nodes {
                let path = "\(cluster.directory)/nodes/\(node.name)/config.yaml"
                let text = try String(contentsOfFile: path, encoding: .utf8)
                let short = text.replacingOccurrences(of: "replica_grace_s: 300", with: "replica_grace_s: 5")
                try #require(short != text)
                try short.write(toFile: path, atomically: true, encoding: .utf8)
            }
        }

        private func nodes(_ cluster: LocalCluster) async throws -> [CatalogNodeReport] {
            for node in cluster.nodes {
                let client = cluster.hasty(node)
                let answer = try? await client.nodes()
                await client.shutdown()
                if let answer { return answer }
            }
            return []
        }

        private func put(_ client: APIClient, _ id: FilesystemID, _ path: String, _ bytes: [UInt8]) async -> Bool {
            await LocalCluster.eventually { (try? await LocalCluster.put(client, id, path, bytes, force: true)) != nil }
        }

        @Test func aClusterGrowsLosesANodeAndLetsOneGo() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let client = cluster.client(cluster.nodes[2])
            let volume = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data", region: RegionID("a"))).id
            let share = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "share", region: RegionID("a"))).id
            let bytes = LocalCluster.noise(600_000, seed: 3)
            #expect(await put(client, volume, "one", bytes))
            #expect(await put(client, share, "one", bytes))
            await client.shutdown()

            // Three voters in a, for which a needs four nodes once one is lost.
            let grown = cluster.run(["up", "--detach", "--nodes-per-region", "2"])
            #expect(grown.status == 0 && grown.output.contains("3 of 6 nodes started"), "\(grown)")
            try cluster.reload()
            #expect(cluster.nodes.map(\.name) == ["a-1", "b-1", "c-1", "a-2", "b-2", "c-2"])
            let refused = cluster.run(["up", "--detach", "--nodes-per-region", "1"])
            #expect(refused.status == 2 && refused.errors.contains("atoll node drain"), "\(refused)")
            #expect(cluster.run(["up", "--detach", "--regions", "a,b"]).errors.contains("atoll node drain"))
            #expect(await LocalCluster.eventually { try await nodes(cluster).count == 6 })
            let fresh = cluster.client(cluster.nodes[3])
            #expect(
                await LocalCluster.eventually { await LocalCluster.holds(fresh, volume, "one", bytes) }, "read at a node that came later")
            await fresh.shutdown()
            #expect(
                await LocalCluster.eventually {
                    await cluster.groups()["a-2"]?.contains { $0.filesystem == share && $0.voters.count == 2 } == true
                })

            // a-1 drains: its volume's vote goes to a-2. The share has no third node in a, and keeps its two voters.
            let early = cluster.run(["node", "remove", "a-1", "-y"])
            #expect(early.status == 1 && early.errors.contains("drain it first"), "\(early)")
            let drain = cluster.run(["node", "drain", "a-1"])
            #expect(drain.status == 0 && drain.output.contains("a-1 (n1) drains"), "\(drain)")
            #expect(cluster.run(["status"]).output.contains("draining"))
            #expect(cluster.run(["members"]).output.contains("draining"))
            let third = cluster.run(["up", "--detach", "--nodes-per-region", "3"])
            #expect(third.status == 0, "\(third)")
            try cluster.reload()
            let done = cluster.run(["node", "drain", "a-1", "--wait", "60"])
            #expect(done.status == 0 && done.output.contains("is drained"), "\(done)")
            let groups = await cluster.groups()
            #expect(groups["a-1"]?.allSatisfy { !$0.voters.contains(NodeID(1)) } == true, "it votes nowhere")
            let removed = cluster.run(["node", "remove", "a-1", "-y"])
            #expect(removed.status == 0, "\(removed)")
            try cluster.reload()
            #expect(!cluster.nodes.contains { $0.name == "a-1" })
            #expect(cluster.run(["node", "list", "--all"]).output.contains("removed"))
            #expect(cluster.run(["node", "drain", "nobody"]).errors.contains("there is no such node"))
            let last = cluster.client(cluster.nodes[0])
            #expect(await LocalCluster.eventually { await LocalCluster.holds(last, volume, "one", bytes) })
            #expect(await LocalCluster.eventually { await LocalCluster.holds(last, share, "one", bytes) })
            #expect(await put(last, share, "two", bytes))
            await last.shutdown()
            #expect(await cluster.digestsDiffer() == "")
        }

        @Test func aNodeThatIsLostIsReplaced() async throws {
            let cluster = try LocalCluster(regions: ["a"], nodesPerRegion: 4)
            defer { cluster.end() }
            try shortGrace(cluster)
            #expect(cluster.run(["down"]).status == 0)
            #expect(cluster.run(["up", "--detach"]).status == 0)
            let client = cluster.client(cluster.nodes[0])
            let share = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "share")).id
            let bytes = LocalCluster.noise(400_000, seed: 4)
            #expect(await put(client, share, "one", bytes))
            await client.shutdown()
            func voters() async -> [UInt64] {
                await cluster.groups().values.flatMap { $0 }.first { $0.filesystem == share && $0.role == "leader" }?.voters.map(\.rawValue)
                    ?? []
            }
            #expect(await LocalCluster.eventually { await voters().count == 3 })
            let before = await voters()
            let victim = try #require(cluster.nodes.last { before.contains($0.id) })
            let survivor = try #require(cluster.nodes.first { $0.id != victim.id })
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)
            let repaired = await LocalCluster.eventually(within: 60) {
                let now = await voters()
                return now.count == 3 && !now.contains(victim.id)
            }
            let after = await voters()
            let sight = cluster.run(["node", "list"]).output
            #expect(repaired, "\(after) without \(victim.id): \(sight)")
            let other = cluster.client(survivor)
            #expect(await LocalCluster.eventually { await LocalCluster.holds(other, share, "one", bytes) })
            #expect(await put(other, share, "two", bytes))
            // What is lost goes by force, and its number is never used again.
            let gone = cluster.run(["node", "remove", victim.name, "--force", "-y"])
            #expect(gone.status == 0, "\(gone)")
            await other.shutdown()
        }

        /// A node with a configuration of its own, as on another machine.
        @Test func aNodeJoinsByItsOwnConfiguration() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let authority = cluster.directory + "/ca"
            let id = try #require(LocalCluster.json(cluster.run(["status", "--json"]))["cluster_id"] as? String)
            func machine(_ name: String, number: Int, region: String, cluster other: String? = nil) throws -> String {
                let folder = cluster.folder.appendingPathComponent("machine-\(name)-\(region)").path
                let issued = cluster.run(["ca", "issue", authority, folder + "/tls", "--node", "\(number)"])
                #expect(issued.status == 0, "\(issued)")
                let seed = cluster.peer(cluster.nodes[0])
                let text = """
                    node: {id: \(number), name: \(name), region: \(region)}
                    cluster: {id: \(other ?? id), name: local}
                    data_dir: data
                    tls_dir: tls
                    gossip_key_file: \(cluster.directory)/gossip-keys
                    admin_token_file: \(cluster.directory)/admin-token
                    listen: {peer: \(try LocalCluster.freePort()), gossip: \(try LocalCluster.freePort()), http: 0}
                    limits: {weight: 250}
                    seeds: ["\(seed)"]
                    """
                try text.write(toFile: folder + "/node.yaml", atomically: true, encoding: .utf8)
                return folder + "/node.yaml"
            }
            func refusal(_ config: String) -> CommandResult { LocalCluster.run(["node", "--config", config], limit: 30) }
            let node = try RunningCommand(
                ["node", "--config", try machine("fourth", number: 4, region: "b")], cluster: cluster.directory, in: cluster.folder)
            #expect(
                await LocalCluster.eventually { try await nodes(cluster).contains { $0.name == "fourth" && $0.weight == 250 } },
                "\(node.output)")
            let list = cluster.run(["node", "list"])
            #expect(list.output.contains("fourth\tb\tactive"), "\(list)")
            #expect(
                await LocalCluster.eventually {
                    await cluster.groups().values.flatMap { $0 }.contains { $0.filesystem == nil && $0.learners.contains(NodeID(4)) }
                })
            let taken = refusal(try machine("fifth", number: 4, region: "c"))
            #expect(taken.status == 1 && taken.errors.contains("the number n4 belongs to 'fourth' in b"), "\(taken)")
            let named = refusal(try machine("fourth", number: 5, region: "a"))
            #expect(named.status == 1 && named.errors.contains("n4 has that name"), "\(named)")
            let place = refusal(try machine("sixth", number: 6, region: "nowhere"))
            #expect(place.status == 1 && place.errors.contains("the cluster has no region 'nowhere'; it has a, b, c"), "\(place)")
            let wrong = refusal(
                try machine("seventh", number: 7, region: "c", cluster: String(id.dropLast()) + (id.hasSuffix("A") ? "B" : "A")))
            #expect(wrong.status == 1 && wrong.errors.contains("certificate"), "\(wrong)")
            #expect(try await nodes(cluster).count == 4, "nobody else was let in")
            node.signal(SIGTERM)
            #expect(await node.ends())
        }

        /// A founder whose data directory was emptied has forgotten its votes: it is refused with one line, and
        /// another node takes its place. What was stored before, and while it was away, is there.
        @Test func aNodeWhoseDirectoryWasEmptiedIsReplacedByAnother() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let client = cluster.client(cluster.nodes[2])
            let volume = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data", region: RegionID("a"))).id
            let bytes = LocalCluster.noise(300_000, seed: 8)
            #expect(await put(client, volume, "one", bytes))
            let lost = cluster.nodes[1]
            #expect(cluster.run(["fault", "kill", lost.name]).status == 0)
            let home = "\(cluster.directory)/nodes/\(lost.name)"
            for name in try FileManager.default.contentsOfDirectory(atPath: home + "/data") {
                try FileManager.default.removeItem(atPath: home + "/data/" + name)
            }
            #expect(await put(client, volume, "two", bytes))
            let refused = LocalCluster.run(["node", "--config", home + "/config.yaml"], limit: 60)
            #expect(refused.status == 1, "\(refused)")
            #expect(refused.errors.contains("n2 joined with another data directory"), "\(refused)")
            #expect(refused.errors.contains("if n2 is lost, remove it with force"), "\(refused)")
            let removed = cluster.run(["node", "remove", lost.name, "--force", "-y"])
            #expect(removed.status == 0, "\(removed)")
            let grown = cluster.run(["up", "--detach", "--regions", "a,b,c", "--nodes-per-region", "1"])
            #expect(grown.status == 0, "\(grown)")
            try cluster.reload()
            #expect(cluster.nodes.map(\.region).sorted() == ["a", "b", "c"])
            let fresh = cluster.client(try #require(cluster.nodes.first { $0.region == "b" }))
            for name in ["one", "two"] {
                #expect(await LocalCluster.eventually { await LocalCluster.holds(fresh, volume, name, bytes) }, "\(name)")
            }
            #expect(
                await LocalCluster.eventually {
                    await cluster.groups().values.flatMap { $0 }.allSatisfy { !$0.voters.contains(NodeID(2)) && $0.voters.count == 3 }
                })
            #expect(await put(fresh, volume, "three", bytes))
            await fresh.shutdown()
            await client.shutdown()
            #expect(await cluster.digestsDiffer() == "")
        }

        /// One node after the other is restarted while a client writes on: nothing acknowledged is lost, and no
        /// write waits for an election.
        @Test func aRollingRestartDoesNotStopCommits() async throws {
            let cluster = try LocalCluster(regions: ["a"], nodesPerRegion: 4)
            defer { cluster.end() }
            let client = cluster.client(cluster.nodes[3], options: APIClientOptions(timeout: .seconds(20), retryFor: .seconds(20)))
            let share = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "share")).id
            #expect(await put(client, share, "w0", [0]))
            let writer = Task { () -> (count: Int, longest: Double, failures: [String]) in
                var count = 0
                var longest = 0.0
                var failures: [String] = []
                while !Task.isCancelled {
                    let path = "w\(count + 1)"
                    let (stored, took) = await seconds { () -> String? in
                        do {
                            _ = try await LocalCluster.put(client, share, path, Array("\(path)".utf8), force: true)
                            return nil
                        } catch {
                            return "\(error)"
                        }
                    }
                    if let stored { failures.append(stored) } else { count += 1 }
                    longest = max(longest, took)
                }
                return (count, longest, failures)
            }
            for node in cluster.nodes.prefix(3) {
                let restarted = cluster.run(["fault", "restart", node.name])
                #expect(restarted.status == 0, "\(restarted)")
                #expect(await LocalCluster.eventually { await cluster.leader(of: share) != nil })
            }
            writer.cancel()
            let (count, longest, failures) = await writer.value
            measured("writes during a rolling restart", Double(count), "writes")
            measured("longest of them", longest * 1_000, "ms")
            #expect(count > 10)
            #expect(failures.count <= 1, "\(failures)")
            var lost: [String] = []
            for number in 1...count where !(await LocalCluster.holds(client, share, "w\(number)", Array("w\(number)".utf8))) {
                lost.append("w\(number)")
            }
            #expect(lost == [])
            await client.shutdown()
            #expect(await cluster.digestsDiffer() == "")
        }
    }
}

extension LocalCluster {
    /// `host:port` of a node's peer port.
    func peer(_ node: Node) -> String { node.peer }

    /// A port of loopback that is free for TCP and UDP now.
    static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 20_000..<32_000)
            if [SOCK_STREAM, SOCK_DGRAM].allSatisfy({ isFree(port, Int32($0.rawValue)) }) { return port }
        }
        throw Failure(what: "no free port")
    }

    private static func isFree(_ port: Int, _ kind: Int32) -> Bool {
        let descriptor = socket(AF_INET, kind, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
    }
}
