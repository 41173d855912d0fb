import Comparison
import Filesystem
import Foundation
import Primitives
import Reports
import Synchronization
import Testing
import Workloads

/// Traces: their file, and their replay.
@Suite struct TraceTests {
    static let text = """
        {"atoll_trace": 1, "name": "mine"}
        {"at": 0, "client": "a", "region": "home", "op": "list", "path": "data"}
        {"at": 0.1, "client": "b", "region": "far", "op": "read", "path": "data/x", "offset": 0, "bytes": 1500000}
        {"at": 0.2, "client": "b", "region": "far", "op": "read", "path": "data/x", "bytes": 4096}
        {"at": 0.4, "client": "a", "region": "home", "op": "write", "path": "out/y", "bytes": 8192}
        {"at": 0.5, "client": "a", "region": "home", "op": "close", "path": "out/y"}
        {"at": 0.6, "client": "a", "region": "home", "op": "rename", "path": "out/y", "to": "out/z"}
        {"at": 2, "client": "b", "region": "far", "op": "stat", "path": "data/x"}

        """

    @Test func aTraceIsReadAsItIsWritten() throws {
        let trace = try WorkloadTraceFile.parse(Self.text, name: "t.jsonl")
        #expect(trace.clients.map(\.region) == ["home", "far"])
        // The long read is two.
        #expect(trace.events.map(\.verb) == [.list, .read, .read, .read, .write, .close, .rename, .stat])
        #expect(trace.events[2].offset == 1 << 20 && trace.events[2].bytes == 1_500_000 - 1 << 20)
        #expect(trace.files.map(\.path) == ["data/x"] && trace.files.first?.size == 1_500_000)
        #expect(trace.directories == ["data", "out"])
        #expect(try WorkloadTraceFile.parse(WorkloadTraceFile.text(trace), name: "again") == trace)
    }

    @Test(arguments: [
        (#""op": "list""#, #""op": "lst""#, "t.jsonl:2: op: unknown operation; did you mean list"),
        (#""at": 2,"#, #""at": 0.3,"#, "t.jsonl:8: at: is before the line above"),
        (#""offset": 0,"#, #""ofset": 0,"#, "t.jsonl:3: ofset: unknown key; did you mean offset?"),
        (#""path": "data""#, #""path": "../x""#, "t.jsonl:2: path: ../x is no path of a file"),
        (#""bytes": 8192"#, #""bytes": -1"#, "t.jsonl:5: bytes: is no whole number of 1 to"),
        (#""atoll_trace": 1"#, #""atoll_trace": 2"#, "t.jsonl:1: atoll_trace: version 2 is not known"),
        (#""client": "b", "region": "far", "op": "stat""#, #""client": "b", "region": "home", "op": "stat""#, "b was in far before"),
        (#"{"at": 0.5"#, #""at": 0.5"#, "t.jsonl:6: is no JSON object"),
    ])
    func mistakesNameFileLineAndKey(find: String, replace: String, expected: String) {
        let text = Self.text.replacingOccurrences(of: find, with: replace)
        #expect(text != Self.text)
        let error = #expect(throws: SettingsError.self) { try WorkloadTraceFile.parse(text, name: "t.jsonl") }
        #expect(error.map { "\($0)" }?.contains(expected) == true, "\(error.map { "\($0)" } ?? "none")")
    }

    private func report(world: String) async throws -> ComparisonReport {
        let map = try SettingsLibrary.map("toy").restricted(to: ["north", "east", "south"])
        let trace = try WorkloadTraceFile.parse(Self.text, name: "t.jsonl")
        var options = ComparisonOptions(
            workloads: [Workload(replaying: trace, from: "t.jsonl")], map: map, primary: RegionID("north"), nonce: 5)
        guard world == "simulated" else {
            options.concurrentRegions = false
            let cluster = ModelCluster(map: map, primary: options.primary)
            return try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        }
        options.nonce = 1
        let simulated = SimulatedWorld.Options(map: map, seed: 1, costs: .none, version: "test")
        return try await SimulatedComparison(options: options, world: simulated).run { _ in }
    }

    @Test(arguments: ["live", "simulated"]) func aTraceIsReplayedOnBothKinds(world: String) async throws {
        let report = try await report(world: world)
        let far = try #require(report.regionsByDistance.last?.id)
        for kind in ["nfs", "volume"] {
            for (region, operation, count) in [
                ("north", "list", 1), (far, "read", 3), ("north", "write", 1), ("north", "close", 1), ("north", "rename", 1),
                (far, "stat", 1),
            ] {
                let rows = report.results.filter { $0.kind == kind && $0.region == region && $0.operation == operation }
                #expect(rows.reduce(0) { $0 + $1.samples } == 3 * count, "\(kind) \(region) \(operation): \(report.notes)")
            }
        }
        #expect(report.results.allSatisfy { $0.errors == 0 })
        // Written and renamed: a commit for each, on the volume.
        #expect(report.row("mine", "volume", "north", "commit", "cold")?.samples == 6)
        #expect(report.notes.contains { $0.contains("of 8 events began more than 100 ms after their time") })
    }

    @Test func aRegionThatIsNotThereIsRefused() async throws {
        let text = Self.text.replacingOccurrences(of: "\"far\"", with: "\"moon\"")
        let map = try SettingsLibrary.map("toy").restricted(to: ["north", "east"])
        let workload = Workload(replaying: try WorkloadTraceFile.parse(text, name: "t"), from: "t")
        let options = ComparisonOptions(workloads: [workload], map: map, primary: RegionID("north"), nonce: 5)
        let cluster = ModelCluster(map: map, primary: options.primary)
        let error = await #expect(throws: ComparisonError.self) {
            try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        }
        #expect(error?.description.contains("region moon is not among north and east; home, near and far fit every map") == true)
    }

    /// What a run does is recorded, and the record can be replayed.
    @Test func aRunIsRecorded() async throws {
        let folder = try RunnerTests.inputFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var (options, cluster) = try RunnerTests.options(["small-files"], map: "toy", folder: folder.path)
        let recorder = TraceRecorder(name: "recorded")
        options.recorder = recorder
        _ = try await ComparisonRunner(client: cluster, clock: cluster, options: options) { _ in }.run()
        let (trace, leftOut) = recorder.recorded
        #expect(leftOut == 0 && trace.clients.count == 3)
        for verb in [Trace.Verb.list, .stat, .read, .write, .close, .mkdir, .rename, .remove] { #expect(trace.has(verb), "\(verb)") }
        #expect(try WorkloadTraceFile.parse(WorkloadTraceFile.text(trace), name: "recorded").events.count == trace.events.count)
        let other = ModelCluster(map: options.map, primary: options.primary)
        var again = ComparisonOptions(
            workloads: [Workload(replaying: trace, from: "x")], map: options.map, primary: options.primary, nonce: 6)
        again.concurrentRegions = false
        let report = try await ComparisonRunner(client: other, clock: other, options: again) { _ in }.run()
        #expect(report.results.allSatisfy { $0.errors == 0 }, "\(report.notes)")
        #expect(report.verdict.passes.count > 0)
    }
}
