import Chunks
import Primitives

/// The chunk store on a disk.
///
/// A directory holds `store.json` (format version and id of the store), `lock`, `packs/` with the
/// append-only packs (`PackHeader`, `ChunkFrame`, `PackFooter`) and `index.sqlite`. The packs are the truth.
/// The index says where each chunk lies; it may lag and can always be rebuilt.
///
/// *A put*: hash, look up, compress if a sample shrinks, append to the active pack, `fdatasync`, then
/// acknowledge, then write the index row. Callers that wait for the disk at the same time share one
/// sync: the first becomes leader and syncs for all that was appended before, the others wait.
///
/// *A failed append* (a full disk) leaves the pack's tail where it was. *A failed sync* is worse: the
/// system may have dropped the pages, and a second sync that succeeds would prove nothing. So everything
/// not yet synced is declared lost to its callers, the pack is left for a new one, and whoever staged
/// something stages it again (`StageTicket`).
///
/// *A crash* leaves the index behind and perhaps half a frame at the tail: open scans from the last
/// covered offset, adds what is sound and cuts what is not.
///
/// *Garbage* is chosen by others (`ChunkStore+Sweep.swift`); the store knows which chunks were touched of
/// late, and never lets go of those.
///
/// Locks, in the order in which they are taken: `compactor`, `writer` (the active pack's tail), `touchGuard`,
/// `state` (everything else here), then the locks inside the index, the cache and the file table.
package final class ChunkStore: ChunkBackend, @unchecked Sendable {
    package static let format: UInt64 = 1
    /// Rows that may wait for a failing index before puts are refused.
    static let unindexedLimit = 65_536

    package let directory: String
    package let options: ChunkStoreOptions
    /// What was found wrong, and dealt with, while opening.
    package internal(set) var openFindings: [StorageFinding] = []

    let system: any FileSystem
    let lock: any DirectoryHold
    let identity: (high: UInt64, low: UInt64)
    let files: PackFiles
    /// Assigned while opening only.
    var index: ChunkIndex
    let cache: ChunkCache
    let compressors: CompressorPool
    let workers: WorkerPool

    /// A chunk that is appended, but not yet in the index.
    struct PendingChunk {
        let location: ChunkLocation
        let sequence: UInt64
    }
    struct UnindexedRow {
        let id: ChunkID
        let location: ChunkLocation
        let sequence: UInt64
    }

    let writer = Monitor()
    var active: ActivePack?
    var nextPack: UInt64 = 1
    /// Whether all that the index said when the store was opened is durable.
    var isIndexSettled = false

    let state = Monitor()
    var pending: [ChunkID: PendingChunk] = [:]
    var unindexed: [UnindexedRow] = []
    var syncingPack: ActivePack?
    var appended: UInt64 = 0
    var synced: UInt64 = 0
    var epoch: UInt64 = 1
    var isSyncing = false
    var isClosed = false
    var indexFailure: StorageError?
    var syncCount: UInt64 = 0
    var duplicateHits: UInt64 = 0

    let touchGuard = Monitor()
    var touches: RecentTouches
    var sweptChunks: UInt64 = 0
    var sweptBytes: UInt64 = 0

    let compactor = Monitor()
    var compaction: CompactionCursor?
    var scrubCursor: ChunkID?
    var freedBytes: UInt64 = 0

    /// Opens the store in a directory, or makes one there.
    package init(_ directory: String, options: ChunkStoreOptions = ChunkStoreOptions(), system: any FileSystem = .posix)
        throws(StorageError)
    {
        precondition(options.packSize >= 4 << 10 && options.packSize <= 64 << 30, "packSize must be 4 KiB to 64 GiB")
        precondition(options.workers >= 1 && options.workers <= 64, "workers must be 1 to 64")
        self.directory = directory
        self.options = options
        self.system = system
        touches = RecentTouches(span: options.touchSpan, now: options.now())
        try system.makeDirectories(directory + "/packs")
        lock = try system.lock(directory)
        identity = try Self.openIdentity(directory, system: system)
        files = PackFiles(directory + "/packs", system: system, mutant: options.mutant)
        var findings: [StorageFinding] = []
        index = try Self.openIndex(directory, identity: identity, findings: &findings, system: system)
        cache = ChunkCache(capacity: options.cacheBytes)
        compressors = CompressorPool(level: options.compressionLevel)
        workers = WorkerPool(threads: options.workers)
        openFindings = findings
        watchIndex()
        do throws(StorageError) { try recover() } catch {
            guard SQLiteDatabase.meansDestroyed(error) else { throw error }
            try rebuildIndex()
            watchIndex()
            try recover()
        }
    }

    /// Makes everything staged durable, seals nothing, and refuses what comes later.
    package func close() throws(StorageError) {
        defer {
            workers.stop()
            lock.release()
        }
        state.lock()
        let alreadyClosed = isClosed
        state.unlock()
        guard !alreadyClosed else { return }
        defer { state.withLock { isClosed = true } }
        try flush()
        try index.checkpoint()
    }

    package func statistics() throws(StorageError) -> ChunkStatistics {
        var statistics = ChunkStatistics()
        for pack in try index.packs() {
            statistics.packs += 1
            statistics.packBytes += pack.length
            statistics.storedBytes += pack.liveBytes
            statistics.rawBytes += pack.liveRaw
            statistics.chunks += pack.liveChunks
        }
        statistics.quarantined = try index.quarantineCount()
        let counters = cache.counters
        statistics.cacheBytes = counters.bytes
        statistics.cacheHits = counters.hits
        statistics.cacheMisses = counters.misses
        state.lock()
        defer { state.unlock() }
        for row in unindexed {
            statistics.chunks += 1
            statistics.rawBytes += UInt64(row.location.rawLength)
            statistics.storedBytes += UInt64(row.location.frameSize)
            statistics.packBytes += UInt64(row.location.frameSize)
        }
        statistics.syncs = syncCount
        statistics.sweptChunks = sweptChunks
        statistics.sweptBytes = sweptBytes
        statistics.freedBytes = freedBytes
        statistics.duplicateHits = duplicateHits
        return statistics
    }
}
