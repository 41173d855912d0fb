import Chunks
import Primitives

/// Reads all segments of a log directory and says what each group remembers.
struct LogReplay {
    struct Segment {
        let header: LogSegmentHeader
        let path: String
        /// Where the last sound batch begins, and what is behind it; both behind the header where there is none.
        let lastBatch: UInt64
        let end: UInt64
        let size: UInt64
        /// Whether something that is not zero follows in the last segment: a batch that was never finished.
        let isTorn: Bool
    }

    private struct Slot {
        var entry: LogEntry
        var place: EntryPlace
    }

    /// A group while it is replayed. Old segments may be gone, so entries may come in any order.
    private struct Group {
        var state = LogGroup()
        /// `slots[i]` is entry `origin + i`.
        var origin: UInt64 = 1
        var slots: [Slot?] = []

        mutating func put(_ slot: Slot) -> Bool {
            let index = slot.entry.index
            guard index > state.base else { return true }
            if slots.isEmpty { origin = index }
            if index < origin {
                guard origin - index < LogReplay.gapLimit else { return false }
                slots.insert(contentsOf: repeatElement(nil, count: Int(origin - index)), at: 0)
                origin = index
            }
            let position = index - origin
            guard position < UInt64(slots.count) + LogReplay.gapLimit else { return false }
            while UInt64(slots.count) <= position { slots.append(nil) }
            slots[Int(position)] = slot
            return true
        }

        mutating func truncate(from index: UInt64) {
            let keep = index > origin ? min(Int(index - origin), slots.count) : 0
            slots.removeLast(slots.count - keep)
        }

        mutating func compact(through index: UInt64, term: UInt64, segment: UInt64) {
            guard index >= state.base else { return }
            state.compacted = (index, term, segment)
            guard index >= origin else { return }
            slots.removeFirst(Int(min(index - origin + 1, UInt64(slots.count))))
            origin = index + 1
        }
    }

    private static let gapLimit: UInt64 = 1 << 24

    private(set) var segments: [Segment] = []
    private(set) var groups: [GroupID: LogGroup] = [:]
    private(set) var recovered: [RecoveredGroup] = []
    private(set) var nextSequence: UInt64 = 1
    private(set) var batches = 0
    private var replayed: [GroupID: Group] = [:]
    private let checksChecksums: Bool

    static func path(_ directory: String, _ number: UInt64) -> String {
        let digits = String(number)
        return "\(directory)/\(String(repeating: "0", count: max(0, 16 - digits.count)))\(digits).wal"
    }

    /// Reads the log; changes nothing. `identity` nil takes any owner.
    init(
        _ directory: String, identity: StorageIdentity?, system: any FileSystem, mutant: StorageMutant? = nil
    ) throws(StorageError) {
        checksChecksums = mutant != .logChecksumIgnored
        let numbers = try system.names(directory).compactMap { $0.hasSuffix(".wal") ? UInt64($0.dropLast(4)) : nil }.sorted()
        for (position, number) in numbers.enumerated() {
            let path = Self.path(directory, number)
            if position > 0, number != numbers[position - 1] + 1 {
                throw .corrupt(path: Self.path(directory, number - 1), offset: 0, what: "this segment of the log is missing")
            }
            try read(path, number, identity: identity, isFirst: position == 0, isLast: position == numbers.count - 1, system: system)
        }
        try conclude(directory)
    }

