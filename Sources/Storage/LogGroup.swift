import Primitives

/// Where an entry's record lies.
struct EntryPlace: Hashable {
    var segment: UInt64
    var offset: UInt32
    var size: UInt32
    var term: UInt64
}

/// What the log keeps in memory of a group: where its entries lie, and its small states whole, so that
/// they can be written again when their segment is to go.
struct LogGroup {
    var hardState: (bytes: [UInt8], segment: UInt64)?
    var snapshot: (bytes: [UInt8], segment: UInt64)?
    var compacted: (index: UInt64, term: UInt64, segment: UInt64)?
    /// `places[i]` is entry `base + 1 + i`.
    private(set) var places: [EntryPlace] = []

    var base: UInt64 { compacted?.index ?? 0 }
    var last: UInt64 { base + UInt64(places.count) }

    func place(_ index: UInt64) -> EntryPlace? {
        index > base && index <= last ? places[Int(index - base - 1)] : nil
    }

    /// Puts an entry in; the places that it and nothing else took before. The index is `last + 1` at most.
    mutating func put(_ index: UInt64, _ place: EntryPlace) -> EntryPlace? {
        precondition(index > base && index <= last + 1, "entry \(index) does not follow \(last)")
        if index == last + 1 {
            places.append(place)
            return nil
        }
        let replaced = places[Int(index - base - 1)]
        places[Int(index - base - 1)] = place
        return replaced
    }

    mutating func truncate(from index: UInt64) -> [EntryPlace] {
        guard index <= last else { return [] }
        let keep = index > base ? Int(index - base - 1) : 0
        let removed = Array(places[keep...])
        places.removeLast(places.count - keep)
        return removed
    }

    mutating func compact(through index: UInt64, term: UInt64, segment: UInt64) -> [EntryPlace] {
        guard index >= base else { return [] }
        let count = Int(min(index - base, UInt64(places.count)))
        let removed = Array(places[..<count])
        places.removeFirst(count)
        compacted = (index, term, segment)
        return removed
    }

    /// After a replay: entries as found, from `base + 1` on.
    mutating func restore(_ places: [EntryPlace]) { self.places = places }
}

/// Checks an append against what the group's log will be when everything before it in the same batch is
/// applied, and makes implicit truncations explicit. Nothing is changed until the batch is durable.
struct LogAdmission {
    private struct Overlay {
        var base: UInt64
        var last: UInt64
        /// Entries from here on are not the committed ones any more.
        var cut: UInt64 = .max
        var terms: [UInt64: UInt64] = [:]
    }

    private var overlays: [GroupID: Overlay] = [:]

    /// The records to write for these. Throws `.invalid` where the caller broke a rule; then none is admitted.
    mutating func admit(_ records: [LogRecord], _ groups: [GroupID: LogGroup]) throws(StorageError) -> [LogRecord] {
        var trial = overlays
        var admitted: [LogRecord] = []
        admitted.reserveCapacity(records.count)
        for record in records {
            let committed = groups[record.group]
            var overlay = trial[record.group] ?? Overlay(base: committed?.base ?? 0, last: committed?.last ?? 0)
            switch record.kind {
            case .entry(let index, let term, _):
                // A snapshot has it. Who wrote the entry did not know of the snapshot yet: it was received meanwhile, or
                // this append waited for room on a full disk.
                if index <= overlay.base { continue }
                guard index <= overlay.last + 1 else {
                    throw .invalid(
                        operation: "append to the log of \(record.group)",
                        what: "entry \(index) does not follow: the log has entries \(overlay.base + 1) to \(overlay.last)")
                }
                if index <= overlay.last {
                    let known = overlay.terms[index] ?? (index < overlay.cut ? committed?.place(index)?.term : nil)
                    if known != term {
                        admitted.append(LogRecord(record.group, .truncateFrom(index)))
                        overlay.cut = min(overlay.cut, index)
                        overlay.last = index - 1
                    }
                }
                overlay.terms[index] = term
                overlay.last = max(overlay.last, index)
            case .truncateFrom(let index):
                overlay.cut = min(overlay.cut, index)
                overlay.last = min(overlay.last, max(overlay.base, index == 0 ? 0 : index - 1))
            case .compactedThrough(let index, let term):
                guard index >= overlay.base else { break }
                // What is behind an entry that the snapshot contradicts is of another history. It must go now: after a crash
                // nothing would tell any more that it does not follow.
                let known = overlay.terms[index] ?? (index < overlay.cut ? committed?.place(index)?.term : nil)
                if index > overlay.base, index < overlay.last, let known, known != term {
                    admitted.append(LogRecord(record.group, .truncateFrom(index + 1)))
                    overlay.cut = min(overlay.cut, index + 1)
                    overlay.last = index
                }
                overlay.base = index
                overlay.last = max(overlay.last, index)
            case .groupRemoved: overlay = Overlay(base: 0, last: 0, cut: 0)
            case .hardState, .snapshot: break
            }
            trial[record.group] = overlay
            admitted.append(record)
        }
        overlays = trial
        return admitted
    }
}
