import Consensus
package import NodeCore
package import Primitives
import ReplicaStorage
package import Simulation
package import Storage

/// The disk of one machine of a world: the write-ahead log without its thread, the snapshots and the chunk store with its
/// index, as a live node opens them, on a file system that fails. Used by one thread.
package final class NodeStorage: WorldStorage {
    private static let root = "/node"

    let disk: SimulatedFileSystem
    var chance: SeededGenerator
    private let identity: StorageIdentity
    private var logOptions = LogOptions()
    private var chunkOptions = ChunkStoreOptions()
    private let clock = Clock()

    // Of the process that runs.
    private(set) var log: WriteAheadLog?
    private(set) var snapshots: SnapshotStore?
    private(set) var chunks: ChunkStore?
    var writes = LogWrites()
    var underWay: [WorldWork] = []
    /// A group that has left, and whose snapshots are not deleted yet: none is taken in meanwhile.
    var leaving: [GroupID] = []
    /// The disk failed a sync on purpose in this run of the process.
    private(set) var syncFailed = false

    /// What the store has acknowledged and not swept, for faults to choose from.
    package var acknowledged: [ChunkID] = []
    var isKnown: Set<ChunkID> = []  // looked up only
    /// The bytes of each, to find them on the disk.
    var contents: [ChunkID: [UInt8]] = [:]  // looked up only
    /// Those that were swept, and did not come again.
    var swept: Set<ChunkID> = []  // looked up only
    /// Where each was found on the disk last.
    var places: [ChunkID: (bytes: FileBytes, start: Int)] = [:]  // looked up only

    private final class Clock: @unchecked Sendable { var now = Instant.zero }

    package init(_ options: WorldStorageOptions, mutant: StorageMutant? = nil) {
        chance = SeededGenerator(seed: SeededGenerator.mix(options.seed))
        disk = SimulatedFileSystem(seed: options.seed)
        disk.writebackOneIn = [0, 2, 8][chance.below(3)]
        identity = StorageIdentity(
            cluster: ClusterID(high: options.clusterHigh, low: options.clusterLow), node: options.node)
        // Small enough to be filled, large enough for what a node appends at once after a partition.
        logOptions.segmentSize = (512 << 10) << (2 * chance.below(2))
        logOptions.preallocation = 4_096 << chance.below(5)
        logOptions.maximumSegments = 2 + chance.below(3)
        logOptions.mutant = mutant
        chunkOptions.packSize = 4_096 << UInt64(chance.below(4))
        // What has decayed is to be found, and not what is in memory.
        chunkOptions.cacheBytes = 0
        chunkOptions.workers = 1
        chunkOptions.reserveBytes = 4_096
        chunkOptions.compressionLevel = 0
        chunkOptions.hollowBytes = 4_096
        chunkOptions.touchSpan = min(max(options.garbageGrace / 4, .milliseconds(10)), .seconds(86_400))
        chunkOptions.now = { [clock] in clock.now }
        chunkOptions.mutant = mutant
    }

    deinit { forget() }

    /// Makes the disks of worlds; with `mutant` all of them have that fault.
    package static func maker(mutant: StorageMutant? = nil) -> WorldStorageMaker { { NodeStorage($0, mutant: mutant) } }

    package var now: Instant {
        get { clock.now }
        set { clock.now = newValue }
    }
    package var isFull: Bool {
        get { disk.isFull }
        set { disk.isFull = newValue }
    }
    package var calls: UInt64 { disk.calls }
    package func isAcknowledged(_ chunk: ChunkID) -> Bool { isKnown.contains(chunk) }

    // MARK: Starting and stopping

    package func open() throws(WorldStorageFailure) -> NodeState.Restored {
        if chance.below(8) == 0 {
            disk.stop(after: chance.below(80))
            _ = try? openOnce()
            restart(losesPower: chance.below(2) == 0)
        }
        do { return try openOnce() } catch {
            let wasToFail = disk.isFull || syncFailed
            restart(losesPower: false)
            switch error {
            case StorageError.noSpace, StorageError.io, StorageError.index: throw WorldStorageFailure("\(error)", mayPass: wasToFail)
            default: throw WorldStorageFailure("\(error)", mayPass: false)
            }
        }
    }

    private func openOnce() throws -> NodeState.Restored {
        // In the order of the live node.
        let chunks = try ChunkStore(Self.root + "/chunks", options: chunkOptions, system: disk)
        self.chunks = chunks
        let snapshots = try SnapshotStore(Self.root + "/snapshots", system: disk)
        let (log, recovered) = try WriteAheadLog.open(
            Self.root + "/log", identity: identity, options: logOptions, system: disk, hasThread: false)
        self.log = log
        self.snapshots = snapshots
        return try ReplicaStorage.restore(recovered, snapshots)
    }

    package func stop(losesPower: Bool) {
        // Within a call, or between two.
        if chance.below(2) == 0 {
            disk.failingSyncs = 0
            disk.stop(after: chance.below([3, 10, 40][chance.below(3)]))
            if chance.below(2) == 0 { _ = sync() }
            for work in underWay { _ = perform(work) }
            _ = sync()
        }
        restart(losesPower: losesPower)
    }

    private func restart(losesPower: Bool) {
        disk.restart(losesPower: losesPower)
        forget()
        syncFailed = false
    }

    /// All that a process has in memory.
    private func forget() {
        writes = LogWrites()
        underWay = []
        leaving = []
        log = nil
        snapshots = nil
        chunks = nil
    }

    package func failSync() {
        disk.failingSyncs = 1
        syncFailed = true
    }

    package func heal() { disk.failingSyncs = 0 }
}
