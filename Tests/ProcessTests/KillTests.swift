import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Synchronization
import Testing

extension Processes {
    /// `kill -9` of any node at any moment while clients write: what was acknowledged is there
    /// afterwards, every start succeeds, and replicas agree.
    @Suite(.serialized) struct KillTests {
        /// Writes that were acknowledged, by path.
        private final class Acknowledged: Sendable {
            private let state = Mutex<[String: UInt64]>([:])
            func add(_ path: String, _ seed: UInt64) { state.withLock { $0[path] = seed } }
            var all: [String: UInt64] { state.withLock { $0 } }
            var count: Int { state.withLock { $0.count } }
        }

        /// Tells the writers to stop.
        private final class End: Sendable {
            private let state = Mutex(false)
            var hasCome: Bool { state.withLock { $0 } }
            func come() { state.withLock { $0 = true } }
        }

        private static func content(_ seed: UInt64) -> [UInt8] {
            var generator = SeededGenerator(seed: seed)
            // Some inline, some one chunk, some several.
            let length = [100, 4_000, 20_000, 400_000][Int(seed % 4)]
            return (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        }

        /// Acknowledged when it returns. Every fifth file is stored beside and renamed into place, on a volume with a
        /// commit of what was staged.
        private static func store(
            _ seed: UInt64, at path: String, in filesystem: FilesystemID, _ kind: FilesystemKind, _ client: APIClient
        ) async throws(FileFailure) {
            let bytes = ByteBuffer(bytes: content(seed))
            guard seed % 5 == 0 else {
                _ = try await client.put(filesystem, FilePath(path)!, bytes)
                return
            }
            let part = FilePath(path + ".part")!
            _ = try await client.put(filesystem, part, bytes)
            let session = try await client.openSession(filesystem)
            _ = try await client.perform(.rename(from: part, to: FilePath(path)!, noReplace: true), session: session)
            if kind == .volume { _ = try await client.perform(.commit(CommitOptions()), session: session) }
            try? await client.closeSession(session, isPatient: false)
        }

        /// What is not as it was acknowledged, each read through another node than it was written
        /// through; a fresh read may have to wait for an election.
        private static func missing(_ book: [String: UInt64], of filesystem: FilesystemID, from clients: [APIClient]) async -> [String] {
            let items = Array(book)
            return await withTaskGroup(of: [String].self) { group in
                for lane in 0..<8 {
                    group.addTask {
                        var lost: [String] = []
                        for (path, seed) in stride(from: lane, to: items.count, by: 8).map({ items[$0] }) {
                            let client = clients[Int((seed >> 32 + seed) % 3)]
                            let wanted = content(seed)
                            let isThere = await LocalCluster.eventually(within: 30) {
                                Array(try await client.bytes(filesystem, FilePath(path)!).readableBytesView) == wanted
                            }
                            if !isThere { lost.append(path) }
                            if lost.count > 3 { break }
                        }
                        return lost
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
        }

        /// Kills a node as it opens its data, reads its log, or finds its peers.
        private static func killWhileStarting(_ node: LocalCluster.Node, of cluster: LocalCluster, after pause: Duration) async {
            guard let start = try? RunningCommand(["fault", "restart", node.name], cluster: cluster.directory, in: cluster.folder) else {
                return #expect(Bool(false), "the command does not start")
            }
            let configuration = "\(cluster.directory)/nodes/\(node.name)/config.yaml"
            let isThere = await LocalCluster.eventually(within: 30) { !LocalCluster.processes(mentioning: configuration).isEmpty }
            #expect(isThere, "\(node.name) does not start: \(start.output)")
            try? await Task.sleep(for: pause)
            for process in LocalCluster.processes(mentioning: configuration) { kill(process, SIGKILL) }
            #expect(await start.ends(), "\(start.output)")
        }

        /// With one node a region, so that the network file system has one voter; and with three, as the demonstration
        /// has them, where it has a majority, and a volume has learners beside its voters. The latter has fewer rounds.
        @Test(arguments: [(nodesPerRegion: 1, share: 100), (nodesPerRegion: 3, share: 15)])
        func acknowledgedWritesSurviveKills(nodesPerRegion: Int, share percent: Int) async throws {
            let asked = ProcessInfo.processInfo.environment["ATOLL_KILL_ROUNDS"].flatMap(Int.init) ?? 200
            let rounds = max(1, asked * percent / 100)
            let cluster = try LocalCluster(regions: ["a", "b", "c"], nodesPerRegion: nodesPerRegion)
            defer { cluster.end() }
            var random = SystemRandomNumberGenerator()
            // The first node of each region; the founders come a region after the other.
            let clients = cluster.nodes.prefix(3).map {
                cluster.client($0, options: APIClientOptions(timeout: .seconds(20), retryFor: .seconds(1)))
            }
            let share = try await clients[0].createFilesystem(NewFilesystem(kind: .nfs, name: "share", region: RegionID("a"))).id
            let volume = try await clients[0].createFilesystem(NewFilesystem(kind: .volume, name: "data")).id
            let onShare = Acknowledged()
            let onVolume = Acknowledged()
            let end = End()

            let began = ContinuousClock.now
            await withTaskGroup(of: Void.self) { group in
                for (number, client) in clients.enumerated() {
                    for (filesystem, kind, book) in [(share, FilesystemKind.nfs, onShare), (volume, .volume, onVolume)] {
                        group.addTask {
                            var serial: UInt64 = 0
                            while !end.hasCome {
                                serial += 1
                                let seed = UInt64(number) << 32 | serial
                                let path = "w\(number)/f\(serial % 500)-\(serial)"
                                do throws(FileFailure) {
                                    try await Self.store(seed, at: path, in: filesystem, kind, client)
                                    book.add(path, seed)
                                    // There is always one under way, and not so many that reading them all takes long.
                                    try? await Task.sleep(for: .milliseconds(60))
                                } catch {
                                    try? await Task.sleep(for: .milliseconds(20))
                                }
                            }
                        }
                    }
                }
                for round in 0..<rounds {
                    // In every sixth round two at once, and in another one that is killed again as it starts.
                    let victims = cluster.nodes.shuffled(using: &random).prefix(round % 6 == 5 ? 2 : 1)
                    try? await Task.sleep(for: .milliseconds(Int.random(in: 0...250, using: &random)))
                    for victim in victims {
                        let killed = cluster.run(["fault", "kill", victim.name])
                        #expect(killed.status == 0, "round \(round): \(killed.errors)")
                    }
                    if round % 6 == 2, let victim = victims.first {
                        await Self.killWhileStarting(victim, of: cluster, after: .milliseconds(Int.random(in: 0...600, using: &random)))
                    }
                    let restarts = victims.map { cluster.run(["fault", "restart", $0.name]) }
                    for restarted in restarts { #expect(restarted.status == 0, "round \(round): \(restarted.errors)") }
                    if restarts.contains(where: { $0.status != 0 }) { break }
                    // Kills come faster than elections; now and then the writers get their turn.
                    guard round % 4 == 3 else { continue }
                    let (shares, volumes) = (onShare.count, onVolume.count)
                    let goesOn = await LocalCluster.eventually(within: 30) { onShare.count > shares && onVolume.count > volumes }
                    #expect(goesOn, "round \(round): no write is acknowledged any more")
                    if !goesOn { break }
                }
                let took = ContinuousClock.now - began
                measured("a round of killing", Double(took.components.seconds) / Double(rounds), "s")
                end.come()
                await group.waitForAll()
            }
            #expect(
                onShare.count > rounds / 4 && onVolume.count > rounds / 4, "\(onShare.count) and \(onVolume.count) writes were acknowledged"
            )

            measured("writes acknowledged", Double(onShare.count + onVolume.count), "files")
            let reading = ContinuousClock.now
            for (filesystem, book) in [(share, onShare), (volume, onVolume)] {
                let lost = await Self.missing(book.all, of: filesystem, from: clients)
                #expect(lost.isEmpty, "\(filesystem) lost \(lost.count) of \(book.count) that were acknowledged: \(lost.prefix(5))")
            }
            measured("reading them all", Double((ContinuousClock.now - reading).components.seconds), "s")
            let all = clients + cluster.nodes.dropFirst(3).map { cluster.client($0) }
            let agree = await LocalCluster.eventually {
                var digests: [UInt64: Set<String>] = [:]
                for client in all {
                    for group in try await client.status().groups {
                        digests[group.id.rawValue, default: []].insert("\(group.digest?.hex ?? "-")")
                    }
                }
                return digests.count == 3 && digests.values.allSatisfy { $0.count == 1 }
            }
            #expect(agree, "replicas do not agree")
            for client in all { await client.shutdown() }
        }
    }
}
