import APIClient
import APISchema
import Filesystem
import Foundation
import Primitives
import Testing

extension Processes {
    /// The command line against a cluster that it knows by the address of a node only, and in directories that have moved.
    @Suite(.serialized) struct RemoteTests {
        @Test func theWholeClusterIsSeenThroughOneNode() async throws {
            let cluster = try LocalCluster(regions: ["east", "north", "south"], map: "toy")
            defer { cluster.end() }
            let node = cluster.nodes[1]
            let known = ["ATOLL_ENDPOINT": node.http, "ATOLL_TOKEN": cluster.token]
            func run(_ words: [String], _ environment: [String: String]) -> CommandResult {
                LocalCluster.run(words, environment: environment, in: cluster.folder)
            }
            let status = run(["status"], known)
            #expect(status.status == 0, "\(status)")
            for node in cluster.nodes { #expect(status.output.contains("\t\(node.name)\t\(node.region)\t"), "\(status.output)") }
            #expect(status.output.components(separatedBy: "\tready\t").count == 4, "\(status.output)")
            let fields = LocalCluster.json(run(["status", "--json"], known))
            #expect((fields["nodes"] as? [[String: Any]])?.count == 3 && fields["seen_by"] as? String == node.name, "\(fields)")
            // By the option, with the token in a file; the environment's cluster does not count then.
            let named = ["--endpoint", "http://\(node.http)", "--token-file", cluster.directory + "/admin-token"]
            let members = run(["members", "--node", node.name] + named, ["ATOLL_CLUSTER": "/nowhere"])
            #expect(members.status == 0 && members.output.split(separator: "\n").count >= 2, "\(members)")
            #expect(members.output.split(separator: "\n").allSatisfy { $0.hasPrefix(node.name + "\t") }, "\(members)")
            let pairs = (LocalCluster.json(run(["regions", "--json"] + named, [:]))["pairs"] as? [[String: Any]]) ?? []
            #expect(pairs.count == 6 && pairs.allSatisfy { $0["map_ms"] is NSNull && $0["median_ms"] is Double }, "\(pairs)")
            let doctor = run(["doctor"], known)
            #expect(doctor.output.contains("all 3 are ready") && doctor.output.contains("groups"), "\(doctor)")
            #expect(run(["node", "list"] + named, [:]).output.split(separator: "\n").count == 3)
            // A node that is gone is told of as the others see it.
            #expect(cluster.run(["fault", "kill", cluster.nodes[2].name]).status == 0)
            let isSeen = await LocalCluster.eventually { run(["status"], known).output.contains("no answer, seen dead") }
            #expect(isSeen, "\(run(["status"], known))")
            #expect(run(["doctor"], known).status == 1)
            // Mistakes: whose token, which address.
            let wrong = run(["status"], ["ATOLL_ENDPOINT": node.http, "ATOLL_TOKEN": "nonsense-nonsense"])
            #expect(wrong.status == 1 && wrong.errors.split(separator: "\n").count == 1, "\(wrong)")
            #expect(wrong.errors.contains("status \(node.http): the token is not valid here"), "\(wrong)")
            #expect(wrong.errors.contains("ATOLL_TOKEN") && !wrong.errors.contains("Authorization"), "\(wrong)")
            let list = run(["nfs", "list"], ["ATOLL_ENDPOINT": node.http])
            #expect(list.status == 1 && list.errors.contains("ATOLL_TOKEN") && !list.errors.contains("Bearer"), "\(list)")
            let silent = run(["status", "--endpoint", "127.0.0.1:1"], [:])
            #expect(silent.status == 1 && silent.errors.contains("nothing listens at 127.0.0.1:1"), "\(silent)")
            let blind = run(["doctor", "--endpoint", "127.0.0.1:1"], [:])
            #expect(blind.status == 1 && blind.output.contains("nothing listens at 127.0.0.1:1"), "\(blind)")
            #expect(blind.output.contains("disk space"), "the machine is examined all the same: \(blind)")
            #expect(run(["status", "--endpoint", "nonsense"], [:]).status == 2)
            #expect(run(["status", "--endpoint", node.http, "--data-dir", cluster.directory], [:]).status == 2)
        }

        @Test func nodesAreListedAndDrainedWhileTheFirstRegionIsAway() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["fault", "kill", cluster.node(in: "a").name]).status == 0)
            let isListed = await LocalCluster.eventually(within: 30) { cluster.run(["node", "list"]).status == 0 }
            #expect(isListed, "\(cluster.run(["node", "list"]))")
            var last: CommandResult?
            let isDrained = await LocalCluster.eventually(within: 60) {
                last = cluster.run(["node", "drain", cluster.node(in: "b").name])
                return last?.status == 0
            }
            #expect(isDrained, "\(String(describing: last))")
            #expect(cluster.run(["node", "drain", cluster.node(in: "b").name, "--undo"]).status == 0)
            // One that runs and hears nobody is not asked.
            #expect(cluster.run(["fault", "restart", cluster.node(in: "a").name]).status == 0)
            #expect(cluster.run(["fault", "isolate", "a"]).status == 0)
            let isChanged = await LocalCluster.eventually(within: 60) {
                last = cluster.run(["node", "drain", cluster.node(in: "c").name])
                return last?.status == 0
            }
            #expect(isChanged, "\(String(describing: last))")
        }

        @Test func aDirectoryThatMovedStartsAndACopyIsAClusterOfItsOwn() async throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share"]).status == 0)
            #expect(cluster.run(["nfs", "put", "share", "-", "/f"], input: Data("content".utf8)).status == 0)
            let moved = cluster.folder.appendingPathComponent("moved").path
            let copy = cluster.folder.appendingPathComponent("copy").path
            func run(_ words: [String], _ directory: String) -> CommandResult {
                LocalCluster.run(words, environment: ["ATOLL_CLUSTER": directory], in: cluster.folder)
            }
            // A copy of one that runs has no processes: nothing of it is up, and ending it ends nothing.
            let copied = LocalCluster.tool(["/bin/cp", "-a", cluster.directory, copy])
            #expect(copied.status == 0)
            #expect(run(["status"], copy).output.components(separatedBy: "\tstopped\t").count == 3, "\(run(["status"], copy))")
            #expect(run(["down"], copy).output.contains("No node was running"))
            #expect(cluster.processNumbers().count == 2)
            #expect(cluster.run(["down"]).status == 0)
            try FileManager.default.moveItem(atPath: cluster.directory, toPath: moved)
            defer { _ = run(["down"], moved) }
            let up = run(["up", "--detach"], moved)
            #expect(up.status == 0, "\(up)")
            #expect(run(["nfs", "get", "share", "/f", "-"], moved).output == "content")
            #expect(!FileManager.default.fileExists(atPath: cluster.directory), "somebody works where it was")
            // Moved while it runs: the processes are still its own.
            try FileManager.default.moveItem(atPath: moved, toPath: cluster.directory)
            #expect(cluster.processNumbers().count == 2)
            let down = cluster.run(["down"])
            #expect(down.status == 0, "\(down)")
            #expect(LocalCluster.processes(mentioning: moved).isEmpty)
        }

        @Test func aNodeThatCanNotStartDoesNotKeepTheOthers() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            #expect(cluster.run(["down"]).status == 0)
            let broken = cluster.node(in: "b")
            let identity = "\(cluster.directory)/nodes/\(broken.name)/data/atoll.json"
            let text = try String(contentsOfFile: identity, encoding: .utf8)
            try "nonsense".write(toFile: identity, atomically: true, encoding: .utf8)
            let up = cluster.run(["up", "--detach"])
            #expect(up.status == 1, "\(up)")
            let lines = up.errors.split(separator: "\n")
            #expect(lines.count == 1 && up.errors.hasPrefix("atoll: start \(broken.name): "), "\(up.errors)")
            #expect(up.errors.contains(identity) && up.errors.contains("the other 2 nodes run"), "\(up.errors)")
            #expect(cluster.processNumbers().count == 2)
            let put = cluster.run(["volume", "put", "data", "-", "/f"], input: Data("content".utf8))
            #expect(put.status == 0, "\(put)")
            #expect(cluster.run(["down"]).status == 0)
            // In the foreground the others run on until they are told to end.
            let held = try RunningCommand(["up"], cluster: cluster.directory, in: cluster.folder)
            #expect(await held.says("start \(broken.name): "), "\(held.output)")
            #expect(cluster.run(["volume", "get", "data", "/f", "-"]).output == "content")
            held.signal(SIGINT)
            #expect(await held.ends(within: 20))
            #expect(held.process.terminationStatus == 0, "\(held.output)")
            try text.write(toFile: identity, atomically: true, encoding: .utf8)
            #expect(cluster.run(["up", "--detach"]).status == 0)
            #expect(await cluster.digestsDiffer() == "")
        }

        @Test func environmentsAreMadeListedAndDeleted() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["environment", "create", "staging"]).status == 0)
            let again = cluster.run(["environment", "create", "staging"])
            #expect(again.status == 2 && again.errors.contains("staging"), "\(again)")
            #expect(cluster.run(["volume", "create", "data", "-e", "staging"]).status == 0)
            let list = cluster.run(["environment", "list"])
            #expect(list.output.split(separator: "\n").map { $0.prefix { $0 != "\t" } } == ["main", "staging"], "\(list)")
            let rows = LocalCluster.json(cluster.run(["environment", "list", "--json"]))["environments"] as? [[String: Any]]
            #expect(rows?.count == 2 && rows?.allSatisfy { $0["created_at"] is String } ?? false, "\(rows ?? [])")
            for (words, status, says) in [
                (["delete", "staging"], 2 as Int32, "--yes"), (["delete", "staging", "-y"], 1, "not empty"),
                (["delete", "nowhere", "-y"], 1, "no such environment"), (["delete", "main", "-y"], 1, "default"),
                (["create", "bad name"], 2, "name"),
            ] {
                let result = cluster.run(["environment"] + words)
                #expect(result.status == status && result.errors.contains(says), "\(words): \(result)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result)")
            }
            #expect(cluster.run(["volume", "delete", "data", "-e", "staging", "-y"]).status == 0)
            let deleted = cluster.run(["environment", "delete", "staging", "-y"])
            #expect(deleted.status == 0, "\(deleted)")
            #expect(cluster.run(["volume", "list", "-e", "staging"]).status == 1)
        }
    }
}
