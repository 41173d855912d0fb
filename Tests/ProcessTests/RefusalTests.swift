import Foundation
import Testing

extension Processes {
    /// What no verb may do whatever its words: act with a wrong token, or on the data of a newer program.
    @Suite(.serialized) struct RefusalTests {
        @Test func aWrongTokenOpensNoVerb() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let content = try cluster.write("f", "content")
            for (kind, name) in [("nfs", "share"), ("volume", "data")] {
                #expect(cluster.run([kind, "create", name]).status == 0)
                #expect(cluster.run([kind, "put", name, content, "/f"]).status == 0)
            }
            let filesystems = [("nfs", "share"), ("volume", "data")]
            let before = cluster.state(filesystems)
            var verbs: [String] = ["app list", "app stop run -y", "app history run"]
            for (kind, name) in [("nfs", "share"), ("volume", "data")] {
                verbs += [
                    "create x", "list", "ls \(name)", "put \(name) \(content) /g", "get \(name) /f -", "rm \(name) /f", "cp \(name) /f /g",
                    "rename \(name) x -y", "delete \(name) -y", "clone \(name) x",
                ].map { "\(kind) \($0)" }
            }
            verbs += [
                "commit data", "reload data", "history data", "diff data v0 v1", "rollback data v0 -y", "conflicts data", "status data",
            ].map { "volume \($0)" }
            let node = cluster.nodes[0].name
            verbs += [
                "status", "members", "regions", "node list", "node drain \(node)", "node remove \(node) --force -y", "environment list",
                "environment create x", "environment delete main -y",
            ]
            for verb in verbs {
                let result = LocalCluster.run(
                    verb.split(separator: " ").map(String.init),
                    environment: ["ATOLL_ENDPOINT": cluster.nodes[0].http, "ATOLL_TOKEN": "atoll-wrong-token-wrong-token"],
                    in: cluster.folder)
                #expect(result.status == 1 && result.output == "", "\(verb): \(result)")
                #expect(result.errors.contains("token") && result.errors.split(separator: "\n").count == 1, "\(verb): \(result)")
            }
            // A token that is named goes before the local cluster's own.
            let wrong = try cluster.write("wrong-token", "atoll-wrong-token-wrong-token")
            for verb in ["nfs ls share", "volume rm data /f", "status", "members", "regions", "app list"] {
                let result = cluster.run(verb.split(separator: " ").map(String.init) + ["--token-file", wrong])
                #expect(result.status == 1 && result.output == "", "\(verb): \(result)")
                #expect(result.errors.contains("the token is not valid here; is \(wrong) that"), "\(verb): \(result)")
            }
            // A local cluster whose file of the token is another's: those too that ask all nodes at once.
            let file = cluster.directory + "/admin-token"
            let token = try String(contentsOfFile: file, encoding: .utf8)
            try "atoll-wrong-token-wrong-token\n".write(toFile: file, atomically: true, encoding: .utf8)
            for verb in [
                "status", "status --json", "members", "regions", "node list", "node drain \(node)", "node remove \(node) --force -y",
                "environment list", "environment create x", "nfs ls share", "volume rm data /f", "app list", "fault isolate a",
                "fault heal",
                "compare",
            ] {
                let result = cluster.run(verb.split(separator: " ").map(String.init))
                #expect(result.status == 1 && result.output == "", "\(verb): \(result)")
                let name = verb.split(separator: " ").prefix(verb.contains(" ") && !verb.hasPrefix("status") ? 2 : 1).joined(separator: " ")
                #expect(result.errors.hasPrefix("atoll: \(name) ") && result.errors.contains("the token is not valid here; "), "\(result)")
                #expect(result.errors.contains("admin-token") && result.errors.split(separator: "\n").count == 1, "\(verb): \(result)")
            }
            let doctor = cluster.run(["doctor"])
            #expect(doctor.status == 1 && doctor.output.contains("WRONG\ttoken\t"), "\(doctor)")
            #expect(!doctor.output.contains("no majority") && !doctor.output.contains("WRONG\tnode"), "\(doctor)")
            for left in ["\(cluster.directory)/faults.json", cluster.folder.appendingPathComponent("atoll-report").path] {
                #expect(!FileManager.default.fileExists(atPath: left), "\(left)")
            }
            try token.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(cluster.state(filesystems) == before)
        }

        /// The file that names a cluster is damaged, or of a newer program: every verb says so, and leaves the nodes alone.
        @Test func aClusterFileThatIsNoneIsNamed() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let path = cluster.directory + "/cluster.json"
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            let before = cluster.processesLeft()
            for (content, says) in [("{\"x\":", "it is damaged"), ("", "it is damaged"), ("{\"format\": 99}", "newer atoll (format 99")] {
                try Data(content.utf8).write(to: URL(fileURLWithPath: path))
                for verb in [
                    "up --detach", "down", "status", "members", "regions", "doctor", "fault heal", "fault kill a-1", "node list",
                    "node drain a-1", "node remove a-1 -y", "run --region a -- true", "nfs list", "volume create x", "app list",
                    "compare --live",
                ] {
                    let result = cluster.run(verb.split(separator: " ").map(String.init))
                    #expect(result.status == 1 && result.output == "", "\(verb): \(result)")
                    #expect(result.errors.contains(says) && result.errors.contains(cluster.directory), "\(verb): \(result)")
                    #expect(result.errors.split(separator: "\n").count == 1, "\(verb): \(result)")
                }
            }
            try whole.write(to: URL(fileURLWithPath: path))
            #expect(cluster.processesLeft() == before && cluster.run(["volume", "list"]).status == 0)
        }

        /// A data directory whose chunks, or which itself, a newer program has written.
        @Test(arguments: ["atoll.json", "chunks/store.json"]) func dataOfANewerProgramIsLeftAlone(name: String) throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["down"]).status == 0)
            let home = "\(cluster.directory)/nodes/\(cluster.nodes[0].name)"
            let path = "\(home)/data/\(name)"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let newer = text.replacing(/"(format)"\s*:\s*1\b/) { "\"\($0.output.1)\": 99" }
            try #require(newer != text, "\(text)")
            try newer.write(toFile: path, atomically: true, encoding: .utf8)
            func files() throws -> [String] {
                try FileManager.default.subpathsOfDirectory(atPath: "\(home)/data").sorted().map { path in
                    let size = try FileManager.default.attributesOfItem(atPath: "\(home)/data/\(path)")[.size] as? Int
                    return "\(path) \(size ?? -1)"
                }
            }
            let before = try files()
            var commands = [["up", "--detach"], ["node", "--config", "\(home)/config.yaml"]]
            if name.hasPrefix("chunks") { commands.append(["check", "store", "\(home)/data/chunks"]) }
            for command in commands {
                let result = cluster.run(command)
                #expect(result.status == 1 && result.errors.contains("99"), "\(command): \(result)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(command): \(result)")
            }
            #expect(try files().filter { !$0.hasPrefix("lock ") } == before.filter { !$0.hasPrefix("lock ") })
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(cluster.run(["up", "--detach"]).status == 0)
        }
    }
}
