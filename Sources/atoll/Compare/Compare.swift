import ArgumentParser
import Comparison
import Foundation
import Primitives
import Reports
import Workloads

/// `atoll compare`: what a single-region file system costs, what a replicated volume costs, and
/// where they cross over, measured on a running cluster.
struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare a network file system with a volume, on real files, from every region of a running cluster.",
        discussion: "Workloads: \(BuiltinFile.workloads.map(\.name).joined(separator: ", ")), or the path of a file.")

    @OptionGroup var cluster: ClusterOptions

    @Flag(help: "Measure the running cluster (the default).")
    var live = false
    @Option(name: [.customShort("w"), .long], help: "A workload, by name or file; may be given several times. All by default.")
    var workload: [String] = []
    @Option(help: "The folder for report.html, report.md and report.json.")
    var report = ReportFolder.defaultPath
    @Option(help: "A folder with files of your own; the machine's own directories by default.")
    var input: String?
    @Option(help: "The primary region; the first of the cluster by default.")
    var primary: String?
    @Option(help: "The region map for prices and distances; the cluster's own by default.")
    var map: String?
    @Option(help: "Time for all measurements, 10 to 86400 s; later cells are cut short where it runs low.")
    var seconds = 240
    @Flag(help: "Leave the two file systems in place.")
    var keep = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (10...86_400).contains(seconds) else { throw ValidationError("--seconds \(seconds): give 10 to 86400") }
    }

    func run() async throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        let file = try ClusterFile.require(directory, "compare")
        if let input, !LocalFiles.exists(input) { throw CommandFailure("compare", "--input \(input)", "there is no such folder") }
        // A report that can not be written would be known too late.
        try LocalFiles.makeDirectory(report)
        let options = try await options(file, directory)
        let live = try LiveCluster(file, directory)
        let runner = ComparisonRunner(client: live, options: options) { Terminal.error($0) }
        let work = Task { try await runner.run() }
        let stop = StopRequest()
        let waiting = Task {
            _ = await stop.wait()
            guard !Task.isCancelled else { return }
            Terminal.error("stopping; the file systems of the comparison are deleted")
            work.cancel()
        }
        let result = await work.result
        waiting.cancel()
        await live.shutdown()
        try finish(try unwrap(result))
    }

    private func unwrap(_ result: Result<ComparisonReport, any Error>) throws -> ComparisonReport {
        do {
            return try result.get()
        } catch let error as ComparisonError {
            throw CommandFailure("compare", "", error.description)
        } catch let error as InputFinder.NoInput {
            throw CommandFailure.usage("compare", "", error.description)
        } catch let error as UnknownRegion {
            throw CommandFailure.usage("compare", "", error.description)
        }
    }

    private func finish(_ comparison: ComparisonReport) throws {
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
    }

    private func options(_ file: ClusterFile, _ directory: ClusterDirectory) async throws -> ComparisonOptions {
        let workloads: [Workload]
        let regions: RegionMap
        do {
            workloads = try SettingsLibrary.workloads(workload)
            regions = try await regionMap(file, directory)
        } catch let error as SettingsError {
            throw CommandFailure.usage("compare", "", error.description)
        } catch let error as UnknownSetting {
            throw CommandFailure.usage("compare", "", error.description)
        }
        let home = primary ?? file.regions[0]
        guard file.regions.contains(home) else { throw file.unknownRegion(home, "compare") }
        var options = ComparisonOptions(
            workloads: workloads, map: regions, primary: RegionID(home), nonce: UInt64.random(in: 1...UInt64.max))
        options.inputFolder = input
        options.budget = .seconds(seconds)
        options.keep = keep
        options.created = Date.now.formatted(.iso8601)
        options.command = (["atoll"] + CommandLine.arguments.dropFirst()).joined(separator: " ")
        options.system = Machine.system
        options.machine = Machine.description
        return options
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
