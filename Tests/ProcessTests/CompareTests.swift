import Filesystem
import Foundation
import Primitives
import Testing

extension Processes {
    /// `atoll compare` on a running cluster: what it reports, and that it leaves the cluster as it was.
    @Suite(.serialized) struct CompareTests {
        static let regions = ["north", "east", "south"]

        /// A few operations of each sort, without files of the machine.
        static let workload = """
            schema: 1
            name: tiny
            title: A few small operations
            imitates: nothing
            seed: 9
            repetitions: 2
            clients: 1
            inputs: {records: 8, record_size: 1KiB, write_size: 1KiB}
            limits: {prepare_seconds: 2, cold_seconds: 0.5, warm_seconds: 0.2}
            mix:
              read-latest: {cold: 2, warm: 1}
              update-record: {cold: 2, warm: 0}
              create-write-close: {cold: 2, warm: 0}
              commit: {cold: 1, warm: 0}

            """

        /// Two clients a region that want one record.
        static let contention = """
            schema: 1
            name: queue
            title: One record
            imitates: nothing
            seed: 10
            repetitions: 1
            clients: 2
            inputs: {records: 2, record_size: 1KiB}
            limits: {prepare_seconds: 2, cold_seconds: 1, warm_seconds: 0}
            mix:
              contended-update: {cold: 4, warm: 0}
              lock-refused: {cold: 1, warm: 0}

            """

        private func faultsLeft(_ cluster: LocalCluster) -> Int {
            let path = cluster.directory + "/faults.json"
            guard let data = FileManager.default.contents(atPath: path),
                let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
            else { return 0 }
            return (json["faults"] as? [Any])?.count ?? -1
        }

        /// Every node runs, every region reaches every other, and nothing of the comparison is left.
        private func isWhole(_ cluster: LocalCluster) async -> String {
            guard faultsLeft(cluster) == 0 else { return "faults of links are left" }
            let running = cluster.processNumbers()
            guard running.count == cluster.nodes.count else { return "running: \(running)" }
            return await cluster.digestsDiffer()
        }

        @Test func aSmallComparisonHasAllThatItPromises() async throws {
            let cluster = try LocalCluster(regions: Self.regions, map: "toy")
            defer { cluster.end() }
            let files = [try cluster.write("tiny.yaml", Self.workload), try cluster.write("queue.yaml", Self.contention)]
            #expect(cluster.run(["nfs", "create", "own", "--primary", "north"]).status == 0)
            let (result, took) = await seconds {
                cluster.run([
                    "compare", "--live", "-w", files[0], "-w", files[1], "--fault-seconds", "2", "--nfs", "own", "--report", "out",
                    "--json", "--record", "trace.jsonl",
                ])
            }
            #expect(result.status == 0, "\(result.errors)")
            measured("a small comparison with faults", took, "s")
            for name in ["report.html", "report.md", "report.json"] {
                #expect(FileManager.default.fileExists(atPath: cluster.folder.appendingPathComponent("out/\(name)").path))
            }
            let report = LocalCluster.json(result)
            #expect(
                Set(["schema", "software", "map", "durability", "seeds", "results", "verdict", "faults"]).isSubset(of: Set(report.keys)))
            let rows = report["results"] as? [[String: Any]] ?? []
            let keys = [
                "workload", "kind", "region", "operation", "cache", "world", "samples", "p50_ms", "p90_ms", "p99_ms", "mib_per_s",
                "operations_per_s", "wan_round_trips", "wan_bytes", "cost_usd", "errors", "unavailable_ms", "repetitions", "spread",
            ]
            for row in rows { #expect(Set(keys).isSubset(of: Set(row.keys)), "\(row)") }
            func has(_ workload: String, _ kind: String, _ region: String, _ operation: String) -> [String: Any]? {
                rows.first {
                    $0["workload"] as? String == workload && $0["kind"] as? String == kind && $0["region"] as? String == region
                        && $0["operation"] as? String == operation
                }
            }
            for kind in ["nfs", "volume"] {
                for region in Self.regions {
                    for operation in ["read-latest", "update-record", "create-write-close"] {
                        #expect((has("tiny", kind, region, operation)?["samples"] as? Int ?? 0) > 0, "\(kind) \(region) \(operation)")
                    }
                    #expect((has("queue", kind, region, "contended-update")?["samples"] as? Int ?? 0) > 0, "\(kind) \(region)")
                    for operation in ["partition-read", "partition-write", "primary-lost-read", "primary-lost-write"] {
                        #expect(has("faults", kind, region, operation) != nil, "\(kind) \(region) \(operation)")
                    }
                }
            }
            #expect(has("queue", "nfs", "east", "acquire-lock") != nil && has("queue", "volume", "east", "lock-refused") != nil)
            let notes = (report["notes"] as? [String] ?? []).joined(separator: "\n")
            #expect(notes.contains("a volume has no locks that hold between hosts"), "\(notes)")
            // The primary region was lost for two seconds: nobody had the network file system, the volume was read on.
            #expect(has("faults", "nfs", "south", "primary-lost-read")?["unavailable_ms"] as? Double ?? 0 > 1_500)
            #expect(has("faults", "volume", "south", "primary-lost-read")?["unavailable_ms"] as? Double == 0)
            let faults = report["faults"] as? [String: Any] ?? [:]
            #expect((faults["records"] as? [Any])?.count == 2, "\(result.errors)")
            let proofs = faults["proofs"] as? [[String: Any]] ?? []
            #expect(proofs.count == 2)
            for proof in proofs {
                #expect(proof["acknowledged"] as? Int ?? 0 > 0 && proof["found"] as? Int == proof["acknowledged"] as? Int, "\(proof)")
            }
            #expect(await isWhole(cluster) == "")
            // The file system that was named is there with what was written, the other is gone.
            #expect(cluster.run(["nfs", "ls", "own", "faults"]).output.contains("kept"))
            #expect(!cluster.run(["volume", "list"]).output.contains("compare-"))
            // What was recorded is replayed on another map.
            let replayed = cluster.run([
                "compare", "--simulated", "--map", "aws", "--regions", "us-east-1,eu-west-1", "--trace", "trace.jsonl", "--no-faults",
            ])
            #expect(replayed.status == 1 && replayed.errors.contains("is not among"), "\(replayed.errors)")
            let there = cluster.run([
                "compare", "--simulated", "--map", "toy", "--trace", "trace.jsonl", "--no-faults", "--report", "again",
            ])
            #expect(there.status == 0 && there.output.contains("A recorded trace, replayed"), "\(there.errors)")
            // It is no longer empty.
            let again = cluster.run(["compare", "--live", "-w", files[0], "--no-faults", "--nfs", "own"])
            #expect(again.status == 1 && again.errors.contains("own: it is not empty"), "\(again.errors)")
        }

