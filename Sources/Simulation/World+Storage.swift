import Consensus
import Filesystem
import NodeCore
import Primitives
import Replication

// Machines whose disks run the storage's own code (`WorldStorage`): the same delays as the stand-in's, and what the live
// node's interpreter does at their ends.
extension World {
    /// The machine's storage with its clock set; nil where the world has a stand-in.
    func storage(_ node: Int) -> (any WorldStorage)? {
        guard let storage = hosts[node].disk.storage else { return nil }
        storage.now = Instant(nanoseconds: hosts[node].clock.local(now))
        return storage
    }

    func makeStorage(_ node: Int, _ seed: UInt64) -> (any WorldStorage)? {
        guard usesRealStorage, let makeStorage else { return nil }
        return makeStorage(
            WorldStorageOptions(
                seed: SeededGenerator.mix(seed ^ SeededGenerator.mix(UInt64(node) + 1)),
                clusterHigh: cluster.clusterHigh, clusterLow: cluster.clusterLow, node: NodeID(UInt64(node) + 1),
                garbageGrace: options.garbageGrace))
    }

    // MARK: The log

    mutating func beginSync(_ node: Int, _ storage: any WorldStorage) {
        guard hosts[node].disk.syncing == 0, let bytes = storage.waitingBytes else { return }
        hosts[node].disk.syncing = 1
        after(diskDelay(node, bytes: bytes), .logSynced(node: node, life: hosts[node].life))
    }

    mutating func remove(_ group: GroupID, _ node: Int) {
        guard let storage = storage(node) else {
            _ = hosts[node].disk.groups.remove(group)
            return
        }
        storage.forget(group)
        beginSync(node, storage)
    }

    /// A full disk is tried again after the pause of the live node's `LogAppender`.
    mutating func logSynced(_ node: Int, _ storage: any WorldStorage) {
        let outcome = storage.sync()
        for token in outcome.durable { complete(.logDurable(token: token), node, after: 0) }
        if let failure = outcome.failure {
            if !outcome.wasToFail { violate(.format, "the log of n\(node + 1) ends: \(failure)") }
            return logFailed(node, failure)
        }
        guard !outcome.isFull else { return after(250_000_000, .logRetry(node: node, life: hosts[node].life)) }
        hosts[node].disk.syncing = 0
        beginSync(node, storage)
    }

    /// A node whose log fails ends, and is started again by whoever looks after it.
    private mutating func logFailed(_ node: Int, _ failure: String) {
        trace.line(now, "n\(node + 1) cannot write its log: \(failure)")
        complete(.logFailed(token: 0, reason: failure), node, after: 0)
        after(1_000_000, .ends(node: node, life: hosts[node].life))
    }

    mutating func ends(_ node: Int, _ life: UInt32) {
        guard hosts[node].isUp, hosts[node].life == life else { return }
        crash(node, isSudden: false)
        startAgain(node)
    }

    /// Unless something else starts or stops the machine before.
    mutating func startAgain(_ node: Int) {
        let pause = Int64(500 + chance.below(1_500)) * 1_000_000
        after(pause, .startsAgain(node: node, life: hosts[node].life))
    }

    // MARK: Starting

    /// What a machine reads back; nil where it cannot start.
    mutating func restored(_ node: Int) -> NodeState.Restored? {
        guard let storage = storage(node) else { return hosts[node].disk.restored(mutant: mutant) }
        if let (part, place) = hosts[node].rotten { return restoredFromRot(part, place, node, storage) }
        do throws(WorldStorageFailure) {
            return try storage.open()
        } catch {
            trace.line(now, "n\(node + 1) cannot start: \(error)")
            if error.mayPass { startAgain(node) } else { violate(.format, "n\(node + 1) cannot start: \(error)") }
            return nil
        }
    }

    // MARK: Snapshots

    func storedSnapshot(_ group: GroupID, _ node: Int) -> (metadata: SnapshotMetadata, machine: GroupMachine)? {
        storage(node)?.snapshot(of: group).map { (metadata: $0.0, machine: $0.1) }
    }

    // MARK: Chunks

    /// Whether a chunk can be read here, and is what it should be. What has decayed is set apart, as in the live store.
    func read(_ id: ChunkID, _ node: Int) -> WorldChunk {
        if let storage = storage(node) { return hosts[node].isUp ? storage.read(id) : .missing }
        if hosts[node].disk.holds(id) { return hosts[node].disk.forged.contains(id) ? .wrong : .sound }
        guard hosts[node].disk.isDecayed(id) else { return .missing }
        if mutant == .serveDecay { return .wrong }
        // Found by its hash.
        hosts[node].disk.drop(id)
        return .missing
    }

    /// Chunks as work for the storage's own code.
    func work(_ chunks: [ChunkReference]) -> WorldWork {
        .chunks(chunks.compactMap { chunk in contents[chunk.id].map { (id: chunk.id, bytes: $0.encoded) } }, areCopies: true)
    }

    func work(_ chunks: [(ChunkID, Content)]) -> WorldWork {
        .chunks(chunks.map { (id: $0.0, bytes: $0.1.encoded) }, areCopies: false)
    }

    func audit(_ chunks: [ChunkReference], _ token: WaitToken, touches: Bool, _ storage: any WorldStorage) -> ChunkReport {
        if touches { storage.touch(chunks.map(\.id)) }
        guard let have = storage.holds(chunks.map(\.id)) else { return .failed(token) }
        return .audited(token, missing: zip(chunks, have).filter { !$0.1 }.map(\.0))
    }
}
