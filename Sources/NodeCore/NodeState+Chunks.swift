import Filesystem
import Primitives
import Replication

// Where content is: copies pushed to where placement wants them, missing chunks fetched from the
// nearest holder. The core sees ids and lengths only.

extension NodeState {
    func placement(of group: GroupID) -> ChunkPlacement? {
        guard let record = catalog.filesystem(of: group) else { return nil }
        return ChunkPlacement(plan: record.plan, policy: record.policy, table: regionTable())
    }

    /// Begins to copy chunks that are durable here; the number names the placement.
    mutating func place(_ chunks: [ChunkReference], of group: GroupID, into effects: inout [Effect]) -> UInt64? {
        guard !chunks.isEmpty, let wanted = placement(of: group) else { return nil }
        let id = nextPlacement
        nextPlacement += 1
        var entry = Placement(chunks: chunks, rule: wanted.rule, home: settings.region, now: now)
        var byNode = OrderedTable<NodeID, (region: RegionID, indices: [Int])>()
        for (index, chunk) in chunks.enumerated() {
            for destination in wanted.destinations(of: chunk.id) where destination.node != settings.id {
                var share = byNode[destination.node] ?? (destination.region, [])
                share.indices.append(index)
                byNode[destination.node] = share
            }
        }
        entry.pushesLeft = byNode.count
        placements[id] = entry
        for (node, share) in byNode {
            push(ChunkPush(placement: id, node: node, region: share.region, indices: share.indices), into: &effects)
        }
        return id
    }

    private mutating func push(_ push: ChunkPush, into effects: inout [Effect]) {
        guard let entry = placements[push.placement] else { return }
        let token = requests.makeToken()
        pushes[token] = push
        effects.append(.pushChunks(push.indices.map { entry.chunks[$0] }, to: push.node, token))
    }

    mutating func pushed(_ token: WaitToken, ok: Bool, into effects: inout [Effect]) {
        guard var push = pushes.remove(token) else { return }
        guard ok else {
            // A placement that a commit may wait for is never given up; one whose rule is kept already is,
            // after some minutes: the regions fetch what they lack when they apply the commit.
            push.attempts += 1
            guard placements[push.placement]?.isSatisfied == false || push.attempts <= 60 else {
                endPush(push)
                return
            }
            pushRetries.append((now + .milliseconds(min(5_000, 100 << min(push.attempts, 6))), push))
            return
        }
        _ = placements.update(push.placement) { $0.hold(push.indices, in: push.region) }
        endPush(push)
    }

    private mutating func endPush(_ push: ChunkPush) {
        _ = placements.update(push.placement) { $0.pushesLeft -= 1 }
        guard let entry = placements[push.placement] else { return }
        if entry.isSatisfied || entry.pushesLeft == 0 {
            for token in entry.waiting { resolve(token, .done) }
            _ = placements.update(push.placement) { $0.waiting = [] }
        }
    }

    mutating func retryPushes(into effects: inout [Effect]) {
        let due = pushRetries.filter { $0.at <= now }
        pushRetries.removeAll { $0.at <= now }
        for retry in due { push(retry.push, into: &effects) }
    }

    /// Waits until every placement named has changed for the better; called until `isEnough`.
    mutating func waitForPlacement(
        _ ids: [UInt64], number: Int, _ progress: inout RequestProgress, until isEnough: (Placement) -> Bool
    ) throws(Interrupt) {
        for id in ids {
            guard let entry = placements[id], !isEnough(entry) else { continue }
            guard entry.pushesLeft > 0 else { continue }
            progress.attempt += 1
            let place = Step(.place, progress.attempt &* 64 &+ number)
            _ = try step(place, &progress) { node, token in
                _ = node.placements.update(id) { $0.waiting.append(token) }
            }
        }
    }

    /// Placements that are complete, or that nobody asks about any more.
    mutating func forgetPlacements() {
        for (id, entry) in placements where entry.isSatisfied && entry.pushesLeft == 0 && entry.started + .seconds(600) < now {
            _ = placements.remove(id)
        }
    }

    // MARK: Reading

