import Chunks
import Primitives

/// The log's files and what is known of them; used by one thread at a time.
final class LogWriter {
    struct Segment {
        let header: LogSegmentHeader
        let file: File
        /// Behind the last batch.
        var tail: UInt64
        /// The file holds zeros from the tail up to here.
        var zeroed: UInt64
    }

    private let directory: String
    private let identity: StorageIdentity
    private let options: LogOptions
    private let system: any FileSystem
    private(set) var segments: [Segment] = []
    private(set) var groups: [GroupID: LogGroup]
    private var nextSequence: UInt64
    /// Bytes of live entries by segment.
    private var live: [UInt64: UInt64] = [:]
    var statistics = LogStatistics()

    /// Goes on where the replay ended; cuts a torn tail.
    init(_ directory: String, identity: StorageIdentity, options: LogOptions, replay: LogReplay, system: any FileSystem)
        throws(StorageError)
    {
        self.directory = directory
        self.identity = identity
        self.options = options
        self.system = system
        groups = replay.groups
        nextSequence = replay.nextSequence
        for (position, found) in replay.segments.enumerated() {
            let isLast = position == replay.segments.count - 1
            let file = try system.file(found.path, isLast ? .readWrite : .read)
            var zeroed = found.size
            if isLast, found.isTorn {
                try file.truncate(to: found.end)
                zeroed = found.end
            }
            if isLast { try settle(file, found) }
            segments.append(Segment(header: found.header, file: file, tail: found.end, zeroed: zeroed))
        }
        for group in groups.values { for place in group.places { live[place.segment, default: 0] += UInt64(place.size) } }
        if segments.isEmpty { try roll() }
    }

    /// What was read may be in the system's memory only, and counts as durable from here on. A sync alone would not do:
    /// where the last process ended because a sync failed, the system takes those pages for written and does not write
    /// them again (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Every batch but the
    /// last one was durable before the next was written, so that one is written again.
    private func settle(_ file: File, _ found: LogReplay.Segment) throws(StorageError) {
        let last = max(found.lastBatch, UInt64(LogSegmentHeader.size))
        if options.mutant != .logTailTrusted, last < found.end {
            let bytes = try file.read(at: last, count: Int(found.end - last))
            do throws(StorageError) { try file.write(bytes, at: last) } catch {
                // A full disk that takes not even this must not keep the node from reading.
                guard case .noSpace = error else { throw error }
            }
        }
        try file.sync()
    }

    /// The largest batch, with its header, that fits a segment.
    var capacity: Int { options.segmentSize - LogSegmentHeader.size }

    // MARK: Writing

    /// Writes the records as one batch, syncs it and takes it into account. `.noSpace` leaves everything
    /// as it was; after any other error the log must not be used any more.
    func commit(_ records: [LogRecord]) throws(StorageError) {
        guard !records.isEmpty else { return }
        let size = LogBatch.headerSize + records.reduce(0) { $0 + LogBatch.size(of: $1) }
        precondition(size <= capacity, "a batch larger than a segment")
        if segments[segments.count - 1].tail + UInt64(size) > UInt64(options.segmentSize) { try roll() }
        let active = segments.count - 1
        let batch = LogBatch.encode(records, sequence: nextSequence, salt: segments[active].header.salt)
        let file = segments[active].file
        let tail = segments[active].tail
        do throws(StorageError) {
            try prepare(active, through: tail + UInt64(size))
            try file.write(batch, at: tail)
        } catch {
            // Whatever was written must not be found again: it may be written anew, elsewhere.
            segments[active].zeroed = tail
            try file.truncate(to: tail)
            throw error
        }
        let started = SystemCall.monotonicNanoseconds()
        if options.mutant != .logNotSynced { try file.sync() }
        let took = SystemCall.monotonicNanoseconds() - started
        statistics.syncs += 1
        statistics.syncNanoseconds += took
        statistics.longestSyncNanoseconds = max(statistics.longestSyncNanoseconds, took)
        statistics.records += UInt64(records.count)
        statistics.appendedBytes += UInt64(size)
        nextSequence += 1
        segments[active].tail = tail + UInt64(size)
        apply(records, segment: segments[active].header.number, from: tail)
    }

