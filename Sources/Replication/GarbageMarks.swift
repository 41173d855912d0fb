package import Primitives

/// A chunk that this node stores, as the collector sees it.
package struct StoredChunk: Hashable, Sendable {
    package let id: ChunkID
    package let length: UInt32
    /// When it was stored here, or last vouched for: each time this node answers "I have it" to an
    /// offer, a push or a write that deduplicates, this is set to the time of the answer first.
    package let touched: WallTime
    package init(id: ChunkID, length: UInt32, touched: WallTime) {
        self.id = id
        self.length = length
        self.touched = touched
    }
}

package struct GarbageSettings: Hashable, Sendable {
    /// Least age of what is collected: longer than any stage or commit can take, any clock can be
    /// wrong, and any replica that is marked from may lag. Default 2 hours, range 10 minutes...30 days.
    package var grace: Duration = .seconds(7_200)
    /// Names marked in one pass; default 8,388,608 (64 MiB of memory). With more, use more passes
    /// over fewer ranges each; a pass that would exceed it ends without sweeping.
    package var maximumMarks = 8 << 20
    /// Pins at one time; default 65,536.
    package var maximumPins = 65_536
    /// Chunks in one pin; default 65,536.
    package var maximumPinned = 65_536
    /// A pin lasts at most this long unless renewed; default 1 hour.
    package var maximumLease: Duration = .seconds(3_600)
    package init() {}
}

