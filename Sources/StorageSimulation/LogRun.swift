import Primitives
import Storage

/// The write-ahead log on a simulated disk.
struct LogRun {
    private static let directory = "/node/log"
    private static let identity = StorageIdentity(cluster: ClusterID(high: 1, low: 2), node: NodeID(3))

    private var chance: SeededGenerator
    private let disk: SimulatedFileSystem
    private let mishaps: Mishaps
    private var options = LogOptions()
    private var log: WriteAheadLog?
    /// What may be found after a crash: the last acknowledged state, and those that appends in doubt would make.
    private var possible: [LogModel] = [LogModel()]
    private var term: UInt64 = 1
    private let rots: Bool

    private final class Outcomes: @unchecked Sendable { var list: [StorageError?] = [] }

    init(seed: UInt64, mutant: StorageMutant?, onCall: ((String) -> Void)? = nil) {
        chance = SeededGenerator(seed: SeededGenerator.mix(seed) ^ 0x6C6F_67)
        disk = SimulatedFileSystem(seed: seed)
        disk.onCall = onCall
        mishaps = Mishaps(&chance)
        options.segmentSize = 1_024 << chance.below(5)
        options.preallocation = 512 << chance.below(3)
        options.maximumSegments = 2 + chance.below(3)
        options.groupCommitBytes = [300, 2_000, 1 << 20][chance.below(3)]
        options.mutant = mutant
        disk.writebackOneIn = [0, 2, 8][chance.below(3)]
        rots = chance.below(3) == 0
    }

    private var acknowledged: LogModel { possible[0] }

    mutating func run(_ record: inout RunRecorder) {
        let steps = 20 + chance.below(160)
        var step = 0
        while step < steps, record.violations.isEmpty {
            step += 1
            _ = mishaps.draw(&chance, disk, &record, inCalls: true)
            guard log != nil else {
                open(&record)
                continue
            }
            switch chance.below(40) {
            case 0: stop(losesPower: true, &record)
            case 1: stop(losesPower: false, &record)
            case 2:
                record.line("close", 4)
                log?.close()
                log = nil
            case 3: readBack(&record)
            default: append(&record)
            }
            if disk.isDown { stop(losesPower: chance.below(5) > 0, &record) }
        }
        end(&record)
        record.calls += disk.calls
    }

    /// The last start is on a healthy machine, and finds everything.
    private mutating func end(_ record: inout RunRecorder) {
        guard record.violations.isEmpty else { return }
        stop(losesPower: chance.below(2) == 0, &record)
        disk.isFull = false
        if rots, decay(&record) { return }
        open(&record)
        if log == nil, record.violations.isEmpty { record.violate("the log: it does not open on a healthy disk") }
        log?.close()
        log = nil
    }

    private mutating func stop(losesPower: Bool, _ record: inout RunRecorder) {
        record.line(losesPower ? "power fails" : "the process ends", losesPower ? 5 : 6)
        if losesPower { record.crashes += 1 } else { record.kills += 1 }
        disk.restart(losesPower: losesPower)
        log = nil
    }

    // MARK: Opening

    private mutating func open(_ record: inout RunRecorder) {
        var groups: [RecoveredGroup] = []
        let failure = RunRecorder.failure { () throws(StorageError) in
            (log, groups) = try WriteAheadLog.open(
                Self.directory, identity: Self.identity, options: options, system: disk, hasThread: false)
        }
        if let failure {
            record.line("open: \(failure)", 7)
            log = nil
            if case .corrupt = failure { return record.violate("the log refuses what a crash left: \(failure)") }
            if disk.isDown { stop(losesPower: chance.below(2) == 0, &record) }
            disk.isFull = false
            return
        }
        let found = LogModel(groups)
        record.line("open: \(groups.count) groups, \(groups.reduce(0) { $0 + $1.entries.count }) entries", groups.count)
        guard possible.contains(found) else {
            return record.violate("the log, opened again: \(acknowledged.difference(from: found))")
        }
        possible = [found]
    }

    // MARK: Appending

    /// A few appends that wait at the same time.
    private mutating func append(_ record: inout RunRecorder) {
        guard let log else { return }
        var drawn: [[LogRecord]] = []
        var next = acknowledged
        let outcomes = Outcomes()
        for _ in 0...chance.below(3) {
            let records = draw(next)
            next.apply(records)
            drawn.append(records)
            log.append(records) { outcomes.list.append($0) }
        }
        while log.turn() {}
        record.operations += 1
        settle(drawn, outcomes.list, &record)
    }

