import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// Disks that are full or have decayed.
    @Suite(.serialized) struct DiskTests {
        private func data(_ cluster: LocalCluster, _ node: LocalCluster.Node) -> String { "\(cluster.directory)/nodes/\(node.name)/data" }

        private func files(_ folder: String, _ ending: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
        }

        private func change(_ path: String, at offset: UInt64, _ body: (UInt8) -> UInt8) throws {
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            defer { try? file.close() }
            try file.seek(toOffset: offset)
            let byte = try #require(try file.read(upToCount: 1)?.first)
            try file.seek(toOffset: offset)
            try file.write(contentsOf: Data([body(byte)]))
        }

        /// A small file in steps that each have three seconds.
        private func putInline(_ client: APIClient, _ session: SessionID, _ path: String, _ bytes: [UInt8]) async throws(FileFailure) {
            let open = FileOperation.open(path: FilePath(path)!, mode: .replace(mode: 0o644, refuseExisting: false))
            guard case .opened(let handle, _) = try await client.perform(open, session: session, within: .seconds(3)).outcome.value else {
                return
            }
            let write = FileOperation.write(handle: handle, offset: 0)
            _ = try await client.perform(write, session: session, payload: ByteBuffer(bytes: bytes), within: .seconds(3))
            _ = try await client.perform(.close(handle: handle, abandon: false), session: session, within: .seconds(3))
        }

        @Test func aDecayedChunkIsNeverServed() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let admin = cluster.client(cluster.nodes[0])
            let volume = try await admin.createFilesystem(NewFilesystem(kind: .volume, name: "data")).id
            let content = LocalCluster.noise(3_000_000, seed: 5)
            _ = try await admin.put(
                volume, FilePath("big")!, ByteBuffer(bytes: content), options: PutOptions(commit: CommitOptions(wait: .all)))
            await admin.shutdown()
            let victim = cluster.node(in: "b")
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)
            let packs = try files("\(data(cluster, victim))/chunks/packs", ".pack")
            let pack = try #require(packs.first)
            let size = try #require(try FileManager.default.attributesOfItem(atPath: pack)[.size] as? UInt64)
            try #require(size > 3_000_000)
            for share in [3, 5, 8] { try change(pack, at: size / 10 * UInt64(share)) { $0 ^ 0x40 } }
            #expect(cluster.run(["fault", "restart", victim.name]).status == 0)
            let client = cluster.client(victim)
            for _ in 0..<3 {
                let got = await LocalCluster.content(client, volume, "big")
                #expect(got.map { $0 == content } ?? false, "\(got?.count ?? -1) bytes that are \(got == nil ? "missing" : "wrong")")
            }
            await client.shutdown()
        }

        @Test func aDecayedChunkWithoutAnotherCopyIsAnError() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let client = cluster.client(cluster.nodes[0], options: APIClientOptions(timeout: .seconds(10), retryFor: .zero))
            let share = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "data")).id
            let content = LocalCluster.noise(2_000_000, seed: 6)
            _ = try await LocalCluster.put(client, share, "big", content)
            _ = try await LocalCluster.put(client, share, "small", Array("small".utf8))
            #expect(cluster.run(["fault", "kill", cluster.nodes[0].name]).status == 0)
            let pack = try #require(try files("\(data(cluster, cluster.nodes[0]))/chunks/packs", ".pack").first)
            try change(pack, at: 1_000_000) { ~$0 }
            #expect(cluster.run(["fault", "restart", cluster.nodes[0].name]).status == 0)
            let got = await LocalCluster.content(client, share, "big")
            #expect(got == nil, "wrong bytes were served")
            let command = cluster.run(["nfs", "get", "data", "/big", "-"])
            #expect(command.status == 1 && command.errors.contains("big"), "\(command.status) \(command.errors)")
            #expect(await LocalCluster.holds(client, share, "small", Array("small".utf8)))
            _ = try await LocalCluster.put(client, share, "more", content.reversed())
            #expect(await LocalCluster.holds(client, share, "more", content.reversed()))
            await client.shutdown()
        }

        @Test func aTornLogStartsAndADecayedOneDoesNot() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let admin = cluster.client(cluster.nodes[0])
            let volume = try await admin.createFilesystem(NewFilesystem(kind: .volume, name: "data")).id
            for index in 0..<20 { _ = try await LocalCluster.put(admin, volume, "f\(index)", LocalCluster.noise(500, seed: UInt64(index))) }
            #expect(await cluster.digestsDiffer() == "")
            let victim = cluster.node(in: "c")
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)
            let log = try #require(try files("\(data(cluster, victim))/log", ".wal").last)
            let whole = try Data(contentsOf: URL(fileURLWithPath: log))
            let end = UInt64(try #require(whole.lastIndex { $0 != 0 }) + 1)

            // Torn: behind the last whole batch lies the beginning of one that was never finished.
            let torn = try FileHandle(forUpdating: URL(fileURLWithPath: log))
            try torn.seek(toOffset: (end + 7) / 8 * 8)
            try torn.write(contentsOf: whole[64..<120])
            try torn.close()
            let restart = cluster.run(["fault", "restart", victim.name])
            #expect(restart.status == 0, "\(restart.errors)")
            #expect(await cluster.digestsDiffer() == "")
            let client = cluster.client(victim)
            for index in 0..<20 {
                #expect(await LocalCluster.holds(client, volume, "f\(index)", LocalCluster.noise(500, seed: UInt64(index))))
            }

            // Decayed: a byte before the tail is another.
            #expect(cluster.run(["fault", "kill", victim.name]).status == 0)
            try change(log, at: end / 2) { $0 ^ 1 }
            let refused = cluster.run(["fault", "restart", victim.name])
            #expect(refused.status == 1, "it started on a log that has decayed")
            #expect(refused.errors.contains(".wal") && refused.errors.contains("offset"), "\(refused.errors)")
            // The check says the same, and the others go on.
            let check = cluster.run(["check", "log", "\(data(cluster, victim))/log"])
            #expect(check.status == 1 && (check.output + check.errors).contains("offset"), "\(check)")
            _ = try await LocalCluster.put(admin, volume, "after", [1])
            try change(log, at: end / 2) { $0 ^ 1 }
            #expect(cluster.run(["fault", "restart", victim.name]).status == 0)
            #expect(await cluster.digestsDiffer() == "")
            for client in [admin, client] { await client.shutdown() }
        }

        /// What there is by name; of the share nothing of what the test writes until it is refused.
        private func names(_ cluster: LocalCluster) -> [String] {
            ["nfs list", "volume list", "environment list", "nfs ls share", "volume ls data", "volume history data"].map { verb in
                let result = cluster.run(verb.split(separator: " ").map(String.init))
                #expect(result.status == 0, "\(verb): \(result.errors)")
                let lines = result.output.split(separator: "\n").filter { verb != "nfs ls share" || $0.hasPrefix("f") }
                return lines.joined(separator: "\n")
            }
        }

        /// Each verb that changes something says in one line that the disk is full.
        private func refuseAll(_ cluster: LocalCluster, _ file: String) {
            for verb in [
                "nfs put share \(file) /tiny", "nfs cp share /f0 /copy", "nfs rm share /f0", "nfs create more", "nfs rename share other -y",
                "nfs clone share more", "nfs delete share -y", "volume put data \(file) /tiny", "volume cp data /f1 /copy",
                "volume rm data /f1", "volume commit data", "volume rollback data v1 -y", "volume create more", "volume clone data more",
                "volume delete data -y", "environment create more",
            ] {
                let result = cluster.run(verb.split(separator: " ").map(String.init))
                let name = verb.split(separator: " ").prefix(2).joined(separator: " ")
                #expect(result.status == 1 && result.errors.split(separator: "\n").count == 1, "\(verb): \(result)")
                #expect(result.errors.hasPrefix("atoll: \(name) ") && !result.errors.contains("catalog"), "\(verb): \(result.errors)")
                #expect(result.errors.contains(": the node's disk is full; free some space; reads go on"), "\(verb): \(result.errors)")
            }
        }

        @Test(.enabled(if: Tmpfs.isPossible, "needs root, to mount a small disk")) func aFullDiskRefusesWritesAndServesReads() async throws
        {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["down"]).status == 0)
            let node = cluster.nodes[0]
            let config = "\(cluster.directory)/nodes/\(node.name)/config.yaml"
            var text = try String(contentsOfFile: config, encoding: .utf8)
            try #require(text.contains("disk_reserve_bytes: 1073741824"))
            text = text.replacing("disk_reserve_bytes: 1073741824", with: "disk_reserve_bytes: 67108864")
            try text.write(toFile: config, atomically: true, encoding: .utf8)
            let disk = try Tmpfs(at: data(cluster, node), bytes: 112 << 20)
            defer {
                cluster.run(["down"])
                disk.unmount()
            }
            let up = cluster.run(["up", "--detach"])
            try #require(up.status == 0, "\(up.errors)")
            let client = cluster.client(node, options: APIClientOptions(timeout: .seconds(20), retryFor: .zero))
            let share = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "share")).id
            let volume = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data")).id
            var stored: [(FilesystemID, String, UInt64)] = []
            var refused: FileFailure?
            for index in 0..<80 where refused == nil {
                let filesystem = index % 2 == 0 ? share : volume
                do throws(FileFailure) {
                    _ = try await LocalCluster.put(client, filesystem, "f\(index)", LocalCluster.noise(2 << 20, seed: UInt64(index)))
                    stored.append((filesystem, "f\(index)", UInt64(index)))
                } catch { refused = error }
            }
            #expect(refused?.code == .noSpace, "\(String(describing: refused))")
            #expect(stored.count > 5, "\(stored.count)")
            for (filesystem, path, seed) in stored {
                #expect(await LocalCluster.holds(client, filesystem, path, LocalCluster.noise(2 << 20, seed: seed)), "\(path)")
            }
            let command = cluster.run(["nfs", "put", "share", try cluster.write("big", LocalCluster.noise(2 << 20, seed: 99)), "/big"])
            #expect(command.status == 1 && command.errors.lowercased().contains("space"), "\(command)")
            #expect(cluster.run(["nfs", "get", "share", "/big", "-"]).status == 1, "a refused file is visible")
            let other = cluster.run(["volume", "put", "data", try cluster.write("large", LocalCluster.noise(2 << 20, seed: 98)), "/large"])
            #expect(other.status == 1 && other.errors.lowercased().contains("space"), "\(other)")
            #expect(cluster.run(["volume", "get", "data", "/large", "-"]).status == 1, "a refused file is visible")

            // Below the reserve there is room for what only moves names, above all for what frees space.
            let tiny = try cluster.write("tiny", "tiny")
            for verb in ["nfs cp share /f0 /spare", "nfs rm share /spare", "volume put data --stage \(tiny) /staged"] {
                let result = cluster.run(verb.split(separator: " ").map(String.init))
                #expect(result.status == 0, "\(verb): \(result)")
            }

            // Then to the last byte: the log has no room either. Reads go on, and the node lives.
            let ballast = "\(data(cluster, node))/ballast"
            Tmpfs.fill(ballast)
            let doctor = cluster.run(["doctor"])
            #expect(doctor.output.contains("WRONG\tdisk space\t") && doctor.output.contains(data(cluster, node)), "\(doctor)")
            let session = try await client.openSession(share)
            var small: FileFailure?
            for index in 0..<3_000 where small == nil {
                do throws(FileFailure) {
                    try await putInline(client, session, "s\(index)", LocalCluster.noise(2_000, seed: UInt64(index)))
                } catch { small = error }
            }
            // The one that was under way may happen yet; what comes after is refused, at once and whole.
            #expect(small.map { [.noSpace, .timedOut].contains($0.code) } ?? false, "\(String(describing: small))")
            #expect(small?.cause.contains("disk") ?? false, "\(String(describing: small))")
            let before = names(cluster)
            refuseAll(cluster, tiny)
            #expect(names(cluster) == before)
            for (filesystem, path, seed) in stored.prefix(4) {
                #expect(
                    await LocalCluster.holds(client, filesystem, path, LocalCluster.noise(2 << 20, seed: seed)),
                    "\(path) on a full disk")
            }
            try? FileManager.default.removeItem(atPath: ballast)

            // Space comes back: so do writes, and nothing of what was acknowledged is gone.
            #expect(disk.resize(to: 256 << 20))
            let works = await LocalCluster.eventually(within: 30) {
                (try? await LocalCluster.put(client, share, "after", LocalCluster.noise(2 << 20, seed: 7), force: true)) != nil
            }
            #expect(works, "no writes after there is room again")
            #expect(names(cluster) == before, "something that was refused has happened")
            let commit = cluster.run(["volume", "commit", "data"])
            #expect(commit.status == 0 && cluster.run(["volume", "get", "data", "/staged", "-"]).output == "tiny", "\(commit)")
            #expect(cluster.run(["fault", "restart", node.name]).status == 0)
            for (filesystem, path, seed) in stored {
                #expect(
                    await LocalCluster.holds(client, filesystem, path, LocalCluster.noise(2 << 20, seed: seed)),
                    "\(path) after a restart")
            }
            await client.shutdown()
        }
    }
}

/// A small disk in memory, mounted for a test.
struct Tmpfs {
    let path: String

    static var isPossible: Bool {
        let isRoot = getuid() == 0
        if !isRoot { print("SKIPPED: the test of a full disk needs root, to mount one") }
        return isRoot
    }

    init(at path: String, bytes: Int) throws {
        self.path = path
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes),mode=0700") == 0 else {
            throw LocalCluster.Failure(what: "mount tmpfs at \(path): \(String(cString: strerror(errno)))")
        }
    }

    func resize(to bytes: Int) -> Bool { mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=\(bytes)") == 0 }

    func unmount() { umount2(path, Int32(MNT_DETACH)) }

    /// Writes until nothing more fits.
    static func fill(_ path: String) {
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        for piece in [1 << 20, 4_096, 1] {
            let bytes = [UInt8](repeating: 1, count: piece)
            while write(file, bytes, piece) == piece {}
        }
    }
}
