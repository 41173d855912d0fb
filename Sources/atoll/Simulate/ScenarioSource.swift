import Comparison
import Foundation
import Primitives
import Simulation
import Workloads

/// Where a seed's scenario comes from: a file is the same for all seeds, a swarm is drawn for each.
struct ScenarioSource: Sendable {
    private let fixed: Scenario?
    private let map: RegionMap

    init(_ name: String, map: String) throws {
        if name == "swarm" {
            fixed = nil
            self.map = try SettingsLibrary.map(map)
            return
        }
        let root = try Self.node(name)
        let header = try ScenarioHeader(settings: root)
        if header.isSwarm {
            fixed = nil
            self.map = try SettingsLibrary.map(header.map)
        } else {
            self.map = try SettingsLibrary.map(header.map)
            fixed = try Scenario(settings: root, map: self.map)
        }
    }

    func scenario(_ seed: UInt64) -> Scenario { fixed ?? .swarm(map, seed: seed) }

    private static func node(_ name: String) throws -> SettingsNode {
        if name.contains("/") || name.hasSuffix(".yaml") { return try SettingsFile.read(name) }
        let folders = RegionMapFile.folders().map { ($0 as NSString).deletingLastPathComponent + "/scenarios" }
        for folder in folders {
            let path = "\(folder)/\(name).yaml"
            if LocalFiles.exists(path) { return try SettingsFile.read(path) }
        }
        var known = ["swarm"]
        for folder in folders {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            known += files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
            if known.count > 1 { break }
        }
        throw UnknownSetting(what: "scenario", name: name, known: known)
    }
}
