import Consensus
import NodeCore

/// Faults built in on purpose, to see that the checkers see them. For tests only: nothing but
/// `atoll simulate --mutant` and the tests of this module sets one.
package enum Mutant: String, CaseIterable, Sendable {
    /// A restarted node has forgotten its term, for whom it voted, and that it may have promised to support a
    /// leader: a promise alone would hide that the rest was not kept.
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
    /// A leader takes its lease for endless, and does not step down where no quorum answers it: either guard
    /// alone would hide the lack of the other.
    case leaseWithoutBound = "lease-without-bound"
    /// A follower acknowledges what it has received and not yet synced.
    case ackBeforeAppend = "ack-before-append"
    /// Votes go to candidates whose logs lack entries.
    case voteForShorterLog = "vote-for-shorter-log"
    /// A snapshot takes entries behind it off the disk.
    case snapshotCutsLog = "snapshot-cuts-log"
    /// After a crash the log has holes where writes were not synced.
    case holesInLog = "holes-in-log"
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
    /// Nobody's word that a chunk is in use is heard, and a commit does not ask again for copies that were made long
    /// ago: either guard alone makes up for the lack of the other.
    case vouchIgnored = "vouch-ignored"
    /// Copies of chunks are not held against their names.
    case copiesUnverified = "copies-unverified"
    /// A commit that shall not overwrite does.
    case ifUnchangedIgnored = "if-unchanged-ignored"
    /// An exclusive lock is given to many.
    case lockShared = "lock-shared"
    /// A rename takes the name that it replaces away first.
    case renameInTwo = "rename-in-two"
    /// A shared lock is given beside an exclusive one.
    case sharedBesideExclusive = "shared-beside-exclusive"
    /// A volume goes back to a version before the one that was asked for.
    case rollbackToAnother = "rollback-to-another"
    /// A receipt tells nothing of conflicts.
    case conflictsForgotten = "conflicts-forgotten"

    /// Those that lie in the core itself.
    var raft: RaftMutant? {
        switch self {
        case .commitAlone: .commitAlone
        case .readWithoutConfirmation: .readWithoutConfirmation
        case .leaseWithoutBound: .leaseWithoutBound
        case .voteNotPersisted: .promiseForgotten
        default: nil
        }
    }

    /// What a node says that has the fault.
    func altered(_ message: Message) -> Message {
        switch (self, message) {
        case (.proposalWithoutStamp, _): return message.withoutStamp
        case (.ackBeforeAppend, .raft(var batch)), (.voteForShorterLog, .raft(var batch)):
            for place in batch.items.indices { batch.items[place].message = altered(batch.items[place].message) }
            return .raft(batch)
        default: return message
        }
    }

    private func altered(_ message: RaftMessage) -> RaftMessage {
        switch (self, message) {
        case (.ackBeforeAppend, .ack(var ack)):
            ack.match = ack.received
            return .ack(ack)
        case (.voteForShorterLog, .vote(var request)):
            request.lastTerm = request.term - 1
            request.lastIndex = .max
            return .vote(request)
        default: return message
        }
    }

    var node: NodeMutant? {
        switch self {
        case .commitBeforeChunks: .commitBeforeChunks
        case .vouchIgnored: .copiesTakenForFresh
        default: nil
        }
    }
}
