/// The log since the last compaction, in memory. Indices are 1-based; `base` is the entry just
/// before the first one that is held (0 in term 0 for a log that was never cut).
package struct RaftLog: Sendable {
    package private(set) var baseIndex: UInt64
    package private(set) var baseTerm: UInt64
    package private(set) var entries: [RaftEntry]
    /// The sum of `RaftEntry.size`.
    package private(set) var bytes: Int

    package init(baseIndex: UInt64 = 0, baseTerm: UInt64 = 0, entries: [RaftEntry] = []) {
        self.baseIndex = baseIndex
        self.baseTerm = baseTerm
        self.entries = entries
        bytes = entries.reduce(0) { $0 + $1.size }
        precondition(entries.isEmpty || entries[0].index == baseIndex + 1, "a log that does not begin where it is cut")
    }

    package var firstIndex: UInt64 { baseIndex + 1 }
    package var lastIndex: UInt64 { baseIndex + UInt64(entries.count) }
    package var lastTerm: UInt64 { entries.last?.term ?? baseTerm }

    /// The term of the entry at `index`, or nil where it is cut off or not there yet.
    package func term(at index: UInt64) -> UInt64? {
        if index == baseIndex { return baseTerm }
        guard index > baseIndex, index <= lastIndex else { return nil }
        return entries[Int(index - firstIndex)].term
    }

    package subscript(index: UInt64) -> RaftEntry { entries[Int(index - firstIndex)] }

    /// Entries from `start` on, as many as fit `bytes` and `count` but at least one where there is one.
    package func slice(from start: UInt64, through end: UInt64? = nil, bytes limit: Int, count: Int = .max) -> ArraySlice<RaftEntry> {
        precondition(start >= firstIndex, "slice from \(start) of a log cut through \(baseIndex)")
        let stop = end.map { min($0, lastIndex) } ?? lastIndex
        guard start <= stop else { return [] }
        let low = Int(start - firstIndex)
        let ceiling = min(Int(stop - firstIndex) + 1, count < entries.count - low ? low + count : entries.count)
        var high = low
        var total = 0
        while high < ceiling {
            total += entries[high].size
            if total > limit, high > low { break }
            high += 1
        }
        return entries[low..<high]
    }

    /// Whether a log that ends with (`index`, `term`) is at least as complete as this one (thesis §3.6.1).
    package func isCovered(byIndex index: UInt64, term: UInt64) -> Bool { (term, index) >= (lastTerm, lastIndex) }

    package mutating func append(_ entry: RaftEntry) {
        precondition(entry.index == lastIndex + 1 && entry.term >= lastTerm, "entry \(entry) after \(lastIndex)/t\(lastTerm)")
        entries.append(entry)
        bytes += entry.size
    }

    /// Drops everything from `index` on.
    package mutating func truncate(from index: UInt64) {
        precondition(index >= firstIndex, "truncate from \(index) of a log cut through \(baseIndex)")
        let keep = Int(index - firstIndex)
        guard keep < entries.count else { return }
        for entry in entries[keep...] { bytes -= entry.size }
        entries.removeSubrange(keep...)
    }

    /// Forgets everything through `index`, which must be held.
    package mutating func compact(through index: UInt64) {
        guard index > baseIndex else { return }
        precondition(index <= lastIndex, "compact through \(index) of a log that ends at \(lastIndex)")
        let count = Int(index - baseIndex)
        baseTerm = entries[count - 1].term
        for entry in entries[..<count] { bytes -= entry.size }
        entries.removeSubrange(..<count)
        baseIndex = index
    }

    /// Starts afresh after a snapshot.
    package mutating func reset(index: UInt64, term: UInt64) {
        baseIndex = index
        baseTerm = term
        entries = []
        bytes = 0
    }

    /// The greatest index not after `index` whose term is at most `term`, with its term: where two
    /// logs may still agree. Terms never fall along a log, so this is a binary search. What is cut
    /// off is said to agree, which only makes a leader probe there.
    package func lastIndex(notAfter index: UInt64, termAtMost term: UInt64) -> (index: UInt64, term: UInt64) {
        if index < baseIndex { return (index, min(term, baseTerm)) }
        var low = 0
        var high = Int(min(index, lastIndex) - baseIndex)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].term <= term { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? (baseIndex, baseTerm) : (entries[low - 1].index, entries[low - 1].term)
    }
}
