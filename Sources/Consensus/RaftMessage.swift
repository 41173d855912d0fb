import Primitives

/// What one member of a group says to another. Every message carries the sender's term, but for a
/// pre-vote, which carries the term that the sender would campaign in.
///
/// A `stamp` is a leader's own: unique, rising, close to its clock in nanoseconds. A follower gives
/// it back in its answer, which proves two things: that the follower still followed when it
/// answered (ReadIndex, thesis §6.4), and that it made its promise not before the stamp (lease, §6.4.1).
package enum RaftMessage: Hashable, Sendable {
    case append(Append)
    case heartbeat(Heartbeat)
    case ack(Ack)
    case reject(Reject)
    case vote(VoteRequest)
    case voteReply(VoteReply)
    /// The leader asks the receiver to campaign at once, if its log ends at `lastIndex` (thesis §3.10).
    case timeoutNow(term: UInt64, lastIndex: UInt64)
    /// A member asks for the index that a linearizable read must wait for. `request` is the asker's.
    case readRequest(request: UInt64)
    case readReply(request: UInt64, index: UInt64, ok: Bool)
    /// Asks the leader for a sign of life: from a quiesced member that was disturbed, or from a
    /// learner that knows no leader.
    case wake(term: UInt64)

    /// Entries to put behind (`previousIndex`, `previousTerm`).
    package struct Append: Hashable, Sendable {
        package var term: UInt64
        package var previousIndex: UInt64
        package var previousTerm: UInt64
        package var commit: UInt64
        package var stamp: UInt64
        /// For how long after receipt the follower shall support nobody else, in milliseconds.
        package var lease: UInt32
        package var entries: [RaftEntry]
    }

    /// A sign of life, and news of the commit index. Stamp 0 asks for no answer.
    package struct Heartbeat: Hashable, Sendable {
        package var term: UInt64
        package var commit: UInt64
        package var stamp: UInt64
        package var lease: UInt32
        /// The leader falls silent after this; `commit` is then the end of its log.
        package var quiesce: Bool
    }

    /// Answers appends and heartbeats. Cumulative.
    package struct Ack: Hashable, Sendable {
        package var term: UInt64
        package var stamp: UInt64
        /// The log agrees with the leader's through here, and is durable through here.
        package var match: UInt64
        /// The log agrees through here, durable or not: tells the leader of messages lost.
        package var received: UInt64
    }

    /// The append did not fit, or its term is over.
    package struct Reject: Hashable, Sendable {
        package var term: UInt64
        package var stamp: UInt64
        /// `previousIndex` of the append that did not fit; 0 where only the term is news.
        package var previousIndex: UInt64
        /// Where the logs may still agree: the follower's last entry not after the one asked for
        /// whose term is not after the one asked for.
        package var hintIndex: UInt64
        package var hintTerm: UInt64
    }

    package struct VoteRequest: Hashable, Sendable {
        package var term: UInt64
        package var lastIndex: UInt64
        package var lastTerm: UInt64
        /// Asks only whether a vote would be given (thesis §9.6).
        package var isPre: Bool
        /// The old leader wants this election: promises to it do not bind.
        package var isTransfer: Bool
    }

    package struct VoteReply: Hashable, Sendable {
        package var term: UInt64
        package var isPre: Bool
        package var granted: Bool
    }
}
