import Primitives

/// Another member, as this node keeps it.
struct Peer: Hashable, Sendable {
    var record: MemberRecord
    /// The incarnation whose own words (region, endpoints, facts) the record holds; an accusation can raise
    /// `record.incarnation` before those words arrive.
    var contentIncarnation: UInt64
    var statusSince: Instant
    /// When it ceased to be alive; meaningful unless it is.
    var downSince: Instant
    /// When a packet last came from it directly.
    var heardAt: Instant?
    /// When this node last began or ended a probe of it.
    var checkedAt: Instant?
    /// Order among peers checked at the same time, drawn anew for each probe.
    var tieBreak: UInt64
    var roundTrips = RoundTripWindow()
    /// The last round trip in microseconds, until it is told to the peer; 0 for none.
    var untold: UInt32 = 0
    var coordinate: NetworkCoordinate?
    var suspicion: Suspicion?
    /// The run before the one that the record names.
    var previousRun: UInt64?
    var conflictAt: Instant?
    /// When this node last began an exchange with it out of turn.
    var contactedAt: Instant?

    init(record: MemberRecord, now: Instant, tieBreak: UInt64) {
        self.record = record
        contentIncarnation = record.incarnation
        statusSince = now
        downSince = now
        self.tieBreak = tieBreak
    }

    var id: NodeID { record.id }

    /// The last moment at which the peer was heard of or asked.
    var attendedNanoseconds: Int64 {
        max(heardAt?.nanoseconds ?? .min, checkedAt?.nanoseconds ?? .min)
    }

    func wasHeard(after moment: Instant) -> Bool { heardAt.map { $0 > moment } ?? false }
}

/// By what a member's own words are told from older ones.
struct KnownWords: Hashable, Sendable {
    let id: NodeID
    let incarnation: UInt64
    let contentIncarnation: UInt64
    let run: UInt64
    let factsVersion: UInt64

    init(_ peer: Peer) {
        id = peer.id
        incarnation = peer.record.incarnation
        contentIncarnation = peer.contentIncarnation
        run = peer.record.run
        factsVersion = peer.record.facts.version
    }

    /// Whether neither the record's incarnation nor its words are news.
    func areNewer(than record: MemberRecord) -> Bool {
        record.incarnation <= incarnation
            && (record.incarnation < contentIncarnation
                || record.incarnation == contentIncarnation && (record.run != run || record.facts.version <= factsVersion))
    }
}

/// Whose turn it is to be probed: the lowest first.
struct ProbeTurn: Hashable, Sendable {
    /// When it was last heard of or asked; never comes for who is not present.
    let attended: Int64
    let tieBreak: UInt64

    var isPresent: Bool { attended != .max }

    init(_ peer: Peer) {
        attended = peer.record.status.isPresent ? peer.attendedNanoseconds : .max
        tieBreak = peer.record.status.isPresent ? peer.tieBreak : .max
    }
}

/// A probe that has not ended.
struct Probe: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        /// The first ping is out.
        case direct
        /// Helpers were asked, and the ping repeated.
        case indirect
    }

    let target: NodeID
    /// The first ping's sequence number; also the probe's name.
    let sequence: UInt32
    let startedAt: Instant
    var stage = Stage.direct
    /// The repeated ping's number and moment. It has its own, so that its ack gives a true round trip (Karn's rule).
    var repeated: UInt32?
    var repeatedAt: Instant?
    /// Helpers outside the target's region: their nacks are to be expected.
    var helpers = 0
    var nacks = 0
    var timer: ArmedTimer

    func isAnswered(by number: UInt32) -> Bool { sequence == number || repeated == number }

    /// When the ping of that number went out.
    func sentAt(_ number: UInt32) -> Instant { number == sequence ? startedAt : repeatedAt ?? startedAt }
}

/// A probe made for somebody else.
struct Relay: Hashable, Sendable {
    /// This node's own ping to the target.
    let sequence: UInt32
    let startedAt: Instant
    let target: NodeID
    let origin: NodeID
    let replyTo: Endpoint
    let originSequence: UInt32
    let patienceNanoseconds: Int64
    var isNacked = false
    var timer: ArmedTimer
}

/// An exchange that has not ended.
struct OpenSync: Hashable, Sendable {
    let id: SyncID
    let endpoint: Endpoint
    let timer: ArmedTimer
}

/// A region none of whose members is reachable.
struct RegionCut: Hashable, Sendable {
    let region: RegionID
    let since: Instant
}
