import Comparison
import Filesystem
import Foundation
import Primitives
import Reports
import Simulation
import Testing
import Workloads

/// Workloads in the simulated world: repeatable, and as distant as the map says.
@Suite struct WorkloadRunTests {
    static let regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]

    static func small(_ name: String) throws -> Workload {
        var workload = try SettingsLibrary.workload(name)
        workload.inputs.largeFileSize = 2 << 20
        workload.inputs.largeFiles = min(workload.inputs.largeFiles, 6)
        workload.inputs.checkpointSize = 1 << 20
        workload.inputs.treeFiles = min(workload.inputs.treeFiles, 150)
        return workload
    }

    static func report(_ names: [String], seed: UInt64 = 1) async throws -> ComparisonReport {
        let map = try SettingsLibrary.map("aws").restricted(to: regions)
        let workloads = try names.map(small)
        var options = ComparisonOptions(workloads: workloads, map: map, primary: RegionID(regions[0]), nonce: seed)
        options.inputs = workloads.map { .made(for: $0) }
        options.budget = .seconds(86_400)
        options.world = "simulated"
        let world = SimulatedWorld(.init(map: map, seed: seed, costs: .none, version: "test"))
        return try await ComparisonRunner(client: world, clock: world, cells: world, options: options) { _ in }.run()
    }

    @Test func everyWorkloadRunsOnBothKinds() async throws {
        let report = try await Self.report(BuiltinFile.workloads.map(\.name))
        if let out = ProcessInfo.processInfo.environment["ATOLL_REPORT_OUT"] {
            _ = try ReportFolder(path: out).write(report)
            try TerminalReport(report).text().write(toFile: out + "/report.txt", atomically: true, encoding: .utf8)
        }
        // A commit that is refused because another was first is what contention is; whoever is far away may never be first.
        let calm = report.results.filter { !($0.kind == "volume" && ["try-commit", "contended-update"].contains($0.operation)) }
        #expect(calm.allSatisfy { $0.errors == 0 } && report.results.allSatisfy { $0.world == "simulated" })
        for workload in report.workloads {
            for line in workload.mix {
                for (kind, meaning) in [("nfs", line.nfs), ("volume", line.volume)] where meaning != nil {
                    for region in Self.regions {
                        let row = report.row(workload.name, kind, region, line.operation, "cold")
                        #expect((row?.samples ?? 0) >= 3, "\(workload.name) \(kind) \(region) \(line.operation)")
                    }
                }
            }
        }
        // From afar a network file system's operation takes its count of round trips and what it takes at home.
        let checks = report.roundTripChecks
        #expect(checks.count > 5)
        let off = checks.filter { !$0.agrees }
        #expect(off.isEmpty, "\(off)")
        // What a volume reads is there: no wait for another region.
        for row in report.results where row.kind == "volume" {
            guard ["stat", "list", "open-read-close", "read-1MiB-sequential", "read-4KiB-random"].contains(row.operation) else { continue }
            #expect(row.wanRoundTrips == 0, "\(row.workload) \(row.region) \(row.operation) \(row.cache)")
        }
        // A second version moves what is new of it, not the whole: six edits in some eight chunks.
        let saved = report.dedup.filter { $0.kind == "volume" }.compactMap(\.saved)
        #expect(saved.count == 3 && saved.allSatisfy { $0 > 0.25 }, "\(saved)")
    }

    @Test func theSameSeedGivesTheSameRows() async throws {
        let first = try await Self.report(["shared-cache", "revision"], seed: 7)
        let second = try await Self.report(["shared-cache", "revision"], seed: 7)
        #expect(first.results == second.results)
        #expect(first.traffic == second.traffic)
        let other = try await Self.report(["shared-cache", "revision"], seed: 8)
        #expect(first.results != other.results)
    }
}
