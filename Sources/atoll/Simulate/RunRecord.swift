import APISchema
import Foundation
import Primitives
import Simulation

/// One seed's result as it is printed and reported.
struct RunRecord: Sendable {
    let scenario: String
    let seed: UInt64
    let traceHash: String
    let events: UInt64
    let wall: Double
    let simulated: Double
    let recovery: Double?
    let statistics: WorldStatistics
    let violations: [String]
    let repeatLine: String
    /// Nil where it came to its end.
    let stop: RunStop?
    let verdicts: [CheckVerdict]
    let measures: [Measure]
    let gossip: GossipFigures?

    init(_ result: RunResult, wall: Duration, repeatLine: String) {
        scenario = result.scenario
        seed = result.seed
        traceHash = result.traceHashText
        events = result.statistics.events
        self.wall = wall.seconds
        simulated = result.simulated.seconds
        recovery = result.recovery?.seconds
        statistics = result.statistics
        violations = result.violations.map(\.description)
        self.repeatLine = repeatLine
        stop = result.stop
        verdicts = result.verdicts
        measures = result.measures
        gossip = result.gossip
    }

    var text: String {
        var lines = [
            "\(scenario) seed \(seed): \(verdict)" + (stop == nil ? ", trace \(traceHash)" : "")
        ]
        lines.append(
            "  \(Show.figure(simulated)) s simulated in \(Show.figure(wall)) s, \(events) events (\(Show.figure(Double(events) / max(wall, 0.000_001) / 1e6)) million/s), "
                + "\(statistics.operations) operations (\(statistics.failedOperations) failed), \(statistics.commits) commits, "
                + "\(statistics.locks) locks, \(statistics.swept) chunks collected, \(statistics.faults) faults, \(statistics.restarts) starts"
                + (statistics.refusedStarts > 0 ? " and \(statistics.refusedStarts) refused for decay" : "")
                + (recovery.map { ", agreed \(Show.figure($0)) s after the faults" } ?? ""))
        if let gossip {
            lines.append(
                "  \(gossip.falsePositives) false positives (\(gossip.falsePositivesAtHealthy) at healthy members) after \(gossip.suspicions) suspicions, "
                    + "starved members taken for dead \(gossip.starvedTakenForDead) times; a member sends \(gossip.quiet.mean) B/s when all is quiet "
                    + "(at most \(gossip.quiet.highest)), \(gossip.loaded.mean) B/s under load (at most \(gossip.loaded.highest))")
        }
        lines.append("  \(checkWords)")
        for violation in violations.prefix(10) { lines.append("  \(Terminal.escaped(violation))") }
        if violations.count > 10 { lines.append("  and \(violations.count - 10) more") }
        if !violations.isEmpty { lines.append("  repeat: \(repeatLine)") }
        return lines.joined(separator: "\n")
    }

    var undecided: UInt64 { statistics.checks.undecided }

    /// In a few words: what was not checked has not held.
    var verdict: String {
        var words: [String] = []
        if !violations.isEmpty { words.append("\(violations.count) violated") }
        if undecided > 0 { words.append("undecided: \(undecided)") }
        if let stop {
            words.append("stopped after \(Show.figure(stop.at.seconds)) s of simulated time (\(stop.phase)), not checked at the end")
        } else if violations.isEmpty {
            words.append(words.isEmpty ? "all held" : "all else held")
        }
        return words.joined(separator: ", ")
    }

    /// How much was looked at, by the kind of check.
    private var checkWords: String {
        let counts = verdicts.filter { $0.word != .nothing }.map { check in
            "\(check.kind.rawValue) \(check.checked)" + (check.undecided > 0 ? " (undecided: \(check.undecided))" : "")
        }
        let nothing = verdicts.filter { $0.word == .nothing }.map(\.kind.rawValue)
        return "checked: " + (counts.isEmpty ? "nothing" : counts.joined(separator: ", "))
            + (nothing.isEmpty ? "" : "; nothing to check: \(nothing.joined(separator: ", "))")
    }

    /// The stable form (docs/reference/scenarios.md).
    var json: String {
        JSONWriter.text { writer in
            writer.object {
                $0.field("scenario", scenario)
                $0.field("seed", seed)
                $0.field("trace_hash", traceHash)
                $0.field("events", events)
                $0.field("wall_s", wall)
                $0.field("simulated_s", simulated)
                $0.field("operations", statistics.operations)
                $0.field("failed_operations", statistics.failedOperations)
                $0.field("commits", statistics.commits)
                $0.field("faults", statistics.faults)
                $0.key("recovery_s")
                if let recovery { $0.value(recovery) } else { $0.null() }
                $0.key("measures")
                $0.array {
                    for measure in measures {
                        $0.object {
                            $0.field("name", measure.name)
                            $0.field("ms", Double(measure.nanoseconds) / 1e6)
                        }
                    }
                }
                $0.key("gossip")
                if let gossip { write(gossip, &$0) } else { $0.null() }
                $0.key("stopped")
                if let stop {
                    $0.object {
                        $0.field("at_s", stop.at.seconds)
                        $0.field("phase", stop.phase)
                    }
                } else {
                    $0.null()
                }
                $0.field("undecided", undecided)
                $0.key("checks")
                $0.array { for check in verdicts { write(check, &$0) } }
                $0.key("violations")
                $0.array { for violation in violations { $0.value(violation) } }
                $0.field("repeat", repeatLine)
            }
        }
    }

    private func write(_ check: CheckVerdict, _ writer: inout JSONWriter) {
        writer.object {
            $0.field("kind", check.kind.rawValue)
            $0.field("verdict", check.word.rawValue)
            $0.field("checked", check.checked)
            $0.field("undecided", check.undecided)
        }
    }

    private func write(_ gossip: GossipFigures, _ writer: inout JSONWriter) {
        writer.object {
            $0.field("false_positives", gossip.falsePositives)
            $0.field("false_positives_at_healthy", gossip.falsePositivesAtHealthy)
            $0.field("suspicions", gossip.suspicions)
            $0.field("starved_taken_for_dead", gossip.starvedTakenForDead)
            for (name, figure) in [("quiet", gossip.quiet), ("loaded", gossip.loaded)] {
                $0.key("\(name)_bytes_per_s")
                if figure.isMeasured { $0.value(figure.mean) } else { $0.null() }
                $0.key("\(name)_bytes_per_s_max")
                if figure.isMeasured { $0.value(figure.highest) } else { $0.null() }
            }
        }
    }
}
