package import Primitives

/// A chunk to be copied, and where to.
package struct PushWant: Hashable, Sendable {
    package let chunk: ChunkReference
    /// Where copies shall be; see `ChunkPlacement.destinations`.
    package let destinations: [ChunkDestination]
    /// Who has it durably already, such as this node.
    package let held: [ChunkDestination]
    package init(chunk: ChunkReference, destinations: [ChunkDestination], held: [ChunkDestination]) {
        self.chunk = chunk
        self.destinations = destinations
        self.held = held
    }
}

package struct PushSettings: Hashable, Sendable {
    /// Bytes in one batch; default 4 MiB, range 64 KiB...64 MiB. One chunk may exceed it.
    package var batchBytes: UInt64 = 4 << 20
    /// Chunks in one batch; default 128, range 1...4,096.
    package var batchChunks = 128
    /// Batches under way to one node; default 2, range 1...64.
    package var transfersPerDestination = 2
    /// Chunks whose copies are not complete; default 65,536. Past it eager pushes are left to
    /// anti-entropy, and waits are refused as busy.
    package var maximumRecords = 65_536
    /// Chunks remembered after their copies are complete, so that they are not offered again; default 65,536.
    package var remembered = 65_536
    /// Waits at one time; default 4,096.
    package var maximumWaiters = 4_096
    /// Times that a chunk is sent to one node before it is left to anti-entropy; default 12, range 1...1,000.
    package var maximumAttempts = 12
    /// Pause after a failed transfer, doubled up to `maximumBackoff`; default 100 ms, range 10 ms...10 s.
    package var backoff: Duration = .milliseconds(100)
    /// Default 10 s, range 1...600 s.
    package var maximumBackoff: Duration = .seconds(10)
    /// Time without progress after which a transfer is given up, besides the time for its bytes at
    /// `slowestBytesPerSecond`; default 10 s, range 1...600 s.
    package var timeout: Duration = .seconds(10)
    /// Default 256 KiB/s.
    package var slowestBytesPerSecond: UInt64 = 256 << 10
    package init() {}
}

/// Why a wait for placement ended without success.
package struct PushFailure: Hashable, Sendable, CustomStringConvertible {
    package enum Cause: Hashable, Sendable {
        case deadline
        /// The nodes left can not satisfy the rule.
        case impossible
        case busy
    }
    package struct Missing: Hashable, Sendable {
        package let destination: ChunkDestination
        package let reason: String
    }
    package let cause: Cause
    package let chunk: ChunkID?
    /// Regions that hold the chunk.
    package let holding: [RegionID]
    package let missing: [Missing]

    package var description: String {
        let places = holding.isEmpty ? "no region" : holding.map(\.name).joined(separator: ", ")
        let lacking = missing.map { "\($0.destination): \($0.reason)" }.joined(separator: ", ")
        let what = chunk.map { "chunk \($0) is durable in \(places)" } ?? "copying"
        return switch cause {
        case .deadline: "\(what), not enough by the deadline (\(lacking))"
        case .impossible: "\(what), and no more can be reached (\(lacking))"
        case .busy: "\(what): too many chunks are being copied already; try again"
        }
    }
}

package enum PushEvent: Hashable, Sendable {
    /// Copy these when there is time: called as soon as a write is staged, long before its commit.
    case stage([PushWant])
    /// `waiter` wants to know when the rule holds for every chunk. Stages what is not staged yet.
    case wait(ChunkWaiterID, [PushWant], PlacementRule, deadline: Instant)
    /// The chunks are durable at the destination, whether they were sent or there before. May come
    /// several times for one transfer.
    case acknowledged(ChunkTransferID, [ChunkID])
    /// The destination does not take these, such as for want of room.
    case refused(ChunkTransferID, [ChunkID], reason: String)
    /// The transfer is over: nil where all was said, else why it broke off.
    case ended(ChunkTransferID, failure: String?)
    case cancel(ChunkWaiterID)
    case nodeLost(NodeID)
    case nodeReachable(NodeID)
    /// The time of `nextWakeup` has come.
    case tick
}

package enum PushEffect: Hashable, Sendable {
    /// Offer the chunks by name, send those that are missing there. Taken or there already, the
    /// destination protects them from its garbage collection before it acknowledges (`GarbageMarks`).
    case push(ChunkTransferID, to: NodeID, [ChunkReference])
    case cancel(ChunkTransferID)
    case placed(ChunkWaiterID)
    case failed(ChunkWaiterID, PushFailure)
    /// Left to anti-entropy.
    case leftOut(ChunkID, at: NodeID, reason: String)
}

