import Filesystem
import Primitives
import Replication

/// A request to a group's leader that has not been answered. It is sent again, with the same stamp,
/// when the leader changes or its node is lost, until the request that waits for it gives up.
struct OutgoingCall {
    enum Body {
        case propose(envelope: [UInt8])
        case compound(Compound, ClientStamp?, Payload?)
        case awaitApplied(index: UInt64)
        case bring([ChunkReference])
        case clone(CloneOrder)
    }
    let group: GroupID
    let body: Body
    let token: WaitToken
    let deadline: Instant
    /// Only this node is asked, whoever leads.
    let fixed: NodeID?
    var destination: NodeID?
    var attempts = 0
    /// When to send (again); far in the future while an answer is awaited.
    var due: Instant
    /// When it was sent last.
    var sentAt = Instant.zero
    /// What was sent last, in bytes.
    var sentBytes: UInt64 = 0
}

/// Calls awaiting their answers, in order of their ids.
struct CallTable {
    static let capacity = 16_384
    var calls = OrderedTable<CallID, OutgoingCall>()
    private var nextID: UInt64

    init(first: UInt64) { nextID = first }

    mutating func insert(_ call: OutgoingCall) -> CallID {
        let id = newID()
        calls[id] = call
        return id
    }

    /// For a call that is not kept.
    mutating func newID() -> CallID {
        defer { nextID += 1 }
        return CallID(nextID)
    }

    var isFull: Bool { calls.count >= Self.capacity }
}

/// The proposals of this node to one log: their stamps (see `ClientTable`).
struct Proposer {
    /// After so long without a proposal a new client begins: the table forgets idle ones after an hour.
    static let idleLimit: Duration = .seconds(1_800)
    /// Proposals whose results are not all here (`ClientTableLimits.window`).
    static let window: UInt64 = 1_024
    /// By the time that proposals carry, which may be stepped, and which the table goes by.
    private var lastUse: WallTime
    private var client: ClientID
    private var opened: UInt64
    private var next: UInt64 = 1
    /// A result came out of the log. Until then nothing is acknowledged: an unknown client that has
    /// acknowledged something counts as one that was forgotten, though it may just have begun with
    /// proposals that never reached the log.
    private var isKnown = false
    private var outstanding = OrderedTable<UInt64, Bool>()

    init(client: ClientID, opened: UInt64, at time: WallTime) {
        lastUse = time
        self.client = client
        self.opened = opened
    }

    /// A stamp for one more proposal; `end` it when its result is here.
    mutating func begin(at time: WallTime) -> ClientStamp {
        lastUse = time
        let acknowledged = isKnown ? (outstanding.first?.key ?? next) - 1 : 0
        let stamp = ClientStamp(client: client, sequence: next, acknowledged: acknowledged, opened: opened)
        outstanding[next] = true
        next += 1
        return stamp
    }

    /// A proposal more would have to wait for the results of earlier ones.
    var isFull: Bool { next - (outstanding.first?.key ?? next) >= Self.window }

    /// Whether a new client is to begin: the table may have forgotten this one, or would not take one
    /// that begins with so late a number.
    func isWorn(at time: WallTime) -> Bool {
        lastUse.nanoseconds + Self.idleLimit.inNanoseconds < time.nanoseconds || !isKnown && next > Self.window
    }

    mutating func end(_ stamp: ClientStamp, wasApplied: Bool) {
        guard stamp.client == client else { return }
        _ = outstanding.remove(stamp.sequence)
        if wasApplied { isKnown = true }
    }
}
