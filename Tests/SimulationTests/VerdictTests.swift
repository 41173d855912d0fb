import Comparison
import Primitives
import StorageSimulation
import Testing
import Workloads

@testable import Simulation

/// A run says of each kind of check whether it held, and never so where nothing was looked at or not all of it.
@Suite struct VerdictTests {
    private func scenario(_ kind: String, _ expect: String = "") throws -> Scenario {
        let text = """
            schema: 1
            name: small
            title: A small one
            nodes: {us-east-1: 3}
            filesystems:
              - {name: data, kind: \(kind), home: us-east-1}
            clients:
              - {filesystem: data, files: 2}
            duration_s: 5
            \(expect)
            """
        return try Scenario(settings: SettingsFile.parse(text, name: "small.yaml"), map: SwarmTests.map)
    }

    private func word(_ kind: Violation.Kind, _ result: RunResult) -> CheckVerdict.Word? {
        result.verdicts.first { $0.kind == kind }?.word
    }

    @Test func whatAScenarioLacksHasNotHeld() throws {
        let shared = Simulation.run(try scenario("nfs"), seed: 1)
        #expect(shared.violations.isEmpty)
        #expect(word(.linearizability, shared) == .held && word(.volume, shared) == .nothing, "\(shared.verdicts)")
        let volume = Simulation.run(try scenario("volume"), seed: 1)
        #expect(word(.linearizability, volume) == .nothing && word(.volume, volume) == .held, "\(volume.verdicts)")
        for kind in [Violation.Kind.answers, .election, .durability, .content, .convergence, .liveness, .format, .expectation] {
            let verdict = try #require(volume.verdicts.first { $0.kind == kind })
            #expect(verdict.word == .held && verdict.checked > 0, "\(verdict)")
        }
    }

    @Test func membershipAloneIsCheckedForOneThing() throws {
        let root = try SettingsLibrary.scenario("gossip-15")
        let scenario = try Scenario(settings: root, map: SwarmTests.map).shortened(to: 2)
        #expect(Simulation.run(scenario, seed: 1).verdicts.map(\.kind) == [.convergence])
        let stopped = Simulation.run(scenario, seed: 1, onProgress: { $0.simulated < .seconds(20) })
        #expect(stopped.verdicts.map(\.word) == [.stopped] && stopped.stop?.phase == "start", "\(stopped.verdicts)")
    }

    /// What was found before a run is stopped is told, though it waited for more of its kind.
    @Test func aStoppedRunTellsWhatIsKnown() {
        for seed in 1...60 as ClosedRange<UInt64> {
            let result = Simulation.run(
                .swarm(SwarmTests.map, seed: seed), seed: seed, mutant: .conflictsForgotten, onProgress: { $0.phase != "heal" })
            guard result.wasStopped, result.verdicts.contains(where: { $0.kind == .volume && $0.word == .violated }) else { continue }
            #expect(result.stop?.phase == "heal")
            return
        }
        Issue.record("not seen in 60 seeds before healing")
    }

    /// A search that is given up is neither right nor wrong: it fails the run, unless the scenario allows for it.
    @Test func whatIsUndecidedIsNotTakenForRight() throws {
        func run(_ expect: String = "") throws -> RunResult {
            var run = ClusterRun(try scenario("nfs", expect), seed: 1, mutant: nil, storage: nil, sink: nil)
            run.world.statistics.checks.countUndecided(.linearizability, 2)
            return run.run()
        }
        let plain = try run()
        #expect(word(.linearizability, plain) == .undecided)
        #expect(plain.violations.map(\.kind) == [.expectation], "\(plain.violations)")
        #expect(plain.violations.first?.text.contains("undecided: linearizability 2; expected at most 0") == true)
        #expect(try run("expect: {undecided_max: 1}").violations.count == 1)
        let allowed = try run("expect: {undecided_max: 2}")
        #expect(allowed.violations.isEmpty && word(.linearizability, allowed) == .undecided)
    }
}
