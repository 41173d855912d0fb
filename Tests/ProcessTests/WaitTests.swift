import APIClient
import APISchema
import Filesystem
import Foundation
import Primitives
import Testing

extension Processes {
    /// Every wait says what it waits for: on the terminal while it lasts, in the list of the node, and at its end.
    @Suite(.serialized) struct WaitTests {
        /// Two of three regions are lost, and the third knows it.
        private func lonely(_ cluster: LocalCluster, _ client: APIClient) async {
            for region in ["b", "c"] { #expect(cluster.run(["fault", "kill", cluster.node(in: region).name]).status == 0) }
            let isKnown = await LocalCluster.eventually(within: 60) {
                try await client.members().count { $0.status == "dead" } == 2
            }
            #expect(isKnown, "nobody noticed that two nodes are gone")
        }

        @Test func aCommitThatCanNotGoThroughSaysWhy() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            #expect(cluster.run(["volume", "put", "--stage", "data", try cluster.write("f", "content"), "/f"]).status == 0)
            let client = cluster.client(cluster.node(in: "a"))
            await lonely(cluster, client)
            let commit = try RunningCommand(
                ["volume", "commit", "data", "--timeout", "20", "--json"], cluster: cluster.directory, in: cluster.folder)
            let words = "volume 'data' is heard; of its voters' regions a, b, c only a is alive"
            let isListed = await LocalCluster.eventually(within: 15) {
                try await client.waits().contains {
                    $0.operation == "commit" && $0.object == "volume 'data'" && $0.waitsFor.contains(words) && $0.leftSeconds < 20
                }
            }
            #expect(isListed, "it is not in the list of waits")
            // Where the node was too busy to say it at first, it is said ten seconds later.
            #expect(await commit.says(words, within: 25), "\(commit.output)")
            #expect(commit.process.isRunning, "it said so before its end")
            #expect(await commit.ends(within: 40))
            #expect(commit.process.terminationStatus == 1)
            let lines = commit.output.split(separator: "\n")
            let errors = lines.filter { $0.hasPrefix("atoll: ") }
            #expect(errors.count == 1 && lines.last == errors.first, "\(commit.output)")
            #expect(errors.first?.contains("'data'") ?? false && errors.first?.contains("only a is alive") ?? false, "\(commit.output)")
            let told = lines.filter { $0.hasPrefix("volume commit: ") }
            #expect(told.count + errors.count == lines.count && told.count >= 1 && told.count <= 2, "\(commit.output)")
            #expect(told.first?.contains(" s more") ?? false, "\(commit.output)")
            let isOver = await LocalCluster.eventually(within: 10) { try await client.waits().isEmpty }
            #expect(isOver)
            await client.shutdown()
        }

        /// `--timeout` is for the command, however many requests it makes and however long bytes flow.
        @Test func aCommandIsOverWhenItsTimeIs() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            for verb in [["nfs", "create", "share"], ["volume", "create", "data"]] { #expect(cluster.run(verb).status == 0) }
            for (kind, name) in [("nfs", "share"), ("volume", "data")] {
                let put = try RunningCommand(
                    [kind, "put", name, "-", "/f", "--timeout", "2"], cluster: cluster.directory, in: cluster.folder, isFed: true)
                try put.input?.write(contentsOf: Data("the beginning".utf8))
                #expect(await put.ends(within: 30), "it waits on for what never comes")
                #expect(put.process.terminationStatus == 1 && put.process.terminationReason == .exit)
                #expect(put.output.split(separator: "\n").count == 1, "\(put.output)")
                #expect(put.output.hasPrefix("atoll: \(kind) put"), "\(put.output)")
                #expect(put.output.contains("--timeout"), "\(put.output)")
                #expect(cluster.run([kind, "ls", name]).output == "")
            }
            // Many requests, none of which takes long.
            let folder = cluster.folder.appendingPathComponent("many").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for index in 0..<4_000 { try Data("\(index)".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(index)")) }
            let many = cluster.run(["volume", "put", "data", folder, "/many", "--timeout", "0.5"])
            #expect(many.status == 1 && many.errors.split(separator: "\n").count == 1, "\(many)")
            #expect(cluster.run(["volume", "ls", "data"]).output == "")
            #expect(cluster.run(["volume", "ls", "data", "--timeout", "30"]).status == 0)
        }

        /// A node that says nothing at all is named after three seconds; one that answers is not.
        @Test func aNodeThatDoesNotAnswerIsNamed() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let quick = cluster.run(["nfs", "create", "share"])
            #expect(quick.status == 0 && quick.errors == "", "\(quick)")
            let node = cluster.nodes[0]
            let number = try #require(cluster.processNumbers()[node.name])
            kill(number, SIGSTOP)
            let address = node.http
            let list = LocalCluster.run(
                ["nfs", "list", "--timeout", "6"], environment: ["ATOLL_ENDPOINT": address, "ATOLL_TOKEN": cluster.token],
                in: cluster.folder)
            kill(number, SIGCONT)
            let lines = list.errors.split(separator: "\n")
            #expect(list.status == 1 && lines.count == 2, "\(list)")
            #expect(lines.first?.hasPrefix("nfs list: no answer from \(address) yet; at most ") ?? false, "\(list)")
            #expect(lines.last?.hasPrefix("atoll: nfs list") ?? false, "\(list)")
        }
    }
}
