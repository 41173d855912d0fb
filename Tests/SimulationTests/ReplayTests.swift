import Comparison
import Primitives
import Testing
import Workloads

@testable import Simulation

@Suite struct ReplayTests {
    static let map = try! SettingsLibrary.map("aws")

    @Test func aReplayIsTheRunItself() {
        let scenario = Scenario.swarm(Self.map, seed: 7)
        let plain = Simulation.run(scenario, seed: 7)
        var steps: [ReplayStep] = []
        let replay = Replay(.event(node: nil)) { step, _ in
            steps.append(step)
            return .event(node: nil)
        }
        let again = Simulation.replay(scenario, seed: 7, replay)
        // Looking changes nothing, and every event of a node is seen.
        #expect(again.traceHash == plain.traceHash)
        #expect(UInt64(steps.count) == plain.statistics.nodeEvents)
        #expect(steps.map(\.number) == Array(1...UInt64(steps.count)))
        #expect(steps.contains { step in step.changes.contains { $0.hasPrefix("group g0 role: ") && $0.contains("-> leader") } })
    }

    @Test func itStopsWhereItIsTold() {
        let scenario = Scenario.swarm(Self.map, seed: 7)
        var seen: [(Int, Int64, Bool)] = []
        var state: [String] = []
        let replay = Replay(.time(3_000_000_000)) { step, describe in
            seen.append((step.node, step.time, step.changes.isEmpty))
            state = describe(1)
            #expect(describe(99).first?.contains("no node 99") == true)
            return seen.count < 5 ? .change(node: 2) : nil
        }
        let result = Simulation.replay(scenario, seed: 7, replay)
        #expect(seen.count == 5 && replay.isStopped && result.wasStopped)
        #expect(seen.allSatisfy { $0.1 >= 3_000_000_000 })
        #expect(seen.dropFirst().allSatisfy { $0.0 == 2 && !$0.2 })
        #expect(state.first == "node 1 in \(scenario.options.machines[0].region), up" && state.count > 3)
    }

    @Test func differencesAreNamed() {
        let lines = Replay.difference([("a", "1"), ("b", "2"), ("d", "4")], [("a", "1"), ("b", "3"), ("c", "9")])
        #expect(lines == ["b: 2 -> 3", "c: new, 9", "d: 4 -> gone"])
        #expect(Replay.difference([], []) == [])
    }
}
