import APIClient
import CLinux
import Filesystem
import Foundation
import Testing

extension Processes {
    /// The node that serves a mount ends under programs at work: another one of the region takes its place, and they see
    /// nothing of it.
    @Suite(.serialized, .enabled(if: LiveMount.obstacle.isEmpty, "mounts can not be had here: \(LiveMount.obstacle)"))
    struct MountTakeoverTests {
        @Test func anotherNodeTakesOver() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"], nodesPerRegion: 2)
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            for source in ["nfs/share", "volume/data"] {
                let point = source.replacingOccurrences(of: "/", with: "-")
                let mount = try LiveMount(cluster, source, at: point, ["--region", "b", "--on-unreachable", "block"])
                defer { mount.end() }
                try await work(in: mount)
                if source.hasPrefix("volume") {
                    #expect(LiveMount.shell("sync '\(mount.path)'").status == 0)
                    #expect(cluster.run(["volume", "ls", "data", "/d40", "--region", "c"]).output.contains("g"))
                }
                let end = mount.unmount()
                #expect(end.status == 0, "\(source): \(end)")
            }
        }

        /// Names, content, appends, removed files and a lock, with the node killed in the midst of it, twice.
        private func work(in mount: LiveMount) async throws {
            let isVolume = mount.path.hasSuffix("data")
            let noise = LocalCluster.noise(4 << 20, seed: 9)
            try Data(noise).write(to: URL(fileURLWithPath: mount.at("big")))
            let lock = isVolume ? "" : "flock -n 6 || exit 20;"
            let script = """
                exec 5>>log 6<>held 7<gone; rm gone; \(lock) n=0
                while [ $n -lt 40 ]; do
                    n=$((n + 1)); echo line $n >&5 || exit 1; mkdir d$n || exit 2; echo $n > d$n/f || exit 3
                    [ "$(cat d$n/f)" = $n ] || exit 4; mv d$n/f d$n/g || exit 5; ln d$n/g d$n/h || exit 6; rm d$n/h || exit 7
                    cksum < big > sum || exit 8; ln -s $n l$n || exit 9; echo $n >&6 || exit 10
                    echo $n > '\(mount.cluster.folder.path)/progress'
                done
                read text <&7 && [ "$text" = alive ] || exit 11
                """
            try mount.write("gone", "alive\n")
            let folder = mount.path
            let program = Task.detached { LiveMount.shell(script, in: folder) }
            let first = try await endServer(of: mount, after: 8)
            _ = mount.cluster.run(["fault", "restart", first])
            let second = try await endServer(of: mount, after: 24)
            #expect(first != second)
            let result = await program.value
            #expect(result.status == 0, "\(mount.path): \(result) \(mount.log)")
            _ = mount.cluster.run(["fault", "restart", second])
            #expect(mount.text("log") == (1...40).map { "line \($0)\n" }.joined())
            #expect(mount.text("held") == (1...40).map { "\($0)\n" }.joined())
            #expect(mount.text("d40/g") == "40\n" && mount.text("gone") == nil)
            #expect(FileManager.default.contents(atPath: mount.at("big")) == Data(noise))
            #expect(try FileManager.default.contentsOfDirectory(atPath: mount.path).count == 84)
        }

        /// Kills the node that has the session once the program is so far; its name.
        private func endServer(of mount: LiveMount, after step: Int) async throws -> String {
            let file = mount.cluster.folder.appendingPathComponent("progress").path
            let isThere = await LocalCluster.eventually(within: 60) {
                (Int((try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "") ?? 0)
                    >= step
            }
            try #require(isThere, "the program does not go on: \(mount.log)")
            let address = try #require(mount.record["address"] as? String)
            let node = try #require(mount.cluster.nodes.first { $0.http == address })
            let killed = mount.cluster.run(["fault", "kill", node.name])
            try #require(killed.status == 0, "\(killed)")
            return node.name
        }

        /// A session that ended while the mount was not heard (a machine that slept): a new one, its locks lost, and
        /// whoever had one is told.
        @Test func aSessionThatEnded() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share"]).status == 0)
            let mount = try LiveMount(cluster, "nfs/share", at: "n", ["--attribute-cache", "0"])
            defer { mount.end() }
            try mount.write("x", "text")
            let plain = open(mount.at("x"), O_RDONLY)
            let locked = open(mount.at("x"), O_RDWR)
            #expect(flock(locked, LOCK_EX) == 0)
            try mount.write("y", "other")
            let reader = open(mount.at("y"), O_RDONLY)
            // What the node does with a session that was idle too long, through its API.
            let session = try #require((mount.record["session"] as? String).flatMap(UInt64.init))
            let client = cluster.client(cluster.nodes[0])
            try await client.closeSession(SessionID(session))
            await client.shutdown()
            var buffer = [UInt8](repeating: 0, count: 8)
            #expect(pread(reader, &buffer, 8, 1) == 4, "\(String(cString: strerror(errno)))")
            #expect(mount.text("y") == "other")
            #expect(pwrite(locked, "x", 1, 0) == -1 && errno == EIO)
            #expect(mount.log.contains("locks on 1 file are lost"), "\(mount.log)")
            #expect(flock(locked, LOCK_UN) == 0)
            #expect(flock(locked, LOCK_EX) == 0 && pwrite(locked, "T", 1, 0) == 1 && fsync(locked) == 0)
            for file in [plain, locked, reader] { close(file) }
            #expect(mount.text("x") == "Text")
        }
    }
}