/// Decides which stored chunks nobody can need any more: mark and sweep, in passes over part of the
/// name space.
///
/// Marked is what any version of any file system names whose chunks this node may hold. A chunk may
/// be swept only if all of this holds:
/// 1. it is not marked, by a pass to which *every* group contributed to the end;
/// 2. no pin holds it: sessions, staged writes and commits under way pin what they name, by a token
///    with an expiry that they renew;
/// 3. it was last touched before `horizon` = the oldest of the states that were marked, less `grace`.
///
/// Why that is safe for a chunk that a commit is about to name: the commit first has every chunk
/// acknowledged by its holders, which touches it there, and gives up if it takes longer than the
/// grace. So either the commit is part of a marked state (1), or the touch is later than the horizon
/// (3). The third rule covers pins lost by a restart; the pins cover stages older than the grace.
///
/// A marked name is kept as its first 64 bits: two names that agree in them are kept together, which
/// loses nothing but a little room.
package struct GarbageMarks: Sendable {
    /// What a session or commit holds on to.
    struct Pin: Sendable {
        var chunks: [ChunkID]
        var expiry: WallTime
    }

    enum Progress: Hashable, Sendable {
        case marking
        case done(asOf: WallTime)
    }

    struct Pass: Sendable {
        let ranges: ClosedRange<ChunkRange>
        let started: WallTime
        var groups: OrderedTable<GroupID, Progress>
        var marks: [UInt64] = []
        var isSorted = true
    }

    package enum PassError: Error, Hashable, Sendable, CustomStringConvertible {
        case noPass
        case unknownGroup(GroupID)
        case unfinished([GroupID])
        case tooManyMarks(Int)
        case tooManyPins(Int)
        package var description: String {
            switch self {
            case .noPass: "no pass is under way"
            case .unknownGroup(let group): "\(group) is not part of the pass"
            case .unfinished(let groups): "not marked to the end: \(groups.prefix(8).map(\.description).joined(separator: " "))"
            case .tooManyMarks(let limit): "more than \(limit) names to mark; make passes over fewer ranges"
            case .tooManyPins(let limit): "more than \(limit) pins or pinned chunks; commit or drop some stages first"
            }
        }
    }

    package let settings: GarbageSettings
    var pins = OrderedTable<UInt64, Pin>()
    /// How many pins hold each chunk. Looked up, never iterated.
    var pinned: [ChunkID: Int] = [:]
    var pass: Pass?

    package init(settings: GarbageSettings = GarbageSettings()) { self.settings = settings }

    package var isMarking: Bool { pass != nil }
    package var pinCount: Int { pins.count }

    // MARK: Pins

    /// Holds on to more chunks under a token, and renews it.
    package mutating func pin(_ token: UInt64, _ chunks: [ChunkID], now: WallTime, lease: Duration) throws(PassError) {
        let held = pins[token]?.chunks.count ?? 0
        guard pins.contains(token) || pins.count < settings.maximumPins, held + chunks.count <= settings.maximumPinned else {
            throw .tooManyPins(pins.count < settings.maximumPins ? settings.maximumPinned : settings.maximumPins)
        }
        let expiry = now + min(lease, settings.maximumLease)
        for chunk in chunks { pinned[chunk, default: 0] += 1 }
        let isRenewed: Void? = pins.update(token) { pin in
            pin.chunks += chunks
            pin.expiry = max(pin.expiry, expiry)
        }
        if isRenewed == nil { pins[token] = Pin(chunks: chunks, expiry: expiry) }
    }

    /// Renews a pin; false where it has expired, and its holder must pin anew what it needs.
    package mutating func renew(_ token: UInt64, now: WallTime, lease: Duration) -> Bool {
        let expiry = now + min(lease, settings.maximumLease)
        return pins.update(token) { $0.expiry = max($0.expiry, expiry) } != nil
    }

    package mutating func unpin(_ token: UInt64) {
        for chunk in pins.remove(token)?.chunks ?? [] {
            let left = (pinned[chunk] ?? 1) - 1
            pinned[chunk] = left > 0 ? left : nil
        }
    }

    package func isPinned(_ chunk: ChunkID) -> Bool { pinned[chunk] != nil }

    private mutating func dropExpired(_ now: WallTime) {
        for (token, pin) in pins where pin.expiry < now { unpin(token) }
    }

    // MARK: A pass

    /// Begins a pass over some ranges. `groups` are all groups whose file systems may have chunks
    /// here, deleted ones whose data is not purged left out. A pass under way is given up.
    package mutating func begin(ranges: ClosedRange<ChunkRange>, groups: [GroupID], now: WallTime) {
        var table = OrderedTable<GroupID, Progress>()
        for group in groups { table[group] = .marking }
        pass = Pass(ranges: ranges, started: now, groups: table)
    }

    /// Marks names that the group's file system uses, in any version that it keeps; in any number of calls.
    package mutating func mark(_ group: GroupID, _ chunks: [ChunkID]) throws(PassError) {
        guard let ranges = pass?.ranges else { throw .noPass }
        guard pass?.groups.contains(group) ?? false else { throw .unknownGroup(group) }
        for chunk in chunks where ranges.contains(ChunkRange(of: chunk)) { pass?.marks.append(chunk.words.0) }
        pass?.isSorted = false
        guard pass?.marks.count ?? 0 > settings.maximumMarks else { return }
        compact()
        guard pass?.marks.count ?? 0 <= settings.maximumMarks else {
            pass = nil
            throw .tooManyMarks(settings.maximumMarks)
        }
    }

    /// The group is marked to the end. `asOf` is a time at which everything that had been committed
    /// was part of the marked state, such as that of a confirmed read before marking began.
    package mutating func finish(_ group: GroupID, asOf: WallTime) throws(PassError) {
        guard pass != nil else { throw .noPass }
        guard pass?.groups.update(group, { $0 = .done(asOf: asOf) }) != nil else { throw .unknownGroup(group) }
    }

    /// Ends a pass without sweeping.
    package mutating func abandon() { pass = nil }

    /// Before which time something must have been touched last to be swept; throws while a group is not marked.
    package func horizon() throws(PassError) -> WallTime {
        guard let pass else { throw .noPass }
        var oldest = pass.started
        var unfinished: [GroupID] = []
        for (group, progress) in pass.groups {
            switch progress {
            case .marking: unfinished.append(group)
            case .done(let asOf): oldest = min(oldest, asOf)
            }
        }
        guard unfinished.isEmpty else { throw .unfinished(unfinished) }
        return oldest - settings.grace
    }

    /// Which of these may be deleted now. The caller deletes them before it handles anything else
    /// that could touch or pin a chunk, or asks again.
    package mutating func sweepable(_ candidates: [StoredChunk], now: WallTime) throws(PassError) -> [StoredChunk] {
        let horizon = try horizon()
        dropExpired(now)
        compact()
        guard let pass else { throw .noPass }
        return candidates.filter { chunk in
            pass.ranges.contains(ChunkRange(of: chunk.id)) && chunk.touched < horizon && pinned[chunk.id] == nil
                && !Self.contains(pass.marks, chunk.id.words.0)
        }
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

    package func checkInvariants() {
        var counts = OrderedTable<ChunkID, Int>()
        for (_, pin) in pins { for chunk in pin.chunks { counts[chunk] = (counts[chunk] ?? 0) + 1 } }
        precondition(counts.count == pinned.count, "\(pinned.count) pinned chunks, in fact \(counts.count)")
        for (chunk, count) in counts { precondition(pinned[chunk] == count, "pins of \(chunk)") }
    }
}
