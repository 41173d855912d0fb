import APIClient
import APISchema
import ArgumentParser
import Primitives
import Workloads

/// `atoll regions`: what was measured between regions, beside what the map says.
struct Regions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the measured region-to-region table beside the map's.")
    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var output: OutputOptions

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
        let directory = ClusterDirectory(cluster.dataDirectory)
        let file = try ClusterFile.require(directory, "regions")
        let views = await Views.collect(file.nodes, directory) { client in try await client.regions() }
        guard !views.isEmpty else { throw CommandFailure("regions", "", "no node answers", hint: "see `atoll status`") }
        let map = LocalFiles.exists(directory.map) && file.map != "none" ? try RegionMapFile.read(directory.map) : nil
        var rows: [Row] = []
        for from in file.regions {
            for to in file.regions where from != to {
                // The view with the most samples of a node in that region: it measured this pair itself.
                let best = views.filter { $0.node.region == from }.flatMap { $0.answer }
                    .filter { $0.from.name == from && $0.to.name == to }.max { $0.samples < $1.samples }
                rows.append(
                    Row(
                        from: from, to: to, map: map?.roundTrip(RegionID(from), RegionID(to))?.inMilliseconds,
                        median: best?.medianMilliseconds,
                        p90: best?.p90Milliseconds, samples: best?.samples ?? 0))
            }
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
