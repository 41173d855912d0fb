import Consensus
import Namespace
import NodeCore
import Primitives
import Replication

// The log and the snapshots on simulated disks.
extension World {
    /// How long one operation of a disk takes, beginning now.
    mutating func diskDelay(_ node: Int, bytes: Int64) -> Int64 {
        let range = options.disk.syncMicroseconds
        let latency = Int64(range.lowerBound + chance.below(range.count)) * 1_000 * Int64(hosts[node].disk.slowness)
        let start = max(now, hosts[node].disk.stalledUntil)
        return start - now + latency + bytes * 1_000_000_000 / Int64(options.disk.bytesPerSecond)
    }

    // MARK: The log

    mutating func persist(_ token: UInt64, _ writes: [(GroupID, RaftPersist)], _ node: Int) {
        if let storage = storage(node) {
            storage.append(writes, token: token)
            return beginSync(node, storage)
        }
        hosts[node].disk.pending.append(Disk.Write(token: token, parts: writes))
        if mutant == .ackBeforeSync { complete(.logDurable(token: token), node, after: 10_000) }
        if hosts[node].disk.syncing == 0 { beginSync(node) }
    }

    /// One sync covers all that waits for it (group commit). A full disk is tried again.
    mutating func beginSync(_ node: Int) {
        guard hosts[node].disk.syncing == 0 else { return }
        guard !hosts[node].disk.isFull else { return after(250_000_000, .logRetry(node: node, life: hosts[node].life)) }
        hosts[node].disk.syncing = hosts[node].disk.pending.count
        guard hosts[node].disk.syncing > 0 else { return }
        let bytes = hosts[node].disk.pending.reduce(0) { sum, write in
            write.parts.reduce(sum) { $0 + $1.1.entries.reduce(64) { $0 + Int64($1.size) } }
        }
        after(diskDelay(node, bytes: bytes), .logSynced(node: node, life: hosts[node].life))
    }

    /// There may be room again.
    mutating func retryLog(_ node: Int) {
        guard let storage = storage(node) else { return beginSync(node) }
        hosts[node].disk.syncing = 0
        beginSync(node, storage)
    }

    mutating func logSynced(_ node: Int, _ life: UInt32) {
        guard hosts[node].isUp, hosts[node].life == life else { return }
        if let storage = storage(node) { return logSynced(node, storage) }
        let count = hosts[node].disk.syncing
        let tokens = hosts[node].disk.pending.prefix(count).map(\.token)
        hosts[node].disk.synced(count)
        hosts[node].disk.syncing = 0
        if mutant != .ackBeforeSync { for token in tokens { complete(.logDurable(token: token), node, after: 0) } }
        if !hosts[node].disk.pending.isEmpty { beginSync(node) }
    }

    // MARK: Snapshots

    mutating func saveSnapshot(_ group: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine, _ node: Int) {
        storage(node)?.begin(.snapshot(group, metadata, machine, isReceived: false))
        guard hosts[node].disk.storage != nil || !hosts[node].disk.isFull else {
            return complete(.snapshotSaved(group, metadata, ok: false), node, after: 1_000_000)
        }
        let delay = diskDelay(node, bytes: machine.approximateBytes) * 2
        after(delay, .snapshotSaved(node: node, life: hosts[node].life, group, metadata, machine))
    }

    mutating func snapshotSaved(_ node: Int, _ life: UInt32, _ group: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine) {
        guard hosts[node].isUp, hosts[node].life == life else { return }
        if let storage = storage(node) {
            let result = storage.finish(.snapshot(group, metadata, machine, isReceived: false))
            return complete(.snapshotSaved(group, metadata, ok: result.isDone), node, after: 0)
        }
        var stored = metadata
        if mutant == .snapshotWithoutLastEntry,
            let next = hosts[node].disk.groups[group]?.entries.first(where: { $0.index == metadata.index + 1 })
        {
            stored.index += 1
            stored.term = next.term
        }
        if hosts[node].disk.groups[group] == nil { hosts[node].disk.groups[group] = GroupLog() }
        let cutsLog = mutant == .snapshotCutsLog
        _ = hosts[node].disk.groups.update(group) { log in
            if cutsLog { log.entries.removeAll { $0.index > stored.index } }
            log.save(stored, machine)
        }
        complete(.snapshotSaved(group, metadata, ok: true), node, after: 0)
    }

