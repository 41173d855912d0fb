import Comparison
import Foundation
import Primitives
import Transport
import Workloads

/// Region maps by name or file, and what of them shapes the links of a local cluster.
enum RegionMapFile {
    /// `simulations/regions` below this folder, beside the program, or above it (a source tree).
    static func folders() -> [String] {
        var folders = [LocalFiles.absolute("simulations/regions")]
        var place = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        place = (place as NSString).deletingLastPathComponent
        folders.append("\(place)/../share/atoll/regions")
        while place.count > 1 {
            folders.append("\(place)/simulations/regions")
            place = (place as NSString).deletingLastPathComponent
        }
        return folders
    }

    /// The text of the map `name`: a file, one beside the program, or one that the program carries.
    static func text(_ name: String, _ operation: String) throws -> String {
        if name.contains("/") || name.hasSuffix(".yaml") {
            guard LocalFiles.exists(name) else { throw CommandFailure.usage(operation, "--map \(name)", "there is no such file") }
            return try LocalFiles.text(name)
        }
        if let carried = BuiltinFile.maps.first(where: { $0.name == name }) { return carried.text }
        for folder in folders() where LocalFiles.exists("\(folder)/\(name).yaml") { return try LocalFiles.text("\(folder)/\(name).yaml") }
        // Those beside the program count too: in a source tree there are more than it carries.
        let beside = folders().flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
            .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }
        let known = Set(BuiltinFile.maps.map(\.name) + beside).sorted().prefix(32) + ["none"]
        throw CommandFailure.usage(
            operation, "--map \(name)", "there is no such map", hint: "choose \(known.joined(separator: ", ")), or name a file")
    }

    static func parse(_ text: String, name: String) throws -> RegionMap {
        do throws(SettingsError) {
            return try RegionMap(settings: try SettingsFile.parse(text, name: name))
        } catch {
            throw CommandFailure.usage(CommandLine.verb, "--map \(name)", "\(error)")
        }
    }

    static func read(_ path: String) throws -> RegionMap { try parse(try LocalFiles.text(path), name: path) }

    /// The rules that give a cluster the map's round trips, jitter and throughput. Where nodes shape what they send
    /// themselves, each gets an equal part of the links of its region, so that together they have the map's capacity;
    /// a router between namespaces sees all of it.
    static func rules(_ map: RegionMap?, _ file: ClusterFile) -> LinkRules {
        var rules = LinkRules()
        guard let map else { return rules }
        let regions = file.regions.map { RegionID($0) }
        for a in regions {
            let senders = file.network == .loopback ? max(1, file.nodes.count { $0.region == a.name }) : 1
            for b in regions {
                guard let link = map.link(from: a, to: b) else { continue }
                let isLocal = a == b
                rules[a, b] = LinkRule(
                    delay: link.roundTrip / 2, jitter: deviation(link.jitter), window: isLocal ? nil : Int(clamping: link.flowWindow),
                    capacity: isLocal ? nil : max(1, Int(clamping: link.bytesPerSecond) / senders))
            }
        }
        return rules
    }

    /// The map tells the mean deviation of a round trip; a rule takes the standard deviation of one
    /// way. For a bell curve σ = 1.253 × mean deviation, and two independent ways give √2 of one.
    private static func deviation(_ roundTrip: Duration) -> Duration { roundTrip * 1.2533 / 1.4142 }
}