        @Test(arguments: ["is cut off from all other regions", "are killed"])
        func whoeverInterruptsItFindsTheClusterMended(moment: String) async throws {
            let cluster = try LocalCluster(regions: Self.regions, map: "toy")
            defer { cluster.end() }
            let file = try cluster.write("tiny.yaml", Self.workload)
            let seconds = moment == "are killed" ? "1" : "30"
            let command = try RunningCommand(
                ["compare", "--live", "-w", file, "--fault-seconds", seconds], cluster: cluster.directory, in: cluster.folder)
            #expect(await command.says(moment, within: 90), "\(command.output)")
            command.signal(SIGINT)
            #expect(await command.ends(within: 60), "\(command.output)")
            #expect(command.output.contains("the run was interrupted"), "\(command.output)")
            #expect(await isWhole(cluster) == "", "\(command.output)")
            #expect(
                !cluster.run(["nfs", "list"]).output.contains("compare-") && !cluster.run(["volume", "list"]).output.contains("compare-"))
        }

        @Test func aClusterThatIsBrokenAlreadyIsNotBrokenFurther() async throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            let file = try cluster.write("tiny.yaml", Self.workload)
            #expect(cluster.run(["fault", "slow", "a", "b", "--rtt", "5"]).status == 0)
            let result = cluster.run(["compare", "--live", "-w", file, "--report", "out", "--json"])
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("faults are left out: the cluster has a fault already"), "\(result.errors)")
            let faults = LocalCluster.json(result)["faults"] as? [String: Any]
            #expect((faults?["left_out"] as? String)?.contains("a fault already") == true)
            #expect(faultsLeft(cluster) == 1)
        }

        /// `make demo` but for the building, with one node a region and little to measure.
        @Test func theDemonstrationEndsWithAReport() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-demo-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let tiny = folder.appendingPathComponent("tiny.yaml")
            try Data(Self.workload.utf8).write(to: tiny)
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("deploy/demo.sh").path
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = [script]
            process.currentDirectoryURL = folder
            process.environment = ProcessInfo.processInfo.environment.merging([
                "ATOLL": LocalCluster.program, "DEMO_DIR": folder.path + "/cluster", "REPORT": folder.path + "/report", "DEMO_NODES": "1",
                "DEMO_SECONDS": "20", "DEMO_OPTIONS": "-w \(tiny.path) --fault-seconds 1",
            ]) { $1 }
            let log = folder.appendingPathComponent("log")
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
            let output = try FileHandle(forWritingTo: log)
            defer { try? output.close() }
            process.standardOutput = output
            process.standardError = output
            process.standardInput = FileHandle.nullDevice
            try process.run()
            let ended = await LocalCluster.eventually(within: 180) { !process.isRunning }
            if !ended { kill(process.processIdentifier, SIGTERM) }
            let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            #expect(ended && process.terminationStatus == 0, "\(said)")
            #expect(said.contains("Verdict") && said.contains("Under faults") && said.contains("report.html"), "\(said)")
            #expect(FileManager.default.fileExists(atPath: folder.path + "/report/report.html"))
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/cluster"))
            #expect(LocalCluster.processes(mentioning: folder.path + "/cluster").isEmpty)
        }
    }
}
