import Primitives
import Testing

@testable import Consensus

/// What is shared among the groups of a node.
@Suite struct MultiRaftTests {
    private static let me = NodeID(1)
    private static let configuration = RaftConfiguration(voters: [me, NodeID(2), NodeID(3)])

    /// A node that leads `count` groups, and what the last step asked for.
    private func leading(_ count: Int) -> (MultiRaft, Instant) {
        var raft = MultiRaft(id: Self.me, settings: RaftSettings(), seed: 1, now: .zero)
        var effects: [MultiRaftEffect] = []
        for group in 1...count {
            raft.addGroup(
                GroupID(UInt64(group)), restored: RaftRestored(initialConfiguration: Self.configuration), now: .zero, into: &effects)
        }
        let now = Instant(nanoseconds: 900_000_000)
        func answers(_ message: RaftMessage) -> MultiRaftEvent {
            .batch(from: NodeID(2), RaftBatch(items: raft.groups.map { RaftBatch.Item(group: $0, message: message) }))
        }
        raft.handle(raft.groups.map { .timer(.election($0)) }, now: now, into: &effects)
        raft.handle(answers(.voteReply(RaftMessage.VoteReply(term: 1, isPre: true, granted: true))), now: now, into: &effects)
        raft.handle(.persisted(token: 1), now: now, into: &effects)
        raft.handle(answers(.voteReply(RaftMessage.VoteReply(term: 1, isPre: false, granted: true))), now: now, into: &effects)
        for group in raft.groups { precondition(raft.status(group)?.role == .leader) }
        raft.checkInvariants()
        return (raft, now)
    }

    private func sends(_ effects: [MultiRaftEffect]) -> [(NodeID, RaftBatch)] {
        effects.compactMap { if case .send(let peer, let batch) = $0 { (peer, batch) } else { nil } }
    }

    private func writes(_ effects: [MultiRaftEffect]) -> [(UInt64, [GroupID])] {
        effects.compactMap { if case .persist(let token, let writes) = $0 { (token, writes.map(\.0)) } else { nil } }
    }

    @Test func oneTickBeatsForAllGroups() {
        var (raft, now) = leading(20)
        var effects: [MultiRaftEffect] = []
        now = now + .milliseconds(240)
        raft.handle(.timer(.tick), now: now, into: &effects)
        let sent = sends(effects)
        #expect(sent.map(\.0) == [NodeID(2), NodeID(3)] && sent.allSatisfy { $0.1.items.count == 20 })
        let timers = effects.compactMap { if case .startTimer(let timer, _) = $0 { timer } else { nil } }
        #expect(timers == [.tick])
        // Twenty heartbeats in a few bytes each.
        #expect(sent[0].1.xdrBytes.count < 20 * 12)
        raft.checkInvariants()
    }

    @Test func eventsOfOneMomentShareOneWriteAndOneBatch() {
        var (raft, now) = leading(3)
        var effects: [MultiRaftEffect] = []
        let events = (0..<30).map { MultiRaftEvent.group(GroupID(UInt64($0 % 3 + 1)), .propose(ProposalID(UInt64($0)), payload: [1])) }
        raft.handle(events, now: now, into: &effects)
        #expect(writes(effects).map(\.1) == [[GroupID(1), GroupID(2), GroupID(3)]])
        // The peers' logs are not known yet: one append of each group was under way, none follows.
        #expect(sends(effects).isEmpty)
        effects = []
        let ack = RaftMessage.ack(RaftMessage.Ack(term: 1, stamp: 1, match: 1, received: 1))
        raft.handle(
            .batch(from: NodeID(2), RaftBatch(items: raft.groups.map { RaftBatch.Item(group: $0, message: ack) })), now: now, into: &effects
        )
        let sent = sends(effects)
        #expect(sent.map(\.0) == [NodeID(2)] && sent[0].1.items.count == 3)
        for item in sent[0].1.items {
            guard case .append(let append) = item.message else {
                Issue.record("\(item.message)")
                continue
            }
            #expect(append.entries.count == 10)
        }
        now = now + .milliseconds(1)
        raft.checkInvariants()
    }

    @Test func removedGroupsLeaveNothingBehind() {
        var (raft, now) = leading(2)
        var effects: [MultiRaftEffect] = []
        raft.handle(.group(GroupID(1), .propose(ProposalID(1), payload: [1])), now: now, into: &effects)
        let token = writes(effects)[0].0
        raft.removeGroup(GroupID(1), into: &effects)
        #expect(raft.status(GroupID(1)) == nil && raft.groups == [GroupID(2)])
        // A new group of the same id is not confused by the old one's write.
        raft.addGroup(GroupID(1), restored: RaftRestored(initialConfiguration: Self.configuration), now: now, into: &effects)
        raft.handle(.persisted(token: token), now: now, into: &effects)
        #expect(raft.status(GroupID(1))?.lastIndex == 0)
        raft.removeGroup(GroupID(1), into: &effects)
        effects = []
        raft.removeGroup(GroupID(2), into: &effects)
        let cancelled = effects.compactMap { if case .cancelTimer(let timer) = $0 { timer } else { nil } }
        #expect(cancelled == [.election(GroupID(2)), .tick])
        effects = []
        now = now + .seconds(1)
        raft.handle(.timer(.tick), now: now, into: &effects)
        raft.handle(.timer(.election(GroupID(2))), now: now, into: &effects)
        raft.handle(.group(GroupID(2), .propose(ProposalID(7), payload: [])), now: now, into: &effects)
        raft.handle(.group(GroupID(2), .read(ReadToken(8))), now: now, into: &effects)
        #expect(effects.count == 2)
        raft.checkInvariants()
    }

    /// A timer that goes off too early is started again, and nothing else happens.
    @Test func earlyTimersAreStartedAgain() {
        var raft = MultiRaft(id: Self.me, settings: RaftSettings(), seed: 1, now: .zero)
        var effects: [MultiRaftEffect] = []
        raft.addGroup(GroupID(1), restored: RaftRestored(initialConfiguration: Self.configuration), now: .zero, into: &effects)
        func start() -> Instant? {
            effects.lazy.compactMap { if case .startTimer(_, let at) = $0 { at } else { nil } }.first
        }
        let deadline = start()
        effects = []
        raft.handle(.timer(.election(GroupID(1))), now: .zero, into: &effects)
        #expect(effects.count == 1 && start() == deadline)
        #expect(MultiRaftTimer.election(GroupID(1)).key == .election(GroupID(1)) && MultiRaftTimer.tick < .election(GroupID(0)))
    }
}
