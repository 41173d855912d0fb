import Primitives

@testable import Consensus

/// The state machine of the tests: a hash of everything applied, so that two machines agree only if
/// they have applied the same entries in the same order.
struct Machine: Hashable {
    var index: UInt64 = 0
    var hash: UInt64 = 0
    var commands = 0

    mutating func apply(_ entry: RaftEntry) {
        precondition(entry.index == index + 1, "applied \(entry.index) after \(index)")
        index = entry.index
        hash = SeededGenerator.mix(hash ^ fingerprint(entry))
        if entry.kind == .command { commands += 1 }
    }
}

func fingerprint(_ entry: RaftEntry) -> UInt64 {
    var hash = SeededGenerator.mix(entry.index &* 31 &+ entry.term) ^ UInt64(entry.kind.rawValue)
    for byte in entry.payload { hash = SeededGenerator.mix(hash ^ UInt64(byte)) }
    return hash
}

/// What one group has on one disk.
struct GroupDisk {
    var hardState = HardState()
    var entries: [RaftEntry] = []
    var snapshot: (metadata: SnapshotMetadata, machine: Machine)?

    mutating func write(_ persist: RaftPersist) {
        if let from = persist.truncateFrom {
            entries.removeAll { $0.index >= from }
        }
        if let first = persist.entries.first, let last = entries.last, first.index != last.index + 1 {
            preconditionFailure("the log on disk jumps from \(last.index) to \(first.index)")
        }
        entries.append(contentsOf: persist.entries)
        if let state = persist.hardState { hardState = state }
    }

    func holds(_ index: UInt64, term: UInt64) -> Bool {
        if let snapshot, snapshot.metadata.index >= index { return true }
        guard let first = entries.first, index >= first.index, index <= first.index + UInt64(entries.count) - 1 else { return false }
        return entries[Int(index - first.index)].term == term
    }
}

/// A disk: what is synced survives a crash, what is under way does not.
struct Disk {
    var groups: [GroupID: GroupDisk] = [:]
    var pending: [(token: UInt64, writes: [(GroupID, RaftPersist)])] = []

    mutating func sync(through token: UInt64) {
        while let first = pending.first, first.token <= token {
            for (group, persist) in first.writes { groups[group, default: GroupDisk()].write(persist) }
            pending.removeFirst()
        }
    }
}