    /// Appends that came to nothing leave the state; those that ended with another error may be there or not.
    private mutating func settle(_ drawn: [[LogRecord]], _ outcomes: [StorageError?], _ record: inout RunRecorder) {
        guard outcomes.count == drawn.count else {
            return record.violate("the log answered \(outcomes.count) of \(drawn.count) appends")
        }
        var isInDoubt = false
        var wasRefused = false
        for (records, outcome) in zip(drawn, outcomes) {
            var after = possible[possible.count - 1]
            switch outcome {
            case nil:
                record.line("append of \(records.count)", records.count)
                guard !isInDoubt else { return record.violate("the log acknowledged an append behind one that failed") }
                after.apply(records)
                possible = [after]
            case .noSpace:
                record.line("append: no space", 8)
                wasRefused = true
            // It was drawn to follow one that failed.
            case .invalid where wasRefused || isInDoubt: break
            case .some(let error):
                record.line("append: \(error)", 9)
                isInDoubt = true
                after.apply(records)
                possible.append(after)
            }
        }
        guard isInDoubt, !disk.isDown else { return }
        stop(losesPower: chance.below(2) == 0, &record)
    }

    private mutating func draw(_ model: LogModel) -> [LogRecord] {
        let id = GroupID(UInt64(1 + chance.below(4)))
        if chance.below(60) == 0 { return [LogRecord(id, .groupRemoved)] }
        var trial = model
        var records: [LogRecord] = []
        for _ in 0...chance.below(3) {
            let group = trial.groups[id] ?? LogModel.Group()
            let kind: LogRecord.Kind
            switch chance.below(22) {
            case 0...9: kind = .entry(index: group.last + 1, term: term, payload: bytes(chance.below(120)))
            case 10, 11:
                term += 1
                let back = UInt64(chance.below(min(4, group.entries.count) + 1))
                kind = .entry(index: max(group.last - back, group.base + 1), term: term, payload: bytes(8))
            case 12, 13: kind = .hardState(bytes(24))
            case 14: kind = .truncateFrom(max(group.base + 1, group.last))
            case 15...18:
                let count = chance.below(group.entries.count + 1)
                // Snapshots agree with the log here; `WriteAheadLogTests` has one that does not.
                kind = .compactedThrough(index: group.base + UInt64(count), term: count > 0 ? group.entries[count - 1].term : term)
            case 19: kind = .snapshot(bytes(16))
            default: kind = chance.below(4) == 0 ? .compactedThrough(index: group.last + 5, term: term) : .hardState([])
            }
            records.append(LogRecord(id, kind))
            trial.apply([records[records.count - 1]])
        }
        return records
    }

    private mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: chance.next()) } }

    private mutating func readBack(_ record: inout RunRecorder) {
        for id in acknowledged.groups.keys.sorted() {
            guard let log, let group = acknowledged.groups[id] else { return }
            var found: [LogEntry] = []
            let failure = RunRecorder.failure { () throws(StorageError) in
                found = try log.entries(of: id, from: group.base + 1, through: group.last, limit: 1 << 20)
            }
            if let failure {
                record.line("read: \(failure)", 10)
                if !disk.isDown { record.violate("the log does not read back: \(failure)") }
                return
            }
            if found != group.entries { record.violate("the log reads other entries of \(id) than were written") }
        }
    }

    // MARK: Decay

    /// One bit decays on a disk at rest; true where the log cannot be used after that.
    private mutating func decay(_ record: inout RunRecorder) -> Bool {
        guard let names = try? disk.names(Self.directory).filter({ $0.hasSuffix(".wal") }), !names.isEmpty else { return false }
        let path = Self.directory + "/" + names[chance.below(names.count)]
        guard let bytes = disk.content(path), !bytes.isEmpty else { return false }
        let layout = SegmentLayout(bytes)
        let offset = chance.below(bytes.count)
        let isLast = path.hasSuffix(names[names.count - 1])
        disk.rot(path, at: UInt64(offset))
        record.line("decay of \(path) at \(offset)", offset)
        // Zeros behind the last batch mean nothing, and the last batch of all cannot be told from a torn one.
        guard offset < layout.end else { return false }
        if isLast, let last = layout.batches.last, offset >= last { return true }
        var found = LogModel()
        let failure = RunRecorder.failure { () throws(StorageError) in
            let (log, groups) = try WriteAheadLog.open(
                Self.directory, identity: Self.identity, options: options, system: disk, hasThread: false)
            found = LogModel(groups)
            log.close()
        }
        guard case .corrupt(let place, let at, _)? = failure else {
            let what =
                failure?.description ?? (found == acknowledged ? "it opens" : "it opens, and \(acknowledged.difference(from: found))")
            record.violate("the log with decay in \(path) at \(offset): \(what)")
            return true
        }
        if place != path || at > UInt64(offset) { record.violate("decay in \(path) at \(offset) is said to be in \(place) at \(at)") }
        record.refusals += 1
        return true
    }
}
