import Primitives
package import Workloads

/// Trace hashes of some runs, as `simulations/trace-hashes.txt` has them. Every build of the same sources must come to them,
/// debug and release: the tests compare what they run anyway, and `atoll simulate hashes` all of it.
package struct TraceHashes: Sendable {
    package struct Line: Hashable, Sendable {
        package let scenario: String
        /// Nil: as the scenario says.
        package let storage: WorldOptions.StorageKind?
        /// Of load, instead of what the scenario says; nil: all of it.
        package let seconds: Int?
        package let seed: UInt64
        package var hash: String

        /// What is run, without the hash.
        package var name: String {
            "\(scenario) seed \(seed)" + (storage.map { ", storage \($0.rawValue)" } ?? "") + (seconds.map { ", \($0) s" } ?? "")
        }
    }

    package static let advice = "where runs were meant to change, record them anew with `make record-hashes`; else look for what differs"
    private static let header = """
        # Trace hashes of runs: every build must come to them, debug and release. After a change of what runs do
        # `make record-hashes` writes this file anew.
        # scenario, storage (- as it says), seconds of load (- as it says), seed, hash
        """

    package var lines: [Line] = []

    package init(_ text: String, file: String) throws(SettingsError) {
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard !line.hasPrefix("#"), !line.allSatisfy({ $0 == " " }) else { continue }
            let words = line.split(separator: " ").map(String.init)
            let place = SettingsNode(.scalar(String(line)), file: file, line: number + 1, path: "")
            guard words.count == 5, let seed = UInt64(words[3]), words[1] == "-" || WorldOptions.StorageKind(rawValue: words[1]) != nil,
                words[2] == "-" || Int(words[2]).map({ $0 > 0 && $0 < 100_000 }) == true
            else { throw place.error("is no scenario, storage, seconds, seed and hash") }
            lines.append(
                Line(
                    scenario: words[0], storage: WorldOptions.StorageKind(rawValue: words[1]), seconds: Int(words[2]), seed: seed,
                    hash: words[4]))
        }
    }

    package var text: String {
        let rows = lines.map { line in
            "\(line.scenario) \(line.storage?.rawValue ?? "-") \(line.seconds.map { "\($0)" } ?? "-") \(line.seed) \(line.hash)"
        }
        return ([Self.header] + rows).joined(separator: "\n") + "\n"
    }

    /// Why a run is not the one that is recorded; nil where it is, or none is.
    package func difference(_ scenario: String, storage: WorldOptions.StorageKind? = nil, _ result: RunResult) -> String? {
        lines.first { $0.scenario == scenario && $0.storage == storage && $0.seconds == nil && $0.seed == result.seed }.flatMap {
            difference($0, result)
        }
    }

    package func difference(_ line: Line, _ result: RunResult) -> String? {
        guard result.traceHashText != line.hash else { return nil }
        return "\(line.name): the trace hash is \(result.traceHashText), and \(line.hash) is recorded: \(Self.advice)"
    }
}

extension Scenario {
    /// With so much load, and nothing expected of how much is done in it.
    package func shortened(to seconds: Int?) -> Scenario {
        guard let seconds else { return self }
        var short = self
        short.duration = .seconds(seconds)
        short.expectations = Expectations()
        short.expectations.recoveryMax = expectations.recoveryMax
        return short
    }
}
