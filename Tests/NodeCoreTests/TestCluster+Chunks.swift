import NodeCore
import Primitives
import Replication

// The chunk stores of the hosts: copies from one to another, and what upkeep asks of a store.

extension TestCluster {
    /// False where a chunk is neither here nor there.
    func copy(_ chunks: [ChunkReference], from node: Int, to target: Int) -> Bool {
        for chunk in chunks {
            guard let bytes = hosts[target].chunks[chunk.id] ?? hosts[node].chunks[chunk.id] else { return false }
            hosts[target].chunks[chunk.id] = bytes
            hosts[target].touched[chunk.id] = now
        }
        return true
    }

    /// A lost source is noticed after a while, as a broken connection is.
    func fetch(_ chunks: [ChunkReference], from source: Int, _ token: WaitToken, _ node: Int) {
        let host = hosts[node]
        fetchesAsked += 1
        guard hosts[source].isUp, !cut(node, source), !isStarved(node) else {
            post(.chunksFetched(token, missing: chunks.map(\.id)), to: node, after: .seconds(1))
            return
        }
        var came: [FetchedChunk] = []
        var missing: [ChunkID] = []
        for chunk in chunks where host.chunks[chunk.id] == nil {
            guard let bytes = hosts[source].chunks[chunk.id] else {
                missing.append(chunk.id)
                continue
            }
            host.chunks[chunk.id] = bytes
            host.touched[chunk.id] = now
            // Half of it, as if it had been compressed.
            came.append(FetchedChunk(chunk.id, sentBytes: UInt32(bytes.count / 2)))
        }
        let time = roundTrip(node, source) + slowness(source)
        post(.chunks(.arrived(token, came)), to: node, after: time)
        post(.chunksFetched(token, missing: missing), to: node, after: time)
    }

    func perform(_ work: ChunkWork, _ node: Int) {
        let host = hosts[node]
        switch work {
        case .cancelFetch: break
        case .vouch(let chunks, let to):
            let target = Int(to.rawValue) - 1
            guard !cut(node, target), hosts[target].isUp else { return }
            for chunk in chunks where hosts[target].chunks[chunk.id] != nil { hosts[target].touched[chunk.id] = now }
        case .claim(let chunks, let token):
            for chunk in chunks where host.chunks[chunk.id] != nil { host.touched[chunk.id] = now }
            post(.chunks(.audited(token, missing: chunks.filter { host.chunks[$0.id] == nil })), to: node, after: .milliseconds(1))
        case .audit(let chunks, let token):
            post(.chunks(.audited(token, missing: chunks.filter { host.chunks[$0.id] == nil })), to: node, after: .milliseconds(1))
        case .listIdle(let after, let limit, let idle, let token):
            let stored = host.chunks.keys.sorted().filter { id in after.map { $0 < id } ?? true }.prefix(limit)
            let found = stored.filter { isIdle($0, idle, host) }
            post(
                .chunks(.idle(token, found, next: stored.count < limit ? nil : stored.last)), to: node, after: .milliseconds(1))
        case .sweep(let ids, let idle, let token):
            var count: UInt64 = 0
            for id in ids where isIdle(id, idle, host) {
                guard host.chunks.removeValue(forKey: id) != nil else { continue }
                count += 1
                swept.append((now, node, id))
            }
            post(.chunks(.swept(token, chunks: count, bytes: count)), to: node, after: .milliseconds(1))
        }
    }

    private func isIdle(_ id: ChunkID, _ idle: Duration, _ host: Host) -> Bool {
        // What was there when the node started counts as touched then.
        (host.touched[id] ?? host.started) < now - idle
    }
}
