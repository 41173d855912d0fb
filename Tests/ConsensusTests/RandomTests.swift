import Foundation
import Primitives
import Testing

@testable import Consensus

/// Seeded runs under faults, then calm: what is promised must hold throughout, and in the calm
/// everything must come to rest. `ATOLL_RAFT_SEEDS=first-last` runs others than the usual ones.
@Suite struct RandomTests {
    static let seeds: [ClosedRange<UInt64>] = {
        let words = (ProcessInfo.processInfo.environment["ATOLL_RAFT_SEEDS"] ?? "").split(separator: "-").compactMap { UInt64($0) }
        let range = words.count == 2 ? words[0]...words[1] : 1...160
        return stride(from: range.lowerBound, through: range.upperBound, by: 20).map { $0...min($0 + 19, range.upperBound) }
    }()

    @Test(arguments: seeds) func faultsThenCalm(_ seeds: ClosedRange<UInt64>) {
        for seed in seeds {
            var run = RandomRun(seed: seed)
            run.perform()
            #expect(run.world.checker.violations.isEmpty, "seed \(seed): \(run.world.checker.violations.prefix(5))")
        }
    }

    /// The same seed gives the same run, to the last message.
    @Test func runsRepeat() {
        var first = RandomRun(seed: 7)
        var second = RandomRun(seed: 7)
        first.perform()
        second.perform()
        #expect(first.world.messagesSent == second.world.messagesSent && first.world.events == second.world.events)
        #expect(first.world.nodes[1].machines == second.world.nodes[1].machines)
    }

    /// The faults do reach what they are for.
    @Test func runsReachRarePaths() {
        var elections = 0
        var snapshots = 0
        var reads = 0
        var failed = 0
        var acknowledged = 0
        for seed in UInt64(1)...30 {
            var run = RandomRun(seed: seed)
            run.perform()
            elections += run.world.checker.elections
            snapshots += run.world.checker.snapshotsInstalled
            reads += run.world.checker.readsServed
            failed += run.world.checker.readsFailed
            acknowledged += run.world.checker.acknowledged
        }
        #expect(
            elections > 60 && snapshots > 5 && reads > 300 && failed > 30 && acknowledged > 600,
            "\(elections) \(snapshots) \(reads) \(failed) \(acknowledged)")
    }
}

struct RandomRun {
    var world: World
    var chance: SeededGenerator
    let seed: UInt64

    init(seed: UInt64) {
        var chance = SeededGenerator(seed: SeededGenerator.mix(seed))
        var options = World.Options()
        options.nodes = [1, 2, 3, 3, 3, 4, 5][chance.below(7)]
        let voters = max(1, options.nodes - chance.below(2))
        options.voters = Array(1...voters)
        if chance.below(2) == 0 { options.learners = Array((voters + 1)..<(options.nodes + 1)) }
        options.groups = chance.below(4) == 0 ? [GroupID(1), GroupID(2), GroupID(5)] : [GroupID(1)]
        let delay = [200, 2_000, 10_000, 30_000][chance.below(4)]
        options.delay = delay / 2...delay
        options.jitter = chance.below(3) == 0 ? delay * 3 : 0
        options.lossPermille = [0, 10, 50, 200][chance.below(4)]
        options.duplicationPermille = [0, 0, 100][chance.below(3)]
        options.diskDelay = [50...100, 100...3_000, 100...40_000][chance.below(3)]
        options.drift = [0...0, -40...40][chance.below(2)]
        options.snapshotEvery = [0, 7, 20][chance.below(3)]
        // Round trips are measured, jitter and all, or short enough for the assumed one.
        let worst = (2 * (delay + options.jitter) + options.diskDelay.upperBound) / 1_000 + 1
        options.roundTripMilliseconds = worst > 20 || chance.below(2) == 0 ? worst : nil
        options.encodes = chance.below(4) == 0
        options.settings.electionTimeoutMinimum = .milliseconds(150)
        options.settings.assumedRoundTrip = .milliseconds(20)
        options.settings.leaseMaximum = .milliseconds([100, 400][chance.below(2)])
        options.settings.leaseReads = chance.below(5) != 0
        options.settings.maximumInflightMessages = [1, 2, 64][chance.below(3)]
        options.settings.maximumAppendBytes = [1, 200, 100_000][chance.below(3)]
        options.settings.maximumApplyEntries = [1, 5, 1_000][chance.below(3)]
        options.settings.maximumUncommittedBytes = [300, 100_000][chance.below(2)]
        options.settings.compactionKeepEntries = [0, 3, 50][chance.below(3)]
        options.settings.quiesceAfter = [nil, .milliseconds(200), .milliseconds(600)][chance.below(3)]
        options.settings.preferenceHold = .milliseconds(300)
        options.settings.maximumReadRounds = [1, 8][chance.below(2)]
        self.seed = seed
        world = World(options, seed: seed)
        // Nodes do not measure alike, and so do not wait alike.
        for node in 1...options.nodes where chance.below(2) == 0 {
            let span = Duration.milliseconds(worst + chance.below(3 * worst + 40))
            world.send(MultiRaftEvent.roundTrips((1...options.nodes).map { (World.id($0), span) }), to: node)
        }
        self.chance = chance
    }

