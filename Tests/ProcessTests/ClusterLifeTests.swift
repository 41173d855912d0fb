import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// Real processes on loopback: start, stop, start again, and what users type wrongly.
    @Suite(.serialized) struct ClusterLifeTests {
        @Test func aClusterKeepsItsDataThroughARestart() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            var generator = SeededGenerator(seed: 4)
            let content = Data((0..<700_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
            let local = cluster.folder.appendingPathComponent("big")
            try content.write(to: local)
            #expect(cluster.run(["nfs", "put", "share", local.path, "/dir/big", "--region", "c"]).status == 0)
            #expect(cluster.run(["volume", "put", "data", local.path, "/dir/big", "--region", "b", "--wait", "all"]).status == 0)
            func check() throws {
                for region in ["a", "b", "c"] {
                    for kind in [("nfs", "share"), ("volume", "data")] {
                        let target = cluster.folder.appendingPathComponent("out-\(kind.0)-\(region)")
                        try? FileManager.default.removeItem(at: target)
                        let got = cluster.run([kind.0, "get", kind.1, "/dir/big", target.path, "--region", region])
                        #expect(got.status == 0, "\(kind.0) in \(region): \(got.errors)")
                        #expect((try? Data(contentsOf: target)) == content, "\(kind.0) in \(region)")
                    }
                }
            }
            try check()
            let before = cluster.processNumbers()
            #expect(before.count == 3)
            #expect(cluster.run(["down"]).status == 0)
            #expect(cluster.processesLeft().isEmpty, "left of \(before)")
            #expect(cluster.run(["up", "--detach"]).status == 0)
            try check()
        }

        @Test func whatIsOnTheDiskCanBeLookedAt() throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            let file = try cluster.write("f", LocalCluster.noise(300_000, seed: 3))
            #expect(cluster.run(["volume", "put", "data", file, "/f"]).status == 0)
            // A node that is busy for a second is told of as one that does not answer.
            var well = cluster.run(["doctor", "--json"])
            for _ in 0..<5 where well.status != 0 { well = cluster.run(["doctor", "--json"]) }
            #expect(well.status == 0 && well.output.contains("are ready") && well.output.contains("replicas agree"), "\(well)")

            #expect(cluster.run(["fault", "kill", cluster.nodes[1].name]).status == 0)
            let ill = cluster.run(["doctor"])
            #expect(ill.status == 1 && ill.output.contains(cluster.nodes[1].name) && ill.output.contains("WRONG"), "\(ill)")
            let folder = "\(cluster.directory)/nodes/\(cluster.nodes[1].name)/data"
            let log = cluster.run(["inspect", "\(folder)/log/0000000000000001.wal"])
            #expect(log.status == 0 && log.output.contains("entry\tg16") && log.output.contains("hard state"), "\(log)")
            let packs = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/chunks/packs")
            let name = try #require(packs.first { $0.hasSuffix(".pack") })
            let pack = LocalCluster.json(cluster.run(["inspect", "\(folder)/chunks/packs/\(name)", "--json"]))
            let pieces = try #require(pack["pieces"] as? [[String: Any]])
            #expect(pieces.filter { $0["what"] as? String == "chunk" }.count >= 1)
            let check = cluster.run(["check", "store", "\(folder)/chunks"])
            #expect(check.status == 0 && check.output.contains("Sound"), "\(check)")
        }

        @Test func mistakesAreToldInOneLineAndChangeNothing() throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            let file = cluster.folder.appendingPathComponent("f").path
            try Data("x".utf8).write(to: URL(fileURLWithPath: file))
            #expect(cluster.run(["volume", "put", "data", file, "/f"]).status == 0)
            let long = String(repeating: "n", count: 65)
            let cases: [(arguments: [String], status: Int32, says: String)] = [
                (["nfs", "create", "share"], 2, "share"),
                (["volume", "create", "share"], 2, "share"),
                (["volume", "create", "bad name"], 2, "Invalid Volume name"),
                (["volume", "create", long], 2, "Invalid Volume name"),
                (["volume", "create", "x", "--region", "mars"], 1, "mars"),
                (["volume", "ls", "missing"], 1, "missing"),
                (["volume", "ls", "share"], 1, "share"),
                (["nfs", "ls", "data"], 1, "data"),
                (["volume", "ls", "data", "/none"], 1, "none"),
                (["volume", "get", "data", "/none", "-"], 1, "none"),
                (["volume", "put", "data", "/no/such/file"], 1, "/no/such/file"),
                (["volume", "put", "data", file, "/f"], 2, "/f"),
                (["volume", "get", "data", "/f", file], 2, file),
                (["volume", "rm", "data", "/none"], 1, "none"),
                (["volume", "rollback", "data", "v99", "-y"], 1, "99"),
                (["volume", "diff", "data", "v0", "v99"], 1, "99"),
                (["volume", "delete", "data"], 2, "--yes"),
                (["volume", "rollback", "data", "v0"], 2, "--yes"),
                (["volume", "delete", "missing", "-y"], 1, "missing"),
                (["volume", "put", "data", file, "/" + String(repeating: "a", count: 256)], 2, "255"),
                (["app", "stop", "ap-missing", "-y"], 1, "ap-missing"),
                (["nonsense"], 2, "nonsense"),
                (["volume", "ls"], 2, "--help"),
            ]
            for item in cases {
                let result = cluster.run(item.arguments)
                let words = item.arguments.joined(separator: " ").prefix(60)
                #expect(result.status == item.status, "atoll \(words): \(result.status), \(result.errors)")
                #expect(result.errors.contains(item.says), "atoll \(words): \(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "one line: \(result.errors)")
            }
            let listed = cluster.run(["volume", "history", "data"]).output
            #expect(listed.split(separator: "\n").count == 2, "nothing was committed: \(listed)")
        }

        @Test func aWrongTokenAndAForeignDirectoryAreRefused() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let stranger = APIClient(address: cluster.nodes[0].http, token: "atoll-wrong-token-wrong-token")
            do {
                _ = try await stranger.status()
                Issue.record("a wrong token was taken")
            } catch { #expect(error.code == .permissionDenied || error.code == .notPermitted, "\(error)") }
            await stranger.shutdown()
            let other = try LocalCluster(regions: ["a"])
            defer { other.end() }
            #expect(cluster.run(["down"]).status == 0)
            #expect(other.run(["down"]).status == 0)
            // The data of another cluster under this one's configuration.
            let name = cluster.nodes[0].name
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/nodes/\(name)/data")
            try FileManager.default.copyItem(
                atPath: "\(other.directory)/nodes/\(other.nodes[0].name)/data", toPath: "\(cluster.directory)/nodes/\(name)/data")
            let up = cluster.run(["up", "--detach"])
            #expect(up.status == 1)
            #expect(up.errors.contains("belongs to"), "\(up.errors)")
        }

        @Test(arguments: ["http", "peer", "gossip"]) func aPortInUseIsNamed(what: String) throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["down"]).status == 0)
            let node = cluster.nodes[0]
            let place = ["http": node.http, "peer": node.peer, "gossip": node.gossip][what]!
            let port = Int(place.split(separator: ":").last!)!
            let socket = socket(AF_INET, Int32((what == "gossip" ? SOCK_DGRAM : SOCK_STREAM).rawValue), 0)
            defer { close(socket) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var one: Int32 = 1
            if what != "gossip" { setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size)) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            try #require(bound == 0 && (what == "gossip" || listen(socket, 1) == 0))
            let up = cluster.run(["up", "--detach"])
            #expect(up.status == 1 && up.errors.split(separator: "\n").count == 1, "\(up)")
            #expect(up.errors.contains("\(port)") && up.errors.contains("in use"), "\(up.errors)")
            #expect(cluster.processesLeft().isEmpty)
        }
    }
}
