import Namespace
import Primitives
import Replication

/// Settings of a node's upkeep of its chunks.
package struct UpkeepSettings: Hashable, Sendable {
    /// Pause between rounds; default 600 s, range 1 s...1 day. A round that found something missing is
    /// followed sooner: after a tenth of it.
    package var interval: Duration = .seconds(600)
    /// From the moment the node knows the cluster to its first round; default 5 s.
    package var firstRound: Duration = .seconds(5)
    /// Records of the namespaces looked at in one turn, of which there are up to 50 a second; default 1,024.
    package var slice = 1_024
    /// Bytes a second that are fetched to repair what is missing; default 32 MiB, range 64 KiB...10 GiB.
    package var repairBytesPerSecond: UInt64 = 32 << 20
    /// A node that has been away for longer counts as lost: others of its region make up for its copies.
    /// Default 15 minutes.
    package var absence: Duration = .seconds(900)
    /// From the deletion of a file system to the end of its record; default 30 s.
    package var purgeDelay: Duration = .seconds(30)
    package init() {}
}

/// Where a node is in looking after its chunks.
///
/// A round goes over every name in the namespaces that this node has a replica of, in small turns. What
/// placement wants here is looked for in the store, and fetched where it is not: whatever was the
/// reason, a failed copy, a disk that was replaced, decay, a long absence. The same walk makes the
/// marks of garbage collection; when it has come to the end, what is stored and not named is swept,
/// unless the round could not confirm that its replicas are current. See
/// docs/rfcs/2026-11-21-names-not-summaries.md.
struct ChunkUpkeep {
    enum Phase: Hashable {
        case idle
        /// Waiting for the groups' leaders to say how far their logs are.
        case confirming
        case scanning
        case sweeping
    }

    /// A part of the walk.
    struct Scan {
        /// Of the group whose marking ends with this scan.
        let finishes: GroupID?
        /// Of the group for which what is missing is fetched; nil where names are only marked.
        let repairs: GroupID?
        let placement: ChunkPlacement?
        var names: Names

        enum Names {
            case scan(ChunkScan)
            case list([ChunkReference])
        }
    }

    struct Missing {
        let group: GroupID
        let chunk: ChunkReference
    }

    /// Chunks that a command named.
    struct Adoption {
        let at: Instant
        let group: GroupID
        let chunks: [ChunkReference]
    }

    /// Look-ups in the store at one time.
    static let auditLimit = 4
    /// Repairs at one time: on a long way they wait for round trips, not for bytes.
    static let repairLimit = 4
    /// Chunks that wait for repair; what does not fit is found again in the next round.
    static let missingLimit = 65_536
    /// Stored names looked at in one turn of the sweep.
    static let page = 1_024

    var phase = Phase.idle
    /// When the next round begins; nil until the node knows the cluster.
    var due: Instant?
    var marks: GarbageMarks
    /// Names beyond what can be marked at once are done in passes over parts of the name space.
    var ranges = ChunkRange.everything
    /// Whether what is not named may be swept in this round.
    var maySweep = false
    /// The groups of this round.
    var groups: [GroupID] = []
    var scans: [Scan] = []
    var audits = OrderedTable<WaitToken, GroupID>()
    var missing = BoundedQueue<Missing>(capacity: Self.missingLimit)
    var foundMissing = false
    /// The sweep: the answer that is waited for, and where it goes on.
    var waiting: WaitToken?
    var cursor: ChunkID?
    var isLastPage = false
    var candidates: [ChunkID] = []
    /// States that were marked in the round before: requests under way may still read what they name.
    var earlier = OrderedTable<GroupID, NamespaceState>()
    /// Commands whose chunks are to be looked for.
    var adoptions = BoundedQueue<Adoption>(capacity: 4_096)
    /// Repairs under way; the next begins no sooner than this.
    var repairs = 0
    var repairAt = Instant.zero
    /// Since when nodes have been away.
    var absentSince = OrderedTable<NodeID, Instant>()
    var isTicking = false

    init(_ settings: GarbageSettings) { marks = GarbageMarks(settings: settings) }

    /// The next part of the name space, after one pass over `ranges` is through.
    mutating func advanceRanges() {
        let width = Int(ranges.upperBound.prefix) - Int(ranges.lowerBound.prefix) + 1
        guard width < 256 else { return }
        let start = (Int(ranges.upperBound.prefix) + 1) % 256
        ranges = ChunkRange(UInt8(start))...ChunkRange(UInt8(min(255, start + width - 1)))
    }

    /// There are too many names for one pass over the ranges: half as many the next time.
    mutating func narrowRanges() {
        let low = Int(ranges.lowerBound.prefix)
        let width = Int(ranges.upperBound.prefix) - low + 1
        ranges = ranges.lowerBound...ChunkRange(UInt8(low + max(1, width / 2) - 1))
    }
}

extension VolumeSession {
    /// All that the session reads, and what it has staged.
    var trees: [NamespaceTree] {
        var out = [base, staged.tree]
        if let pinned { out.append(pinned) }
        if let pending { out.append(pending.tree) }
        for (_, handle) in handles { if let pinned = handle.pinned { out.append(pinned) } }
        var distinct: [NamespaceTree] = []
        for tree in out where !distinct.contains(where: { $0.records.isIdentical(to: tree.records) }) { distinct.append(tree) }
        return distinct
    }
}