    /// Writes zeros ahead in steps, so that most syncs have only data to write and no file size.
    private func prepare(_ active: Int, through end: UInt64) throws(StorageError) {
        guard segments[active].zeroed < end else { return }
        let from = segments[active].zeroed
        let target = min(UInt64(options.segmentSize), max(end, from + UInt64(options.preallocation)))
        try segments[active].file.write([UInt8](repeating: 0, count: Int(target - from)), at: from)
        segments[active].zeroed = target
    }

    /// Begins a new segment. Its name appears when its header is durable, so a segment's header is never torn.
    private func roll() throws(StorageError) {
        let number = (segments.last?.header.number ?? 0) + 1
        let header = LogSegmentHeader(number: number, firstSequence: nextSequence, identity: identity)
        let path = LogReplay.path(directory, number)
        let temporary = path + ".tmp"
        try system.remove(temporary)
        do throws(StorageError) {
            let made = try system.file(temporary, .create)
            try made.write(header.bytes, at: 0)
            try made.sync()
            try system.rename(temporary, to: path)
            if options.mutant != .logDirectoryNotSynced { try system.syncDirectory(directory) }
            let file = try system.file(path, .readWrite)
            let start = UInt64(LogSegmentHeader.size)
            segments.append(Segment(header: header, file: file, tail: start, zeroed: start))
        } catch {
            try system.remove(temporary)
            try system.remove(path)
            throw error
        }
    }

    private func apply(_ records: [LogRecord], segment: UInt64, from tail: UInt64) {
        var offset = Int(tail) + LogBatch.headerSize
        for record in records {
            let size = LogBatch.size(of: record)
            defer { offset += size }
            var dead: [EntryPlace] = []
            switch record.kind {
            case .entry(let index, let term, _):
                let place = EntryPlace(segment: segment, offset: UInt32(offset), size: UInt32(size), term: term)
                live[segment, default: 0] += UInt64(size)
                if let replaced = groups[record.group, default: LogGroup()].put(index, place) { dead = [replaced] }
            case .hardState(let bytes): groups[record.group, default: LogGroup()].hardState = (bytes, segment)
            case .snapshot(let bytes): groups[record.group, default: LogGroup()].snapshot = (bytes, segment)
            case .truncateFrom(let index): dead = groups[record.group, default: LogGroup()].truncate(from: index)
            case .compactedThrough(let index, let term):
                dead = groups[record.group, default: LogGroup()].compact(through: index, term: term, segment: segment)
            case .groupRemoved: dead = groups.removeValue(forKey: record.group)?.places ?? []
            }
            for place in dead { live[place.segment, default: 0] -= UInt64(place.size) }
        }
    }

    // MARK: Reclaiming

    var totalBytes: UInt64 { segments.reduce(0) { $0 + $1.tail } }
    var liveBytes: UInt64 { segments.reduce(0) { $0 + (live[$1.header.number] ?? 0) } }

    /// One bounded step towards fewer segments; false where there is nothing to do. The oldest segment goes
    /// when no entry in it is needed. Where slow groups hold old segments back, their entries are written
    /// again at the end, but only while most of the log is dead: each rewritten byte frees at least one.
    func reclaim() throws(StorageError) -> Bool {
        guard segments.count > 1, let oldest = segments.first else { return false }
        let number = oldest.header.number
        if live[number] ?? 0 == 0 {
            if options.mutant != .logReclaimedEarly { try rewrite(smallStates(in: number)) }
            guard segments.count > 1 else { return false }
            try system.remove(oldest.file.path)
            // One after the other: a directory may lose its changes in any order, and a gap would look like a lost segment.
            try system.syncDirectory(directory)
            segments.removeFirst()
            live[number] = nil
            statistics.reclaimedSegments += 1
            return true
        }
        guard segments.count > options.maximumSegments, liveBytes * 2 <= totalBytes, (liveBytes + smallBytes) * 2 <= totalBytes else {
            return false
        }
        try rewrite(try liveEntries(in: oldest, limit: min(1 << 20, capacity / 2)))
        return true
    }

