import Foundation
import Primitives
import Testing

@testable import Consensus

/// Whoever believes to lead is asked to read, all the time, while others take over: the lease must
/// end before another leader can have committed anything. Clocks drift as far as they may, lines are
/// fast, and what may go wrong goes wrong just then.
@Suite struct LeaseTests {
    enum Plan: CaseIterable {
        case isolateLeader
        case cutOneFollower
        case restartTheOther
        case transferThenIsolate
        case lateTransfer
    }

    @Test(arguments: Plan.allCases) func readsAreNeverStale(_ plan: Plan) {
        var served = 0
        var takeovers = 0
        for seed in UInt64(1)...14 {
            var run = LeaseRun(plan: plan, seed: seed)
            run.perform()
            #expect(run.world.checker.violations.isEmpty, "seed \(seed): \(run.world.checker.violations.prefix(3))")
            served += run.servedAfterwards
            takeovers += run.hasTakenOver ? 1 : 0
        }
        // Otherwise nothing was tested. An order to campaign that is too late must not be obeyed.
        #expect(served > 100 && (plan == .lateTransfer ? takeovers == 0 : takeovers > 6), "\(served) reads, \(takeovers) takeovers")
    }
}

struct LeaseRun {
    var world: World
    let plan: LeaseTests.Plan
    var servedAfterwards = 0
    var hasTakenOver = false
    private let old: Int
    private let heir: Int
    private let third: Int

    init(plan: LeaseTests.Plan, seed: UInt64) {
        self.plan = plan
        var options = World.Options()
        options.delay = 100...400
        options.diskDelay = 30...60
        options.roundTripMilliseconds = 1
        options.settings.electionTimeoutMinimum = .milliseconds(150)
        options.settings.leaseMaximum = .milliseconds(seed % 2 == 0 ? 100 : 150)
        options.settings.quiesceAfter = nil
        var world = World(options, seed: seed)
        world.run(until: 700_000)
        let old = (1...3).first { world.nodes[$0].raft?.leader(of: GroupID(1)) == World.id($0) } ?? 1
        let heir = old % 3 + 1
        let third = heir % 3 + 1
        // From now on the leader's clock is slow, the others' fast: together 8 of the 10 percent.
        world.setRate(old, 960)
        world.setRate(heir, 1_040)
        world.setRate(third, 1_040)
        // The leader itself does not notice soon that it is alone.
        if plan != .lateTransfer { world.send(MultiRaftEvent.roundTrips((1...3).map { (World.id($0), .milliseconds(300)) }), to: old) }
        world.send(.preference(preferredLeaders: [World.id(heir)]), to: heir)
        world.run(until: 900_000 + Int64(seed) * 3_137)
        (self.world, self.old, self.heir, self.third) = (world, old, heir, third)
    }

    mutating func perform() {
        disturb()
        let served = world.checker.readsServed
        let end = world.microseconds + (plan == .lateTransfer ? 800_000 : 400_000)
        while world.microseconds < end {
            world.run(until: world.microseconds + 1_000)
            poll()
        }
        servedAfterwards = world.checker.readsServed - served
    }

    private mutating func cut(_ a: Int, _ b: Int) {
        world.setCut(a, b, true)
        world.setCut(b, a, true)
    }

    private mutating func disturb() {
        switch plan {
        case .isolateLeader:
            cut(old, heir)
            cut(old, third)
            for node in [heir, third] { world.send(MultiRaftEvent.unreachable(World.id(old)), to: node) }
        case .cutOneFollower:
            cut(old, heir)
            world.send(MultiRaftEvent.unreachable(World.id(old)), to: heir)
        case .restartTheOther:
            // The heir hears nothing for a while, and campaigns in vain: the third still promises.
            cut(old, heir)
            world.run(until: world.microseconds + 300_000)
            world.crash(third)
            world.start(third)
            cut(old, third)
        case .transferThenIsolate:
            world.slow = [heir * 64 + old: 60_000, third * 64 + old: 60_000]
            world.send(.transferLeadership(to: World.id(heir)), to: old)
        case .lateTransfer:
            // The order to campaign arrives only after the leader has given up the attempt.
            world.slow = [old * 64 + heir: 400_000]
            world.send(.transferLeadership(to: World.id(heir)), to: old)
            world.slow = [:]
        }
    }

    /// Writes at the new leader, reads at the old one.
    private mutating func poll() {
        for node in [heir, third] where world.nodes[node].raft?.state(GroupID(1)).role == .leader {
            hasTakenOver = true
            world.propose(node, [1])
        }
        for node in 1...3 where world.nodes[node].raft?.leader(of: GroupID(1)) == World.id(node) { world.read(node) }
    }
}