    private mutating func read(
        _ path: String, _ number: UInt64, identity: StorageIdentity?, isFirst: Bool, isLast: Bool, system: any FileSystem
    ) throws(StorageError) {
        let file = try system.file(path, .read)
        let size = try file.size()
        let bytes = try file.read(at: 0, count: Int(size))
        try bytes.withBytes { buffer throws(StorageError) in
            let header = try LogSegmentHeader(buffer, path: path)
            if let identity, header.identity != identity {
                throw .foreign(path: path, expected: identity.description, found: header.identity.description)
            }
            guard header.number == number else { throw .corrupt(path: path, offset: 16, what: "the header names segment \(header.number)") }
            if isFirst { nextSequence = header.firstSequence }
            guard header.firstSequence == nextSequence else {
                let previous = segments[segments.count - 1]
                throw .corrupt(
                    path: previous.path, offset: previous.end,
                    what: "batch \(nextSequence) is destroyed: the next segment begins with batch \(header.firstSequence)")
            }
            var offset = LogSegmentHeader.size
            var lastBatch = offset
            while let batch = LogBatch.sound(buffer.part(offset, buffer.count - offset), salt: header.salt, checks: checksChecksums) {
                guard batch.sequence == nextSequence, let records = LogBatch.records(buffer.part(offset, batch.size)) else {
                    throw .corrupt(
                        path: path, offset: UInt64(offset), what: "batch \(nextSequence) expected, batch \(batch.sequence) found")
                }
                for item in records {
                    let place = (number, UInt32(offset + item.offset), UInt32(item.size))
                    try apply(item.record, at: place, path: path)
                }
                nextSequence += 1
                batches += 1
                lastBatch = offset
                offset += batch.size
            }
            let rest = buffer.part(offset, buffer.count - offset)
            if isLast, Self.holdsSoundBatch(rest, salt: header.salt) {
                throw .corrupt(
                    path: path, offset: UInt64(offset), what: "batch \(nextSequence) is destroyed, sound batches follow it")
            }
            segments.append(
                Segment(
                    header: header, path: path, lastBatch: UInt64(lastBatch), end: UInt64(offset), size: size,
                    isTorn: isLast && rest.contains { $0 != 0 }))
        }
    }

    /// Whether a sound batch begins anywhere behind the first eight bytes.
    private static func holdsSoundBatch(_ rest: UnsafeRawBufferPointer, salt: UInt32) -> Bool {
        var offset = 8
        while offset + LogBatch.headerSize <= rest.count {
            if rest.uint32(at: offset) == LogBatch.magic, LogBatch.sound(rest.part(offset, rest.count - offset), salt: salt) != nil {
                return true
            }
            offset += 8
        }
        return false
    }

    private mutating func apply(
        _ record: LogRecord, at place: (segment: UInt64, offset: UInt32, size: UInt32), path: String
    ) throws(StorageError) {
        switch record.kind {
        case .entry(let index, let term, let payload):
            let slot = Slot(
                entry: LogEntry(index: index, term: term, payload: payload),
                place: EntryPlace(segment: place.segment, offset: place.offset, size: place.size, term: term))
            guard replayed[record.group, default: Group()].put(slot) else {
                throw .corrupt(path: path, offset: UInt64(place.offset), what: "entry \(index) of \(record.group) is far from all others")
            }
        case .hardState(let bytes): replayed[record.group, default: Group()].state.hardState = (bytes, place.segment)
        case .snapshot(let bytes): replayed[record.group, default: Group()].state.snapshot = (bytes, place.segment)
        case .truncateFrom(let index): replayed[record.group, default: Group()].truncate(from: index)
        case .compactedThrough(let index, let term):
            replayed[record.group, default: Group()].compact(through: index, term: term, segment: place.segment)
        case .groupRemoved: replayed[record.group] = nil
        }
    }

    /// Turns the replayed groups into their states; a gap among the entries is corruption.
    private mutating func conclude(_ directory: String) throws(StorageError) {
        for (group, content) in replayed.sorted(by: { $0.key < $1.key }) {
            var state = content.state
            var result = RecoveredGroup(group: group)
            result.hardState = state.hardState?.bytes
            result.snapshot = state.snapshot?.bytes
            result.compactedIndex = state.base
            result.compactedTerm = state.compacted?.term ?? 0
            var places: [EntryPlace] = []
            var slots = content.slots
            // Truncation may have left places that older, removed segments had filled.
            while let last = slots.last, last == nil { slots.removeLast() }
            for slot in slots {
                guard let slot, slot.entry.index == state.base + UInt64(places.count) + 1 else {
                    throw .corrupt(
                        path: directory, offset: 0, what: "the log lacks entry \(state.base + UInt64(places.count) + 1) of \(group)")
                }
                result.entries.append(slot.entry)
                places.append(slot.place)
            }
            state.restore(places)
            groups[group] = state
            recovered.append(result)
        }
        replayed = [:]
    }
}
