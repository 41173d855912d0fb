import Foundation
import Testing

extension Processes {
    /// `atoll simulate` as a program: repeatable in other processes, clear about mistakes, ended by Ctrl-C.
    @Suite struct SimulateTests {
        private func run(_ arguments: [String], in folder: URL = FileManager.default.temporaryDirectory) throws -> CommandResult {
            LocalCluster.run(["simulate"] + arguments, environment: [:], in: folder)
        }

        private func hashes(_ arguments: [String]) throws -> [Substring] {
            let result = try run(arguments + ["--json"])
            #expect(result.status == 0, "\(result.errors)")
            return result.output.split(separator: "\n").compactMap { line in
                line.range(of: "\"trace_hash\":\"").map { line[$0.upperBound...].prefix(16) }
            }.sorted()
        }

        @Test func twoProcessesGiveTheSameTraces() throws {
            let arguments = ["swarm", "--seed", "11", "--seeds", "6"]
            let first = try hashes(arguments + ["--jobs", "1"])
            #expect(first.count == 6 && Set(first).count == 6)
            #expect(first == (try hashes(arguments + ["--jobs", "3"])))
        }

        @Test func aFailureSaysHowToRepeatIt() throws {
            let result = try run(["swarm", "--seed", "1", "--seeds", "60", "--mutant", "commit-before-chunks", "--until-failure"])
            #expect(result.status == 1, "\(result)")
            #expect(result.output.contains("repeat: atoll simulate swarm --seed "), "\(result.output)")
        }

        @Test(arguments: [
            (["swarm", "--storage", "tape"], "--storage tape: give real or stand-in"),
            (["swarm", "--seed", "9223372036854775808"], "--seed 9223372036854775808: give 0 to"),
            (["swarm", "--seed", "9223372036854775807", "--seeds", "2"], "the last seed is too large"),
            (["nowhere"], "scenario nowhere: there is none of that name"),
            (["swarm", "--map", "mars"], "map mars: there is none of that name"),
            (["swarm", "--seeds", "0"], "--seeds 0: give 1 to 10000000"),
            (["missing/file.yaml"], "missing/file.yaml:1: cannot be read"),
            (["swarm", "--mutant", "none"], "--mutant none: known: vote-not-persisted"),
            (["steady-3", "--map", "azure"], "--map azure: steady-3 names its own map, aws"),
            (["swarm-toy", "--map", "toy"], "--map toy: swarm-toy names its own map, toy"),
            (["storage", "--map", "azure"], "--map azure: storage has no regions"),
            (["storage", "--storage", "stand-in"], "--storage stand-in: storage runs the storage's own code"),
            (["gossip-15", "--storage", "real"], "--storage real: gossip-15 is of gossip only"),
            (["gossip-15", "--mutant", "lost-write"], "--mutant lost-write: gossip-15 is of gossip only"),
            (["steady-3", "--gossip", "full"], "--gossip full: steady-3 is no scenario of gossip only"),
            (["swarm", "--mutant", "lost-write", "--storage", "real"], "--storage real: lost-write shows with stand-in alone"),
            (["swarm", "--mutant", "log-not-synced", "--storage", "stand-in"], "--storage stand-in: log-not-synced shows with real alone"),
            (["swarm", "--mutants", "--trace", "x"], "--trace: is of no use with --mutants"),
            (["hashes", "--seed", "3"], "--seed: the file says what is run"),
            (["hashes", "--hashes", "missing.txt"], "--hashes missing.txt: there is no such file"),
            (["swarm", "--record"], "--record: belongs to `atoll simulate hashes`"),
        ])
        func mistakesAreNamed(arguments: [String], expected: String) throws {
            let result = try run(arguments)
            #expect(result.status == 2)
            #expect(result.errors.contains(expected), "\(result.errors)")
            #expect(result.output.isEmpty)
        }

        @Test func aReportThatCanNotBeIsRefusedBeforeTheRun() throws {
            let result = try run(["steady-3", "--seeds", "1000", "--report", "/dev/null/x"])
            #expect(result.status == 1 && result.output.isEmpty, "\(result)")
            #expect(result.errors.hasPrefix("atoll: simulate --report /dev/null/x: "), "\(result.errors)")
        }

