import Foundation
import Testing

extension Processes {
    /// What is asked wrongly, verb by verb: one clear line, the right exit code, and nothing has changed.
    @Suite(.serialized) struct MistakeTests {
        private struct Mistake {
            let arguments: [String]
            let status: Int32
            let says: String
            init(_ arguments: String, _ status: Int32, _ says: String) {
                self.arguments = arguments.split(separator: " ").map(String.init)
                self.status = status
                self.says = says
            }
        }

        private func check(_ mistakes: [Mistake], on cluster: LocalCluster) {
            for mistake in mistakes {
                let result = cluster.run(mistake.arguments)
                let words = mistake.arguments.joined(separator: " ").prefix(60)
                #expect(result.status == mistake.status, "atoll \(words): \(result.status), \(result.errors)")
                #expect(result.errors.contains(mistake.says), "atoll \(words): \(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "atoll \(words): one line: \(result.errors)")
                #expect(result.errors.utf8.count < 1_000, "atoll \(words): \(result.errors.utf8.count) bytes are no clear line")
            }
        }

        @Test func everyVerbRefusesWhatItCanNotDo() throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            for verb in [["nfs", "create", "share"], ["volume", "create", "data"], ["volume", "create", "second"]] {
                #expect(cluster.run(verb).status == 0)
            }
            let file = try cluster.write("f", "content")
            #expect(cluster.run(["nfs", "put", "share", file, "/dir/f"]).status == 0)
            #expect(cluster.run(["volume", "put", "data", file, "/dir/f"]).status == 0)
            let filesystems = [("nfs", "share"), ("volume", "data")]
            func id(_ kind: String, _ name: String) -> String {
                let rows = LocalCluster.json(cluster.run([kind, "list", "--json"]))["filesystems"] as? [[String: Any]]
                return rows?.first { $0["name"] as? String == name }?["id"] as? String ?? "nobody"
            }
            let before = cluster.state(filesystems)
            let longName = String(repeating: "n", count: 65)
            let longPath = "/" + String(repeating: "a", count: 256)
            let endless = "/" + String(repeating: "b/", count: 2_800)