    /// The newest one on the disk goes over the bulk lane.
    mutating func sendSnapshot(_ group: GroupID, _ metadata: SnapshotMetadata, _ from: Int, _ to: Int) {
        let newest = hosts[from].disk.storage == nil ? hosts[from].disk.groups[group]?.snapshot : storedSnapshot(group, from)
        guard let saved = newest, saved.metadata.index >= metadata.index, hosts.indices.contains(to) else {
            return complete(.snapshotSent(group, to: NodeID(UInt64(to) + 1), ok: false), from, after: 1_000_000)
        }
        let epoch = connections[link(from, to)].epoch
        let isSent = transmit(
            from, to, bytes: saved.machine.approximateBytes, isBulk: true,
            .snapshotArrived(from: from, to: to, epoch: epoch, group, saved.metadata, saved.machine))
        let failure = Event.snapshotSent(group, to: hosts[to].id, ok: false)
        guard isSent else { return complete(failure, from, after: 1_000_000) }
        // No answer within a while counts as lost.
        complete(failure, from, after: 60_000_000_000)
    }

    mutating func snapshotArrived(
        _ from: Int, _ to: Int, _ epoch: UInt32, _ group: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine
    ) {
        guard hosts[to].isUp, connections[link(from, to)].epoch == epoch else { return }
        storage(to)?.begin(.snapshot(group, metadata, machine, isReceived: true))
        guard hosts[to].disk.storage != nil || !hosts[to].disk.isFull else { return }
        let delay = diskDelay(to, bytes: machine.approximateBytes) * 2
        after(delay, .snapshotStored(from: from, to: to, life: hosts[to].life, group, metadata, machine))
    }

    mutating func snapshotStored(
        _ from: Int, _ to: Int, _ life: UInt32, _ group: GroupID, _ metadata: SnapshotMetadata, _ machine: GroupMachine
    ) {
        guard hosts[to].isUp, hosts[to].life == life else { return }
        if let storage = storage(to) {
            let result = storage.finish(.snapshot(group, metadata, machine, isReceived: true))
            if let machine = result.machine { complete(.snapshotReceived(group, metadata, machine), to, after: 0) }
            let sent = Event.snapshotSent(group, to: hosts[to].id, ok: result.isDone)
            transmit(to, from, bytes: 80, isBulk: false, .event(node: from, life: hosts[from].life, sent))
            return
        }
        if hosts[to].disk.groups[group] == nil { hosts[to].disk.groups[group] = GroupLog() }
        let cutsLog = mutant == .snapshotCutsLog
        _ = hosts[to].disk.groups.update(group) { log in
            // What lies behind the snapshot stays, as in the live node: where it is of another history Raft cuts it
            // off when it takes the snapshot up, and a snapshot that comes late is not taken up at all.
            if cutsLog { log.entries.removeAll { $0.index > metadata.index } }
            log.save(metadata, machine)
        }
        complete(.snapshotReceived(group, metadata, machine), to, after: 0)
        let sent = Event.snapshotSent(group, to: hosts[to].id, ok: true)
        transmit(to, from, bytes: 80, isBulk: false, .event(node: from, life: hosts[from].life, sent))
    }
}

extension GroupMachine {
    /// Bytes of its snapshot, about.
    var approximateBytes: Int64 {
        guard let files else { return 20_000 }
        let statistics = files.namespace.tree.statistics
        return 4_096 + Int64(clamping: statistics.inodes) * 400
    }
}
