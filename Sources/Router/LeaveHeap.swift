internal import Primitives

/// A binary heap by time: of equal times, what was put in first comes out first. `SortedMap` and the
/// like would do, but this is in the way of every packet.
struct LeaveHeap<Payload> {
    fileprivate struct Entry {
        var time: Int64
        var number: UInt64
        var payload: Payload

        func isBefore(_ other: Entry) -> Bool { time < other.time || (time == other.time && number < other.number) }
    }

    private var entries: [Entry] = []
    private var next: UInt64 = 0

    var count: Int { entries.count }
    var first: Instant? { entries.first.map { Instant(nanoseconds: $0.time) } }

    mutating func push(_ payload: Payload, at time: Instant) {
        entries.append(Entry(time: time.nanoseconds, number: next, payload: payload))
        next += 1
        var place = entries.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard entries[place].isBefore(entries[parent]) else { break }
            entries.swapAt(place, parent)
            place = parent
        }
    }

    /// The earliest, if its time has come.
    mutating func popDue(now: Instant) -> Payload? {
        guard let first = entries.first, first.time <= now.nanoseconds else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty { sink(last) }
        return first.payload
    }

    private mutating func sink(_ entry: Entry) {
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].isBefore(entries[child]) { child += 1 }
            guard entries[child].isBefore(entry) else { break }
            entries[place] = entries[child]
            place = child
        }
        entries[place] = entry
    }
}

extension LeaveHeap: Sendable where Payload: Sendable {}
extension LeaveHeap.Entry: Sendable where Payload: Sendable {}
