import Consensus
import NodeCore
import Primitives
import Replication

/// How disks behave.
package struct DiskWeather: Hashable, Sendable {
    /// One sync of the log, in microseconds: at least, at most.
    package var syncMicroseconds: ClosedRange<Int> = 200...1_500
    package var bytesPerSecond = 500_000_000
    package init() {}
}

/// What one group has on one disk.
struct GroupLog {
    var hardState = HardState()
    var entries: [RaftEntry] = []
    var snapshot: (metadata: SnapshotMetadata, machine: GroupMachine)?

    mutating func write(_ persist: RaftPersist) {
        if let from = persist.truncateFrom { entries.removeAll { $0.index >= from } }
        if let first = persist.entries.first, let last = entries.last, last.index >= first.index {
            entries.removeAll { $0.index >= first.index }
        }
        entries.append(contentsOf: persist.entries)
        if let state = persist.hardState { hardState = state }
    }

    mutating func save(_ metadata: SnapshotMetadata, _ machine: GroupMachine) {
        guard metadata.index > snapshot?.metadata.index ?? 0 else { return }
        snapshot = (metadata, machine)
        entries.removeAll { $0.index <= metadata.index }
    }
}

/// A disk: logs with what is not yet synced, and chunks by name. Synced writes survive a crash; of
/// the others a part from the front, batch by batch (the log cuts a torn batch off).
struct Disk {
    struct Write {
        let token: UInt64
        let parts: [(GroupID, RaftPersist)]
    }

    /// The storage's own code on a file system that fails; nil: this stand-in keeps everything itself.
    var storage: (any WorldStorage)?
    var groups = OrderedTable<GroupID, GroupLog>()
    var pending: [Write] = []
    /// How many of `pending` the sync under way covers, or 1 where the storage has one; 0 while there is none.
    var syncing = 0
    var stalledUntil: Int64 = 0
    /// Latencies are multiplied by this.
    var slowness = 1
    var isFull = false { didSet { storage?.isFull = isFull } }
    private(set) var chunks: [ChunkID: Bool] = [:]  // whether intact; looked up only
    /// Chunks that are not what their names say, and that nobody has noticed; a mutant's.
    var forged: Set<ChunkID> = []  // looked up only
    /// The same names in the order in which they came, for faults to choose from.
    private(set) var chunkOrder: [ChunkID] = []

    mutating func synced(_ count: Int) {
        for write in pending.prefix(count) {
            for (group, persist) in write.parts { apply(persist, group) }
        }
        pending.removeFirst(min(count, pending.count))
    }

    private mutating func apply(_ persist: RaftPersist, _ group: GroupID) {
        if groups[group] == nil { groups[group] = GroupLog() }
        _ = groups.update(group) { $0.write(persist) }
    }

    mutating func crash(_ chance: inout SeededGenerator, losesPower: Bool, mutant: Mutant?) {
        if let storage {
            storage.stop(losesPower: losesPower)
            syncing = 0
            return
        }
        if mutant == .holesInLog { pending = pending.filter { _ in chance.below(2) == 0 } }
        if !pending.isEmpty { synced(mutant == .holesInLog ? pending.count : chance.below(pending.count + 1)) }
        pending = []
        syncing = 0
    }

    // MARK: Chunks

    func holds(_ chunk: ChunkID) -> Bool {
        guard let storage else { return chunks[chunk] == true }
        return storage.holds([chunk])?.first ?? false
    }

    /// Chunks that may decay: what is acknowledged.
    var stored: [ChunkID] { storage?.acknowledged ?? chunkOrder }

    /// Whether a chunk is acknowledged: power may fail and it stays.
    func stored(_ chunk: ChunkID) -> Bool { storage?.isAcknowledged(chunk) ?? (chunks[chunk] != nil) }

    func isDecayed(_ chunk: ChunkID) -> Bool { chunks[chunk] == false }

    mutating func store(_ chunk: ChunkID) {
        if chunks.updateValue(true, forKey: chunk) == nil { chunkOrder.append(chunk) }
    }

    mutating func decay(_ chunk: ChunkID) { if chunks[chunk] != nil { chunks[chunk] = false } }

    /// The store sets a chunk apart that does not match its name.
    mutating func drop(_ chunk: ChunkID) {
        guard chunks.removeValue(forKey: chunk) != nil else { return }
        chunkOrder.removeAll { $0 == chunk }
    }

    /// The next names behind `after`, in their order.
    func names(after: ChunkID?, limit: Int) -> [ChunkID] {
        Array(chunkOrder.filter { name in after.map { $0 < name } ?? true }.sorted().prefix(limit))
    }

    /// What a node reads back when it starts.
    func restored(mutant: Mutant?) -> NodeState.Restored {
        var out = NodeState.Restored()
        for (id, log) in groups {
            var hard = log.hardState
            if mutant == .voteNotPersisted {
                hard.votedFor = nil
                hard.term = max(log.entries.last?.term ?? 0, log.snapshot?.metadata.term ?? 0)
            }
            out.groups.append(
                (
                    id,
                    RaftRestored(hardState: hard, snapshot: log.snapshot?.metadata, entries: log.entries, initialConfiguration: .empty),
                    log.snapshot?.machine
                ))
        }
        return out
    }
}
