import Filesystem
import NodeCore
import Primitives
import Replication

// What upkeep asks of a machine's chunk store: which chunks are there, which nobody has touched for long,
// and that those be deleted.
extension World {
    mutating func perform(_ work: ChunkWork, _ node: Int) {
        switch work {
        case .cancelFetch(let token): hosts[node].transfers.removeAll { $0.token == token }
        case .vouch(let chunks, let peer):
            let to = Self.index(of: peer)
            guard hosts.indices.contains(to) else { return }
            let epoch = connections[link(node, to)].epoch
            transmit(
                node, to, bytes: Int64(100 + 40 * chunks.count), isBulk: true, .vouched(from: node, to: to, epoch: epoch, chunks))
        case .audit(let chunks, let token): audit(chunks, token, node)
        case .claim(let chunks, let token):
            if let storage = storage(node) { return report(audit(chunks, token, touches: true, storage), node) }
            for chunk in chunks where hosts[node].disk.holds(chunk.id) && mutant != .vouchIgnored { touch(chunk.id, node) }
            audit(chunks, token, node)
        case .listIdle(let after, let limit, let idle, let token):
            if let storage = storage(node) {
                guard let page = storage.idle(after: after, limit: limit, for: idle) else { return report(.failed(token), node) }
                return report(.idle(token, page.ids, next: page.next), node)
            }
            let page = hosts[node].disk.names(after: after, limit: limit)
            let found = page.filter { isIdle($0, idle, node) }
            report(.idle(token, found, next: page.count < limit ? nil : page.last), node)
        case .sweep(let ids, let idle, let token):
            if let storage = storage(node) {
                guard let step = storage.sweep(ids, idle: idle) else { return report(.failed(token), node) }
                statistics.swept += step.chunks
                trace.line(now, "n\(node + 1) sweeps \(step.chunks) of \(ids.count) chunks")
                return report(.swept(token, chunks: step.chunks, bytes: step.bytes), node)
            }
            var count: UInt64 = 0
            for id in ids where isIdle(id, idle, node) && hosts[node].disk.holds(id) {
                hosts[node].disk.drop(id)
                hosts[node].touched[id] = nil
                count += 1
                trace.line(now, "n\(node + 1) sweeps \(id)")
            }
            statistics.swept += count
            report(.swept(token, chunks: count, bytes: count * options.chunkBytes), node)
        }
    }

    mutating func vouched(_ from: Int, _ to: Int, _ epoch: UInt32, _ chunks: [ChunkReference]) {
        guard hosts[to].isUp, connections[link(from, to)].epoch == epoch, mutant != .vouchIgnored else { return }
        if let storage = storage(to) { return storage.touch(chunks.map(\.id)) }
        for chunk in chunks where hosts[to].disk.holds(chunk.id) { touch(chunk.id, to) }
    }

    /// Somebody counts on this chunk from now on, by this machine's own clock.
    func touch(_ chunk: ChunkID, _ node: Int) {
        if let storage = storage(node) { return storage.touch([chunk]) }
        hosts[node].touched[chunk] = hosts[node].clock.local(now)
    }

    private mutating func audit(_ chunks: [ChunkReference], _ token: WaitToken, _ node: Int) {
        if let storage = storage(node) { return report(audit(chunks, token, touches: false, storage), node) }
        report(.audited(token, missing: chunks.filter { !hosts[node].disk.holds($0.id) && !hosts[node].disk.isDecayed($0.id) }), node)
    }

    /// What was there when the process started counts as touched then, as in the live store.
    private func isIdle(_ chunk: ChunkID, _ idle: Duration, _ node: Int) -> Bool {
        if mutant == .sweepWithoutGrace { return true }
        return (hosts[node].touched[chunk] ?? hosts[node].startedAt) < hosts[node].clock.local(now) - idle.inNanoseconds
    }

    private mutating func report(_ report: ChunkReport, _ node: Int) {
        complete(.chunks(report), node, after: 50_000 * Int64(hosts[node].disk.slowness) + max(0, hosts[node].disk.stalledUntil - now))
    }
}
