import APIClient
import Foundation
import Router
import Testing

extension Processes {
    /// Regions as network namespaces behind a router.
    @Suite(.serialized, .enabled(if: LiveNetwork.obstacle.isEmpty, "network namespaces can not be had here: \(LiveNetwork.obstacle)"))
    struct LiveNetworkTests {
        static let regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]

        @Test func theKernelFeelsTheMapsLinks() async throws {
            let cluster = try LocalCluster(regions: Self.regions, map: "aws", options: ["--network", "namespaces"])
            defer { cluster.end() }
            let network = try LiveNetwork(cluster)
            let map = [(0, 1, 69.5), (1, 0, 69.5), (0, 2, 146.0), (1, 2, 201.0), (2, 1, 201.0)]
            for (from, to, roundTrip) in map {
                let (from, to) = (Self.regions[from], cluster.node(in: Self.regions[to]))
                var best = (median: Double.infinity, p99: 0.0)
                // Other work of this machine may make some connects late, and never one of them early.
                let isNear = await LocalCluster.eventually {
                    let times = network.connects(from: from, to: to.http, count: 21)
                    let median = times.isEmpty ? .infinity : times[times.count / 2]
                    #expect(times.allSatisfy { $0 > roundTrip * 0.97 - 2 })
                    if median < best.median { best = (median, times.last!) }
                    return abs(best.median - roundTrip) <= max(roundTrip * 0.03, 2)
                }
                #expect(isNear, "\(from)–\(to.region) takes \(best.median) ms instead of \(roundTrip)")
                measured("TCP connect \(from)–\(to.region), median, over the map's \(roundTrip) ms", best.median - roundTrip, "ms")
                measured("TCP connect \(from)–\(to.region), slowest of 21, over the map", best.p99 - roundTrip, "ms")
            }
            measured(
                "TCP connect from the machine to eu-west-1, median",
                Self.median(network.connects(from: nil, to: cluster.node(in: "eu-west-1").http, count: 51)), "ms")
            let rate = try network.megabytesPerSecond(from: "us-east-1", to: "eu-west-1", megabytes: 48)
            measured("one TCP flow us-east-1–eu-west-1 (the map's: 14.8)", rate, "MB/s")
            // Whatever else runs here: the window is the map's, so that a flow can not be faster.
            #expect(rate < 14.8 * 1.2)

            try await Self.filesWork(cluster, "one")
            try await Self.faults(cluster, network)
            try await Self.filesWork(cluster, "two")
            #expect(cluster.run(["fault", "restart", cluster.nodes[1].name]).status == 0)
            // Another region, while the others run.
            let grown = cluster.run(["up", "--detach", "--regions", (Self.regions + ["sa-east-1"]).joined(separator: ",")])
            #expect(grown.status == 0, "\(grown)")
            try cluster.reload()
            #expect(network.connects(from: "sa-east-1", to: cluster.node(in: "us-east-1").http, count: 3).count == 3)
            try await Self.filesWork(cluster, "three")
            let whole = try LiveNetwork(cluster)
            #expect(cluster.run(["down"]).status == 0)
            #expect(whole.whatIsLeft(of: cluster) == "")
        }

        static func median(_ times: [Double]) -> Double { times.isEmpty ? .infinity : times[times.count / 2] }

        /// A volume written in one region and read in another, by clients on the machine and inside regions.
        static func filesWork(_ cluster: LocalCluster, _ name: String) async throws {
            let bytes = LocalCluster.noise(300_000, seed: 7)
            let file = try cluster.write("file-\(name)", bytes)
            #expect(cluster.run(["volume", "create", name, "--durability", "all"]).status == 0)
            let put = cluster.run(["volume", "put", name, file, "/f", "--region", "us-east-1"])
            #expect(put.status == 0, "\(put)")
            let path = cluster.folder.appendingPathComponent("got-\(name)").path
            let got = cluster.run([
                "run", "--region", "eu-west-1", "--", LocalCluster.program, "volume", "get", name, "/f", path, "--region", "ap-northeast-1",
            ])
            #expect(got.status == 0, "\(got)")
            #expect(FileManager.default.contents(atPath: path).map(Array.init) == bytes)
        }

        static func faults(_ cluster: LocalCluster, _ network: LiveNetwork) async throws {
            let (east, west, north) = (cluster.node(in: "us-east-1"), cluster.node(in: "eu-west-1"), cluster.node(in: "ap-northeast-1"))
            #expect(cluster.run(["fault", "partition", "us-east-1", "eu-west-1"]).status == 0)
            #expect(network.connects(from: "us-east-1", to: west.http, count: 1).isEmpty)
            #expect(network.connects(from: "eu-west-1", to: east.http, count: 1).isEmpty)
            #expect(network.connects(from: "us-east-1", to: north.http, count: 1).count == 1)
            // Gossip goes round a cut of two; a region that is cut off is dead for the others.
            #expect(cluster.run(["fault", "isolate", "ap-northeast-1"]).status == 0)
            #expect(network.connects(from: "eu-west-1", to: north.http, count: 1).isEmpty)
            #expect(await LocalCluster.eventually { await cluster.view(of: east)[north.id] == "dead" })
            #expect(cluster.run(["status"]).output.contains("router"))
            #expect(cluster.run(["fault", "heal"]).status == 0)
            #expect(network.connects(from: "us-east-1", to: west.http, count: 1).count == 1)
            #expect(await LocalCluster.eventually { await cluster.view(of: east).values.allSatisfy { $0 == "alive" } })
            #expect(cluster.run(["fault", "slow", "us-east-1", "eu-west-1", "--rtt", "100"]).status == 0)
            #expect(network.connects(from: "us-east-1", to: west.http, count: 3).allSatisfy { $0 > 165 })
            #expect(cluster.run(["fault", "heal"]).status == 0)
            #expect(await cluster.digestsDiffer() == "")
        }

