import Foundation
import Testing

extension Processes {
    /// `atoll bench` with sizes that tell nothing: that it runs to its end, says all that it is asked for, and leaves nothing.
    @Suite(.serialized) struct BenchTests {
        private func bench(_ arguments: [String]) throws -> (result: CommandResult, left: [String]) {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-bench-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let result = LocalCluster.run(["bench"] + arguments + ["--scratch", folder.path], in: folder, limit: 300)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            return (result, files + LocalCluster.processes(mentioning: folder.path).map { "process \($0)" })
        }

        /// Every figure must be there and be one.
        private func figures(_ fields: [String: Any], _ names: [String], _ where: String) {
            for name in names {
                let value =
                    (fields[name] as? NSNumber)?.doubleValue
                    ?? (fields[name] as? [String: Any])?["median"].flatMap { ($0 as? NSNumber)?.doubleValue }
                #expect(value.map { $0.isFinite && $0 >= 0 } ?? false, "\(`where`): \(name) is \(String(describing: fields[name]))")
            }
        }

        @Test func chunks() throws {
            let arguments = ["chunks", "--bytes", "\(2 << 20)", "--rounds", "1", "--input", LocalCluster.program]
            let (result, left) = try bench(arguments + ["--json"])
            #expect(result.status == 0 && left == [], "\(result.errors) \(left)")
            let report = LocalCluster.json(result)
            for name in ["build", "machine", "disk"] { #expect((report[name] as? String)?.isEmpty == false, "\(name)") }
            figures(report, ["cores_used_by_others"], "the report")
            let inputs = try #require(report["inputs"] as? [[String: Any]])
            #expect(inputs.count == 2)
            for input in inputs {
                let steps = ["sequential_chunk_hash_compress", "ingest", "sequential_chunk_hash", "ingest_known", "plain_write_fdatasync"]
                figures(
                    input,
                    ["bytes", "chunks", "stored_bytes", "rounds", "ingest_share_per_core", "ingest_known_share_per_core", "cores_used"]
                        + ["ingest_over_plain_write", "ingest_known_ceiling_mb_per_s"]
                        + steps.flatMap { ["\($0)_mb_per_cpu_s", "\($0)_mb_per_s"] }, "\(input["input"] ?? "")")
                #expect((input["bytes"] as? NSNumber)?.intValue == 2 << 20)
            }
            let table = try bench(arguments)
            #expect(table.result.status == 0 && table.left == [], "\(table.result.errors) \(table.left)")
            // A row a step and input, with its two figures.
            let rows = table.result.output.split(separator: "\n").map { $0.split(separator: "\t") }
            #expect(rows.count { $0.count == 3 } == 10, "\(table.result.output)")
            for words in ["ingest into a new store, durable", "ingest of what the store has", "GB/s", "wanted"] {
                #expect(table.result.output.contains(words), "\(words): \(table.result.output)")
            }
        }

        @Test func raft() throws {
            let (result, left) = try bench(["raft", "--seconds", "0.2", "--json"])
            #expect(result.status == 0 && left == [], "\(result.errors) \(left)")
            let report = LocalCluster.json(result)
            for name in ["build", "machine", "disk"] { #expect((report[name] as? String)?.isEmpty == false, "\(name)") }
            figures(report, ["seconds_per_loop", "cores_used_by_others"], "the report")
            for name in ["fdatasync_alone", "fdatasync_three_writers"] {
                figures(try #require(report[name] as? [String: Any]), ["count", "p50_ms", "p99_ms", "disk_p50_ms", "disk_p99_ms"], name)
            }
            let loops = try #require(report["loops"] as? [[String: Any]])
            let skipped = (report["skipped_clients"] as? [Any])?.count ?? 0
            #expect(loops.count >= 7 - 2 * skipped && !loops.isEmpty, "\(loops)")
            let counts = loops.compactMap { ($0["clients"] as? NSNumber)?.intValue }
            #expect(counts.contains(1) && counts.contains(64), "\(counts)")
            for loop in loops {
                let name = "\(loop["clients"] ?? "") \(loop["request"] ?? "")"
                figures(loop, ["per_s", "count", "seconds", "failed", "leader_log_syncs"], name)
                // Where nothing was answered within the time there is nothing to divide by.
                let hasAnswers = (loop["count"] as? NSNumber)?.intValue != 0
                if hasAnswers { figures(loop, ["p50_ms", "p99_ms", "client_cpu_us", "nodes_cpu_us"], name) }
            }
        }

        /// As a table; where a process may open too few files, the loop that needs more is left out, and that is said.
        @Test func raftAsATable() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-bench-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let result = LiveNetwork.shell(
                "ulimit -n 600 && exec timeout --signal KILL 200 '\(LocalCluster.program)' bench raft --seconds 0.2 --scratch '\(folder.path)'"
            )
            #expect(result.status == 0, "\(result)")
            let rows = result.output.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
            #expect(rows.count { $0.count == 11 } == 5, "\(result.output)")
            for words in ["round trip: state of a session", "replicated change", "volume: one change and its commit", "by three writers"] {
                #expect(result.output.contains(words), "\(words): \(result.output)")
            }
            #expect(result.errors.contains("1000 clients left out"), "\(result.errors)")
        }

        @Test func namespace() throws {
            let result = LocalCluster.run(["bench", "namespace", "--files", "1000", "--json"])
            #expect(result.status == 0, "\(result.errors)")
            let report = LocalCluster.json(result)
            figures(report, ["files", "digest_ms", "cores_used_by_others"], "report")
            let commands = try #require(report["commands"] as? [[String: Any]])
            #expect(commands.count == 5)
            for command in commands { figures(command, ["per_s"], "\(command["command"] ?? "")") }
            #expect(LocalCluster.run(["bench", "namespace", "--files", "1"]).status == 2)
        }

        /// Beside the sources: scenarios are found by the working directory.
        @Test func gossip() throws {
            let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
            let result = LocalCluster.run(["bench", "gossip", "--json"], in: sources, limit: 300)
            #expect(result.status == 0, "\(result.errors)")
            let runs = try #require(LocalCluster.json(result)["runs"] as? [[String: Any]])
            #expect(runs.map { $0["scenario"] as? String } == ["gossip-15", "gossip-100"])
            for run in runs {
                figures(run, ["events", "wall_s", "simulated_s"], "\(run["scenario"] ?? "")")
                #expect((run["measures"] as? [Any])?.isEmpty == false && (run["violations"] as? [Any])?.isEmpty == true, "\(run)")
            }
            let none = LocalCluster.run(["bench", "gossip", "--seed", "9223372036854775807"])
            #expect(none.status == 2 && none.errors.contains("--seed"), "\(none)")
        }
    }
}
