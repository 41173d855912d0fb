import Primitives
import Testing

@testable import Consensus

/// The quorum arithmetic against algorithms too simple to be wrong.
@Suite struct QuorumTests {
    /// Tries every value: does a majority reach it?
    private func dumbReached(_ values: [UInt64]) -> UInt64 {
        guard !values.isEmpty else { return .max }
        return (values + [0]).filter { candidate in values.count { $0 >= candidate } * 2 > values.count }.max() ?? 0
    }

    @Test func reachedAgreesWithCounting() {
        var chance = SeededGenerator(seed: 1)
        for count in 0...9 {
            for _ in 0..<300 {
                let values = (0..<count).map { _ in UInt64(chance.below(6)) }
                #expect(Quorum.reached(count: count) { values[$0] } == dumbReached(values), "\(values)")
            }
        }
    }

    /// Won if a majority said yes; lost if no way of filling in the missing votes could win.
    private func dumbTally(_ voters: [NodeID], _ votes: [NodeID: Bool]) -> VoteResult {
        guard !voters.isEmpty else { return .won }
        let yes = voters.count { votes[$0] == true }
        let missing = voters.count { votes[$0] == nil }
        if yes * 2 > voters.count { return .won }
        return (yes + missing) * 2 > voters.count ? .pending : .lost
    }

    @Test func talliesAgreeWithCounting() {
        var chance = SeededGenerator(seed: 2)
        for _ in 0..<3_000 {
            func some() -> [NodeID] { (1...7).filter { _ in chance.below(2) == 0 }.map { NodeID(UInt64($0)) } }
            let configuration = RaftConfiguration(voters: some(), outgoing: some())
            var votes: [NodeID: Bool] = [:]
            for node in 1...7 where chance.below(3) > 0 { votes[NodeID(UInt64(node))] = chance.below(2) == 0 }
            let halves = [dumbTally(configuration.voters, votes), dumbTally(configuration.outgoing, votes)]
            let expected: VoteResult =
                configuration.voters.isEmpty || halves.contains(.lost) ? .lost : halves == [.won, .won] ? .won : .pending
            #expect(Quorum.tally(configuration) { votes[$0] } == expected)
        }
    }

    @Test func progressCountsBothHalves() {
        var chance = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            func some() -> [NodeID] { (1...5).filter { _ in chance.below(2) == 0 }.map { NodeID(UInt64($0)) } }
            let configuration = RaftConfiguration(voters: some() + [NodeID(9)], outgoing: some(), learners: some())
            var table = ProgressTable()
            table.adopt(configuration, next: 100, window: 4)
            var match: [NodeID: UInt64] = [:]
            for slot in table.peers.indices {
                match[table.peers[slot].id] = UInt64(chance.below(20))
                _ = table.peers[slot].acknowledge(through: match[table.peers[slot].id]!)
            }
            let halves = [configuration.voters, configuration.outgoing].map { voters in dumbReached(voters.map { match[$0]! }) }
            #expect(table.committed == halves.min()!)
            // The same for stamps, where the leader, node 9, has always just answered itself.
            for slot in table.peers.indices { table.peers[slot].ackedStamp = match[table.peers[slot].id]! }
            match[NodeID(9)] = .max
            let stamps = [configuration.voters, configuration.outgoing].map { voters in dumbReached(voters.map { match[$0]! }) }
            #expect(table.acknowledgedStamp(self: NodeID(9)) == stamps.min()!)
        }
    }
}
