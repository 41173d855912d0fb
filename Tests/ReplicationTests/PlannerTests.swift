import Primitives
import Replication
import Testing

/// What must hold of every plan, on random maps.
@Suite struct PlannerTests {
    private func table(_ generator: inout SeededGenerator, regions: Int) -> RegionTable {
        var nodes: [RegionTable.Node] = []
        for region in 0..<regions {
            for _ in 0..<1 + generator.below(4) {
                nodes.append(
                    .init(id: NodeID(UInt64(nodes.count) + 1), region: RegionID("r\(region)"), weight: UInt32(1 + generator.below(400))))
            }
        }
        var table = RegionTable(nodes: nodes)
        for a in table.regions {
            for b in table.regions where a < b { table.setLink(a, b, RegionLink(roundTrip: .milliseconds(5 + generator.below(250)))) }
        }
        return table
    }

    @Test(arguments: 1...40) func plansKeepTheirPromises(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let count = 1 + generator.below(8)
        let table = table(&generator, regions: count)
        for purpose in GroupPurpose.allCases {
            let policy = purpose == .nfs ? ReplicationPolicy.nfs : .volume
            let home = table.regions[generator.below(count)]
            func plan(keeping: ReplicaPlan? = nil, avoiding: [NodeID] = []) throws -> ReplicaPlan {
                try ReplicaPlanner(
                    group: GroupID(16 + seed), purpose: purpose, policy: policy, table: table, keeping: keeping, avoiding: avoiding
                ).plan(home: home)
            }
            let first = try plan()
            #expect(first.fault == nil)
            #expect(try plan(keeping: first) == first, "a plan that fits is kept")
            #expect(first.steps(to: first).isEmpty)
            if purpose == .nfs {
                #expect(first.regions == [home])
                #expect(first.voters.count == min(3, table.nodes(in: home).count))
            } else {
                #expect(first.voters.contains { $0.region == home })
                if count >= 3 {
                    #expect(first.voterRegions.count == (count >= 5 ? 5 : 3) && first.voters.count == first.voterRegions.count)
                    // The loss of any region leaves a majority.
                    let rule = CommitRule(durability: .majority, plan: first)
                    #expect(rule.indispensable.isEmpty)
                }
                if purpose == .catalog { #expect(first.replicas.map(\.node) == table.nodes.map(\.id)) }
                if purpose == .volume {
                    for region in table.regions {
                        #expect(first.replicas.count { $0.region == region } == min(3, table.nodes(in: region).count))
                    }
                }
            }
            // One node goes: it is in no plan, and at most its own place is filled.
            let gone = first.voters[generator.below(first.voters.count)].node
            guard let next = try? plan(keeping: first, avoiding: [gone]) else {
                #expect(purpose == .nfs && first.voters.count == 1)
                continue
            }
            #expect(!next.contains(gone))
            #expect(next.voters.count { !first.isVoter($0.node) } <= 1, "\(first) became \(next)")
            #expect(next.replicas.count { !first.contains($0.node) } <= 1, "\(first) became \(next)")
            // Applying the steps to the old plan gives the new one.
            var voters = first.voters.map(\.node)
            var learners = first.learners.map(\.node)
            for step in first.steps(to: next) {
                switch step {
                case .addLearners(let nodes): learners += nodes
                case .changeVoters(let promote, let demote):
                    #expect(promote.allSatisfy(learners.contains), "only a learner becomes a voter")
                    learners = learners.filter { !promote.contains($0) } + demote
                    voters = voters.filter { !demote.contains($0) } + promote
                case .remove(let nodes):
                    #expect(!nodes.contains(where: voters.contains), "a voter is demoted before it is removed")
                    learners.removeAll(where: nodes.contains)
                }
            }
            #expect(voters.sorted() == next.voters.map(\.node) && learners.sorted() == next.learners.map(\.node))
        }
    }

    /// A rule against a count by hand, over all sets of regions.
    @Test func rulesAgreeWithCounting() throws {
        var generator = SeededGenerator(seed: 9)
        for count in 1...6 {
            let table = table(&generator, regions: count)
            let plan = try ReplicaPlanner(group: GroupID(16), purpose: .volume, policy: .volume, table: table).plan(home: table.regions[0])
            for set in 0..<1 << count {
                let holding = table.regions.enumerated().filter { set >> $0.offset & 1 == 1 }.map(\.element)
                let votes = plan.voters.filter { holding.contains($0.region) }.count
                #expect(CommitRule(durability: .majority, plan: plan).isSatisfied(regionsHolding: holding) == (votes >= plan.majority))
                #expect(CommitRule(durability: .all, plan: plan).isSatisfied(regionsHolding: holding) == (holding.count == count))
                #expect(CommitRule(durability: .region, plan: plan).isSatisfied(regionsHolding: holding) == holding.contains(plan.home))
            }
            let rule = CommitRule(durability: .majority, plan: plan)
            let required = rule.required(nearestFirst: table.nearestFirst(from: plan.home))
            #expect(rule.isSatisfied(regionsHolding: required) && !rule.isSatisfied(regionsHolding: required.dropLast()))
        }
        let bounded = CommitRule(
            durability: .bounded(lag: .seconds(5)),
            plan: ReplicaPlan(purpose: .volume, home: RegionID("a"), voters: [.init(node: NodeID(1), region: RegionID("a"))], learners: []))
        #expect(bounded.allows(lag: .seconds(5)) && !bounded.allows(lag: .seconds(6)))
    }
}