    private var groups: [GroupID] { world.options.groups }

    mutating func perform() {
        let steps = 60
        for _ in 0..<steps {
            world.run(until: world.microseconds + Int64(1_000 + chance.below(60_000)))
            for _ in 0..<chance.below(4) { load() }
            if chance.below(3) == 0 { fault() }
        }
        heal()
        demandConvergence()
    }

    private mutating func pick() -> Int { 1 + chance.below(world.options.nodes) }
    private mutating func pickGroup() -> GroupID { groups[chance.below(groups.count)] }

    private mutating func load() {
        let group = pickGroup()
        var node = pick()
        if chance.below(3) > 0, let leader = world.nodes[node].raft?.leader(of: group) { node = Int(leader.rawValue) }
        switch chance.below(5) {
        case 0, 1: world.propose(node, [UInt8](repeating: UInt8(chance.below(256)), count: chance.below(60)), group: group)
        case 2:
            // A burst, taken in as one.
            let events = (0..<chance.below(8)).map { _ -> MultiRaftEvent in
                world.nextProposal += 1
                return .group(group, .propose(ProposalID(world.nextProposal), payload: [UInt8(chance.below(256))]))
            }
            world.sendAll(events, to: node)
        default:
            // Every node that thinks it leads is asked, old ones too.
            for node in 1...world.options.nodes where world.nodes[node].raft?.leader(of: group) == World.id(node) || chance.below(4) == 0 {
                world.read(node, group: group)
            }
        }
    }

    private mutating func fault() {
        let node = pick()
        let other = pick()
        switch chance.below(12) {
        case 0: crash(node)
        case 1, 2: if world.nodes[node].raft == nil { start(node) } else if chance.below(3) == 0 { crashAndRestart(node) }
        case 3:
            // One node from all others, both ways or one.
            let mode = chance.below(3)
            for peer in 1...world.options.nodes where peer != node {
                if mode != 1 { world.setCut(node, peer, true) }
                if mode != 2 { world.setCut(peer, node, true) }
            }
        case 4: if node != other { world.setCut(node, other, true) }
        case 5, 6: world.cut = []
        case 7: world.nodes[node].isDiskStalled.toggle()
        case 8:
            if chance.below(2) == 0 {
                world.send(MultiRaftEvent.unreachable(World.id(other)), to: node)
            } else {
                world.send(MultiRaftEvent.reachable(World.id(other)), to: node)
            }
        case 9: world.send(.transferLeadership(to: World.id(other)), to: node, group: pickGroup())
        case 10: changeMembers()
        default:
            let nodes = chance.below(2) == 0 ? [] : [World.id(node)]
            let group = pickGroup()
            for peer in 1...world.options.nodes { world.send(.preference(preferredLeaders: nodes), to: peer, group: group) }
        }
    }

    private mutating func crashAndRestart(_ node: Int) {
        crash(node)
        start(node)
    }

    /// Its connections break with it, which the others may or may not notice.
    private mutating func crash(_ node: Int) {
        world.crash(node)
        guard chance.below(2) == 0 else { return }
        for peer in 1...world.options.nodes where peer != node { world.send(MultiRaftEvent.unreachable(World.id(node)), to: peer) }
    }

    private mutating func start(_ node: Int) {
        world.start(node)
        for peer in 1...world.options.nodes where peer != node { world.send(MultiRaftEvent.reachable(World.id(node)), to: peer) }
    }

