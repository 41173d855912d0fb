import APIClient
import APISchema
import Filesystem
import Foundation
import Primitives
import Testing

extension Processes {
    /// A client that dies in the middle leaves nothing half-visible: readers see the old or the new.
    @Suite(.serialized) struct BrokenClientTests {
        @Test(arguments: ["nfs", "volume"]) func aKilledPutLeavesNothing(kind: String) async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let id = try #require(
                (LocalCluster.json(cluster.run([kind, "create", "data", "--json"]))["id"] as? String).flatMap { FilesystemID($0) })
            let old = LocalCluster.noise(5_000, seed: 1)
            let client = cluster.client(cluster.nodes[1])
            _ = try await LocalCluster.put(client, id, "f", old)

            // From a pipe, so that the moment is certain: half of it is on its way when the client is killed.
            let force = kind == "volume" ? ["-f"] : []
            for path in ["/f", "/new"] {
                let put = try RunningCommand(
                    [kind, "put"] + force + ["data", "-", path, "--region", "c"], cluster: cluster.directory, in: cluster.folder,
                    isFed: true)
                let input = try #require(put.input)
                for piece in 0..<12 { try input.write(contentsOf: Data(LocalCluster.noise(256 << 10, seed: UInt64(piece)))) }
                put.signal(SIGKILL)
                #expect(await put.ends())
                try? input.close()
            }
            // A tree of many files, killed at some moment.
            let tree = cluster.folder.appendingPathComponent("tree")
            try FileManager.default.createDirectory(at: tree, withIntermediateDirectories: true)
            for index in 0..<300 { _ = try cluster.write("tree/f\(index)", LocalCluster.noise(3_000, seed: UInt64(index))) }
            for delay in [20, 60, 120] {
                let put = try RunningCommand(
                    [kind, "put", "data", tree.path, "/tree\(delay)", "--region", "b"], cluster: cluster.directory, in: cluster.folder)
                try await Task.sleep(for: .milliseconds(delay))
                put.signal(SIGKILL)
                #expect(await put.ends())
            }
            for node in cluster.nodes {
                let reader = cluster.client(node)
                #expect(await LocalCluster.holds(reader, id, "f", old), "\(node.name)")
                #expect(await LocalCluster.holds(reader, id, "new", nil), "\(node.name)")
                await reader.shutdown()
            }
            try checkTrees(cluster, kind)
            // The next client is not hindered.
            #expect(cluster.run([kind, "put"] + force + ["data", try cluster.write("after", "after"), "/f"]).status == 0)
            #expect(cluster.run([kind, "get", "data", "/f", "-", "--region", "b"]).output == "after")
            #expect(await cluster.digestsDiffer() == "")
            await client.shutdown()
        }

        /// Of a volume all or nothing of a tree is visible; of a network file system whole files.
        private func checkTrees(_ cluster: LocalCluster, _ kind: String) throws {
            for delay in [20, 60, 120] {
                let listed = cluster.run([kind, "ls", "data", "/tree\(delay)", "--json"])
                guard listed.status == 0 else { continue }
                let entries = LocalCluster.json(listed)["entries"] as? [[String: Any]] ?? []
                if kind == "volume" { #expect(entries.count == 300, "part of a commit is visible after \(delay) ms") }
                for entry in entries { #expect((entry["size"] as? NSNumber)?.intValue == 3_000, "\(entry)") }
            }
        }

        @Test(arguments: ["nfs", "volume"]) func aTruncatedUploadIsNoFile(kind: String) async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let id = try #require(
                (LocalCluster.json(cluster.run([kind, "create", "data", "--json"]))["id"] as? String).flatMap { FilesystemID($0) })
            // Says that more comes than does, and closes.
            let http = cluster.nodes[0].http.split(separator: ":")
            let head = [
                "PUT /v1/filesystems/\(id)/files/half HTTP/1.1", "host: x", "authorization: Bearer \(cluster.token)",
                "content-type: application/octet-stream", "content-length: 1000000", "", "",
            ].joined(separator: "\r\n")
            try RawConnection(port: UInt16(http[1])!).send(Array(head.utf8) + LocalCluster.noise(500_000, seed: 3))
            let client = cluster.client(cluster.nodes[0])
            _ = try await LocalCluster.put(client, id, "whole", [1])
            #expect(await LocalCluster.holds(client, id, "half", nil))
            #expect(cluster.run([kind, "ls", "data"]).output == "whole\n")
            await client.shutdown()
        }
    }
}

/// A bare TCP connection, for what no proper client does.
final class RawConnection {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw LocalCluster.Failure(what: "no connection to port \(port)") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw LocalCluster.Failure(what: "sending failed") }
            sent += count
        }
    }
}
