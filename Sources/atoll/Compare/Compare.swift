import ArgumentParser
import Comparison
import Filesystem
import Foundation
import Primitives
import Reports
import Workloads

/// `atoll compare`: what a single-region file system costs, what a replicated volume costs, and
/// where they cross over; measured on a running cluster, simulated, or both.
struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare a network file system with a volume, from every region: measured on a running cluster, or simulated.",
        discussion: """
            Workloads: \(BuiltinFile.workloads.map(\.name).joined(separator: ", ")), or the path of a file. \
            Maps: \(BuiltinFile.maps.map(\.name).joined(separator: ", ")), or the path of a file.
            """)

    @OptionGroup var cluster: ClusterOptions
    @Option(name: [.customShort("e"), .customLong("env")], help: "The environment of the two file systems.")
    var environment: String?

    @Flag(help: "Measure the running cluster (the default).")
    var live = false
    @Flag(help: "Simulate: the same workloads under virtual time, on any map. Needs no cluster.")
    var simulated = false
    @Flag(help: "Measure the running cluster, simulate the same, and say how far the prediction was off.")
    var both = false
    @Option(name: [.customShort("w"), .long], help: "A workload, by name or file; may be given several times. All by default.")
    var workload: [String] = []
    @Option(help: "Replay a recorded trace (JSON lines, see docs/reference/workloads.md) instead of workloads, or besides those named.")
    var trace: String?
    @Option(help: "Write what the clients did on the network file system into this file, as a trace. Needs a running cluster.")
    var record: String?
    @Option(help: "The folder for report.html, report.md and report.json.")
    var report = ReportFolder.defaultPath
    @Option(help: "A folder with files of your own; the machine's own directories by default (simulated: made-up sizes).")
    var input: String?
    @Option(help: "The primary region; the first of the cluster by default.")
    var primary: String?
    @Option(help: "The region map; by default the cluster's own, simulated aws.")
    var map: String?
    @Option(
        help: """
            Time to aim at for preparing and measuring, 10 to 86400 s: later workloads get less where it runs low, but each operation is
            done once in each repetition, so a slow machine may need more. Costs of --both and faults come on top.
            """)
    var seconds = 240
    @Option(name: .customLong("fault-seconds"), help: "How long each fault lasts, 1 to 60 s (default 10).")
    var faultSeconds: Int?
    @Flag(
        name: .customLong("no-faults"),
        help: """
            Break nothing. Otherwise, after the measurements, a region of the local cluster is cut off for a while, and then the primary
            region's nodes are killed and started again, while clients go on.
            """)
    var noFaults = false
    @Option(help: "Use this network file system, which must be empty, instead of a new one; what is written stays.")
    var nfs: String?
    @Option(help: "Use this volume, which must be empty, instead of a new one; what is written stays.")
    var volume: String?
    @Flag(help: "Leave the two file systems in place.")
    var keep = false
    @OptionGroup(title: "Simulated") var planning: PlanningOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (10...86_400).contains(seconds) else { throw ValidationError("--seconds \(seconds): give 10 to 86400") }
        if let faultSeconds {
            guard (1...60).contains(faultSeconds) else { throw ValidationError("--fault-seconds \(faultSeconds): give 1 to 60") }
            if noFaults { throw ValidationError("--fault-seconds and --no-faults exclude each other") }
        }
        guard [live, simulated, both].count(where: \.self) <= 1 else {
            throw ValidationError("--live, --simulated and --both exclude each other")
        }
        if !simulated, let name = planning.named { throw ValidationError("\(name) needs --simulated") }
        if simulated, environment != nil { throw ValidationError("--env names an environment of a running cluster: leave --simulated out") }
        if simulated, nfs != nil || volume != nil { throw ValidationError("--nfs and --volume name file systems of a running cluster") }
        if simulated, record != nil { throw ValidationError("--record needs a running cluster: leave --simulated out") }
        if let record, LocalFiles.exists(record) { throw ValidationError("--record \(record): there is such a file already; name another") }
        if both, map != nil { throw ValidationError("--both simulates the cluster's own map; --map goes with --live or --simulated") }
        try planning.check()
    }

    func run() async throws {
        if simulated { return try await runSimulated() }
        let directory = ClusterDirectory(cluster.dataDirectory)
        let file = try ClusterFile.require(directory, "compare")
        if let input, !LocalFiles.exists(input) { throw CommandFailure("compare", "--input \(input)", "there is no such folder") }
        let live = try LiveCluster(file, directory, environment: environment ?? "main")
        let (options, cluster) = try await Self.ending(live) {
            try await live.check(directory)
            // A report that can not be written would be known too late.
            try Self.makeFolder(report)
            return (try await target(live, file, directory), live)
        }
        let faults = LiveFaults(file, directory)
        let work: @Sendable () async throws -> ComparisonReport = { [both] in
            if both { return try await BothWorlds(live: cluster, faults: faults, options: options, nodes: file.nodes.map(\.region)).run() }
            return try await ComparisonRunner(client: cluster, breaking: faults, options: options) { Terminal.error($0) }.run()
        }
        let (result, signal) = await Self.interruptible("what is broken is mended, the file systems of the comparison are deleted", work)
        await cluster.shutdown()
        try finish(try await telling("compare", in: directory) { try Self.unwrap(result, signal) })
        if let record, let recorder = options.recorder { try write(recorder, to: record) }
        if let signal { throw StopRequest.exitCode(signal) }
    }

    private func write(_ recorder: TraceRecorder, to path: String) throws {
        let (trace, leftOut) = recorder.recorded
        try LocalFiles.write(WorkloadTraceFile.text(trace), to: path)
        if leftOut > 0 { Terminal.error("warning: \(path): \(leftOut) operations more than a trace may have were left out") }
        Terminal.error("wrote \(path): \(trace.events.count) operations of \(trace.clients.count) clients")
    }

    static func makeFolder(_ path: String, verb: String = "compare") throws {
        try LocalFiles.naming(verb, "--report \(path)", hint: "name a folder that is there or can be made") {
            try LocalFiles.makeDirectory(path)
        }
    }

    /// Ends the clients of a cluster where `body` fails.
    private static func ending<Result>(_ cluster: LiveCluster, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch {
            await cluster.shutdown()
            throw error
        }
    }

    /// What to compare, and where.
    private func target(_ cluster: LiveCluster, _ file: ClusterFile, _ directory: ClusterDirectory) async throws -> ComparisonOptions {
        let home = RegionID(try home(in: file))
        var existing: [FilesystemKind: FilesystemID] = [:]
        for (kind, name) in [(FilesystemKind.nfs, nfs), (.volume, volume)] {
            guard let name else { continue }
            existing[kind] = try await cluster.existingFilesystem(named: name, kind: kind, primary: home)
        }
        var options = try await options(file, directory)
        options.existing = existing
        return options
    }

    private func home(in file: ClusterFile) throws -> String {
        let home = primary ?? file.regions[0]
        guard file.regions.contains(home) else { throw file.unknownRegion(home, "compare") }
        return home
    }

    /// Ctrl-C cancels the work, which then ends by itself; with the signal's name.
    static func interruptible<Value: Sendable>(_ note: String, _ body: @escaping @Sendable () async throws -> Value) async
        -> (result: Result<Value, any Error>, signal: String?)
    {
        let work = Task { try await body() }
        let stop = StopRequest()
        let waiting = Task { () -> String? in
            let cause = await stop.wait()
            guard !Task.isCancelled else { return nil }
            Terminal.error("stopping; \(note)")
            work.cancel()
            return cause
        }
        let result = await work.result
        waiting.cancel()
        return (result, await waiting.value)
    }

    static func unwrap<Value>(_ result: Result<Value, any Error>, _ signal: String? = nil) throws -> Value {
        do {
            return try result.get()
        } catch let error as ComparisonError {
            throw CommandFailure("compare", "", error.description)
        } catch let error as InputFinder.NoInput {
            throw CommandFailure.usage("compare", "", error.description)
        } catch let error as UnknownRegion {
            throw CommandFailure.usage("compare", "", error.description)
        } catch is CancellationError {
            throw CommandFailure(
                "compare", "", "stopped before anything was known", exitCode: signal.map { StopRequest.exitCode($0).rawValue } ?? 1)
        }
    }

    func finish(_ comparison: ComparisonReport) throws {
        let paths: [String]
        do {
            paths = try ReportFolder(path: report).write(comparison)
        } catch let error as ReportFolder.WriteError {
            Terminal.line(TerminalReport(comparison).text())
            throw CommandFailure("compare", "", error.description)
        }
        if output.json {
            Terminal.write(try comparison.json())
        } else {
            Terminal.line(TerminalReport(comparison).text())
        }
        Terminal.error("wrote \(paths.joined(separator: ", "))")
        if let unmended = comparison.faults?.unmended {
            throw CommandFailure(
                "compare", "", unmended, hint: "`atoll fault heal` and `atoll up` mend the cluster; see `atoll status`")
        }
    }

    private func options(_ file: ClusterFile, _ directory: ClusterDirectory) async throws -> ComparisonOptions {
        let (workloads, regions) = try await settings { try await regionMap(file, directory) }
        let home = try home(in: file)
        var options = ComparisonOptions(
            workloads: workloads, map: regions, primary: RegionID(home), nonce: UInt64.random(in: 1...UInt64.max))
        options.inputFolder = input
        options.budget = .seconds(seconds)
        options.keep = keep
        if record != nil { options.recorder = TraceRecorder(name: "recorded") }
        options.faults = faultOptions
        if options.faults != nil, let obstacle = LiveFaults.obstacle(file, directory) {
            Terminal.error("warning: faults are left out: \(obstacle)")
            options.faults = nil
            options.faultsLeftOut = obstacle
        }
        describe(&options)
        return options
    }

    var faultOptions: FaultOptions? { noFaults ? nil : FaultOptions(duration: .seconds(faultSeconds ?? 10)) }

    /// The workloads and a map, or what is wrong with their names or files.
    func settings(_ map: () async throws -> RegionMap) async throws -> ([Workload], RegionMap) {
        do {
            var workloads = trace != nil && workload.isEmpty ? [] : try SettingsLibrary.workloads(workload)
            if let trace { workloads.append(Workload(replaying: try WorkloadTraceFile.read(trace), from: trace)) }
            return (workloads, try await map())
        } catch let error as SettingsError {
            throw CommandFailure.usage("compare", "", error.description)
        } catch let error as UnknownSetting {
            throw CommandFailure.usage("compare", "", error.description)
        } catch let error as UnknownRegion {
            throw CommandFailure.usage("compare", "", error.description)
        }
    }

    func describe(_ options: inout ComparisonOptions) {
        options.created = Date.now.formatted(.iso8601)
        options.command = (["atoll"] + CommandLine.arguments.dropFirst()).joined(separator: " ")
        options.system = Machine.system
        options.machine = Machine.description
    }

    /// The map that the cluster was started with; without one, distances are what the nodes measure, and
    /// nothing is known of prices.
    private func regionMap(_ file: ClusterFile, _ directory: ClusterDirectory) async throws -> RegionMap {
        if let map { return try SettingsLibrary.map(map) }
        if LocalFiles.exists(directory.map) { return try SettingsLibrary.map(directory.map) }
        Terminal.error("the cluster has no region map: distances are measured, prices unknown (name a map with --map)")
        return try await RegionMeasurements.collect(file, directory, for: "compare", patience: .seconds(10)).map(of: file.regions)
    }
}
