import Comparison
import Primitives
import Simulation
import StorageSimulation
import Testing
import Workloads

/// Random worlds: see docs/internals/simulation.md.
@Suite struct SwarmTests {
    static let map = try! SettingsLibrary.map("aws")

    /// 200 seeds. A failure says which command repeats it.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func whatIsPromisedHolds(batch: UInt64) {
        for seed in (batch * 10 + 1)...(batch * 10 + 10) {
            let result = Simulation.run(.swarm(Self.map, seed: seed), seed: seed, storage: NodeStorage.maker())
            #expect(result.violations.isEmpty, "atoll simulate swarm --seed \(seed): \(result.violations.map(\.description))")
            #expect(result.statistics.operations > 20, "seed \(seed) did nothing")
            if let difference = TraceHashTests.recorded.difference("swarm", result) { Issue.record("\(difference)") }
        }
    }

    /// Seeds that once found something; what it was stands beside them.
    @Test(
        arguments: [
            // A commit brought a file back that another had removed, and did not say so.
            1, 5, 10, 11,
        ] as [UInt64])
    func whatWasFoundIsMended(seed: UInt64) {
        let result = Simulation.run(.swarm(Self.map, seed: seed, storage: .standIn), seed: seed)
        let words = "atoll simulate swarm --seed \(seed) --storage stand-in"
        #expect(result.violations.isEmpty, "\(words): \(result.violations.map(\.description))")
    }

    /// A machine with an empty disk asked to be let in again and again, so that the catalog always had an entry under way: its
    /// leader forgot each time since when that machine was lost, and replicas never moved.
    @Test func replicasMoveThoughTheCatalogIsBusy() {
        let scenario = Scenario.swarm(Self.map, seed: 13)
        #expect(scenario.faults.count { if case .replaceDisk = $0.fault { true } else { false } } == 3)
        let result = Simulation.run(scenario, seed: 13, storage: NodeStorage.maker())
        #expect(result.violations.isEmpty, "atoll simulate swarm --seed 13: \(result.violations.map(\.description))")
    }

    /// What the second list has comes up, too.
    @Test func everyKindOfFaultIsDrawn() {
        var seen: Set<String> = []
        for seed in 1...400 as ClosedRange<UInt64> {
            let scenario = Scenario.swarm(Self.map, seed: seed)
            if !scenario.options.late.isEmpty { seen.insert("late") }
            if scenario.options.replicaGrace < .seconds(300) { seen.insert("grace") }
            if let minority = scenario.minority { seen.insert("minority: \(minority.state.rawValue)") }
            var lost = 0
            for fault in scenario.faults.map(\.fault) {
                switch fault {
                case .shift: seen.insert("shift")
                case .lossy: seen.insert("lossy")
                case .driftClock: seen.insert("drift")
                case .leave: seen.insert("leave")
                case .upgrade(_, _, _, true): seen.insert("poison")
                case .upgrade(_, 2, 2, _): seen.insert("only the new wire")
                case .replaceDisk: lost += 1
                case .rot(_, let part):
                    lost += 1
                    seen.insert("rot: \(part.rawValue)")
                case .decay: if lost > 0 { seen.insert("decay after a loss") }
                default: break
                }
            }
            if lost > 1 { seen.insert("disks") }
        }
        #expect(
            seen == [
                "late", "grace", "minority: crash", "minority: pause", "minority: isolate", "shift", "lossy", "drift", "leave", "poison",
                "only the new wire", "disks", "decay after a loss", "rot: log", "rot: snapshots",
            ])
    }

    @Test func theSameSeedGivesTheSameTrace() {
        let first = Simulation.run(.swarm(Self.map, seed: 7), seed: 7, storage: NodeStorage.maker())
        let second = Simulation.run(.swarm(Self.map, seed: 7), seed: 7, storage: NodeStorage.maker())
        #expect(first.traceHash == second.traceHash)
        #expect(first.statistics == second.statistics)
        #expect(first.traceHash != Simulation.run(.swarm(Self.map, seed: 8), seed: 8, storage: NodeStorage.maker()).traceHash)
    }

    /// Writing the event log changes nothing.
    @Test func theTraceIsTheSameWithAndWithoutItsText() {
        var lines = 0
        let told = Simulation.run(.swarm(Self.map, seed: 4), seed: 4, storage: NodeStorage.maker(), sink: { _ in lines += 1 })
        #expect(told.traceHash == Simulation.run(.swarm(Self.map, seed: 4), seed: 4, storage: NodeStorage.maker()).traceHash)
        #expect(lines > 1_000)
    }

    @Test func aRunCanBeStopped() {
        let result = Simulation.run(
            .swarm(Self.map, seed: 2), seed: 2, storage: NodeStorage.maker(), onProgress: { $0.simulated < .seconds(3) })
        #expect(result.wasStopped)
        #expect(result.simulated < .seconds(6))
        #expect(result.stop == RunStop(at: result.simulated, phase: "load"))
        // What was not looked at in the end has not held.
        #expect(result.violations.isEmpty && result.verdicts.allSatisfy { $0.word == .stopped }, "\(result.verdicts)")
    }
}
