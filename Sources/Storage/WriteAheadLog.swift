package import Primitives

/// The write-ahead log that all groups of a node share: one `fdatasync` serves every group that waits.
///
/// *Files.* `0000000000000001.wal`, `…2.wal`, …: segments of a header (`LogSegmentHeader`) and batches
/// (`LogBatch`), zeros behind the last one. Only the newest segment is written to.
///
/// *Appending.* Callers queue their records; a thread of the log's own takes all that wait, up to
/// `groupCommitBytes`, writes them as one batch, syncs, and calls the completions in the order of the
/// appends. While it syncs, the next batch gathers.
///
/// *Opening.* All batches are replayed. In the newest segment, bytes that are no sound batch and have none
/// behind them were being written at the crash: they are cut, they were never acknowledged. Bad bytes anywhere
/// else are decay, and the log refuses with file and offset: an entry that was acknowledged may be gone,
/// and only the other replicas can say. (Decay of exactly the last batch looks like a torn one. Raft's
/// majority is what stands against that, as against the loss of a disk.)
///
/// *Failing.* A full disk fails the appends with `.noSpace` and leaves the log as it was; later ones may
/// succeed. Any other error, of a sync above all, ends the log: what the disk holds is unknown until it is
/// read again, so every later append fails with `.failed` until the node opens the log anew.
///
/// *Reclaiming.* A segment goes when nothing in it is needed. Small states are written again, and, above
/// `maximumSegments`, the entries of slow groups too.
package final class WriteAheadLog: @unchecked Sendable {
    package typealias Completion = @Sendable (StorageError?) -> Void

    private struct Waiting {
        let records: [LogRecord]
        let size: Int
        let completion: Completion
    }

    package let directory: String
    private let options: LogOptions
    private let lock: any DirectoryHold
    private let monitor = Monitor()
    private var thread: OSThread?

    // Guarded by the monitor.
    private var queue: [Waiting] = []
    private var queuedBytes = 0
    private var isStopping = false
    private var published = LogStatistics()
    private var appends: UInt64 = 0
    private var failure: StorageError?

    // Guarded by its own lock: the log's thread holds it while it writes.
    private let writing = Monitor()
    private let writer: LogWriter

    /// Opens the log of a directory, or makes one there, and says what each group remembers, in the
    /// order of their ids. Without a thread of its own it works only when its owner calls `turn`: under virtual time.
    package static func open(
        _ directory: String, identity: StorageIdentity, options: LogOptions = LogOptions(), system: any FileSystem = .posix,
        hasThread: Bool = true
    ) throws(StorageError) -> (log: WriteAheadLog, groups: [RecoveredGroup]) {
        precondition(options.segmentSize >= 1 << 10 && options.segmentSize <= 1 << 30, "segmentSize must be 1 KiB to 1 GiB")
        precondition(options.preallocation >= 512 && options.maximumSegments >= 2, "preallocation at least 512, maximumSegments at least 2")
        try system.makeDirectories(directory)
        let lock = try system.lock(directory)
        for name in try system.names(directory) where name.hasSuffix(".wal.tmp") {
            try system.remove(directory + "/" + name)
        }
        // A segment whose name is not durable yet may have been made by a process that was killed; it counts from here on.
        try system.syncDirectory(directory)
        let replay = try LogReplay(directory, identity: identity, system: system, mutant: options.mutant)
        let writer = try LogWriter(directory, identity: identity, options: options, replay: replay, system: system)
        return (WriteAheadLog(directory, options: options, lock: lock, writer: writer, hasThread: hasThread), replay.recovered)
    }

    private init(_ directory: String, options: LogOptions, lock: any DirectoryHold, writer: LogWriter, hasThread: Bool) {
        self.directory = directory
        self.options = options
        self.lock = lock
        self.writer = writer
        published = statisticsOfWriter()
        if hasThread { thread = OSThread { self.run() } }
    }

    /// Appends the records, all or none of them, and calls `completion` from the log's thread when they are durable
    /// or have failed. Completions come in the order of the appends; they must not block. Waits while
    /// more than `queueBytes` are queued.
    package func append(_ records: [LogRecord], completion: @escaping Completion) {
        let size = records.reduce(0) { $0 + LogBatch.size(of: $1) }
        monitor.lock()
        while thread != nil, queuedBytes > 0, queuedBytes + size > options.queueBytes, !isStopping { monitor.wait() }
        guard !isStopping else {
            monitor.unlock()
            completion(.closed(path: directory))
            return
        }
        queue.append(Waiting(records: records, size: size, completion: completion))
        queuedBytes += size
        monitor.broadcast()
        monitor.unlock()
    }

    /// Appends and waits until the records are durable.
    package func append(_ records: [LogRecord]) throws(StorageError) {
        let done = Monitor()
        nonisolated(unsafe) var outcome: StorageError??
        append(records) { error in
            done.withLock {
                outcome = .some(error)
                done.signal()
            }
        }
        let error: StorageError? = done.withLock {
            while outcome == nil { done.wait() }
            return outcome!
        }
        if let error { throw error }
    }

    /// Entries read back from the disk, from `first` to `last`, about `limit` bytes of them, at least one where
    /// there is one. Waits for a sync under way; for replicas that lag behind what memory holds.
    package func entries(
        of group: GroupID, from first: UInt64, through last: UInt64, limit: Int = 1 << 20
    ) throws(StorageError) -> [LogEntry] {
        writing.lock()
        defer { writing.unlock() }
        return try writer.entries(group, from: first, through: last, limit: limit)
    }

    /// As of the last batch; never waits for the disk.
    package func statistics() -> LogStatistics { monitor.withLock { published } }

    /// Writes what is queued, stops the thread, and refuses what comes later. A log that is not closed lives on
    /// with its thread.
    package func close() {
        monitor.withLock {
            isStopping = true
            monitor.broadcast()
        }
        thread?.join()
        if thread == nil { while turn() {} }
        lock.release()
    }

    // MARK: The log's thread

    private func run() {
        while let group = nextGroup() {
            commit(group)
            reclaim()
        }
    }

    /// Commits what waits, as the thread would, up to the size of a group commit; false where nothing waits. For logs
    /// without a thread.
    package func turn() -> Bool {
        precondition(thread == nil, "the log has a thread")
        let hasWork = monitor.withLock { !queue.isEmpty }
        guard hasWork, let group = nextGroup() else { return false }
        commit(group)
        reclaim()
        return true
    }

    /// All that waits, up to the size of a group commit; nil when the log is closed and nothing waits.
    private func nextGroup() -> [Waiting]? {
        monitor.lock()
        defer { monitor.unlock() }
        while queue.isEmpty, !isStopping { monitor.wait() }
        guard !queue.isEmpty else { return nil }
        var count = 0
        var size = 0
        while count < queue.count, count == 0 || size + queue[count].size <= options.groupCommitBytes {
            size += queue[count].size
            count += 1
        }
        let group = Array(queue.prefix(count))
        queue.removeFirst(count)
        queuedBytes -= size
        monitor.broadcast()
        return group
    }

    /// Writes the appends in as few batches as fit, and completes them in order.
    private func commit(_ group: [Waiting]) {
        var admission = LogAdmission()
        var batch: [LogRecord] = []
        var size = LogBatch.headerSize
        var outcomes: [(completion: Completion, refused: StorageError?)] = []
        func write() {
            let error = failure ?? attempt(batch)
            monitor.withLock {
                appends += UInt64(outcomes.count)
                published = statisticsOfWriter()
            }
            for outcome in outcomes { outcome.completion(outcome.refused ?? error) }
            batch = []
            outcomes = []
            size = LogBatch.headerSize
            admission = LogAdmission()
        }
        for waiting in group {
            do throws(StorageError) {
                var records = try admission.admit(waiting.records, writer.groups)
                let bytes = records.reduce(0) { $0 + LogBatch.size(of: $1) }
                let limit = writer.capacity - LogBatch.headerSize
                guard bytes <= limit else { throw .tooLarge(what: "an append to the log", size: bytes, limit: limit) }
                if size + bytes > writer.capacity {
                    write()
                    records = try admission.admit(waiting.records, writer.groups)
                }
                batch.append(contentsOf: records)
                size += bytes
                outcomes.append((waiting.completion, nil))
            } catch {
                outcomes.append((waiting.completion, error))
                if case .tooLarge = error { write() }
            }
        }
        write()
    }

    private func attempt(_ batch: [LogRecord]) -> StorageError? {
        writing.lock()
        defer { writing.unlock() }
        do throws(StorageError) {
            try writer.commit(batch)
            return nil
        } catch {
            remember(error)
            return error
        }
    }

    private func remember(_ error: StorageError) {
        if case .noSpace = error { return }
        failure = .failed(path: directory, cause: error.description)
    }

    /// Reclaims while nobody waits, at most one step while somebody does.
    private func reclaim() {
        var goesOn = failure == nil
        while goesOn {
            writing.lock()
            do throws(StorageError) { goesOn = try writer.reclaim() } catch {
                remember(error)
                goesOn = false
            }
            writing.unlock()
            monitor.withLock {
                published = statisticsOfWriter()
                if !queue.isEmpty || isStopping { goesOn = false }
            }
        }
    }

    private func statisticsOfWriter() -> LogStatistics {
        var statistics = writer.statistics
        statistics.segments = writer.segments.count
        statistics.bytes = writer.totalBytes
        statistics.liveBytes = writer.liveBytes
        statistics.groups = writer.groups.count
        statistics.appends = appends
        return statistics
    }
}