        @Test func aRunCanBeSteppedThrough() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-replay-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            func replay(_ arguments: [String], input: String = "") -> CommandResult {
                LocalCluster.run(["replay"] + arguments, input: Data(input.utf8), in: folder)
            }
            #expect(try run(["swarm", "--seed", "7", "--trace", "run.log"], in: folder).status == 0)
            let counted = replay(["run.log", "--from", "2000", "--count", "5", "--changes"])
            #expect(counted.status == 0, "\(counted.errors)")
            #expect(counted.output.components(separatedBy: "\n").count { $0.hasPrefix("#") } == 5, "\(counted.output)")
            let asked = replay(["run.log"], input: "at 3000\nstate 1\nchange 1\nnonsense\nquit\n")
            #expect(asked.status == 0 && asked.output.contains("\ngroup g0 role: "), "\(asked.output)")
            #expect(asked.errors.contains("not known: nonsense"))
            // A log that tells of another run.
            let path = folder.appendingPathComponent("run.log")
            let text = try String(contentsOf: path, encoding: .utf8)
            try Data(text.replacingOccurrences(of: "# seed 7", with: "# seed 8").utf8).write(to: path)
            let other = replay(["run.log", "--count", "1000"])
            #expect(other.status == 1 && other.errors.contains("this build runs it otherwise"), "\(other.errors)")
            try Data("hello".utf8).write(to: path)
            #expect(replay(["run.log"]).errors.contains("it is no event log"))
            #expect(replay(["missing.log"]).errors.contains("cannot be read"))
            #expect(replay(["run.log", "--node", "0"]).status == 2)
        }