/// Copies chunks to the nodes that shall hold them, and tells when enough copies are durable.
///
/// Every chunk has a record with one *copy* for each destination: queued, being sent, held, or left
/// out. Chunks for one destination travel in batches, few at a time; those for which a commit waits
/// go before those that were staged ahead of need. A failed batch queues again after a pause that
/// doubles for its destination; a copy that fails too often is left to anti-entropy.
///
/// A wait ends by exactly one `placed` or `failed`, unless it is cancelled: placed, when every chunk
/// satisfies the rule; failed, at its deadline, or as soon as the copies still possible can not
/// satisfy it. Copies still under way go on afterwards, so the regions that are not required get theirs.
package struct ChunkPushes: Sendable {
    enum CopyState: Hashable, Sendable {
        case queued
        case sending(ChunkTransferID)
        case held
        case leftOut
    }

    struct Copy: Sendable {
        let destination: ChunkDestination
        var state: CopyState
        var attempts = 0
    }

    struct Record: Sendable {
        let reference: ChunkReference
        var copies: [Copy]
        var waiters: [ChunkWaiterID] = []
        /// The turn in which it was completed; nil while a copy is open or someone waits.
        var settled: UInt64?

        var isOpen: Bool {
            copies.contains { copy in
                switch copy.state {
                case .queued, .sending: true
                case .held, .leftOut: false
                }
            }
        }
        /// The region of each held copy.
        var held: [RegionID] { copies.compactMap { $0.state == .held ? $0.destination.region : nil } }
        /// As `held`, and those that may yet be.
        var possible: [RegionID] { copies.compactMap { $0.state == .leftOut ? nil : $0.destination.region } }
    }

    struct Transfer: Sendable {
        let node: NodeID
        var pending: [ChunkReference]
        var timeoutAt: Instant
    }

    struct Destination: Sendable {
        var urgent: BoundedQueue<ChunkID>
        var background: BoundedQueue<ChunkID>
        var transfers = 0
        var backoff: Duration
        var pausedUntil: Instant?
        var lastFailure = "not sent yet"
        var isIdle: Bool { urgent.isEmpty && background.isEmpty }
    }

    struct Waiter: Sendable {
        let rule: PlacementRule
        let deadline: Instant
        let chunks: [ChunkID]
        var remaining: Int
    }

    struct Due: Comparable, Sendable {
        let at: Instant
        let id: ChunkWaiterID
        static func < (a: Self, b: Self) -> Bool { (a.at, a.id) < (b.at, b.id) }
    }

    struct Settled: Sendable {
        let chunk: ChunkID
        let turn: UInt64
    }

    package let settings: PushSettings
    /// Looked up, never iterated.
    var records: [ChunkID: Record] = [:]
    package internal(set) var openRecords = 0
    /// Complete records, in the order in which they became so.
    var settled: BoundedQueue<Settled>
    var settledTurns: UInt64 = 0
    var transfers = OrderedTable<ChunkTransferID, Transfer>()
    var destinations = OrderedTable<NodeID, Destination>()
    var waiters = OrderedTable<ChunkWaiterID, Waiter>()
    var deadlines = OrderedTable<Due, Bool>()
    var touched: [NodeID] = []
    var nextTransfer: UInt64 = 1

    package init(settings: PushSettings = PushSettings()) {
        self.settings = settings
        settled = BoundedQueue(capacity: settings.remembered)
    }

    package var transferCount: Int { transfers.count }
    package var isIdle: Bool { openRecords == 0 }

    /// When `tick` is wanted; nil while nothing is to be done.
    package var nextWakeup: Instant? {
        var first = deadlines.first?.key.at
        for (_, transfer) in transfers where first.map({ transfer.timeoutAt < $0 }) ?? true { first = transfer.timeoutAt }
        for (_, destination) in destinations {
            guard let at = destination.pausedUntil, !destination.isIdle, first.map({ at < $0 }) ?? true else { continue }
            first = at
        }
        return first
    }

    package mutating func handle(_ event: PushEvent, now: Instant, into effects: inout [PushEffect]) {
        switch event {
        case .stage(let wants): for want in wants { _ = stage(want, isUrgent: false, &effects) }
        case .wait(let id, let wants, let rule, let deadline): wait(id, wants, rule, deadline, &effects)
        case .acknowledged(let id, let chunks): acknowledged(id, chunks, now, &effects)
        case .refused(let id, let chunks, let reason): refused(id, chunks, reason, now, &effects)
        case .ended(let id, let failure): end(id, failure ?? "not acknowledged", now, &effects)
        case .cancel(let id): cancel(id)
        case .nodeLost(let node): lose(node, now, &effects)
        case .nodeReachable(let node): resume(node)
        case .tick: tick(now, &effects)
        }
        pump(now, &effects)
    }
}
