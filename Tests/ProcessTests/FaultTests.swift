import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// Regions that are cut off or lost, on both kinds of file system: the table of promises, line by line.
    @Suite(.serialized) struct FaultTests {
        /// A cluster of three regions with one file in a network file system of `a` and in a volume whose home is `a`.
        private struct Scene {
            let cluster: LocalCluster
            let share: FilesystemID
            let volume: FilesystemID
            let kept = LocalCluster.noise(300_000, seed: 1)

            init(map: String = "none", regions: [String] = ["a", "b", "c"]) async throws {
                cluster = try LocalCluster(regions: regions, map: map)
                do {
                    let client = cluster.client(cluster.nodes[0])
                    let first = RegionID(regions[0])
                    share = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "share", region: first)).id
                    volume = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data", region: first)).id
                    _ = try await LocalCluster.put(client, share, "kept", kept)
                    let commit = PutOptions(commit: CommitOptions(wait: .all))
                    _ = try await client.put(volume, FilePath("kept")!, ByteBuffer(bytes: kept), options: commit)
                    await client.shutdown()
                } catch {
                    cluster.end()
                    throw error
                }
            }
        }

        /// Asks until it works; the seconds that took, or nil at the deadline.
        private func untilWorks(within limit: Double, _ body: @escaping () async throws -> Void) async -> Double? {
            let (worked, took) = await seconds {
                await LocalCluster.eventually(within: limit) {
                    try await body()
                    return true
                }
            }
            return worked ? took : nil
        }

        private func refusal(_ body: () async throws(FileFailure) -> Void) async -> (failure: FileFailure?, took: Double) {
            await seconds {
                do throws(FileFailure) {
                    try await body()
                    return nil
                } catch { return error }
            }
        }

        /// Why this client's commit does not go through within two seconds; nil if it does.
        private func commitRefusal(_ client: APIClient, _ volume: FilesystemID, _ path: String) async -> FileFailure? {
            await refusal { () async throws(FileFailure) in
                let session = try await client.openSession(volume)
                let options = PutOptions(session: session)
                _ = try await client.put(volume, FilePath(path)!, ByteBuffer(string: path), options: options)
                _ = try await client.perform(.commit(CommitOptions()), session: session, within: .seconds(2))
            }.failure
        }

        @Test func anIsolatedPrimaryRegionStopsItsShareAndNotTheVolume() async throws {
            let scene = try await Scene()
            let cluster = scene.cluster
            defer { cluster.end() }
            let (a, b, c) = (
                cluster.hasty(cluster.node(in: "a")), cluster.hasty(cluster.node(in: "b")), cluster.hasty(cluster.node(in: "c"))
            )
            // Leadership goes where the home is; then the hardest case is tried.
            let isHome = await LocalCluster.eventually(within: 20) { await cluster.leader(of: scene.volume)?.region == "a" }
            #expect(isHome, "the volume is not led from its home region")
            #expect(cluster.run(["fault", "isolate", "a"]).status == 0)

            // The share: bounded, clear, nothing acknowledged.
            let (read, readTook) = await refusal { () async throws(FileFailure) in _ = try await b.bytes(scene.share, FilePath("kept")!) }
            #expect(read.map { [.unavailable, .timedOut].contains($0.code) } ?? false, "\(String(describing: read))")
            #expect(readTook < 20)
            #expect(read?.cause.contains("primary region") ?? false, "\(String(describing: read))")
            let (change, _) = await refusal { () async throws(FileFailure) in
                let session = try await b.openSession(scene.share)
                _ = try await b.perform(
                    .makeDirectory(path: FilePath("lost")!, mode: 0o755, parents: false), session: session, within: .seconds(2))
            }
            #expect(change.map { [.unavailable, .timedOut].contains($0.code) } ?? false, "\(String(describing: change))")
            // One that waits is served when the region is back.
            let patient = try RunningCommand(
                ["nfs", "get", "share", "/kept", "got", "--region", "c"], cluster: cluster.directory, in: cluster.folder)
            // In its own region it goes on.
            _ = try await LocalCluster.put(a, scene.share, "meanwhile", [4, 5, 6])

            // The volume: reads everywhere, commits with the majority.
            for client in [a, b, c] { #expect(await LocalCluster.holds(client, scene.volume, "kept", scene.kept), "\(client.address)") }
            let moved = await untilWorks(within: 20) {
                _ = try await LocalCluster.put(b, scene.volume, "from-b", Array("b".utf8), force: true)
            }
            measured("a commit after its leader's region was cut off", moved ?? -1, "s")
            #expect(moved != nil)
            _ = try await LocalCluster.put(c, scene.volume, "from-c", Array("c".utf8))
            let own = await commitRefusal(a, scene.volume, "from-a")
            #expect(
                own.map { [.unavailable, .timedOut].contains($0.code) && $0.cause.contains("majority") } ?? false,
                "\(String(describing: own))")

            #expect(cluster.run(["fault", "heal"]).status == 0)
            let back = await untilWorks(within: 30) {
                guard await LocalCluster.holds(b, scene.share, "kept", scene.kept) else { throw LocalCluster.Failure(what: "not yet") }
            }
            measured("the share is back after healing", back ?? -1, "s")
            #expect(back != nil)
            #expect(await LocalCluster.holds(c, scene.share, "meanwhile", [4, 5, 6]))
            #expect(await patient.ends(within: 40) && patient.process.terminationStatus == 0, "\(patient.output)")
            let got = FileManager.default.contents(atPath: cluster.folder.appendingPathComponent("got").path)
            #expect(got.map { Array($0) } == scene.kept)
            let seen = await untilWorks(within: 30) {
                guard await LocalCluster.holds(a, scene.volume, "from-c", Array("c".utf8)) else {
                    throw LocalCluster.Failure(what: "not yet")
                }
            }
            #expect(seen != nil, "the region that was cut off does not catch up")
            #expect(await cluster.digestsDiffer() == "")
            for client in [a, b, c] { await client.shutdown() }
        }

        @Test func aMinorityOfRegionsIsNotMissed() async throws {
            let scene = try await Scene()
            let cluster = scene.cluster
            defer { cluster.end() }
            let (a, b) = (cluster.client(cluster.node(in: "a")), cluster.client(cluster.node(in: "b")))
            #expect(cluster.run(["fault", "kill", cluster.node(in: "c").name]).status == 0)
            for index in 0..<10 {
                _ = try await LocalCluster.put(b, scene.share, "s\(index)", [UInt8(index)])
                _ = try await LocalCluster.put(b, scene.volume, "v\(index)", [UInt8(index)])
                #expect(await LocalCluster.holds(a, scene.share, "s\(index)", [UInt8(index)]))
            }
            #expect(cluster.run(["fault", "restart", cluster.node(in: "c").name]).status == 0)
            #expect(await cluster.digestsDiffer() == "")
            let c = cluster.client(cluster.node(in: "c"))
            #expect(await LocalCluster.holds(c, scene.volume, "v9", [9]))
            for client in [a, b, c] { await client.shutdown() }
        }

        @Test func withoutAMajorityVolumesAreReadAndNotWritten() async throws {
            let scene = try await Scene()
            let cluster = scene.cluster
            defer { cluster.end() }
            let a = cluster.hasty(cluster.node(in: "a"))
            for region in ["b", "c"] { #expect(cluster.run(["fault", "kill", cluster.node(in: region).name]).status == 0) }
            #expect(await LocalCluster.holds(a, scene.volume, "kept", scene.kept))
            let put = await commitRefusal(a, scene.volume, "x")
            #expect(
                put.map { [.unavailable, .timedOut].contains($0.code) && $0.cause.contains("majority") } ?? false,
                "\(String(describing: put))")
            // The share lives in this region alone.
            _ = try await LocalCluster.put(a, scene.share, "alone", [7])
            #expect(await LocalCluster.holds(a, scene.share, "alone", [7]))
            // Verbs that tell how things are answer all the same.
            let (status, took) = await seconds { cluster.run(["status"]) }
            #expect(status.status == 0 && took < 20, "\(status)")
            #expect(cluster.run(["members"]).status == 0)
            for region in ["b", "c"] { #expect(cluster.run(["fault", "restart", cluster.node(in: region).name]).status == 0) }
            let works = await untilWorks(within: 30) { _ = try await LocalCluster.put(a, scene.volume, "again", [8], force: true) }
            measured("commits after the majority is back", works ?? -1, "s")
            #expect(works != nil)
            #expect(await cluster.digestsDiffer() == "")
            await a.shutdown()
        }

        @Test func aKilledPrimaryRegionComesBackWithAllThatWasAcknowledged() async throws {
            let scene = try await Scene(map: "toy", regions: ["north", "east", "south"])
            let cluster = scene.cluster
            defer { cluster.end() }
            let east = cluster.hasty(cluster.node(in: "east"))
            var acknowledged: [String: [UInt8]] = [:]
            for index in 0..<20 {
                let bytes = LocalCluster.noise(index * 9_000, seed: UInt64(index))
                _ = try await LocalCluster.put(east, scene.share, "f\(index)", bytes)
                acknowledged["f\(index)"] = bytes
            }
            let victim = cluster.node(in: "north").name
            #expect(cluster.run(["fault", "kill", victim]).status == 0)
            let (failure, took) = await refusal { () async throws(FileFailure) in _ = try await east.bytes(scene.share, FilePath("f1")!) }
            #expect(failure.map { [.unavailable, .timedOut].contains($0.code) } ?? false, "\(String(describing: failure))")
            #expect(took < 20)
            let moved = await untilWorks(within: 20) { _ = try await LocalCluster.put(east, scene.volume, "on", [1], force: true) }
            measured("a commit after the home region was killed (toy map)", moved ?? -1, "s")
            #expect(moved != nil)
            #expect(cluster.run(["fault", "restart", victim]).status == 0)
            for (path, bytes) in acknowledged {
                let isThere = await LocalCluster.eventually(within: 30) { await LocalCluster.holds(east, scene.share, path, bytes) }
                #expect(isThere, "\(path) was acknowledged")
            }
            #expect(await cluster.digestsDiffer() == "")
            await east.shutdown()
        }
    }
}