        @Test func aRunOfTheStorageCanBeSteppedThrough() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-replay-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            func replay(_ arguments: [String], input: String = "") -> CommandResult {
                LocalCluster.run(["replay", "run.log"] + arguments, input: Data(input.utf8), in: folder)
            }
            let failed = try run(["storage", "--seed", "1", "--mutant", "log-not-synced", "--trace", "run.log"], in: folder)
            #expect(failed.status == 1)
            let counted = replay(["--count", "3"])
            #expect(counted.status == 0, "\(counted.errors)")
            #expect(counted.output.contains("#3 ") && counted.output.contains("    fdatasync"), "\(counted.output)")
            let found = replay([], input: "find VIOLATION\nquit\n")
            #expect(found.output.contains(" VIOLATION ") && found.output.contains("1 violated"), "\(found.output)")
            #expect(replay(["--node", "1"]).errors.contains("it is of the storage alone"))
        }

        @Test func worldsWithTheStoragesOwnCodeAreRepeatable() throws {
            let arguments = ["swarm", "--seed", "35", "--seeds", "4", "--storage", "real"]
            let first = try hashes(arguments + ["--jobs", "1"])
            #expect(first.count == 4)
            #expect(first == (try hashes(arguments + ["--jobs", "2"])))
            #expect(first != (try hashes(["swarm", "--seed", "35", "--seeds", "4", "--storage", "stand-in"])))
        }

        @Test func theReportShowsTheRun() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-simulate-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let held = try run(["swarm", "--seed", "11", "--seeds", "2", "--report", "held"], in: folder)
            #expect(held.status == 0, "\(held.errors)")
            let page = try String(contentsOf: folder.appendingPathComponent("held/simulation.html"), encoding: .utf8)
            #expect(page.contains("All that was promised held. Of 2 seeds none failed."))
            #expect(page.contains("<dd>held <span class=\"soft\">(") && !page.contains("not at the end"))
            #expect(page.contains("<th>price of a GB</th>"))
            #expect(page.contains("atoll simulate swarm --seed 11") && page.contains("<polyline") && page.contains("<rect class=\"fill-"))
            // One page with all of it: map, availability, both kinds on this map and where the answer flips.
            for part in ["checks", "map", "timeline", "traffic", "planning", "crossover", "sweep", "seeds"] {
                #expect(page.contains("<section id=\"\(part)\">"), "\(part)")
            }
            #expect(page.contains("<h3>Availability</h3>") && page.contains("aria-label=\"Time of an operation over the round trip\""))
            // Of several seeds the one that failed is shown, with what the checker said.
            let broken = try run(
                ["swarm", "--seed", "1", "--seeds", "60", "--mutant", "commit-before-chunks", "--until-failure", "--report", "broken"],
                in: folder)
            #expect(broken.status == 1)
            let other = try String(contentsOf: folder.appendingPathComponent("broken/simulation.html"), encoding: .utf8)
            #expect(other.contains("broken.") && other.contains("<span class=\"found\">durability at "))
            #expect(other.contains("--mutant commit-before-chunks"))
        }

        /// A folder of its own, and what runs in it when Ctrl-C comes.
        private func interrupted(_ arguments: [String], when text: String, _ body: (RunningCommand, URL) throws -> Void) async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-stopped-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let command = try RunningCommand(["simulate"] + arguments, cluster: "none", in: folder)
            let log = folder.appendingPathComponent("run.log")
            let isThere = await LocalCluster.eventually(within: 60) {
                command.output.contains(text) || ((try? String(contentsOf: log, encoding: .utf8)) ?? "").contains(text)
            }
            #expect(isThere, "\(command.output)")
            command.signal(SIGINT)
            #expect(await command.ends(within: 60))
            #expect(command.process.terminationStatus == 130, "\(command.output)")
            try body(command, folder)
        }

        @Test func interruptedItTellsWhatIsKnown() async throws {
            try await interrupted(["swarm", "--seeds", "1000000", "--json", "--report", "report"], when: "trace_hash") { command, folder in
                #expect(command.output.contains("of 1000000 seeds (stopped)"), "\(command.output)")
                let page = try String(contentsOf: folder.appendingPathComponent("report/simulation.html"), encoding: .utf8)
                #expect(page.contains("of 1,000,000 seeds had come to their end: none failed."))
            }
        }

        /// A run that was stopped has not held anything: its end was not looked at.
        @Test func aRunThatIsStoppedSaysSoEverywhere() async throws {
            // An hour of load: it is under way as soon as the event log is.
            try await interrupted(["idle-5x3", "--report", "report", "--trace", "run.log"], when: "phase load") { command, folder in
                #expect(command.output.contains("(load), not checked at the end"), "\(command.output)")
                #expect(!command.output.contains("all held"))
                func text(_ name: String) throws -> String {
                    try String(contentsOf: folder.appendingPathComponent("report/\(name)"), encoding: .utf8)
                }
                let page = try text("simulation.html")
                #expect(page.contains("<p class=\"lead\">The run was stopped after") && page.contains("s, not at the end <span"))
                #expect(!page.contains("<dd>held"))
                let record = try text("simulation.jsonl")
                #expect(record.contains("\"stopped\":{\"at_s\":") && record.contains("\"phase\":\"load\""), "\(record)")
                #expect(record.contains("\"verdict\":\"stopped\"") && !record.contains("\"verdict\":\"held\""))
                #expect(try text("simulation.md").contains("1 stopped before the end"))
            }
        }

        @Test func membershipAloneCanBeStopped() async throws {
            let arguments = ["gossip-1000", "--report", "report", "--trace", "run.log"]
            try await interrupted(arguments, when: "takes") { command, folder in
                #expect(command.output.contains("not checked at the end"), "\(command.output)")
                let record = try String(contentsOf: folder.appendingPathComponent("report/simulation.jsonl"), encoding: .utf8)
                #expect(record.contains("\"kind\":\"convergence\",\"verdict\":\"stopped\""), "\(record)")
            }
        }

        /// Trace hashes: what this build comes to is what the next one must.
        @Test func tracesAreHeldAgainstAFile() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-hashes-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let path = folder.appendingPathComponent("hashes.txt")
            try Data("swarm - - 5 0\nstorage - - 2 0\nsteady-3 real 1 1 0\n".utf8).write(to: path)
            let arguments = ["hashes", "--hashes", path.path]
            let wrong = try run(arguments)
            #expect(wrong.status == 1 && wrong.errors.contains("make record-hashes"), "\(wrong.errors)")
            #expect(wrong.errors.contains("3 of 3 runs are not as recorded"))
            #expect(try run(arguments + ["--record"]).output.contains("3 runs, 3 changed"))
            let right = try run(arguments + ["--jobs", "1"])
            #expect(right.status == 0 && right.output.contains("3 runs are as recorded"), "\(right.errors)")
        }
    }
}
