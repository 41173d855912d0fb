package import Primitives

/// A batch of chunks on its way; unique within the run of one node and one machine.
package struct ChunkTransferID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: ChunkTransferID, b: ChunkTransferID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "t\(rawValue)" }
}

/// Who waits for chunks; given by the caller, unique among those that wait.
package struct ChunkWaiterID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: ChunkWaiterID, b: ChunkWaiterID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "w\(rawValue)" }
}

package struct FetchWant: Hashable, Sendable {
    package let chunk: ChunkReference
    /// Best first; see `FetchPlan`.
    package let sources: [FetchSource]
    package init(chunk: ChunkReference, sources: [FetchSource]) {
        self.chunk = chunk
        self.sources = sources
    }
}

package struct FetchSettings: Hashable, Sendable {
    /// Bytes asked for at once; default 4 MiB, range 64 KiB...64 MiB. More fills long fat links
    /// better, less spreads over several flows sooner. One chunk may exceed it.
    package var batchBytes: UInt64 = 4 << 20
    /// Chunks asked for at once; default 128, range 1...4,096.
    package var batchChunks = 128
    /// Batches under way from one node; default 4, range 1...64.
    package var transfersPerSource = 4
    /// Chunks asked for or waited for; default 65,536. A request that would exceed it is refused as busy.
    package var maximumFlights = 65_536
    /// Requests waiting; default 4,096.
    package var maximumWaiters = 4_096
    /// Sources asked for one chunk before giving up, the same one twice included, unless more than that are
    /// known: then each of them once. Default 12, range 1...64.
    package var maximumAttempts = 12
    /// Times that the list of sources is gone through; default 3, range 1...10.
    package var rounds = 3
    /// Pause before the list is gone through again, doubled each time; default 200 ms, range 10 ms...10 s.
    package var roundPause: Duration = .milliseconds(200)
    /// Least time before a second source is asked as well; default 20 ms, range 1 ms...10 s.
    package var minimumHedge: Duration = .milliseconds(20)
    /// Least time without progress before a transfer is given up; default 3 s, range 100 ms...60 s.
    package var minimumTimeout: Duration = .seconds(3)
    package init() {}
}

/// A chunk that came, and what it took.
package struct FetchedChunk: Hashable, Sendable {
    package let id: ChunkID
    /// Bytes as they were sent: compressed, with their frame. 0 where the chunk was here already.
    package let sentBytes: UInt32
    package init(_ id: ChunkID, sentBytes: UInt32) {
        self.id = id
        self.sentBytes = sentBytes
    }
}

/// What a fetch cost the request that waited for it.
package struct FetchCosts: Hashable, Sendable {
    /// Chunks that had to be fetched, from this region and from others.
    package var chunksFromRegion = 0
    package var chunksFromAfar = 0
    /// Bytes that crossed regions. A chunk that several waited for crossed once, and is the first one's.
    package var wideAreaBytes: UInt64 = 0
    /// Requests to other regions that carried chunks of this waiter, hedges included.
    package var wideAreaRequests = 0
    /// Of them, how many followed one upon another for the unluckiest chunk: the wide-area round
    /// trips in its latency. 0 means that the region had everything.
    package var wideAreaRoundTrips = 0
}

/// Why a fetch was given up, with everything that was tried for one of the chunks.
package struct FetchFailure: Hashable, Sendable, CustomStringConvertible {
    package struct Attempt: Hashable, Sendable {
        package let node: NodeID
        package let reason: String
    }
    package enum Cause: Hashable, Sendable {
        case noSource
        case exhausted
        case deadline
        case busy
    }
    package let cause: Cause
    /// Nil where the request was refused as a whole.
    package let chunk: ChunkID?
    package let tried: [Attempt]

    /// Whether the same request may well succeed later.
    package var isRetryable: Bool { cause != .noSource }

    package var description: String {
        let list = tried.map { "\($0.node): \($0.reason)" }.joined(separator: ", ")
        let what = chunk.map { "chunk \($0)" } ?? "fetch"
        return switch cause {
        case .noSource: "\(what): no node is known to hold it"
        case .exhausted: "\(what): no source gave it (\(list))"
        case .deadline: "\(what): not here by the deadline (\(list.isEmpty ? "still waiting for the first source" : list))"
        case .busy: "\(what): too many chunks are being fetched already; try again"
        }
    }
}

package enum FetchEvent: Hashable, Sendable {
    /// `waiter` needs these chunks, none of which is here.
    case request(ChunkWaiterID, [FetchWant], deadline: Instant)
    /// Chunks came, were verified and stored. May come several times for one transfer.
    case arrived(ChunkTransferID, [FetchedChunk])
    /// The source does not have these chunks, or sent what did not match their names.
    case missing(ChunkTransferID, [ChunkID], reason: String)
    /// The transfer is over: nil where all was said, else why it broke off.
    case ended(ChunkTransferID, failure: String?)
    /// Chunks came in another way, such as by a push.
    case present([ChunkID])
    case cancel(ChunkWaiterID)
    case nodeLost(NodeID)
    /// The time of `nextWakeup` has come.
    case tick
}

package enum FetchEffect: Hashable, Sendable {
    case fetch(ChunkTransferID, from: NodeID, [ChunkReference])
    /// Nobody needs the rest of this transfer any more; no event about it is needed.
    case cancel(ChunkTransferID)
    /// All chunks that the waiter asked for are here.
    case done(ChunkWaiterID, FetchCosts)
    case failed(ChunkWaiterID, FetchFailure)
}