    /// Bytes of a file as a buffer; chunks that are not here are fetched from the nearest holder,
    /// and waits for another region are counted.
    mutating func readBytes(
        _ extents: [Extent], under: [UInt8], offset: UInt64, length: UInt32, of group: GroupID, number: Int,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> Payload {
        var attempt = 0
        while true {
            let place = Step(.read, number * 64 + attempt)
            let value: StepValue
            do {
                value = try step(place, &progress) { node, token in
                    node.laterEffects.append(.readExtents(extents, under: under, offset: offset, length: length, token))
                }
            }
            switch value {
            case .bytes(let payload): return payload
            case .missing(let chunks):
                try fetch(chunks, among: extents, of: group, number: number * 64 + attempt, &progress)
                attempt += 1
                guard attempt < 4 else {
                    throw .failure(
                        FileFailure(.ioError, operation: "read", object: "chunk \(chunks[0].hex)", cause: "it vanishes as it is fetched"))
                }
            default: preconditionFailure("a read ended as \(value)")
            }
        }
    }

    /// Asks the holders in order of distance, one after the other, until all chunks are here.
    mutating func fetch(
        _ ids: [ChunkID], among extents: [Extent], of group: GroupID, number: Int, _ progress: inout RequestProgress
    )
        throws(Interrupt)
    {
        var missing = ids
        let sources = fetchSources(of: group, for: ids[0])
        for (position, source) in sources.enumerated() {
            let wanted = missing
            let references = wanted.compactMap { id in extents.first { $0.chunk.id == id }?.chunk }
            let place = Step(.fetch, number * 64 + position)
            let fresh = progress.begun[place] == nil
            var failed = false
            do {
                let value = try step(place, &progress) { node, token in
                    node.laterEffects.append(.fetchChunks(references, from: source, token))
                }
                if case .missing(let left) = value { missing = left } else { missing = [] }
            } catch .failure { failed = true }
            _ = fresh
            if !failed, progress.charged.insert(place).inserted { charge(references, missing, from: source, &progress) }
            if missing.isEmpty { return }
        }
        let failure = FileFailure(
            .unavailable, operation: "read", object: "chunk \(missing[0].hex)",
            cause: "none of \(sources.count) nodes that may hold it gave an intact copy",
            hint: "bring its holders back, or run `atoll check`")
        throw .failure(failure)
    }

    private mutating func charge(_ wanted: [ChunkReference], _ missing: [ChunkID], from source: NodeID, _ progress: inout RequestProgress) {
        let got = wanted.filter { reference in !missing.contains(reference.id) }
        if isWideArea(source) {
            progress.cost.wideAreaRoundTrips += 1
            progress.cost.chunksFromAfar += UInt32(got.count)
            progress.cost.wideAreaBytes += got.reduce(0) { $0 + UInt64($1.length) }
            counters.chunksFetchedFromAfar += UInt64(got.count)
        } else {
            progress.cost.chunksFromRegion += UInt32(got.count)
        }
    }

    /// Who may hold a chunk: its targets in this region, the region's other replicas, then the same
    /// of each other region, nearest first.
    private func fetchSources(of group: GroupID, for chunk: ChunkID) -> [NodeID] {
        guard let record = catalog.filesystem(of: group) else { return [] }
        let table = regionTable()
        let wanted = ChunkPlacement(plan: record.plan, policy: record.policy, table: table)
        var out: [NodeID] = []
        for region in [settings.region] + table.nearestFirst(from: settings.region).filter({ $0 != settings.region }) {
            let targets = wanted.targets(of: chunk, in: region, ignoringLiveness: true)
            let others = record.plan.replicas.filter { $0.region == region }.map(\.node)
            for node in targets + others where node != settings.id && !out.contains(node) { out.append(node) }
        }
        // The dead are asked last, not left out: gossip may be wrong.
        return out.filter { table.isAlive($0) } + out.filter { !table.isAlive($0) }
    }

    // MARK: Bringing chunks home

    /// Chunks that a command named: this node fetches those that placement wants here, after the
    /// pushes had their time.
    mutating func adopt(_ chunks: [ChunkReference], of group: GroupID, into effects: inout [Effect]) {
        guard let wanted = placement(of: group) else { return }
        let mine = chunks.filter { wanted.isTarget(settings.id, of: $0.id) }
        guard !mine.isEmpty else { return }
        for start in stride(from: 0, to: mine.count, by: 64) {
            let batch = Array(mine[start..<min(start + 64, mine.count)])
            begin(.background(.adoptChunks(group, batch)), deadline: now + .seconds(300), into: &effects)
        }
    }

    mutating func performAdoption(_ group: GroupID, _ chunks: [ChunkReference], _ progress: inout RequestProgress) throws(Interrupt) {
        _ = try step(Step(.wait), &progress) { node, token in node.pauses.append((node.now + .seconds(5), token)) }
        let extents = chunks.map { Extent(offset: 0, length: UInt64($0.length), chunk: $0, chunkOffset: 0) }
        try fetch(chunks.map(\.id), among: extents, of: group, number: 0, &progress)
    }
}
