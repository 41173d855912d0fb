import APIClient
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// Commits larger than an entry of the log, with real processes and kill -9.
    @Suite(.serialized) struct LargeCommitTests {
        /// 3,000 small files, 12 MiB of changes: staged in one session through the API.
        private func stage(_ client: APIClient, _ volume: FilesystemID, round: Int) async throws -> SessionID {
            let (directories, files) = (50, 60)
            let session = try await client.openSession(volume)
            for number in 0..<files {
                let opened = try await client.perform(
                    .open(path: FilePath("r\(round)/d0/f\(number)")!, mode: .replace(mode: 0o644, refuseExisting: false)), session: session)
                guard case .opened(let handle, _) = opened.outcome.value else { continue }
                let bytes = ByteBuffer(repeating: UInt8(number % 251), count: 4_000)
                _ = try await client.perform(.write(handle: handle, offset: 0), session: session, payload: bytes)
                _ = try await client.perform(.close(handle: handle, abandon: false), session: session)
            }
            for number in 1..<directories {
                _ = try await client.perform(
                    .copy(from: FilePath("r\(round)/d0")!, to: FilePath("r\(round)/d\(number)")!, recursive: true), session: session)
            }
            return session
        }

        private func count(_ client: APIClient, _ volume: FilesystemID) async throws -> UInt64 {
            let session = try await client.openSession(volume)
            let outcome = try await client.perform(.statistics, session: session).outcome
            try? await client.closeSession(session)
            guard case .statistics(let found) = outcome.value else { return .max }
            return found.files
        }

        @Test func aCommitOfManyMebibytesIsAllOrNothing() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let made = LocalCluster.json(cluster.run(["volume", "create", "data", "--json"]))
            let volume = try #require(FilesystemID((made["id"] as? String) ?? ""))
            let near = cluster.client(cluster.node(in: "a"))
            let far = cluster.client(cluster.node(in: "b"))
            // Killed while it commits, at another moment each time: all or nothing.
            var files: UInt64 = 0
            for (round, delay) in [30, 90, 200].enumerated() {
                let client = cluster.hasty(cluster.node(in: "c"), within: 10)
                let session = try await stage(client, volume, round: round)
                let commit = Task { try? await client.perform(.commit(CommitOptions()), session: session, within: .seconds(10)) }
                _ = await LocalCluster.eventually(within: Double(delay) / 1_000) { false }
                let name = cluster.node(in: "c").name
                if let number = cluster.processNumbers()[name] { kill(number, SIGKILL) }
                _ = await commit.value
                await client.shutdown()
                let seen = try await count(far, volume)
                #expect(seen == files || seen == files + 3_000, "after \(delay) ms: \(seen) files, before \(files)")
                #expect(cluster.run(["up", "--detach"]).status == 0)
                #expect(await LocalCluster.eventually { self.isReady(cluster, name) })
                // What the killed node had handed over may still have been on its way to the others.
                #expect(await cluster.digestsDiffer() == "")
                let settled = try await count(far, volume)
                #expect(settled == seen || settled == files + 3_000, "after \(delay) ms: \(settled) files, seen \(seen), before \(files)")
                files = settled
            }
            // Nobody dies: it goes through, and repeating it changes nothing.
            let session = try await stage(near, volume, round: 3)
            _ = try await near.perform(.commit(CommitOptions(wait: .all)), session: session, within: .seconds(60))
            let receipt = try await near.perform(.commit(CommitOptions()), session: session, within: .seconds(60)).outcome.value
            guard case .receipt(let again) = receipt else { return }
            #expect(again.changes == 0)
            let after = try await count(far, volume)
            #expect(after == files + 3_000)
            #expect(await cluster.digestsDiffer() == "")
            await near.shutdown()
            await far.shutdown()
        }

        private func isReady(_ cluster: LocalCluster, _ name: String) -> Bool { cluster.processNumbers()[name] != nil }
    }
}
