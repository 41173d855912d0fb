package import Consensus
package import NodeCore
package import Primitives

/// One machine's disk with the storage's own code on it: the write-ahead log, the snapshots and the chunk store of a
/// live node, on a file system that loses what was not synced. Worlds use a stand-in (`Disk`) where they have none; the
/// one there is lies in `StorageSimulation`, because this target does no I/O (`NodeStorage`).
///
/// A chunk's bytes are its content's description (`Content.encoded`): its name is their hash.
package protocol WorldStorage: AnyObject {
    /// The machine's monotonic clock, by which the chunk store tells ages. Set before each call.
    var now: Instant { get set }
    /// Nothing more can be stored.
    var isFull: Bool { get set }
    /// Calls made on the file system so far; the same for the same seed.
    var calls: UInt64 { get }

    /// Opens everything as a node does that starts: what its replicas remember. Power may fail meanwhile; then it is
    /// opened again.
    func open() throws(WorldStorageFailure) -> NodeState.Restored
    /// The process ends, within a call perhaps, or (`losesPower`) the machine does.
    func stop(losesPower: Bool)
    /// The next sync fails, and nobody can say what of it is on the disk.
    func failSync()
    /// No sync fails any more.
    func heal()

    // The log.

    /// Puts writes behind those that wait; `sync` answers with the token.
    func append(_ writes: [(GroupID, RaftPersist)], token: UInt64)
    /// The group leaves: its log and, when that is durable, its snapshots go.
    func forget(_ group: GroupID)
    /// About how much waits to be written; nil where nothing does.
    var waitingBytes: Int64? { get }
    /// Writes what waits.
    func sync() -> WorldSync

    // Snapshots and chunks: work takes time, so that a machine may stop within it.

    func begin(_ work: WorldWork)
    func finish(_ work: WorldWork) -> WorldWorkResult
    /// The newest snapshot that the disk has, read back.
    func snapshot(of group: GroupID) -> (SnapshotMetadata, GroupMachine)?

    // Chunks.

    /// Reads a chunk; one that has decayed is set apart.
    func read(_ chunk: ChunkID) -> WorldChunk
    /// Which of them the store takes for present, without reading them; nil where it cannot say.
    func holds(_ chunks: [ChunkID]) -> [Bool]?
    func touch(_ chunks: [ChunkID])
    /// As `ChunkStore.listIdle`; nil where it fails.
    func idle(after: ChunkID?, limit: Int, for span: Duration) -> (ids: [ChunkID], next: ChunkID?)?
    /// As `ChunkStore.sweep`, and gives space back; nil where it fails.
    func sweep(_ chunks: [ChunkID], idle: Duration) -> (chunks: UInt64, bytes: UInt64)?
    /// Chunks that were acknowledged and not swept since, in the order in which they came: for faults to choose from.
    var acknowledged: [ChunkID] { get }
    func isAcknowledged(_ chunk: ChunkID) -> Bool
    /// Not swept, and its bytes would be there if power failed now. Only looks: no call on the file system.
    func liesDurably(_ chunk: ChunkID) -> Bool
    /// One bit of the log or of a snapshot decays while nothing runs; where, or nil where there is nothing.
    func rot(_ part: RottenPart) -> RottenPlace?
    /// One bit of a chunk decays wherever it lies; nobody is told.
    func decay(_ chunk: ChunkID)
}

/// What a disk is made for.
package struct WorldStorageOptions: Sendable {
    package let seed: UInt64
    /// The cluster's id, the same for all machines of a world.
    package let clusterHigh: UInt64
    package let clusterLow: UInt64
    package let node: NodeID
    package let garbageGrace: Duration
}

/// Makes the disk of one machine.
package typealias WorldStorageMaker = @Sendable (WorldStorageOptions) -> any WorldStorage

package struct WorldStorageFailure: Error, CustomStringConvertible {
    package let description: String
    /// The disk is full, or one of its calls failed: starting again may help.
    package let mayPass: Bool
    package init(_ description: String, mayPass: Bool) {
        self.description = description
        self.mayPass = mayPass
    }
}

/// What came of a sync of the log.
package struct WorldSync {
    /// Tokens of writes that are durable, in their order.
    package var durable: [UInt64] = []
    /// No room: the writes wait, and are to be tried again.
    package var isFull = false
    /// The log has ended, and the node must not go on.
    package var failure: String?
    /// A sync failed on purpose. Any other failure of the log is a fault of its own.
    package var wasToFail = false
    package init() {}
}

/// Work on a disk that takes time.
package enum WorldWork {
    /// Chunks with their bytes; `areCopies`: another node sent them.
    case chunks([(id: ChunkID, bytes: [UInt8])], areCopies: Bool)
    case snapshot(GroupID, SnapshotMetadata, GroupMachine, isReceived: Bool)
}

package struct WorldWorkResult {
    package var isDone: Bool
    package var reason = ""
    /// A snapshot that was received, as the disk has it.
    package var machine: GroupMachine?
    package init(isDone: Bool, reason: String = "", machine: GroupMachine? = nil) {
        self.isDone = isDone
        self.reason = reason
        self.machine = machine
    }
}

package enum WorldChunk: Hashable, Sendable {
    case sound
    /// Other bytes than those of its name were given out.
    case wrong
    case missing
}
