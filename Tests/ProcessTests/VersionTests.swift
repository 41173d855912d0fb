import APIClient
import APISchema
import Filesystem
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// Versions, conflicts and staged changes of a volume, through the command line alone.
    @Suite(.serialized) struct VersionTests {
        private struct Desk {
            let cluster: LocalCluster
            init() throws {
                cluster = try LocalCluster(regions: ["a", "b", "c"])
                let made = cluster.run(["volume", "create", "data"])
                guard made.status == 0 else {
                    cluster.end()
                    throw LocalCluster.Failure(what: made.errors)
                }
            }

            func volume(_ words: String...) -> CommandResult { cluster.run(["volume"] + words) }
            func good(_ words: String...) -> String {
                let result = cluster.run(["volume"] + words)
                #expect(result.status == 0, "volume \(words.joined(separator: " ")): \(result.errors)")
                return result.output
            }
            func file(_ text: String) throws -> String { try cluster.write("local-\(UInt64.random(in: 0 ... .max))", text) }
            func list(_ words: String...) -> [[String: Any]] {
                let all = LocalCluster.json(cluster.run(["volume"] + words + ["--json"]))
                return all.values.lazy.compactMap { $0 as? [[String: Any]] }.first ?? []
            }
        }

        private func number(_ value: Any?) -> Int { (value as? NSNumber)?.intValue ?? -1 }

        @Test func everyCommitIsAVersion() throws {
            let desk = try Desk()
            defer { desk.cluster.end() }
            let one = LocalCluster.json(desk.volume("put", "data", try desk.file("one"), "/dir/f", "-m", "first", "--json"))
            #expect(number(one["version"]) == 1 && (one["digest"] as? String)?.count == 64 && one["ms"] != nil, "\(one)")
            #expect((one["conflicts"] as? [Any])?.isEmpty == true)
            _ = desk.good("put", "data", "-f", try desk.file("two"), "/dir/f", "-m", "second", "--region", "b", "--wait", "all")
            _ = desk.good("put", "data", try desk.file("new"), "/dir/g", "--wait", "all")
            _ = desk.good("rm", "data", "/dir/g", "--wait", "all")

            let history = desk.list("history", "data")
            #expect(
                history.map { number($0["version"]) } == [4, 3, 2, 1, 0] || history.map { number($0["version"]) } == [4, 3, 2, 1],
                "\(history)")
            #expect(history.first { number($0["version"]) == 2 }?["message"] as? String == "second")
            #expect(history.first { number($0["version"]) == 2 }?["region"] as? String == "b")

            for (version, text) in [("1", "one"), ("2", "two"), ("4", "two")] {
                for region in ["a", "b", "c"] {
                    #expect(desk.good("get", "data", "/dir/f", "-", "--at", version, "--region", region) == text)
                }
            }
            #expect(desk.good("ls", "data", "/dir", "--at", "3").split(separator: "\n").count == 2)
            #expect(desk.good("ls", "data", "/dir").split(separator: "\n").count == 1)
            #expect(desk.volume("get", "data", "/dir/g", "-").status == 1)
            #expect(desk.volume("get", "data", "/dir/f", "-", "--at", "99").status == 1)

            let changes = desk.list("diff", "data", "1", "3")
            #expect(
                Set(changes.compactMap { $0["path"] as? String }.map { $0.trimmingCharacters(in: ["/"]) }) == ["dir/f", "dir/g"],
                "\(changes)")
            #expect(desk.list("diff", "data", "v2", "v4").isEmpty)

            let back = LocalCluster.json(desk.volume("rollback", "data", "v1", "-y", "--json"))
            #expect(number(back["version"]) == 5, "\(back)")
            #expect(desk.good("get", "data", "/dir/f", "-") == "one")
            #expect(desk.list("diff", "data", "1", "5").isEmpty)
            #expect(desk.volume("rollback", "data", "v2").status == 2, "without a terminal and -y it must refuse")
            #expect(desk.good("get", "data", "/dir/f", "-", "--at", "4") == "two", "a rollback loses no version")
        }

        @Test func theLosingVersionOfAFileIsKept() throws {
            let desk = try Desk()
            defer { desk.cluster.end() }
            _ = desk.good("put", "data", try desk.file("base"), "/f", "--wait", "all")
            // Two sessions change the same file, each from the same version.
            _ = desk.good("put", "data", "-f", "--stage", try desk.file("from b"), "/f", "--region", "b")
            _ = desk.good("put", "data", "-f", "--stage", try desk.file("from c"), "/f", "--region", "c")
            #expect(desk.good("get", "data", "/f", "-", "--region", "b") == "base", "what is staged is nobody else's")
            let status = LocalCluster.json(desk.volume("status", "data", "--region", "b", "--json"))["session"] as? [String: Any]
            #expect(number(status?["staged"]) > 0, "\(String(describing: status))")
            _ = desk.good("commit", "data", "--region", "b", "--wait", "all")
            #expect(desk.list("conflicts", "data").isEmpty)
            let refused = desk.volume("commit", "data", "--region", "c", "--if-unchanged")
            #expect(refused.status == 1 && refused.errors.contains(" f;"), "\(refused)")
            #expect(desk.good("get", "data", "/f", "-", "--region", "a") == "from b")
            let receipt = LocalCluster.json(desk.volume("commit", "data", "--region", "c", "--wait", "all", "--json"))
            #expect((receipt["conflicts"] as? [Any])?.count == 1, "\(receipt)")
            // Last commit wins; the losing one is listed, and can still be read.
            for region in ["a", "b", "c"] { #expect(desk.good("get", "data", "/f", "-", "--region", region) == "from c") }
            let conflicts = desk.list("conflicts", "data", "--region", "a")
            #expect(conflicts.count == 1, "\(conflicts)")
            let losing = number(conflicts.first?["losing_version"])
            #expect(desk.good("get", "data", "/f", "-", "--at", "\(losing)") == "from b")
            _ = desk.good("conflicts", "data", "--resolve", "\(number(conflicts.first?["index"]))")
            #expect(desk.list("conflicts", "data").isEmpty)
        }

        /// A region that is asked for is away: the version is published, the failure says so, and asking once more waits
        /// for the region too.
        @Test func aCommitWaitsForTheRegionsNamed() async throws {
            let desk = try Desk()
            defer { desk.cluster.end() }
            _ = desk.good("put", "data", try desk.file("one"), "/one", "--region", "a", "--wait", "all")
            #expect(desk.cluster.run(["fault", "isolate", "c"]).status == 0)
            let put = desk.volume("put", "data", try desk.file("two"), "/two", "--region", "a", "--wait", "all", "--timeout", "4")
            #expect(put.status == 1 && put.errors.contains("; v2 is published, and complete in a"), "\(put)")
            for wait in ["all", "c"] {
                let again = desk.volume("commit", "data", "--region", "a", "--wait", wait, "--timeout", "2")
                #expect(again.status == 1 && again.errors.contains("v2 is published"), "\(again)")
            }
            #expect(desk.good("commit", "data", "--region", "a").hasPrefix("Nothing to commit; the newest version is v2"))
            let majority = LocalCluster.json(desk.volume("commit", "data", "--region", "a", "--wait", "majority", "--json"))
            #expect((majority["complete_regions"] as? [String])?.contains("c") == false, "\(majority)")
            #expect(desk.cluster.run(["fault", "heal"]).status == 0)
            let healed = LocalCluster.json(desk.volume("commit", "data", "--region", "a", "--wait", "all", "--json"))
            #expect((healed["complete_regions"] as? [String])?.sorted() == ["a", "b", "c"], "\(healed)")
            let mixed = desk.volume("commit", "data", "--wait", "local,c")
            #expect(mixed.status == 2 && mixed.errors.contains("say local, majority, all, or regions"), "\(mixed)")
        }

        @Test func stagedChangesWaitForTheirCommit() throws {
            let desk = try Desk()
            defer { desk.cluster.end() }
            // Nothing is staged: the same words and exit code, whether there was a session before or not.
            let nothing = "Nothing to commit; the newest version is v"
            #expect(desk.good("commit", "data").hasPrefix(nothing))
            let empty = LocalCluster.json(desk.volume("commit", "data", "--json"))
            #expect(empty["changes"] as? Int == 0 && empty["version"] is Int, "\(empty)")
            _ = desk.good("put", "data", "--stage", try desk.file("x"), "/x", "--region", "b")
            _ = desk.good("put", "data", "--stage", try desk.file("y"), "/y", "--region", "b")
            _ = desk.good("put", "data", try desk.file("z"), "/z", "--region", "a", "--wait", "all")
            for region in ["a", "b"] { #expect(desk.good("ls", "data", "--region", region) == "z\n") }
            // A reload that would lose what is staged is refused; what does not touch it goes.
            let reload = desk.volume("reload", "data", "--region", "b")
            let lost = desk.volume("reload", "data", "--region", "b", "--discard")
            #expect(lost.status == 0, "\(lost.errors)")
            #expect(desk.good("status", "data", "--region", "b").contains("Nothing is staged"), "\(reload)")
            _ = desk.good("put", "data", "--stage", try desk.file("x2"), "/x", "--region", "b")
            _ = desk.good("put", "data", "--stage", try desk.file("y2"), "/y", "--region", "b")
            let receipt = LocalCluster.json(desk.volume("commit", "data", "--region", "b", "--wait", "all", "--json"))
            #expect((receipt["complete_regions"] as? [String])?.sorted() == ["a", "b", "c"], "\(receipt)")
            #expect(desk.good("commit", "data", "--region", "b").hasPrefix(nothing))
            for region in ["a", "b", "c"] {
                #expect(desk.good("ls", "data", "--region", region).split(separator: "\n").sorted() == ["x", "y", "z"])
                #expect(desk.good("get", "data", "/y", "-", "--region", region) == "y2")
            }
            // Both in one version.
            #expect(desk.list("diff", "data", "1", "2").count == 2)
            for mode in [
                ["--local"], ["--latest"], [], ["--max-staleness", "5"], ["--min-commit", "2"], ["--min-commit", "v2"],
                ["--min-commit", #"{"version": 2, "digest": "x"}"#], ["--strict"],
            ] {
                let result = desk.cluster.run(["volume", "reload", "data", "--region", "c"] + mode)
                #expect(result.status == 0, "\(mode): \(result.errors)")
            }
            for mode in [
                ["--sideways"], ["--local", "--strict"], ["--max-staleness", "-1"], ["--max-staleness", "soon"], ["--min-commit", "x"],
                ["--min-commit", "{}"],
            ] {
                let result = desk.cluster.run(["volume", "reload", "data"] + mode)
                #expect(result.status == 2 || result.status == 64, "\(mode): \(result)")
            }
            let missing = desk.volume("reload", "data", "--min-commit", "99", "--region", "c")
            #expect(missing.status == 1 && missing.errors.contains("no such version"), "\(missing)")
        }

        @Test func aNameThatIsUsedAgainIsAnotherThing() async throws {
            let desk = try Desk()
            defer { desk.cluster.end() }
            let cluster = desk.cluster
            for (kind, name) in [("nfs", "share"), ("volume", "disk")] {
                func create() -> String { (LocalCluster.json(cluster.run([kind, "create", name, "--json"]))["id"] as? String) ?? "" }
                let first = create()
                #expect(FilesystemID(first) != nil)
                let old = try #require(FilesystemID(first))
                #expect(cluster.run([kind, "put", name, try desk.file("old"), "/f"]).status == 0)
                let client = cluster.client(cluster.nodes[1])
                let session = try await client.openSession(old)
                #expect(cluster.run([kind, "delete", name]).status == 2, "it must ask")
                #expect(cluster.run([kind, "delete", name, "-y"]).status == 0)
                #expect(cluster.run([kind, "ls", name]).status == 1)
                let second = create()
                #expect(second != first && second.prefix(3) == first.prefix(3), "\(first) \(second)")
                #expect(cluster.run([kind, "ls", name]).output == "", "the new one begins empty")
                // An old session does not follow the name.
                var code: FileFailure.Code?
                let isStale = await LocalCluster.eventually(within: 20) {
                    do {
                        _ = try await client.perform(.stat(path: FilePath("f")!, followLinks: true), session: session)
                        return false
                    } catch let failure as FileFailure {
                        code = failure.code
                        return failure.code == .stale
                    }
                }
                #expect(isStale, "\(kind): \(String(describing: code))")
                #expect(cluster.run([kind, "ls", first]).status == 1, "by its old id")
                await client.shutdown()
            }
        }
    }
}