/// Brings missing chunks to this node.
///
/// A chunk has one *flight*, however many wait for it. A flight tries its sources in order; chunks
/// for the same source travel in batches (*transfers*), few at a time for each source, the others
/// queue there. What a transfer does not bring (missing, failed, no progress for too long) goes on
/// to the next source; when the list is through, it is gone through again after a pause, and when
/// attempts or rounds are used up every waiter fails and is told what was tried.
///
/// Hedging (Dean and Barroso, "The Tail at Scale", CACM 2013): a transfer that has made no progress
/// for longer than it should have taken has the rest of its chunks asked from their next source too,
/// once; the first copy wins. How long it should take is the link's time for the bytes, times
/// the source's smoothed ratio of real to expected time plus twice its deviation (the estimator of
/// RFC 6298), which lies near the 95th percentile.
///
/// The machine never sees bytes; and a waiter ends by exactly one `done` or `failed`, unless it cancels.
package struct ChunkFetches: Sendable {
    struct Flight: Sendable {
        let reference: ChunkReference
        /// Those of the first waiter, then what later ones knew besides.
        var sources: [FetchSource]
        var next = 0
        var round = 0
        var attempts = 0
        var transfers: [ChunkTransferID] = []
        /// The source in whose queue it stands.
        var queued: NodeID?
        var retryAt: Instant?
        var tried: [FetchFailure.Attempt] = []
        var waiters: [ChunkWaiterID] = []
        var wideAreaRoundTrips = 0

        func mayTry(_ settings: FetchSettings) -> Bool { attempts < max(settings.maximumAttempts, sources.count) }
    }

    struct Transfer: Sendable {
        let source: FetchSource
        /// What has not come yet, in the order asked for.
        var pending: [ChunkReference]
        let started: Instant
        let expected: Duration
        var hedgeAt: Instant?
        var timeoutAt: Instant
    }

    struct Waiter: Sendable {
        let deadline: Instant
        let chunks: [ChunkID]
        var remaining: Int
        var costs = FetchCosts()
        /// The last wide-area transfer counted for it.
        var counted: ChunkTransferID?
    }

    struct Source: Sendable {
        var queue: BoundedQueue<ChunkID>
        var transfers = 0
        var service = ServiceTime()
    }

    struct Due<ID: Comparable & Sendable>: Comparable, Sendable {
        let at: Instant
        let id: ID
        static func < (a: Self, b: Self) -> Bool { (a.at, a.id) < (b.at, b.id) }
    }

    package let settings: FetchSettings
    /// Looked up, never iterated.
    var flights: [ChunkID: Flight] = [:]
    var transfers = OrderedTable<ChunkTransferID, Transfer>()
    var waiters = OrderedTable<ChunkWaiterID, Waiter>()
    var sources = OrderedTable<NodeID, Source>()
    var deadlines = OrderedTable<Due<ChunkWaiterID>, Bool>()
    var retries = OrderedTable<Due<ChunkID>, Bool>()
    /// Sources whose queues have changed in this event.
    var touched: [NodeID] = []
    var nextTransfer: UInt64 = 1

    package init(settings: FetchSettings = FetchSettings()) { self.settings = settings }

    package var isIdle: Bool { waiters.isEmpty }
    package var flightCount: Int { flights.count }
    package var transferCount: Int { transfers.count }
    /// What a transfer has not brought yet.
    package func pending(_ id: ChunkTransferID) -> [ChunkID] { transfers[id]?.pending.map(\.id) ?? [] }

    /// When `tick` is wanted; nil while nothing waits.
    package var nextWakeup: Instant? {
        var first = [deadlines.first?.key.at, retries.first?.key.at].compactMap { $0 }.min()
        for (_, transfer) in transfers {
            let at = min(transfer.timeoutAt, transfer.hedgeAt ?? .distantFuture)
            if first.map({ at < $0 }) ?? true { first = at }
        }
        return first
    }

    package mutating func handle(_ event: FetchEvent, now: Instant, into effects: inout [FetchEffect]) {
        switch event {
        case .request(let id, let wants, let deadline): request(id, wants, deadline, now, &effects)
        case .arrived(let id, let chunks): arrived(id, chunks, now, &effects)
        case .missing(let id, let chunks, let reason):
            for chunk in chunks { drop(chunk, from: id, reason, now, &effects) }
        case .ended(let id, let failure): end(id, failure ?? "not sent", now, &effects)
        case .present(let chunks):
            for chunk in chunks { land(FetchedChunk(chunk, sentBytes: 0), isWideArea: false, now, &effects) }
        case .cancel(let id): cancel(id, &effects)
        case .nodeLost(let node): lose(node, now, &effects)
        case .tick: tick(now, &effects)
        }
        pump(now, &effects)
    }
}

/// How a source's real times relate to the expected ones: smoothed ratio and deviation in 1/1024,
/// as RFC 6298 §2 smooths round trips.
struct ServiceTime: Hashable, Sendable {
    var ratio: Int64 = 1_024
    var deviation: Int64 = 512

    mutating func observe(_ actual: Duration, expected: Duration) {
        let sample = min(
            64 << 10, actual.inNanoseconds.multipliedReportingOverflow(by: 1_024).partialValue / max(1, expected.inNanoseconds))
        deviation += (abs(sample - ratio) - deviation) / 4
        ratio += (sample - ratio) / 8
    }

    /// The time in which nearly all are done.
    func tail(of expected: Duration) -> Duration {
        let factor = min(64 << 10, max(1_024, ratio + 2 * deviation))
        return .nanoseconds(min(expected.inNanoseconds, .max >> 17) / 1_024 * factor)
    }
}
