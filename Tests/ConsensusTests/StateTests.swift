import Primitives
import Testing

@testable import Consensus

/// Single rules of one member, by the messages that it gets and gives.
@Suite struct StateTests {
    private static let me = NodeID(1)
    private static let configuration = RaftConfiguration(voters: [NodeID(1), NodeID(2), NodeID(3)])

    private func member(_ hardState: HardState = HardState(), terms: [UInt64] = [], at now: Instant = .zero) -> RaftState {
        let entries = terms.enumerated().map { RaftEntry(index: UInt64($0.offset) + 1, term: $0.element, kind: .command, payload: [1]) }
        var state = RaftState(
            group: GroupID(1), id: Self.me,
            restored: RaftRestored(hardState: hardState, entries: entries, initialConfiguration: Self.configuration),
            settings: RaftSettings(), seed: 1, now: now)
        var effects: [RaftEffect] = []
        state.start(now: now, into: &effects)
        return state
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func handle(_ state: inout RaftState, _ event: RaftEvent, at now: Instant) -> [RaftEffect] {
        var effects: [RaftEffect] = []
        state.handle(event, now: now, into: &effects)
        state.checkInvariants(isThorough: true)
        return effects
    }

    /// Handles the event, and lets everything become durable.
    private func handleDurably(_ state: inout RaftState, _ event: RaftEvent, at now: Instant) -> [RaftEffect] {
        var effects = handle(&state, event, at: now)
        while state.persistence.durableToken + 1 < state.persistence.nextToken {
            effects += handle(&state, .persisted(token: state.persistence.nextToken - 1), at: now)
        }
        return effects
    }

    private func messages(_ effects: [RaftEffect]) -> [String] {
        effects.compactMap { if case .send(let peer, let message) = $0 { "\(peer) \(describe(message))" } else { nil } }
    }

    private func hardStates(_ effects: [RaftEffect]) -> [HardState] {
        effects.compactMap { if case .persist(let persist) = $0 { persist.hardState } else { nil } }
    }

    private func vote(_ term: UInt64, last: (UInt64, UInt64), pre: Bool = false, transfer: Bool = false) -> RaftMessage {
        .vote(RaftMessage.VoteRequest(term: term, lastIndex: last.0, lastTerm: last.1, isPre: pre, isTransfer: transfer))
    }

    /// Thesis §3.6.1. The pre-vote asks the same, so nothing else would notice.
    @Test(arguments: [(2, 1, false), (9, 1, false), (1, 2, false), (2, 2, true), (3, 2, true), (1, 3, true)] as [(UInt64, UInt64, Bool)])
    func votesOnlyForLogsAtLeastAsComplete(index: UInt64, term: UInt64, granted: Bool) {
        var state = member(HardState(term: 2), terms: [1, 2])
        let effects = handleDurably(&state, .message(from: NodeID(2), vote(5, last: (index, term))), at: at(5_000))
        #expect(messages(effects).last == "n2 \(granted ? "grants" : "refuses") vote t5")
        #expect(state.votedFor == (granted ? NodeID(2) : nil))
    }

    /// One vote a term, before and after a restart; and it is durable before it is given.
    @Test func votesOnceInATerm() {
        var state = member(HardState(term: 4))
        let first = handle(&state, .message(from: NodeID(2), vote(5, last: (0, 0))), at: at(5_000))
        #expect(messages(first).isEmpty)
        #expect(hardStates(first) == [HardState(term: 5, votedFor: NodeID(2))])
        #expect(messages(handle(&state, .persisted(token: 1), at: at(5_001))) == ["n2 grants vote t5"])
        #expect(messages(handle(&state, .message(from: NodeID(3), vote(5, last: (0, 0))), at: at(5_002))) == ["n3 refuses vote t5"])
        #expect(messages(handle(&state, .message(from: NodeID(2), vote(5, last: (0, 0))), at: at(5_003))) == ["n2 grants vote t5"])
        var again = member(hardStates(first)[0])
        #expect(messages(handle(&again, .message(from: NodeID(3), vote(5, last: (0, 0))), at: at(5_000))) == ["n3 refuses vote t5"])
        #expect(messages(handle(&again, .message(from: NodeID(2), vote(5, last: (0, 0))), at: at(5_001))) == ["n2 grants vote t5"])
    }

    /// A restarted member does not know what it promised: it supports nobody for the longest lease.
    @Test func restartedMembersPromiseNothingTooSoon() {
        var state = member(HardState(term: 4), at: at(100))
        #expect(messages(handle(&state, .message(from: NodeID(2), vote(5, last: (0, 0))), at: at(1_099))).isEmpty && state.term == 4)
        let pre = handle(&state, .message(from: NodeID(2), vote(5, last: (0, 0), pre: true)), at: at(1_099))
        #expect(messages(pre) == ["n2 refuses pre-vote t4"])
        #expect(messages(handleDurably(&state, .message(from: NodeID(2), vote(5, last: (0, 0))), at: at(1_100))) == ["n2 grants vote t5"])
        // In a new group nobody has promised anything.
        var fresh = member()
        #expect(messages(handleDurably(&fresh, .message(from: NodeID(2), vote(1, last: (0, 0))), at: at(1))) == ["n2 grants vote t1"])
        // The old leader's wish overrides promises.
        var asked = member(HardState(term: 4))
        let effects = handleDurably(&asked, .message(from: NodeID(2), vote(5, last: (0, 0), transfer: true)), at: at(1))
        #expect(messages(effects) == ["n2 grants vote t5"])
    }

    /// A promise made to a leader holds for as long as the leader asked.
    @Test func promisesToALeaderHold() {
        var state = member(HardState(term: 4))
        let beat = RaftMessage.heartbeat(RaftMessage.Heartbeat(term: 5, commit: 0, stamp: 7, lease: 800, quiesce: false))
        #expect(messages(handleDurably(&state, .message(from: NodeID(3), beat), at: at(2_000))) == ["n3 ack t5 match 0"])
        #expect(messages(handle(&state, .message(from: NodeID(2), vote(6, last: (9, 5))), at: at(2_799))).isEmpty)
        #expect(messages(handleDurably(&state, .message(from: NodeID(2), vote(6, last: (9, 5))), at: at(2_800))) == ["n2 grants vote t6"])
    }

    /// Thesis figure 3.7: an entry of an older term is not committed by counting its copies.
    @Test func olderTermsAreNotCommittedByCounting() {
        var state = member(HardState(term: 4), terms: [1, 2])
        _ = handle(&state, .timer(.election), at: at(9_000))
        func reply(pre: Bool) -> RaftMessage { .voteReply(RaftMessage.VoteReply(term: 5, isPre: pre, granted: true)) }
        _ = handleDurably(&state, .message(from: NodeID(2), reply(pre: true)), at: at(9_001))
        _ = handleDurably(&state, .message(from: NodeID(2), reply(pre: false)), at: at(9_002))
        #expect(state.role == .leader && state.term == 5 && state.log.lastIndex == 3)
        func ack(_ match: UInt64) -> RaftEvent {
            .message(from: NodeID(2), .ack(RaftMessage.Ack(term: 5, stamp: 1, match: match, received: match)))
        }
        _ = handle(&state, ack(2), at: at(9_003))
        #expect(state.commitIndex == 0)
        _ = handle(&state, ack(3), at: at(9_004))
        #expect(state.commitIndex == 3)
    }

    /// Answers that make no sense change nothing.
    @Test func nonsenseIsIgnored() {
        var state = member(HardState(term: 4), terms: [1, 2])
        _ = handle(&state, .timer(.election), at: at(9_000))
        for pre in [true, false] {
            _ = handleDurably(
                &state, .message(from: NodeID(2), .voteReply(RaftMessage.VoteReply(term: 5, isPre: pre, granted: true))), at: at(9_001))
        }
        let odd: [RaftMessage] = [
            .ack(RaftMessage.Ack(term: 5, stamp: 1, match: 99, received: 99)),
            .ack(RaftMessage.Ack(term: 5, stamp: .max, match: 3, received: 3)),
            .ack(RaftMessage.Ack(term: 5, stamp: 1, match: 3, received: 2)),
            .reject(RaftMessage.Reject(term: 5, stamp: .max, previousIndex: 2, hintIndex: .max, hintTerm: .max)),
            .voteReply(RaftMessage.VoteReply(term: 4, isPre: false, granted: true)),
            .timeoutNow(term: 5, lastIndex: 3),
            .readReply(request: 9, index: 9, ok: true),
        ]
        for message in odd { _ = handleDurably(&state, .message(from: NodeID(3), message), at: at(9_002)) }
        _ = handleDurably(&state, .message(from: NodeID(7), .ack(RaftMessage.Ack(term: 5, stamp: 1, match: 3, received: 3))), at: at(9_003))
        #expect(state.role == .leader && state.commitIndex == 0)
        let late = RaftMessage.reject(RaftMessage.Reject(term: 5, stamp: 1, previousIndex: 2, hintIndex: .max, hintTerm: .max))
        _ = handleDurably(&state, .message(from: NodeID(3), late), at: at(9_004))
        #expect(state.role == .leader)
    }
}
