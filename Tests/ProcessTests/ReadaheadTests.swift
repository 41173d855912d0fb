import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// What a client of a network file system in another region keeps of what it reads, with real buffers.
    @Suite(.serialized) struct ReadaheadTests {
        @Test func smallReadsFromAfarAreSlicesOfOne() async throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            let made = LocalCluster.json(cluster.run(["nfs", "create", "share", "--primary", "a", "--json"]))
            let share = try #require((made["id"] as? String).flatMap { FilesystemID($0) })
            let content = LocalCluster.noise(400_000, seed: 1)
            let local = try cluster.write("local", content)
            #expect(cluster.run(["nfs", "put", "share", local, "/f", "--region", "a"]).status == 0)
            let client = cluster.client(cluster.node(in: "b"))
            do { try await read(client, share, content) } catch { Issue.record(error) }
            await client.shutdown()
        }

        /// The same file twice, 64 KiB at a time.
        private func read(_ client: APIClient, _ share: FilesystemID, _ content: [UInt8]) async throws {
            let session = try await client.openSession(share, options: SessionOptions(attributeCache: .seconds(600)))
            for pass in 0..<2 {
                let opened = try await client.perform(
                    .open(path: FilePath("/f")!, mode: .read), session: session, within: .seconds(20))
                guard case .opened(let handle, _) = opened.outcome.value else {
                    Issue.record("not opened")
                    return
                }
                #expect(opened.outcome.cost.wideAreaRoundTrips == 1)
                var read: [UInt8] = []
                var trips: UInt32 = 0
                while read.count < content.count {
                    let piece = FileOperation.read(handle: handle, offset: UInt64(read.count), length: 64 << 10)
                    let answer = try await client.perform(piece, session: session, within: .seconds(20))
                    let part = try #require(answer.data)
                    try #require(part.readableBytes > 0)
                    read += Array(part.readableBytesView)
                    trips += answer.outcome.cost.wideAreaRoundTrips
                }
                #expect(read == content)
                #expect(trips == (pass == 0 ? 1 : 0))
                _ = try await client.perform(.close(handle: handle, abandon: false), session: session, within: .seconds(20))
            }
            try await client.closeSession(session)
        }
    }
}