    private mutating func changeMembers() {
        let group = pickGroup()
        var voters: [NodeID] = []
        var learners: [NodeID] = []
        for node in 1...world.options.nodes {
            switch chance.below(4) {
            case 0, 1: voters.append(World.id(node))
            case 2: learners.append(World.id(node))
            default: break
            }
        }
        for node in 1...world.options.nodes {
            world.send(.changeMembership(RaftConfiguration(voters: voters, learners: learners)), to: node, group: group)
        }
    }

    private mutating func heal() {
        world.cut = []
        world.lossPermille = 0
        for node in 1...world.options.nodes {
            world.nodes[node].isDiskStalled = false
            if world.nodes[node].raft == nil { world.start(node) }
            // So that leadership stays where it is while members are compared.
            for group in groups { world.send(.preference(preferredLeaders: []), to: node, group: group) }
        }
        for node in 1...world.options.nodes {
            for peer in 1...world.options.nodes { world.send(MultiRaftEvent.reachable(World.id(peer)), to: node) }
        }
    }

    /// With a sound network a proposal is soon committed, a read answered, and members agree.
    private mutating func demandConvergence() {
        for group in groups {
            world.run(until: world.microseconds + 3_500_000)
            // Nothing new is needed for that, nor when one more restarts in the calm.
            demandRest(group)
            crashAndRestart(pick())
            demandRest(group)
            let before = world.checker.acknowledged
            var tries = 0
            while world.checker.acknowledged == before, tries < 30 {
                for node in 1...world.options.nodes where world.nodes[node].raft?.leader(of: group) == World.id(node) {
                    world.propose(node, [1, 2, 3], group: group)
                }
                world.run(until: world.microseconds + 300_000)
                tries += 1
            }
            if tries == 30 { world.checker.fail("\(group): nothing is committed although all is well") }
            tries = 0
            while !isAtRest(group), tries < 40 {
                world.run(until: world.microseconds + 300_000)
                tries += 1
            }
            compareMembers(group)
            readEverywhere(group)
        }
    }

    private mutating func demandRest(_ group: GroupID) {
        for _ in 0..<30 where !isAtRest(group) { world.run(until: world.microseconds + 300_000) }
        if !isAtRest(group) { world.checker.fail("\(group): members do not come to agree by themselves: \(world.overview(group))") }
    }

    /// The members of the leader's configuration have all taken in its whole log.
    private func isAtRest(_ group: GroupID) -> Bool {
        guard let leader = (1...world.options.nodes).first(where: { world.nodes[$0].raft?.leader(of: group) == World.id($0) }),
            let state = world.nodes[leader].raft?.state(group)
        else { return false }
        return state.configuration.members.allSatisfy { world.nodes[Int($0.rawValue)].machines[group]?.index == state.log.lastIndex }
    }

    private mutating func compareMembers(_ group: GroupID) {
        let leader = (1...world.options.nodes).first { world.nodes[$0].raft?.leader(of: group) == World.id($0) }
        guard let leader, let state = world.nodes[leader].raft?.state(group) else {
            return world.checker.fail("\(group): nobody leads: \(world.overview(group))")
        }
        for member in state.configuration.members {
            let node = Int(member.rawValue)
            guard let raft = world.nodes[node].raft else { continue }
            world.checker.checkMatching(group, state, raft.state(group))
            raft.state(group).checkInvariants(isThorough: true)
            if world.nodes[node].machines[group] != world.nodes[leader].machines[group] {
                let (a, b) = (world.nodes[node].machines[group]?.index ?? 0, world.nodes[leader].machines[group]?.index ?? 0)
                world.checker.fail("\(group): \(member) has applied \(a), the leader n\(leader) \(b): \(world.overview(group))")
            }
        }
    }

    private mutating func readEverywhere(_ group: GroupID) {
        guard let leader = (1...world.options.nodes).first(where: { world.nodes[$0].raft?.leader(of: group) == World.id($0) }),
            let members = world.nodes[leader].raft?.state(group).configuration.members
        else { return }
        let served = world.checker.readsServed
        let before = world.overview(group)
        for member in members { world.read(Int(member.rawValue), group: group) }
        world.run(until: world.microseconds + 1_000_000)
        if world.checker.readsServed != served + members.count {
            world.checker.fail(
                "\(group): \(world.checker.readsServed - served) of \(members.count) reads served although all is well: \(before) then \(world.overview(group))"
            )
        }
    }
}
