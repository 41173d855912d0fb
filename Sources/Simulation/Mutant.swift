import Consensus
import NodeCore

/// Faults built in on purpose, to see that the checkers see them. For tests only: nothing but
/// `atoll simulate --mutant` and the tests of this module sets one.
package enum Mutant: String, CaseIterable, Sendable {
    /// A restarted node has forgotten for whom it voted.
    case voteNotPersisted = "vote-not-persisted"
    /// The log counts as durable before it is.
    case ackBeforeSync = "ack-before-sync"
    /// Chunks count as durable before they are.
    case chunkAckBeforeSync = "chunk-ack-before-sync"
    /// A pushed chunk counts as stored when it is sent.
    case pushAckBeforeStore = "push-ack-before-store"
    /// A commit does not wait for the copies of its chunks.
    case commitBeforeChunks = "commit-before-chunks"
    /// A snapshot claims an entry more than it has.
    case snapshotWithoutLastEntry = "snapshot-without-last-entry"
    /// A leader commits what it alone has.
    case commitAlone = "commit-alone"
    /// A leader answers reads without asking whether it still leads.
    case readWithoutConfirmation = "read-without-confirmation"
    /// A member forgets what it promised to its leader, who answers reads by it.
    case promiseForgotten = "promise-forgotten"
    /// A proposal that is sent again has lost its stamp and is applied again.
    case proposalWithoutStamp = "proposal-without-stamp"
    /// `reload latest` takes what is here.
    case reloadWithoutAsking = "reload-without-asking"
    /// A decayed chunk is served.
    case serveDecay = "serve-decay"
    /// Of several writes of one open file the first is lost.
    case lostWrite = "lost-write"
    /// Chunks that nobody names yet are collected at once.
    case sweepWithoutGrace = "sweep-without-grace"
    /// A receipt tells nothing of conflicts.
    case conflictsForgotten = "conflicts-forgotten"

    /// Those that lie in the core itself.
    var raft: RaftMutant? {
        switch self {
        case .commitAlone: .commitAlone
        case .readWithoutConfirmation: .readWithoutConfirmation
        case .promiseForgotten: .promiseForgotten
        default: nil
        }
    }

    var node: NodeMutant? { self == .commitBeforeChunks ? .commitBeforeChunks : nil }
}
