import Primitives

/// Another member, as this node keeps it.
struct Peer: Hashable, Sendable {
    var record: MemberRecord
    var statusSince: Instant
    /// When it ceased to be alive; meaningful unless it is.
    var downSince: Instant
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
        statusSince = now
        downSince = now
        self.tieBreak = tieBreak
    }

    var id: NodeID { record.id }
    /// The incarnation whose own words (region, endpoints, facts) the record holds; an accusation can raise
    /// `record.incarnation` before those words arrive.
    var contentIncarnation: UInt64 { record.words.incarnation }
}

/// What is asked of a peer for each packet, and of all peers in each period: beside the rest, so that little is touched.
struct PeerTurn: Hashable, Sendable {
    /// When a packet last came from it directly.
    var heardAt = Instant(nanoseconds: .min)
    /// When this node last heard of it or asked it, as long as it is present: the lowest is probed next. Never comes for who is not.
    private(set) var attended = Int64.max
    private(set) var tieBreak = UInt64.max

    var isPresent: Bool { attended != .max }
    func wasHeard(after moment: Instant) -> Bool { heardAt > moment }

    mutating func heard(at now: Instant) {
        heardAt = now
        if isPresent { attended = max(attended, now.nanoseconds) }
    }

    /// After a change of what it is made of.
    mutating func update(from peer: Peer) {
        let isPresent = peer.record.status.isPresent
        attended = isPresent ? attended(by: peer) : .max
        tieBreak = isPresent ? peer.tieBreak : .max
    }

    /// The last moment at which the peer was heard of or asked, present or not.
    func attended(by peer: Peer) -> Int64 { max(heardAt.nanoseconds, peer.checkedAt?.nanoseconds ?? .min) }
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
