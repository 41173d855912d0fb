internal import Foundation
package import Workloads

/// Maps, workloads and scenarios by name (those that the program carries) or by file.
package enum SettingsLibrary {
    /// A map: a built-in name, or a path (anything with a `/` or ending in `.yaml`).
    package static func map(_ name: String) throws -> RegionMap {
        try RegionMap(settings: node(name, among: BuiltinFile.maps, what: "map", folder: "regions"))
    }

    /// The settings of a scenario; `besides` are names that an error lists too.
    package static func scenario(_ name: String, besides: [String] = []) throws -> SettingsNode {
        try node(name, among: BuiltinFile.scenarios, what: "scenario", folder: "scenarios", besides: besides)
    }

    package static func workload(_ name: String) throws -> Workload {
        try Workload(settings: node(name, among: BuiltinFile.workloads, what: "workload", folder: "workloads"))
    }

    /// The workloads of a comparison that names none.
    package static func workloads(_ names: [String] = []) throws -> [Workload] {
        var out: [Workload] = []
        for name in names.isEmpty ? BuiltinFile.workloads.map(\.name) : names {
            let workload = try workload(name)
            if !out.contains(where: { $0.name == workload.name }) { out.append(workload) }
        }
        return out
    }

    private static func node(_ name: String, among files: [BuiltinFile], what: String, folder: String, besides: [String] = []) throws
        -> SettingsNode
    {
        if let file = files.first(where: { $0.name == name }) {
            return try SettingsFile.parse(file.text, name: "\(file.name).yaml (built in)")
        }
        if name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return try SettingsFile.read(name) }
        // Beside the sources there may be more than the program carries.
        let path = "simulations/\(folder)/\(name).yaml"
        if FileManager.default.fileExists(atPath: path) { return try SettingsFile.read(path) }
        throw UnknownSetting(what: what, name: name, known: besides + files.map(\.name))
    }
}

/// A map, workload or scenario that is neither built in nor a file.
package struct UnknownSetting: Error, Sendable, CustomStringConvertible {
    package let what: String
    package let name: String
    package let known: [String]

    package init(what: String, name: String, known: [String]) {
        self.what = what
        self.name = name
        self.known = known
    }

    package var description: String {
        "\(what) \(name): there is none of that name; \(Suggestion.sentence(for: name, among: known)); or give the path of a file"
    }
}
