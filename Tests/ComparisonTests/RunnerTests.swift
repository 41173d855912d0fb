import Comparison
import Filesystem
import Foundation
import Primitives
import Reports
import Synchronization
import Testing
import Workloads

@Suite struct RunnerTests {
    /// A folder of small and large files, removed afterwards.
    static func inputFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "atoll-input-\(ProcessInfo.processInfo.processIdentifier)-\(Int.random(in: 0..<1_000_000_000))")
        for directory in 0..<6 {
            let inner = folder.appendingPathComponent("d\(directory)/e")
            try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
            for file in 0..<40 {
                try Data(RecordText.bytes(seed: UInt64(directory * 100 + file), length: 200 + file * 37))
                    .write(to: inner.appendingPathComponent("f\(file).txt"))
            }
        }
        try Data(RecordText.bytes(seed: 9, length: 6 << 20)).write(to: folder.appendingPathComponent("large.bin"))
        return folder
    }

    static func small(_ name: String) throws -> Workload {
        var workload = try SettingsLibrary.workload(name)
        workload.inputs.largeFileSize = 1 << 20
        workload.inputs.largeFiles = min(workload.inputs.largeFiles, 6)
        workload.inputs.checkpointSize = 1 << 20
        workload.inputs.treeFiles = min(workload.inputs.treeFiles, 180)
        return workload
    }

    static func options(_ names: [String], map: String = "aws", folder: String) throws -> (ComparisonOptions, ModelCluster) {
        let regions = map == "aws" ? ["us-east-1", "eu-west-1", "ap-northeast-1"] : ["north", "east", "south"]
        let restricted = try SettingsLibrary.map(map).restricted(to: regions)
        let primary = RegionID(regions[0])
        var options = ComparisonOptions(workloads: try names.map(small), map: restricted, primary: primary, nonce: 77)
        options.inputFolder = folder
        options.concurrentRegions = false
        options.created = "2026-11-21T12:00:00Z"
        options.system = "Debian 12"
        options.machine = "2 cores"
        return (options, ModelCluster(map: restricted, primary: primary))
    }

    @Test func everyWorkloadOnBothKinds() async throws {
        let folder = try Self.inputFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = BuiltinFile.workloads.map(\.name)
        let (options, cluster) = try Self.options(names, folder: folder.path)
        let lines = Mutex<[String]>([])
        let report = try await ComparisonRunner(client: cluster, clock: cluster, options: options) { line in
            lines.withLock { $0.append(line) }
        }.run()

        // Every operation of every mix was measured on each kind that offers it, in every region, in 3 repetitions.
        for workload in report.workloads {
            for line in workload.mix {
                for (kind, meaning) in [("nfs", line.nfs), ("volume", line.volume)] where meaning != nil {
                    for region in report.map.regions {
                        for (cache, count) in [("cold", line.cold), ("warm", line.warm)] where count > 0 {
                            let row = report.row(workload.name, kind, region.id, line.operation, cache)
                            #expect((row?.samples ?? 0) >= 3, "\(workload.name) \(kind) \(region.id) \(line.operation) \(cache)")
                            #expect(row?.repetitions == 3, "\(workload.name) \(kind) \(region.id) \(line.operation) \(cache)")
                        }
                    }
                }
            }
        }
        #expect(report.results.allSatisfy { $0.errors == 0 && $0.world == "live" })
        // What the model charges is what the report says.
        let far = report.row("small-files", "nfs", "ap-northeast-1", "create-write-close", "cold")
        #expect(far?.wanRoundTrips == 4)
        #expect(report.row("small-files", "volume", "ap-northeast-1", "stat", "cold")?.wanRoundTrips == 0)
        #expect(report.row("small-files", "nfs", "ap-northeast-1", "stat", "warm")?.wanRoundTrips == 0)
        let checks = report.roundTripChecks
        #expect(checks.count > 5)
        let off = checks.filter { !$0.agrees }
        #expect(off.isEmpty, "\(off)")
        // File systems are deleted, progress was reported, and nothing was left out silently.
        #expect(cluster.state.withLock { $0.deleted.count } == 2)
        #expect(lines.withLock { $0.count } > 40)
        // Of the contention one line for each kind.
        #expect(report.notes.count == 8, "\(report.notes.dropFirst(5))")
        #expect(report.notes[6].contains("6 clients at once changed the record"), "\(report.notes[6])")
        // To look at the pages that a run makes: ATOLL_REPORT_OUT=/tmp/report swift test --filter everyWorkloadOnBothKinds
        if let out = ProcessInfo.processInfo.environment["ATOLL_REPORT_OUT"] {
            _ = try ReportFolder(path: out).write(report)
            try TerminalReport(report).text().write(toFile: out + "/report.txt", atomically: true, encoding: .utf8)
        }
    }

    @Test func sameSeedSameOperations() async throws {
        let folder = try Self.inputFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var seen: [[String]] = []
        for _ in 0..<2 {
            let (options, cluster) = try Self.options(["shared-cache"], map: "toy", folder: folder.path)
            _ = try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
            seen.append(cluster.state.withLock { $0.operations })
        }
        #expect(seen[0] == seen[1])
        #expect(seen[0].count > 500)
    }

    @Test func failuresAreCountedAndTheRunGoesOn() async throws {
        let folder = try Self.inputFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var (options, _) = try Self.options(["small-files"], map: "toy", folder: folder.path)
        options.keep = true
        let cluster = ModelCluster(map: options.map, primary: options.primary) { name, number in
            name == "rename" && number % 5 == 0
                ? FileFailure(.unavailable, operation: "rename", object: "x", cause: "no leader") : nil
        }
        let report = try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        let renames = report.results.filter { $0.operation == "rename" }
        #expect(renames.reduce(0) { $0 + $1.errors } > 3)
        #expect(renames.reduce(0) { $0 + $1.samples } > 20)
        #expect(report.results.filter { $0.operation != "rename" }.allSatisfy { $0.errors == 0 })
        #expect(report.verdict.sentences.contains { $0.contains("operations failed") })
        #expect(cluster.state.withLock { $0.deleted.isEmpty })
    }

    @Test func aFailedPreparationStopsAndCleansUp() async throws {
        let folder = try Self.inputFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (options, _) = try Self.options(["small-files"], map: "toy", folder: folder.path)
        let cluster = ModelCluster(map: options.map, primary: options.primary) { name, _ in
            name == "write" ? FileFailure(.noSpace, operation: "write", object: "x", cause: "disk full") : nil
        }
        await #expect(throws: ComparisonError.self) {
            try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        }
        #expect(cluster.state.withLock { $0.deleted.count } == 2)
    }

    @Test func aLateRunCutsCellsShort() async throws {
        let folder = try Self.inputFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var (options, cluster) = try Self.options(["small-files", "shared-cache"], folder: folder.path)
        options.budget = .seconds(20)
        let report = try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        #expect(report.notes.contains { $0.contains("cells cut to") })
        // Even so each operation has a sample of each repetition.
        #expect(report.results.filter { $0.operation != "put-file" && $0.operation != "commit-all" }.allSatisfy { $0.repetitions == 3 })
    }

    @Test func unknownRegionsAreRefusedBeforeAnythingRuns() async throws {
        var (options, cluster) = try Self.options(["dataset"], folder: "/nowhere")
        await #expect(throws: InputFinder.NoInput.self) {
            try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        }
        options.primary = RegionID("us-west-9")
        await #expect(throws: ComparisonError.self) {
            try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        }
        #expect(cluster.state.withLock { $0.operations.isEmpty && $0.next == 1 })
    }
}