        /// Ctrl-C, the end of `up` without a word, the end of the router: nothing stays, and the data is there afterwards.
        @Test func nothingIsLeftHoweverItEnds() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"], options: ["--network", "namespaces"])
            defer { cluster.end() }
            let bytes = LocalCluster.noise(10_000, seed: 3)
            #expect(cluster.run(["volume", "create", "data", "--durability", "all"]).status == 0)
            #expect(cluster.run(["volume", "put", "data", try cluster.write("f", bytes), "/f"]).status == 0)
            // A second cluster beside it has addresses of its own.
            let other = try LocalCluster(regions: ["a"], options: ["--network", "namespaces"])
            defer { other.end() }
            #expect(other.nodes[0].http != cluster.nodes[0].http)
            let otherNetwork = try LiveNetwork(other)
            #expect(other.run(["down"]).status == 0)
            #expect(otherNetwork.whatIsLeft(of: other) == "")
            let network = try LiveNetwork(cluster)
            #expect(cluster.run(["down"]).status == 0)
            #expect(network.whatIsLeft(of: cluster) == "")

            for end in ["SIGINT", "SIGKILL", "router"] {
                let up = try RunningCommand(["up"], cluster: cluster.directory, in: cluster.folder)
                #expect(await LocalCluster.eventually { up.output.contains("The cluster is up") }, "\(end): \(up.output)")
                let network = try LiveNetwork(cluster)
                #expect(cluster.run(["volume", "get", "data", "/f", "-", "--region", "b"]).status == 0, "\(end)")
                switch end {
                case "SIGINT": kill(up.process.processIdentifier, SIGINT)
                case "SIGKILL": kill(up.process.processIdentifier, SIGKILL)
                default: kill(network.router, SIGKILL)
                }
                #expect(await up.ends(), "\(end)")
                if end == "router" { #expect(up.process.terminationStatus == 1 && up.output.contains("router"), "\(up.output)") }
                #expect(
                    await LocalCluster.eventually(within: 30) { network.whatIsLeft(of: cluster) == "" },
                    "\(end): \(network.whatIsLeft(of: cluster))")
            }
            // A router that was killed while nobody holds the cluster: nodes start anew behind a new one.
            #expect(cluster.run(["up", "--detach"]).status == 0)
            kill(try LiveNetwork(cluster).router, SIGKILL)
            #expect(await LocalCluster.eventually { cluster.run(["status"]).output.contains("no router runs") })
            let cut = cluster.run(["volume", "ls", "data"])
            #expect(cut.status == 1 && cut.errors.contains("router"), "\(cut)")
            let again = cluster.run(["up", "--detach"])
            #expect(again.status == 0 && again.output.contains("3 of 3 nodes started"), "\(again)")
            let got = cluster.folder.appendingPathComponent("got").path
            #expect(cluster.run(["volume", "get", "data", "/f", got, "--region", "c"]).status == 0)
            #expect(FileManager.default.contents(atPath: got).map(Array.init) == bytes)
        }

        @Test func whatCanNotBeIsRefusedBeforeAnythingIsMade() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-test-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
            defer { try? FileManager.default.removeItem(at: folder) }
            let directory = folder.appendingPathComponent("cluster").path
            // Where the program was built may be closed to other users.
            let program = folder.appendingPathComponent("atoll").path
            try FileManager.default.copyItem(atPath: LocalCluster.program, toPath: program)
            let up = "'\(program)' up --detach --network namespaces --data-dir '\(directory)'"
            for (words, cause) in [
                ("setpriv --reuid 65534 --clear-groups \(up)", "needs? root"),
                ("unshare --mount sh -c \"mount -t tmpfs none /dev/net && \(up)\"", "no /dev/net/tun"),
            ] {
                let result = LiveNetwork.shell(words)
                #expect(result.status == 1 && result.errors.split(separator: "\n").count == 1, "\(result)")
                #expect(result.errors.firstRange(of: try Regex(cause)) != nil, "\(result)")
                #expect(!FileManager.default.fileExists(atPath: directory))
            }
            let cluster = try LocalCluster(regions: ["a"])
            defer { cluster.end() }
            let other = cluster.run(["up", "--detach", "--network", "namespaces"])
            #expect(other.status == 2 && other.errors.contains("has the network loopback"), "\(other)")
            let shaped = cluster.run(["run", "--region", "a", "--", "true"])
            #expect(shaped.status == 1 && shaped.errors.contains("--network namespaces"), "\(shaped)")
            #expect(cluster.run(["run", "--region", "nowhere", "--", "true"]).status == 1)
            #expect(cluster.run(["run", "--region", "a"]).status == 2)
        }
    }
}
