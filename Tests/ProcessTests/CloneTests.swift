import Foundation
import Testing

extension Processes {
    /// Clones of either kind into either kind, through the command line.
    @Suite(.serialized) struct CloneTests {
        @Test func aCloneNeedsNothingOfItsSource() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            func good(_ words: String...) -> String {
                let result = cluster.run(words)
                #expect(result.status == 0, "\(words.joined(separator: " ")): \(result.errors)")
                return result.output
            }
            let text = String(repeating: "a large enough file ", count: 20_000)
            let file = try cluster.write("local", text)
            _ = good("volume", "create", "data")
            _ = good("volume", "put", "data", file, "/big")
            _ = good("volume", "put", "data", try cluster.write("one", "one"), "/small")
            _ = good("volume", "put", "data", "-f", try cluster.write("two", "two"), "/small")
            // Wrong input makes nothing.
            for (words, status) in [
                (["nope", "x"], 1), (["data", "data"], 2), (["data", "x", "--to", "tape"], 2), (["data", "x", "--at", "99"], 1),
                (["data", "x", "--at", "last"], 2), (["data", "x", "--home", "mars"], 1), (["data", "a/b"], 2),
                (["data", "x", "--to", "nfs", "--durability", "all"], 2),
            ] as [([String], Int32)] {
                let result = cluster.run(["volume", "clone"] + words)
                #expect(result.status == status && result.errors.split(separator: "\n").count == 1, "\(words): \(result)")
            }
            #expect(cluster.run(["nfs", "clone", "data", "x"]).status == 1, "it is a volume")
            #expect(good("volume", "list").split(separator: "\n").count == 1, "nothing was made")
            #expect(good("nfs", "list") == "")

            _ = good("volume", "clone", "data", "copy")
            _ = good("volume", "clone", "data", "old", "--at", "v2")
            _ = good("volume", "clone", "data", "share", "--to", "nfs", "--home", "b")
            _ = good("nfs", "clone", "share", "back", "--to", "volume", "--home", "c")
            _ = good("volume", "delete", "data", "-y")
            #expect(good("volume", "get", "old", "/small", "-", "--region", "c") == "one")
            #expect(good("volume", "get", "copy", "/small", "-", "--region", "b") == "two")
            #expect(good("nfs", "get", "share", "/small", "-", "--region", "b") == "two")
            for name in ["copy", "back"] { #expect(good("volume", "get", name, "/big", "-", "--region", "c") == text) }
            #expect(good("nfs", "get", "share", "/big", "-", "--region", "b") == text)
            let history = LocalCluster.json(cluster.run(["volume", "history", "copy", "--json"]))
            #expect("\(history)".contains("clone of data"), "\(history)")
            #expect(await cluster.digestsDiffer() == "")
        }
    }
}