            // The verbs on files, which both kinds have.
            for (kind, name, other) in [("nfs", "share", "data"), ("volume", "data", "share")] {
                check(
                    [
                        Mistake("\(kind) create \(name)", 2, name), Mistake("\(kind) create \(other)", 2, other),
                        Mistake("\(kind) create \(longName)", 2, "name"), Mistake("\(kind) create a/b", 2, "name"),
                        Mistake("\(kind) create", 2, "--help"), Mistake("\(kind) list --env \(longName)", 1, "nvironment"),
                        Mistake("\(kind) ls missing", 1, "missing"), Mistake("\(kind) ls \(other)", 1, "'\(other)': it is a "),
                        Mistake("\(kind) ls \(name) --timeout -1", 2, "--timeout"),
                        Mistake("\(kind) rename \(name) \(other) -y", 2, "\(kind) rename '\(name)': '\(other)' is the name of a "),
                        Mistake("\(kind) ls \(name) /none", 1, "/none"), Mistake("\(kind) ls \(name) /../x", 2, ".."),
                        Mistake("\(kind) put missing \(file) /f", 1, "missing"), Mistake("\(kind) put \(other) \(file) /f", 1, other),
                        Mistake("\(kind) put \(name) /no/such/file /f", 1, "/no/such/file"),
                        Mistake("\(kind) put \(name) \(file) \(longPath)", 2, "255"),
                        Mistake("\(kind) put \(name) \(file) /a/../b", 2, ".."),
                        Mistake("\(kind) put \(name) \(file) /dir/f/g", 1, "/dir/f"), Mistake("\(kind) put \(name)", 2, "--help"),
                        Mistake("\(kind) get missing /dir/f -", 1, "missing"), Mistake("\(kind) get \(other) /dir/f -", 1, other),
                        Mistake("\(kind) get \(name) /none -", 1, "/none"), Mistake("\(kind) get \(name) /dir/f \(file)", 2, file),
                        Mistake("\(kind) get \(name) /dir/f /no/such/folder/f", 1, "/no/such/folder"),
                        Mistake("\(kind) get \(name) /dir -", 2, "directory"), Mistake("\(kind) get \(name) \(longPath) -", 2, "255"),
                        Mistake("\(kind) rm missing /dir/f", 1, "missing"), Mistake("\(kind) rm \(other) /dir/f", 1, other),
                        Mistake("\(kind) rm \(name) /none", 1, "/none"), Mistake("\(kind) rm \(name) /dir", 1, "-r"),
                        Mistake("\(kind) rm -r \(name) /", 2, "root"), Mistake("\(kind) cp missing /dir/f /g", 1, "missing"),
                        Mistake("\(kind) cp \(other) /dir/f /g", 1, other), Mistake("\(kind) cp \(name) /none /g", 1, "/none"),
                        Mistake("\(kind) cp \(name) /dir/f \(longPath)", 2, "255"), Mistake("\(kind) delete missing -y", 1, "missing"),
                        Mistake("\(kind) delete \(other) -y", 1, other), Mistake("\(kind) delete \(name)", 2, "--yes"),
                        Mistake("\(kind) ls \(name) --env nowhere", 1, "ls environment 'nowhere': there is no such environment"),
                        Mistake("\(kind) list -e nowhere", 1, "environment 'nowhere'"),
                        Mistake("\(kind) ls \(name) \(longPath)", 2, "255"), Mistake("\(kind) ls \(name) \(endless)", 2, "4,096"),
                        Mistake("\(kind) get \(name) \(endless) -", 2, "…"), Mistake("\(kind) rm \(name) /a/../b", 2, ".."),
                        Mistake("\(kind) rm \(name) \(longPath)", 2, "255"), Mistake("\(kind) rm \(name) \(endless)", 2, "4,096"),
                        Mistake("\(kind) rename missing x -y", 1, "missing"), Mistake("\(kind) rename \(name) \(longName) -y", 2, "name"),
                        Mistake("\(kind) rename \(name) \(name) -y", 2, "'\(name)': this is its name already"),
                        Mistake("\(kind) clone missing x", 1, "missing"), Mistake("\(kind) clone \(other) x", 1, "'\(other)': it is a "),
                        Mistake("\(kind) clone \(name) \(other)", 2, other), Mistake("\(kind) clone \(name) \(name)", 2, name),
                        Mistake("\(kind) clone \(name) \(longName)", 2, "name"),
                        Mistake("\(kind) clone \(name) x --to tape", 2, "--to tape"),
                        Mistake("\(kind) ls \(name) --region mars", 1, "mars"), Mistake("\(kind) nonsense", 2, "nonsense"),
                    ], on: cluster)
            }
            check(
                [
                    Mistake("nfs create x --primary mars", 1, "mars"), Mistake("volume create x --region mars", 1, "mars"),
                    Mistake("volume put data \(file) /dir/f", 2, "--force"), Mistake("volume rename missing x -y", 1, "missing"),
                    Mistake("volume rename share x -y", 1, "share"), Mistake("volume rename data second -y", 2, "second"),
                    Mistake("volume rename data \(longName) -y", 2, "name"), Mistake("volume rename data x", 2, "--yes"),
                    // Regions that do not exist are not found, whoever names them.
                    Mistake("volume create x --home mars", 1, "mars"), Mistake("volume clone data x --home mars", 1, "mars"),
                    Mistake("volume rm data /dir/f --wait mars", 1, "volume rm volume/data: it has no replica in mars"),
                    Mistake("volume create x --max-lag -1", 2, "volume create --max-lag -1.0: it takes 0.1 to 86400 seconds"),
                    Mistake("volume create x --durability bounded", 2, "--max-lag"),
                    Mistake("volume create x --durability nonsense", 2, "it is region, majority, all or bounded"),
                    Mistake("volume reload data --max-staleness -1", 2, "--max-staleness -1.0"),
                    // In the command line's words, not in those of the API.
                    Mistake("volume history data --limit 0", 2, "see `atoll volume history --help`"),
                ], on: cluster)
            // The verbs of versions.
            for verb in ["commit", "reload", "history", "conflicts", "status"] {
                check(
                    [
                        Mistake("volume \(verb) missing", 1, "missing"), Mistake("volume \(verb) share", 1, "share"),
                        Mistake("volume \(verb)", 2, "--help"), Mistake("volume \(verb) data --env nowhere", 1, "environment 'nowhere'"),
                    ], on: cluster)
            }
            check(
                [
                    Mistake("volume diff missing v0 v1", 1, "missing"), Mistake("volume diff data v0 v99", 1, "99"),
                    Mistake("volume diff data v0 nonsense", 2, "nonsense"), Mistake("volume diff share v0 v1", 1, "share"),
                    Mistake("volume rollback missing v0 -y", 1, "missing"), Mistake("volume rollback data v99 -y", 1, "99"),
                    Mistake("volume rollback data v0", 2, "--yes"), Mistake("volume rollback data nonsense -y", 2, "nonsense"),
                    Mistake("volume commit data --wait a,,b", 2, "--wait"), Mistake("volume ls data --at nonsense", 2, "nonsense"),
                    Mistake("volume ls data --at v99", 1, "volume ls volume/data: version v99 is not kept; `atoll volume history data`"),
                    Mistake("volume conflicts data --resolve 99", 1, "volume conflicts volume/data conflict 99: "),
                    Mistake("volume reload data --min-commit 99", 1, "volume/data"),
                    Mistake("volume clone data x --at v99", 1, "volume clone volume/data: version v99 is not kept"),
                    Mistake("app list -e nowhere", 1, "environment 'nowhere': there is no such environment"),
                    Mistake("app stop nobody -y -e nowhere", 1, "environment 'nowhere'"),
                    Mistake("app stop \(id("nfs", "share"))", 2, "app stop share: it needs a confirmation"),
                    Mistake("app stop \(id("volume", "data")) -y", 1, "volume delete"),
                    Mistake("app stop sv-0000000000000000000000 -y", 1, "sv-0000000000000000000000"),
                    Mistake("environment create \(longName)", 2, "name"), Mistake("environment create main", 2, "main"),
                ], on: cluster)
            #expect(cluster.state(filesystems) == before)
            // What is staged is neither lost nor published by what is refused.
            #expect(cluster.run(["volume", "put", "data", "--stage", "-f", file, "/dir/f"]).status == 0)
            check([Mistake("volume reload data", 1, "volume reload volume/data: ")], on: cluster)
            #expect(cluster.run(["volume", "status", "data"]).output.contains("Nothing is staged") == false)
            // By its id a network file system is stopped as an app is: it is gone, and its name free.
            let stopped = cluster.run(["app", "stop", id("nfs", "share"), "-y"])
            #expect(stopped.status == 0 && stopped.output.hasPrefix("Deleted network file system 'share'"), "\(stopped)")
            #expect(cluster.run(["nfs", "ls", "share"]).status == 1 && cluster.run(["nfs", "create", "share"]).status == 0)
        }

