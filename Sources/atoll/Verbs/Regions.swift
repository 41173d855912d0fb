import APIClient
import APISchema
import ArgumentParser
import Primitives
import Workloads

/// `atoll regions`: what was measured between regions, beside what the map says.
struct Regions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the measured region-to-region table, of a local cluster beside the map's.")
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Seconds to wait, at most, for pairs of regions that nobody has measured yet.") var wait: Double = 5

    func validate() throws {
        guard (0...600).contains(wait) else { throw ValidationError("--wait \(wait): give 0 to 600 seconds") }
    }

    private struct Row: JSONEncodable {
        var from: String
        var to: String
        var map: Double?
        var median: Double?
        var p90: Double?
        var samples: UInt64

        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("from", from)
                $0.field("to", to)
                $0.field("map_ms", map)
                $0.field("median_ms", median)
                $0.field("p90_ms", p90)
                $0.field("samples", samples)
            }
        }
    }

    func run() async throws {
        let found = try await ClusterNodes.find(cluster, "regions")
        var map: RegionMap?
        if let local = found.local, local.file.map != "none", LocalFiles.exists(local.directory.map) {
            map = try RegionMapFile.read(local.directory.map)
        }
        let measured = try await RegionMeasurements.collect(found, for: "regions", patience: .seconds(wait))
        let rows = measured.pairs.map { pair in
            Row(
                from: pair.from, to: pair.to, map: map?.roundTrip(RegionID(pair.from), RegionID(pair.to))?.inMilliseconds,
                median: pair.medianMilliseconds, p90: pair.p90Milliseconds, samples: pair.samples)
        }
        guard !output.json else { return Show.json("pairs", rows) }
        var table = Table("From", "To", ">Map ms", ">Median ms", ">p90 ms", ">Samples", ">Difference")
        for row in rows {
            var difference = "-"
            if let map = row.map, let median = row.median, map > 0 { difference = "\(Show.milliseconds(median - map)) ms" }
            table.add(
                row.from, row.to, Show.milliseconds(row.map), Show.milliseconds(row.median), Show.milliseconds(row.p90), "\(row.samples)",
                difference)
        }
        table.show()
    }
}
