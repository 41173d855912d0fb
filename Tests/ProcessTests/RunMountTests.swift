import Foundation
import Testing

extension Processes {
    /// `atoll run --mount`: file systems at the paths that a program expects, which nobody else sees.
    @Suite(.serialized, .enabled(if: LiveMount.obstacle.isEmpty, "mounts can not be had here: \(LiveMount.obstacle)"))
    struct RunMountTests {
        @Test func aProgramWithFileSystems() async throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            let (one, other) = (cluster.folder.path + "/new/one", cluster.folder.path + "/other")
            #expect(mkdir(other, 0o755) == 0)
            _ = FileManager.default.createFile(atPath: other + "/hidden", contents: nil)
            let mounts = ["--mount", "nfs/share:\(one)", "--mount", "volume/data:\(other)", "--region", "b"]
            func run(_ line: String, _ more: [String] = []) -> CommandResult {
                cluster.run(["run"] + mounts + more + ["--", "/bin/sh", "-c", line])
            }

            let first = run("echo $ATOLL_APP; echo one > \(one)/x && echo two > \(other)/y && ls \(other) && exit 7", ["--app", "job"])
            #expect(first.status == 7 && first.output.hasPrefix("ap-") && first.output.hasSuffix("\ny\n"), "\(first)")
            // Nothing of it is left: no mount, no directory that was made for it, no app; a volume's changes are committed.
            #expect(LiveMount.shell("grep -c '\(cluster.folder.path)' /proc/mounts").output == "0\n")
            #expect(!FileManager.default.fileExists(atPath: cluster.folder.path + "/new"))
            #expect(FileManager.default.fileExists(atPath: other + "/hidden"))
            #expect(!cluster.run(["app", "list"]).output.contains("running"))
            #expect(cluster.run(["volume", "ls", "data", "--region", "a"]).output.contains("y"))
            let second = run("cat \(one)/x \(other)/y")
            #expect(second.status == 0 && second.output == "one\ntwo\n", "\(second)")
            let readOnly = cluster.run(["run", "--mount", "nfs/share:\(one):ro", "--", "/bin/sh", "-c", "cat \(one)/x; : > \(one)/z"])
            #expect(readOnly.status != 0 && readOnly.output == "one\n", "\(readOnly)")

            try await signals(cluster, other)
            let refused: [([String], Int32, String)] = [
                (["--mount", "share:\(one)", "--", "true"], 2, "--mount"), (["--mount", "nfs/share:/tmp", "--", "true"], 2, "no place"),
                (["--mount", "nfs/share:x", "--", "true"], 2, "absolute"),
                (["--mount", "nfs/none:\(one)", "--", "true"], 1, "there is no such"),
                (["--mount", "nfs/share:\(one)", "--", "no-such-program"], 1, "No such file"),
            ]
            for (words, status, says) in refused {
                let result = cluster.run(["run"] + words)
                #expect(result.status == status && result.errors.contains(says), "\(words): \(result)")
            }
        }

        /// Signals reach the program, and how it ends is how `atoll run` ends; what it had written is committed all the same.
        private func signals(_ cluster: LocalCluster, _ place: String) async throws {
            let script = "trap 'echo last > \(place)/last; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
            let trapping = try RunningCommand(
                ["run", "--mount", "volume/data:\(place)", "--", "/bin/sh", "-c", script], cluster: cluster.directory, in: cluster.folder)
            #expect(await trapping.says("ready"), "\(trapping.output)")
            trapping.signal(SIGTERM)
            #expect(await trapping.ends(within: 30) && trapping.process.terminationStatus == 3, "\(trapping.output)")
            #expect(cluster.run(["volume", "ls", "data"]).output.contains("last"))
            let plain = try RunningCommand(
                ["run", "--mount", "volume/data:\(place)", "--", "/bin/sh", "-c", "echo ready; exec sleep 60"], cluster: cluster.directory,
                in: cluster.folder)
            #expect(await plain.says("ready"), "\(plain.output)")
            plain.signal(SIGHUP)
            #expect(await plain.ends(within: 30), "\(plain.output)")
            #expect(plain.process.terminationReason == .uncaughtSignal && plain.process.terminationStatus == SIGHUP)
        }
    }
}
