import Primitives
import Storage

/// What the log must remember, as simply as can be.
struct LogModel: Equatable {
    struct Group: Equatable {
        var base: UInt64 = 0
        var entries: [LogEntry] = []
        var hardState: [UInt8]?
        var snapshot: [UInt8]?
        var last: UInt64 { base + UInt64(entries.count) }
    }

    /// A group of which nothing is to be remembered is as good as none. Compared and looked up only.
    var groups: [GroupID: Group] = [:]

    mutating func apply(_ records: [LogRecord]) { for record in records { apply(record) } }

    private mutating func apply(_ record: LogRecord) {
        var group = groups[record.group] ?? Group()
        switch record.kind {
        case .entry(let index, let term, let payload):
            let place = Int(index - group.base - 1)
            let entry = LogEntry(index: index, term: term, payload: payload)
            if place < group.entries.count {
                if group.entries[place].term == term {
                    group.entries[place] = entry
                } else {
                    group.entries.removeLast(group.entries.count - place)
                    group.entries.append(entry)
                }
            } else {
                group.entries.append(entry)
            }
        case .hardState(let bytes): group.hardState = bytes
        case .snapshot(let bytes): group.snapshot = bytes
        case .truncateFrom(let index): while group.last >= index, !group.entries.isEmpty { group.entries.removeLast() }
        case .compactedThrough(let index, _):
            group.entries.removeFirst(min(group.entries.count, Int(index - group.base)))
            group.base = index
        case .groupRemoved:
            groups[record.group] = nil
            return
        }
        groups[record.group] = group == Group() ? nil : group
    }

    init() {}

    init(_ recovered: [RecoveredGroup]) {
        for found in recovered {
            groups[found.group] = Group(
                base: found.compactedIndex, entries: found.entries, hardState: found.hardState, snapshot: found.snapshot)
            if groups[found.group] == Group() { groups[found.group] = nil }
        }
    }

    /// The first difference, for people.
    func difference(from other: LogModel) -> String {
        for id in Set(groups.keys).union(other.groups.keys).sorted() {
            guard let mine = groups[id] else { return "\(id) is there and should not be" }
            guard let found = other.groups[id] else { return "\(id) is gone" }
            if mine == found { continue }
            if mine.base != found.base { return "\(id) is compacted through \(found.base), not \(mine.base)" }
            if mine.hardState != found.hardState { return "the hard state of \(id) is another" }
            if mine.snapshot != found.snapshot { return "the snapshot record of \(id) is another" }
            if found.last != mine.last { return "\(id) ends with entry \(found.last), not \(mine.last)" }
            for (a, b) in zip(mine.entries, found.entries) where a != b { return "entry \(a.index) of \(id) is another" }
        }
        return "nothing"
    }
}

/// Batches of a segment, found by the format's description alone (docs/reference/log.md).
struct SegmentLayout {
    /// Where each batch begins, and where the last one ends.
    private(set) var batches: [Int] = []
    private(set) var end = 64

    init(_ bytes: [UInt8]) {
        func word(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
        while end + 32 <= bytes.count, word(end) == 0x414C_4F47 {
            let size = 32 + word(end + 4)
            guard end + size <= bytes.count else { break }
            batches.append(end)
            end += size
        }
    }
}
