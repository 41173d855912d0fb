import Foundation
import Simulation

/// The first lines of an event log: which run it is of, so that `atoll replay` can run it again.
struct TraceHeader {
    let scenario: String
    let map: String
    let storage: String?
    let seed: UInt64
    let mutant: String?

    static let magic = "# atoll-trace 1"

    var lines: [String] {
        [Self.magic, "# scenario \(scenario)", "# map \(map)", "# seed \(seed)"] + (storage.map { ["# storage \($0)"] } ?? [])
            + (mutant.map { ["# mutant \($0)"] } ?? [])
    }

    init(scenario: String, map: String, storage: String?, seed: UInt64, mutant: String?) {
        // A file is named from the root, so that the log can be replayed in another folder.
        let isFile = scenario.contains("/") || scenario.hasSuffix(".yaml")
        self.scenario = isFile ? URL(fileURLWithPath: scenario).standardizedFileURL.path : scenario
        self.map = map
        self.storage = storage
        self.seed = seed
        self.mutant = mutant
    }

    /// `lines`: the whole log's. Throws where they are no event log.
    init(lines: some Sequence<Substring>, path: String) throws {
        var fields: [Substring: String] = [:]
        var isFirst = true
        for line in lines {
            guard line.hasPrefix("# ") else { break }
            if isFirst, line != Self.magic {
                throw CommandFailure(
                    "replay", path, "\(line.dropFirst(2)) is of another version", hint: "write it anew: atoll simulate … --trace FILE")
            }
            isFirst = false
            let words = line.dropFirst(2).split(separator: " ", maxSplits: 1)
            if words.count == 2 { fields[words[0]] = String(words[1]) }
        }
        guard let scenario = fields["scenario"], let map = fields["map"], let seed = fields["seed"].flatMap(UInt64.init) else {
            throw CommandFailure("replay", path, "it is no event log", hint: "write one: atoll simulate SCENARIO --seed N --trace FILE")
        }
        self.init(scenario: scenario, map: map, storage: fields["storage"], seed: seed, mutant: fields["mutant"])
    }
}