    /// Bytes of the groups' small states: they are needed too, and come again with every turn of the segments. Without them
    /// a log of few entries and many groups would be written anew for ever.
    private var smallBytes: UInt64 {
        groups.values.reduce(0) { sum, group in
            let records = [group.hardState?.bytes, group.snapshot?.bytes].compactMap { $0 }
            let mark = group.compacted == nil ? 0 : LogBatch.recordHeaderSize
            return sum + UInt64(records.reduce(mark) { $0 + LogBatch.recordHeaderSize + LogBatch.padded($1.count) })
        }
    }

    private func rewrite(_ records: [LogRecord]) throws(StorageError) {
        var batch: [LogRecord] = []
        var size = LogBatch.headerSize
        for record in records {
            let bytes = LogBatch.size(of: record)
            if size + bytes > capacity {
                try commit(batch)
                batch = []
                size = LogBatch.headerSize
            }
            batch.append(record)
            size += bytes
        }
        try commit(batch)
        statistics.rewrittenRecords += UInt64(records.count)
    }

    private func smallStates(in segment: UInt64) -> [LogRecord] {
        var records: [LogRecord] = []
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) {
            if let mark = group.compacted, mark.segment == segment {
                records.append(LogRecord(id, .compactedThrough(index: mark.index, term: mark.term)))
            }
            if let state = group.hardState, state.segment == segment { records.append(LogRecord(id, .hardState(state.bytes))) }
            if let state = group.snapshot, state.segment == segment { records.append(LogRecord(id, .snapshot(state.bytes))) }
        }
        return records
    }

    private func liveEntries(in segment: Segment, limit: Int) throws(StorageError) -> [LogRecord] {
        var records: [LogRecord] = []
        var size = 0
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) {
            for (position, place) in group.places.enumerated() where place.segment == segment.header.number {
                records.append(try read(id, index: group.base + UInt64(position) + 1, place, in: segment.file))
                size += Int(place.size)
                if size >= limit { return records }
            }
        }
        return records
    }

    /// Reads one entry back; throws where it is not the one that was written.
    private func read(_ group: GroupID, index: UInt64, _ place: EntryPlace, in file: File) throws(StorageError) -> LogRecord {
        let bytes = try file.read(at: UInt64(place.offset), count: Int(place.size))
        let record: LogRecord? = bytes.withBytes { buffer in
            guard buffer.count == Int(place.size) else { return nil }
            let length = Int(buffer.uint32(at: 4))
            guard LogBatch.recordHeaderSize + LogBatch.padded(length) == buffer.count else { return nil }
            return LogBatch.record(buffer, payload: length)
        }
        guard let record, record.group == group, case .entry(index, place.term, _) = record.kind else {
            throw .corrupt(path: file.path, offset: UInt64(place.offset), what: "entry \(index) of \(group) is not what was written")
        }
        return record
    }

    /// Entries read back from the disk, from `first` to `last`, about `limit` bytes of them, at least one.
    func entries(_ group: GroupID, from first: UInt64, through last: UInt64, limit: Int) throws(StorageError) -> [LogEntry] {
        guard let state = groups[group] else { return [] }
        var found: [LogEntry] = []
        var size = 0
        var index = max(first, state.base + 1)
        while index <= last, let place = state.place(index), found.isEmpty || size + Int(place.size) <= limit {
            guard let segment = segments.first(where: { $0.header.number == place.segment }) else { break }
            let record = try read(group, index: index, place, in: segment.file)
            if case .entry(_, let term, let payload) = record.kind { found.append(LogEntry(index: index, term: term, payload: payload)) }
            size += Int(place.size)
            index += 1
        }
        return found
    }
}
