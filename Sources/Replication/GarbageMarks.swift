package import Primitives

package struct GarbageSettings: Hashable, Sendable {
    /// Least time for which nobody must have stored a chunk or vouched for it before it is collected:
    /// longer than a commit can take from its last copy to its entry in the log. Default 30 minutes,
    /// range 1 s...30 days; under 10 minutes for tests only.
    package var grace: Duration = .seconds(1_800)
    /// Names marked in one pass; default 8,388,608 (64 MiB of memory). With more, use more passes
    /// over fewer ranges each; a pass that would exceed it ends without sweeping.
    package var maximumMarks = 8 << 20
    package init() {}
}

/// Decides which stored chunks nobody can need any more: mark and sweep, in passes over part of the
/// name space.
///
/// Marked is what any version of any file system names whose chunks this node may hold, what the
/// sessions here see, and what is on its way from here. A chunk may be swept only if both hold:
/// 1. it is not marked, by a pass to which *every* group contributed to the end, each in a state that
///    held all that had been committed when the pass began;
/// 2. nobody has stored it here or vouched for it within `idle`: since `grace` before the pass began.
///
/// Why that is safe for a chunk that a commit is about to name: the commit first has every chunk
/// acknowledged by its holders, which is a touch there, and has them asked again where that was long
/// ago compared with the grace. So either the commit is part of a marked state (1), or the touch is too
/// young (2). Sessions vouch for what they alone name, again and again, at all holders. All times are
/// of this node's own clock: nothing depends on what others think the time is.
///
/// A marked name is kept as its first 64 bits: two names that agree in them are kept together, which
/// loses nothing but a little room.
package struct GarbageMarks: Sendable {
    struct Pass: Sendable {
        let ranges: ClosedRange<ChunkRange>
        let started: Instant
        /// Whether each group has been marked to the end.
        var groups: OrderedTable<GroupID, Bool>
        var marks: [UInt64] = []
        var isSorted = true
    }

    package enum PassError: Error, Hashable, Sendable, CustomStringConvertible {
        case noPass
        case unknownGroup(GroupID)
        case unfinished([GroupID])
        case tooManyMarks(Int)
        package var description: String {
            switch self {
            case .noPass: "no pass is under way"
            case .unknownGroup(let group): "\(group) is not part of the pass"
            case .unfinished(let groups): "not marked to the end: \(groups.prefix(8).map(\.description).joined(separator: " "))"
            case .tooManyMarks(let limit): "more than \(limit) names to mark; make passes over fewer ranges"
            }
        }
    }

    package let settings: GarbageSettings
    var pass: Pass?

    package init(settings: GarbageSettings = GarbageSettings()) { self.settings = settings }

    package var isMarking: Bool { pass != nil }
    package var ranges: ClosedRange<ChunkRange>? { pass?.ranges }

    /// Begins a pass over some ranges. `groups` are all groups whose file systems may have chunks
    /// here, deleted ones left out. Everything that had been committed by `now` must be in the states
    /// that are marked. A pass under way is given up.
    package mutating func begin(ranges: ClosedRange<ChunkRange>, groups: [GroupID], now: Instant) {
        var table = OrderedTable<GroupID, Bool>()
        for group in groups { table[group] = false }
        pass = Pass(ranges: ranges, started: now, groups: table)
    }

    /// Marks names that are in use; in any number of calls.
    package mutating func mark(_ chunks: [ChunkReference]) throws(PassError) {
        guard let ranges = pass?.ranges else { throw .noPass }
        for chunk in chunks where ranges.contains(ChunkRange(of: chunk.id)) { pass?.marks.append(chunk.id.words.0) }
        pass?.isSorted = false
        guard pass?.marks.count ?? 0 > settings.maximumMarks else { return }
        compact()
        guard pass?.marks.count ?? 0 <= settings.maximumMarks else {
            pass = nil
            throw .tooManyMarks(settings.maximumMarks)
        }
    }

    /// The group is marked to the end.
    package mutating func finish(_ group: GroupID) throws(PassError) {
        guard pass != nil else { throw .noPass }
        guard pass?.groups.update(group, { $0 = true }) != nil else { throw .unknownGroup(group) }
    }

    /// Ends a pass.
    package mutating func end() { pass = nil }

    /// For how long nobody must have touched a chunk that may be swept now.
    package func idle(now: Instant) throws(PassError) -> Duration {
        guard let pass else { throw .noPass }
        return now - pass.started + settings.grace
    }

    /// Which of these may be deleted, provided that nobody has touched them within `idle`.
    package mutating func sweepable(_ candidates: [ChunkID]) throws(PassError) -> [ChunkID] {
        guard let groups = pass?.groups else { throw .noPass }
        let unfinished = groups.filter { !$0.value }.map(\.key)
        guard unfinished.isEmpty else { throw .unfinished(unfinished) }
        compact()
        guard let pass else { throw .noPass }
        return candidates.filter { pass.ranges.contains(ChunkRange(of: $0)) && !Self.contains(pass.marks, $0.words.0) }
    }

    private mutating func compact() {
        guard var marks = pass?.marks, pass?.isSorted == false else { return }
        pass?.marks = []
        marks.sort()
        var kept = 0
        for slot in marks.indices where kept == 0 || marks[kept - 1] != marks[slot] {
            marks[kept] = marks[slot]
            kept += 1
        }
        marks.removeSubrange(kept...)
        pass?.marks = marks
        pass?.isSorted = true
    }

    private static func contains(_ sorted: [UInt64], _ value: UInt64) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == value
    }
}
