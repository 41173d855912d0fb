import Comparison
import Primitives
import Reports
import Simulation
import Testing
import Workloads

/// A comparison that breaks its simulated cluster: what the contract says of each kind, in figures.
@Suite struct FaultPhaseTests {
    static func report(_ regions: [String], nodes: Int = 1, seed: UInt64 = 3) async throws -> ComparisonReport {
        let map = try SettingsLibrary.map("aws").restricted(to: regions)
        var workload = try SettingsLibrary.workload("shared-cache")
        workload.repetitions = 1
        var options = ComparisonOptions(workloads: [workload], map: map, primary: RegionID(regions[0]), nonce: seed)
        options.faults = FaultOptions(duration: .seconds(8))
        var world = SimulatedWorld.Options(map: map, seed: seed, costs: .none, version: "test")
        for region in map.regions { world.nodesPerRegion[region.id] = nodes }
        return try await SimulatedComparison(options: options, world: world).run { _ in }
    }

    @Test(arguments: [1, 3]) func eachKindDoesAsTheContractSays(nodes: Int) async throws {
        let regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]
        let report = try await Self.report(regions, nodes: nodes)
        let faults = try #require(report.faults)
        #expect(faults.leftOut == nil && faults.records.map(\.fault) == ["partition", "primary-lost"])
        let (cut, lost) = (faults.records[0], faults.records[1])
        #expect(cut.region == "ap-northeast-1" && lost.region == "us-east-1")
        func away(_ record: FaultsSection.Record, _ kind: String, _ region: String, _ operation: String) -> Double {
            record.client(kind, region, operation)?.unavailableMs ?? -1
        }
        for operation in ["read", "write"] {
            // Cut off: a network file system is away there, and nowhere else.
            #expect(away(cut, "nfs", "ap-northeast-1", operation) > 7_000)
            #expect(away(cut, "nfs", "us-east-1", operation) == 0 && away(cut, "nfs", "eu-west-1", operation) == 0)
            // Lost: it is away everywhere, and comes back.
            for region in regions { #expect(away(lost, "nfs", region, operation) > 7_000, "\(region) \(operation)") }
        }
        // A volume is read everywhere; where its region is cut off nobody commits; with the leader lost others go on soon.
        for region in regions { #expect(away(cut, "volume", region, "read") == 0) }
        for region in regions.dropFirst() { #expect(away(lost, "volume", region, "read") == 0) }
        #expect(away(cut, "volume", "ap-northeast-1", "write") > 7_000)
        for region in regions.dropFirst() {
            let writer = try #require(lost.client("volume", region, "write"))
            #expect(writer.succeededMeanwhile > 0 && writer.unavailableMs < 8_000, "\(region): \(writer.unavailableMs)")
        }
        for client in faults.records.flatMap(\.clients) { #expect(client.hasEnded, "\(client.kind) \(client.region) \(client.operation)") }
        // Nothing acknowledged is lost.
        #expect(faults.proofs.count == 2)
        for proof in faults.proofs { #expect(proof.acknowledged > 100 && proof.found == proof.acknowledged && proof.missing.isEmpty) }
        // Rows as others.
        let rows = report.results.filter { $0.workload == "faults" }
        #expect(rows.count == 2 * 2 * 2 * 3)
        #expect(report.row("faults", "nfs", "eu-west-1", "primary-lost-write", "warm")?.unavailableMs ?? 0 > 7_000)
        #expect(report.verdict.sentences.contains { $0.hasPrefix("With us-east-1, the primary region, lost for 8.00 s") })
        #expect(try ComparisonReport(json: report.json()) == report)
    }

    @Test func theSameSeedGivesTheSameFaults() async throws {
        let regions = ["us-east-1", "eu-west-1"]
        let first = try await Self.report(regions)
        let second = try await Self.report(regions)
        #expect(second.faults == first.faults)
        #expect(first.faults?.records.count == 2)
    }

    @Test func oneRegionHasNothingToCutOff() async throws {
        let report = try await Self.report(["us-east-1"])
        #expect(report.faults?.leftOut?.contains("with one region") == true)
        #expect(report.verdict.sentences.allSatisfy { !$0.contains("lost for") })
    }
}
