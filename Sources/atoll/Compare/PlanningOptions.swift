import ArgumentParser
import Foundation
import Primitives
import Reports
import Workloads

/// What only a simulated comparison takes.
struct PlanningOptions: ParsableArguments {
    @Option(help: "Regions of the map, with commas between (default us-east-1,eu-west-1,ap-northeast-1, or the map's first three).")
    var regions: String?
    @Option(name: .customLong("nodes-per-region"), help: "Nodes in each region, 1 to 9 (default 1).")
    var nodesPerRegion: Int?
    @Option(help: "The seed of everything drawn (default 1).")
    var seed: UInt64?
    @Option(help: "A report.json of --both whose measured costs of local calls are used instead of the program's own table.")
    var costs: String?

    @Option(help: "Run once for each value: home=REGION,…, regions=3,5,7, rtt=0.5,1,2 (factors) or file-size=64KiB,1MiB,16MiB.")
    var sweep: String?
    @Flag(help: "Say where to put a volume for the clients: home, voters, who feeds whom; the two best are simulated.")
    var advise = false
    @Option(help: "Of --advise: REGION=COUNT,…; one in each region by default.")
    var clients: String?

    /// The first option that was given.
    var named: String? {
        if regions != nil { return "--regions" }
        if nodesPerRegion != nil { return "--nodes-per-region" }
        if seed != nil { return "--seed" }
        if costs != nil { return "--costs" }
        if sweep != nil { return "--sweep" }
        if advise { return "--advise" }
        if clients != nil { return "--clients" }
        return nil
    }

    func check() throws {
        if sweep != nil, advise { throw ValidationError("--sweep and --advise exclude each other") }
        if clients != nil, !advise { throw ValidationError("--clients needs --advise") }
        if let nodesPerRegion, !(1...9).contains(nodesPerRegion) {
            throw ValidationError("--nodes-per-region \(nodesPerRegion): give 1 to 9")
        }
    }

    /// The regions that are simulated, of a map.
    func names(in map: RegionMap) throws -> [String] {
        guard let regions else {
            let usual = Up.standardRegions
            return usual.allSatisfy { map.contains(RegionID($0)) } ? usual : Array(map.regions.prefix(3).map(\.id.name))
        }
        let names = regions.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
        guard names.count <= 32 else { throw CommandFailure.usage("compare", "--regions", "at most 32 regions") }
        guard Set(names).count == names.count else { throw CommandFailure.usage("compare", "--regions", "a region is named twice") }
        for name in names { try Self.require(name, in: map, "--regions") }
        return names
    }

    @discardableResult
    static func require(_ name: String, in map: RegionMap, _ option: String) throws -> RegionID {
        do {
            return try map.region(named: name)
        } catch {
            throw CommandFailure.usage("compare", option, error.description)
        }
    }

    /// Who is where; all of them among the simulated regions.
    func mix(in map: RegionMap, of whole: RegionMap) throws -> ClientMix {
        guard let clients else { return ClientMix(map.regions.map { .init(region: $0.id, count: 1) }) }
        var entries: [ClientMix.Entry] = []
        for word in clients.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = word.split(separator: "=", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            guard halves.count == 2, let count = Int(halves[1]), (1...1_000_000).contains(count) else {
                throw CommandFailure.usage("compare", "--clients \(word)", "is not REGION=COUNT", hint: "such as us-east-1=20,eu-west-1=5")
            }
            let region = try Self.require(halves[0], in: whole, "--clients")
            guard map.contains(region) else {
                throw CommandFailure.usage(
                    "compare", "--clients \(word)",
                    "is not among the simulated regions \(map.regions.map(\.id.name).joined(separator: ", "))",
                    hint: "name it in --regions")
            }
            guard !entries.contains(where: { $0.region == region }) else {
                throw CommandFailure.usage("compare", "--clients \(word)", "the region is named twice")
            }
            entries.append(.init(region: region, count: count))
        }
        return ClientMix(entries)
    }

    func table() throws -> WorkloadCosts {
        guard let path = costs else { return .standard }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure.usage("compare", "--costs \(path)", "cannot be read: \(error.localizedDescription)")
        }
        guard let report = try? ComparisonReport(json: data), let costs = report.costs, costs.isSound, !costs.entries.isEmpty else {
            throw CommandFailure.usage(
                "compare", "--costs \(path)", "is no report with costs of calls", hint: "give the report.json of `atoll compare --both`")
        }
        return costs
    }
}
