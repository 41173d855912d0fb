import Filesystem
import Membership
import NodeCore
import Primitives

/// One machine with its node: the core's state, and what the data plane of a live node would hold. An
/// object, so that looking at a field never copies the rest.
final class Host {
    let index: Int
    let id: NodeID
    let region: RegionID
    /// The region's place in the map.
    let place: Int
    var state: NodeState
    var isUp = false
    /// Counts the runs of the process: what belongs to an earlier one is void.
    var life: UInt32 = 0
    /// A stopped process takes everything in when it goes on.
    var pausedUntil: Int64 = 0
    var clock: Clock
    var program = Program(1...1)
    var disk = Disk()
    /// Names the data directory; another one after the disk was replaced.
    var store: UInt64
    var isReplaced: Bool { store != id.rawValue }
    var timers: [TimerKey: ArmedTimer] = [:]  // looked up only
    /// It stays broken when the rest is healed (`Scenario.minority`).
    var isLeftOut = false
    var isCutOff = false
    /// A place of its disk that has decayed, which the next start reads.
    var rotten: (part: RottenPart, place: RottenPlace)?
    /// When it last crashed or was cut off.
    var lostAt: Int64?
    /// When the process started, by this machine's clock.
    var startedAt: Int64 = 0

    // Gone with the process.
    /// When each chunk was stored here, or vouched for, last.
    var touched: [ChunkID: Int64] = [:]  // looked up only
    var buffers: [BufferID: Content] = [:]  // looked up only
    var nextBuffer: UInt64 = 1
    var stages: [StageID: [(offset: UInt64, content: Content)]] = [:]  // looked up only
    /// Pushes and fetches under way, with the peer.
    var transfers: [(token: WaitToken, peer: Int, failure: Event)] = []
    var nextRequest: UInt64 = 1
    /// Who waits for which reply.
    var requests: [RequestID: Int] = [:]  // looked up only
    var nextSync: UInt64 = 1
    /// Exchanges that others began: who, which of theirs.
    var syncs: [SyncToken: (asker: Int, life: UInt32, id: SyncID)] = [:]  // looked up only

    /// Nodes that asked to be let in, or whether they still belong.
    var joins: [SyncToken: (asker: Int, life: UInt32)] = [:]  // looked up only

    struct ArmedTimer {
        let serial: UInt64
        let generation: UInt64
    }

    init(index: Int, region: RegionID, place: Int, state: NodeState, clock: Clock) {
        self.index = index
        store = UInt64(index) + 1
        id = NodeID(UInt64(index) + 1)
        self.region = region
        self.place = place
        self.state = state
        self.clock = clock
    }

    func insert(_ content: Content) -> Payload {
        defer { nextBuffer += 1 }
        buffers[BufferID(nextBuffer)] = content
        return Payload(buffer: BufferID(nextBuffer), length: UInt32(content.length))
    }

    /// All that a process has in memory.
    func forget() {
        timers = [:]
        touched = [:]
        buffers = [:]
        stages = [:]
        transfers = []
        requests = [:]
        syncs = [:]
        joins = [:]
    }
}