        @Test func verbsOfTheClusterRefuseWhatTheyDoNotKnow() throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            let missing = cluster.folder.appendingPathComponent("none").path
            let text = try cluster.write("text", "this is no configuration")
            // Another node's configuration with the ports of one that runs.
            let home = "\(cluster.directory)/nodes/\(cluster.nodes[0].name)"
            let inUse = "\(home)/copy.yaml"
            try String(contentsOfFile: "\(home)/config.yaml", encoding: .utf8).replacing("data_dir: data\n", with: "data_dir: data2\n")
                .write(toFile: inUse, atomically: true, encoding: .utf8)
            // Maps lie below the working directory, as in a source tree.
            let maps = cluster.folder.appendingPathComponent("simulations/regions")
            try FileManager.default.createDirectory(at: maps, withIntermediateDirectories: true)
            _ = try cluster.write("simulations/regions/mine.yaml", "no map")
            check(
                [
                    Mistake("fault kill nobody", 1, "nobody"), Mistake("fault restart nobody", 1, "nobody"),
                    Mistake("fault pause nobody", 1, "nobody"), Mistake("fault isolate mars", 1, "mars"),
                    Mistake("fault partition a mars", 1, "mars"), Mistake("fault partition a a", 2, "a"),
                    Mistake("fault slow a mars --rtt 5", 1, "mars"), Mistake("fault slow a b --rtt 5 --loss 3", 2, "loss"),
                    Mistake("fault slow a b --rtt nonsense", 2, "rtt"), Mistake("fault nonsense", 2, "nonsense"),
                    Mistake("members --node nobody", 1, "nobody"), Mistake("status --data-dir \(missing)", 1, missing),
                    Mistake("members --data-dir \(missing)", 1, missing), Mistake("regions --data-dir \(missing)", 1, missing),
                    Mistake("regions --wait -1", 2, "--wait"), Mistake("down --data-dir \(missing)", 1, missing),
                    Mistake("fault heal --data-dir \(missing)", 1, missing), Mistake("volume list --data-dir \(missing)", 1, missing),
                    Mistake("up --regions a,a --data-dir \(missing)", 2, "a"), Mistake("up --regions --data-dir \(missing)", 2, "regions"),
                    Mistake("up --nodes-per-region 0 --data-dir \(missing)", 2, "nodes-per-region"),
                    Mistake("up --map \(missing) --data-dir \(missing)", 2, missing),
                    Mistake("up --map none --regions a --detach --data-dir \(text)", 2, "up \(text): it is no directory"),
                    Mistake("doctor --data-dir \(text)", 1, "wrong"), Mistake("status --data-dir \(text)", 1, text),
                    Mistake("run --region a --data-dir \(missing) -- true", 1, missing),
                    Mistake("compare --live --data-dir \(missing)", 1, missing), Mistake("node list --data-dir \(missing)", 1, missing),
                    Mistake("replay \(missing)", 1, missing), Mistake("ca issue \(missing) \(missing) --node 1", 1, missing),
                    Mistake("bench chunks --scratch \(missing)", 1, missing), Mistake("bench chunks --bytes 1", 2, "--bytes"),
                    Mistake("bench raft --seconds 0", 2, "--seconds"),
                    Mistake("up --regions mars --map aws --data-dir \(missing)", 2, "mars"),
                    Mistake("node --config \(missing)", 1, missing), Mistake("node --config \(text)", 2, text),
                    Mistake("node", 2, "--help"),
                    Mistake("app stop ap-missing -y", 1, "ap-missing"), Mistake("app history ap-missing", 1, "ap-missing"),
                    Mistake("check store \(missing)", 1, missing), Mistake("check log \(missing)", 1, missing),
                    Mistake("check namespace \(missing)", 1, missing),
                    Mistake("check namespace \(cluster.folder.path)", 1, "nothing to check"),
                    Mistake("check store \(cluster.directory)", 1, "nodes/"), Mistake("check log \(cluster.directory)", 1, "nodes/"),
                    Mistake("check store \(cluster.directory)/nodes/\(cluster.nodes[0].name)", 1, "in use"),
                    Mistake("check log \(cluster.directory)/nodes/\(cluster.nodes[0].name)/data", 1, "in use"),
                    Mistake("check namespace \(cluster.directory)", 1, "in use"),
                    Mistake("node remove \(cluster.nodes[0].name) -y", 1, "--force"), Mistake("node drain nobody", 1, "atoll node list"),
                    Mistake("node drain \(cluster.nodes[0].name) --wait 1", 1, "--undo"),
                    Mistake("node drain \(cluster.nodes[0].name) --wait 0", 2, "--wait"),
                    Mistake("inspect \(missing)", 1, missing), Mistake("inspect \(text)", 1, text),
                    Mistake("check nonsense \(missing)", 2, "nonsense"), Mistake("bench chunks --input \(missing)", 1, missing),
                    Mistake("bench nonsense", 2, "nonsense"), Mistake("compare --workload nonsense", 2, "nonsense"),
                    Mistake(
                        "status --endpoint 127.0.0.1:1 --token-file \(missing)", 1, "status --token-file \(missing): it can not be read: "),
                    Mistake("status --endpoint 127.0.0.1:1", 1, "atoll: status 127.0.0.1:1: nothing listens at"),
                    Mistake("compare --report /proc/atoll", 1, "compare --report /proc/atoll: it can not be made: "),
                    Mistake("compare -e nowhere", 1, "compare --env nowhere: there is no such environment"),
                    Mistake("compare -e main --simulated", 2, "--env"),
                    Mistake("compare --nfs nobody --report \(cluster.folder.path)", 1, "compare --nfs nobody: "),
                    Mistake("up --map nowhere --data-dir \(missing)", 2, "aws, azure, mine, "),
                    Mistake("node --config \(inUse)", 1, "in use"), Mistake("environment create", 2, "atoll environment create --help"),
                    Mistake("compare --input \(missing)", 1, missing), Mistake("ca issue --data-dir \(missing)", 2, "ca"),
                ], on: cluster)
            #expect(!FileManager.default.fileExists(atPath: missing), "a refused verb has left something behind")
            #expect(cluster.processNumbers().count == 2)
            // A node that is paused is not missing: `up` would start nothing.
            #expect(cluster.run(["fault", "pause", cluster.nodes[0].name]).status == 0)
            check([Mistake("nfs list --region a", 1, "\(cluster.nodes[0].name) is paused; `atoll fault resume ")], on: cluster)
            let up = cluster.run(["up", "--detach"])
            #expect(up.status == 0 && up.output.contains("fault resume \(cluster.nodes[0].name)"), "\(up)")
            check([Mistake("fault isolate b", 1, "fault isolate \(cluster.nodes[0].name): paused, and so not told")], on: cluster)
            #expect(cluster.run(["fault", "heal"]).status == 0 && cluster.run(["nfs", "list", "--region", "a"]).status == 0)
        }

        /// A path is told with its file system, a local one as what it is; each says what to do next.
        @Test func pathsAreToldWithTheirFileSystems() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            for verb in [["nfs", "create", "share"], ["volume", "create", "data"]] { #expect(cluster.run(verb).status == 0) }
            let file = try cluster.write("f", "content")
            for (kind, name) in [("nfs", "share"), ("volume", "data")] {
                #expect(cluster.run([kind, "put", name, file, "/dir/f"]).status == 0)
                let look = "`atoll \(kind) ls \(name)` lists what there is"
                for (words, says) in [
                    (["ls", name, "/nope"], "ls \(kind)/\(name):/nope: there is no such file or directory; \(look)"),
                    (["get", name, "/nope", "-"], "get \(kind)/\(name):/nope: there is no such file or directory; \(look)"),
                    (["rm", name, "/nope"], "rm \(kind)/\(name):/nope: there is no such file or directory; \(look)"),
                    (["cp", name, "/nope", "/x"], "cp \(kind)/\(name):/nope: there is no such file or directory; \(look)"),
                    (["put", name, file, "/dir/f/g"], "put \(kind)/\(name):/dir/f/g: "),
                    (["rm", name, "/dir"], "rm \(kind)/\(name):/dir: it is a directory; add -r to remove it with all that is in it"),
                    (
                        ["get", name, "/dir/f", "/no/such/folder/f"],
                        "get /no/such/folder/f: there is no local directory /no/such/folder; make it first, or name another place"
                    ), (["get", name, "/dir", file + "/x"], "get \(file)"),
                    (["put", name, "/no/file", "/x"], "put /no/file: there is no such local"),
                ] {
                    let result = cluster.run([kind] + words)
                    #expect(result.status == 1 || result.status == 2, "\(words): \(result)")
                    #expect(result.errors.hasPrefix("atoll: \(kind) \(says)"), "\(words): \(result.errors)")
                    #expect(result.errors.split(separator: "\n").count == 1, "\(words): \(result.errors)")
                }
            }
            // A session that ended with its node is told of once; then nothing is staged any more.
            #expect(cluster.run(["volume", "put", "data", "--stage", file, "/staged"]).status == 0)
            #expect(cluster.run(["fault", "restart", cluster.nodes[0].name]).status == 0)
            let lost = cluster.run(["volume", "commit", "data"])
            #expect(lost.status == 1 && lost.errors.contains("what was staged in it is gone"), "\(lost)")
            let empty = cluster.run(["volume", "commit", "data"])
            #expect(empty.status == 0 && empty.output.hasPrefix("Nothing to commit"), "\(empty)")
        }

        /// Nothing is left out, and nothing stored as something else, in silence.
        @Test func whatCanNotBeKeptIsToldAndPipesAreRead() throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            let folder = cluster.folder.appendingPathComponent("odd").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/ok"))
            let name: [CChar] = Array(folder.utf8CString.dropLast()) + [0x2f, 0x61, -1, 0]
            let file = name.withUnsafeBufferPointer { open($0.baseAddress!, O_CREAT | O_WRONLY, 0o644) }
            try #require(file >= 0)
            close(file)
            let refused = cluster.run(["volume", "put", "data", folder, "/odd"])
            #expect(refused.status == 1 && refused.errors.contains("UTF-8"), "\(refused)")
            #expect(cluster.run(["volume", "ls", "data", "/"]).output == "")
            let pipe = cluster.folder.appendingPathComponent("pipe").path
            try #require(mkfifo(pipe, 0o600) == 0)
            let put = try RunningCommand(["volume", "put", "data", pipe, "/piped"], cluster: cluster.directory, in: cluster.folder)
            try Data("through a pipe".utf8).write(to: URL(fileURLWithPath: pipe), options: [])
            put.process.waitUntilExit()
            #expect(put.process.terminationStatus == 0, "\(put.output)")
            #expect(cluster.run(["volume", "get", "data", "/piped", "-"]).output == "through a pipe")
            // A folder of somebody else's does not become a cluster's.
            let foreign = cluster.run(["up", "--detach", "--map", "none", "--regions", "a", "--data-dir", folder])
            #expect(foreign.status == 2 && foreign.errors.contains("other things"), "\(foreign)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/lock") && !FileManager.default.fileExists(atPath: folder + "/ca"))
            // What somebody broke on purpose is told.
            #expect(cluster.run(["fault", "isolate", "b"]).status == 0)
            #expect(cluster.run(["doctor"]).output.contains("b is cut off"))
            #expect(cluster.run(["status"]).output.contains("fault\tb is cut off from all other regions"))
            #expect(cluster.run(["status", "--json"]).output.contains(#""faults":[{"kind":"isolate","places":["b"]"#))
            #expect(cluster.run(["fault", "heal"]).status == 0)
            #expect(!cluster.run(["status"]).output.contains("cut off"))
        }

        /// Ctrl-C leaves no half file behind, says so, and ends as shells expect.
        @Test func anInterruptedCopySaysWhatItLeaves() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            for verb in [["volume", "create", "data"], ["nfs", "create", "share"]] { #expect(cluster.run(verb).status == 0) }
            // Many times: it depended on which thread took the signal whether the program ended.
            for round in 0..<12 {
                let put = try RunningCommand(
                    ["volume", "put", "data", "-", "/f"], cluster: cluster.directory, in: cluster.folder, isFed: true)
                #expect(await catches(SIGINT, put.process.processIdentifier))
                put.signal(SIGINT)
                try #require(await put.ends(), "round \(round): \(put.output)")
                #expect(put.process.terminationReason == .uncaughtSignal && put.process.terminationStatus == SIGINT)
                #expect(put.output == "atoll: volume put: interrupted; nothing was committed\n")
            }
            #expect(cluster.run(["volume", "ls", "data"]).output == "")
            // A get is caught between the first and the last byte: if it was faster, the next file is larger.
            for size in [64 << 20, 256 << 20] {
                let file = try cluster.write("large", LocalCluster.noise(size, seed: 1))
                #expect(cluster.run(["nfs", "put", "share", file, "/large"]).status == 0)
                let folder = cluster.folder.appendingPathComponent("out-\(size)").path
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                func parts() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }
                let get = try RunningCommand(["nfs", "get", "share", "/large", folder], cluster: cluster.directory, in: cluster.folder)
                while get.process.isRunning, !parts().contains(where: { $0.hasSuffix(".part") }) { usleep(500) }
                get.signal(SIGTERM)
                try #require(await get.ends())
                guard get.process.terminationReason == .uncaughtSignal else { continue }
                #expect(parts() == [], "it left something")
                #expect(get.output.hasPrefix("atoll: nfs get: interrupted; "), "\(get.output)")
                return
            }
            Issue.record("no get was slow enough to be interrupted")
        }

        /// Whether a process has taken this signal into its own hands (`SigCgt` of proc(5)). At no time may it ignore the
        /// signal (`SigIgn`): one that came then would be lost.
        private func catches(_ signal: Int32, _ process: Int32) async -> Bool {
            func has(_ status: String, _ name: String) -> Bool {
                let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
                let mask = line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
                return mask & 1 << UInt64(signal - 1) != 0
            }
            let end = Date().addingTimeInterval(30)
            while Date() < end {
                guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else { return false }
                #expect(!has(status, "SigIgn:"), "the signal is ignored")
                if has(status, "SigCgt:") { return true }
            }
            return false
        }

        /// A node that dies in the middle of a put is told of in one line of proper words.
        @Test func aNodeThatDiesMeanwhileIsToldOf() async throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share"]).status == 0)
            let put = try RunningCommand(["nfs", "put", "share", "-", "/f"], cluster: cluster.directory, in: cluster.folder, isFed: true)
            try put.input?.write(contentsOf: Data(LocalCluster.noise(4 << 20, seed: 2)))
            #expect(cluster.run(["fault", "kill", cluster.nodes[0].name]).status == 0)
            #expect(await put.ends())
            #expect(put.process.terminationStatus == 1)
            let lines = put.output.split(separator: "\n")
            #expect(lines.count == 1 && put.output.hasPrefix("atoll: nfs put"), "\(put.output)")
            #expect(put.output.contains("before the answer was here") || put.output.contains("nothing listens at"), "\(put.output)")
        }

        @Test func dataOfANewerVersionIsRefused() throws {
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            #expect(cluster.run(["down"]).status == 0)
            // The version follows the magic number (docs/reference/log.md).
            let folder = "\(cluster.directory)/nodes/\(cluster.nodes[0].name)/data/log"
            let name = try #require(
                try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".wal") }.sorted().first)
            let whole = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            let identity = "\(cluster.directory)/nodes/\(cluster.nodes[0].name)/data/atoll.json"
            let text = try String(contentsOfFile: identity, encoding: .utf8)
            let newer = text.replacing(/"(format)"\s*:\s*1\b/) { "\"\($0.output.1)\": 99" }
            try #require(newer != text, "\(text)")
            try newer.write(toFile: identity, atomically: true, encoding: .utf8)
            let up = cluster.run(["up", "--detach"])
            #expect(up.status == 1 && up.errors.contains("99"), "\(up.errors)")
            #expect(up.errors.split(separator: "\n").count == 1, "\(up.errors)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")) == whole, "it was changed")
            try text.write(toFile: identity, atomically: true, encoding: .utf8)
            #expect(cluster.run(["up", "--detach"]).status == 0)
            #expect(cluster.run(["volume", "ls", "data"]).status == 0)
        }
    }
}
