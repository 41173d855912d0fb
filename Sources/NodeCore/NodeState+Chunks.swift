import Filesystem
import Namespace
import Primitives
import Replication

// Where content goes: copies pushed to where placement wants them. The core sees ids and lengths only.

extension NodeState {
    /// Chunks in one push.
    private static let pushLimit = 1_024

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
        var shares: [ChunkPush] = []
        for (node, share) in byNode {
            for start in stride(from: 0, to: share.indices.count, by: Self.pushLimit) {
                let part = Array(share.indices[start..<min(start + Self.pushLimit, share.indices.count)])
                shares.append(ChunkPush(placement: id, node: node, region: share.region, indices: part))
            }
        }
        entry.pushesLeft = shares.count
        placements[id] = entry
        for share in shares { push(share, into: &effects) }
        return id
    }

    private mutating func push(_ push: ChunkPush, into effects: inout [Effect]) {
        guard placements.contains(push.placement) else { return }
        if !outboxes.contains(push.node) { outboxes[push.node] = PushOutbox() }
        guard outboxes.update(push.node, { $0.waiting.push(push) }) == true else {
            pushRetries.append((now + .seconds(1), push))
            return
        }
        sendPushes(to: push.node, into: &effects)
    }

    /// Sends what waits for a node: at once while little is under way, so that a commit is not held up; then
    /// all that has gathered in one, so that many small files cost few messages and few syncs there.
    private mutating func sendPushes(to node: NodeID, into effects: inout [Effect]) {
        while var outbox = outboxes[node], outbox.underWay < PushOutbox.limit, !outbox.waiting.isEmpty {
            var parts: [ChunkPush] = []
            var chunks: [ChunkReference] = []
            var seen: Set<ChunkID> = []
            var bytes: UInt64 = 0
            while let next = outbox.waiting.first, parts.isEmpty || chunks.count + next.indices.count <= Self.pushLimit && bytes < 4 << 20 {
                _ = outbox.waiting.pop()
                guard let entry = placements[next.placement] else { continue }
                parts.append(next)
                for index in next.indices where seen.insert(entry.chunks[index].id).inserted {
                    chunks.append(entry.chunks[index])
                    bytes += UInt64(entry.chunks[index].length)
                }
            }
            if !parts.isEmpty { outbox.underWay += 1 }
            outboxes[node] = outbox
            guard !parts.isEmpty else { continue }
            let token = requests.makeToken()
            // An acknowledgement that is lost must not hold up a commit for ever: 30 s, and time for the bytes at 256 KiB/s.
            pushes[token] = PushFlight(node: node, parts: parts, timeoutAt: now + .seconds(30) + .milliseconds(Int64(bytes / 262)))
            effects.append(.pushChunks(chunks, to: node, token))
        }
    }

    mutating func pushed(_ token: WaitToken, ok: Bool, into effects: inout [Effect]) {
        guard let flight = pushes.remove(token) else { return }
        _ = outboxes.update(flight.node) { $0.underWay -= 1 }
        for var push in flight.parts {
            if ok {
                _ = placements.update(push.placement) { $0.hold(push.indices, in: push.region) }
                endPush(push)
                continue
            }
            // A placement that a commit may wait for is never given up; one whose rule is kept already is,
            // after some minutes: the regions fetch what they lack when they apply the commit.
            push.attempts += 1
            guard placements[push.placement]?.isSatisfied == false || push.attempts <= 60 else {
                endPush(push)
                continue
            }
            pushRetries.append((now + .milliseconds(min(5_000, 100 << min(push.attempts, 6))), push))
        }
        sendPushes(to: flight.node, into: &effects)
    }

    private mutating func endPush(_ push: ChunkPush) {
        _ = placements.update(push.placement) { $0.pushesLeft -= 1 }
        guard let entry = placements[push.placement] else { return }
        if entry.isSatisfied || entry.pushesLeft == 0 {
            for token in entry.waiting { resolve(token, .done) }
            _ = placements.update(push.placement) { $0.waiting = [] }
        }
    }

    /// Sends again what failed a while ago, or what nobody has answered in time.
    mutating func retryPushes(into effects: inout [Effect]) {
        for (token, flight) in pushes where flight.timeoutAt <= now { pushed(token, ok: false, into: &effects) }
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

    /// After ten minutes: placements that are complete, and those of sessions that have moved on or ended.
    mutating func forgetPlacements() {
        let old = placements.filter { $0.value.started + .seconds(600) < now && $0.value.waiting.isEmpty }
        guard !old.isEmpty else { return }
        var wanted: Set<UInt64> = []
        for (_, session) in sessions { wanted.formUnion(session.volume?.placements ?? []) }
        for (id, entry) in old where entry.isSatisfied && entry.pushesLeft == 0 || !wanted.contains(id) { _ = placements.remove(id) }
    }

    // MARK: Copies that are kept for us

    /// After so long holders are told again what is in use, or asked again what they hold: a quarter of
    /// the age at which they may take it for garbage, so that some may be lost on the way.
    var vouchInterval: Duration { settings.garbage.grace / 4 }

    /// The copies that a commit of this session waits for. Where they were made long ago, holders are asked
    /// again for everything that the commit will name: until it is in the log nothing else keeps it there.
    mutating func freshPlacements(_ session: SessionContext, _ volume: VolumeSession, into effects: inout [Effect]) -> [UInt64] {
        let isFresh =
            !volume.placements.isEmpty
            && volume.placements.allSatisfy { id in placements[id].map { $0.started + vouchInterval > now } ?? false }
        guard !isFresh, settings.mutant != .copiesTakenForFresh || volume.placements.isEmpty else { return volume.placements }
        var seen: Set<ChunkID> = []
        let changes = VolumeChanges.between(base: volume.base, staged: volume.staged.tree, version: volume.version)
        guard let anew = place(changes.chunks.filter { seen.insert($0.id).inserted }, of: session.group, into: &effects) else { return [] }
        _ = updateVolume(session.id) { $0.placements = [anew] }
        return [anew]
    }

    /// Whether this node stood still, while it waited for these copies, for so long that holders may soon take them for garbage, or
    /// have: it is asked again when the wait is over.
    func haveAged(_ placed: [UInt64]) -> Bool {
        guard settings.mutant != .copiesTakenForFresh else { return false }
        return placed.contains { id in placements[id].map { $0.started + vouchInterval * 2 <= now } ?? false }
    }

    /// Tells the holders what the sessions here see or have staged and the file system's present state
    /// may not name: nobody else can know.
    mutating func vouchForSessions(into effects: inout [Effect]) {
        guard now >= nextVouch else { return }
        nextVouch = now + vouchInterval
        for (_, session) in sessions {
            guard let volume = session.volume, !session.isDeleted, let wanted = placement(of: session.group) else { continue }
            let present = groups[session.group]?.machine.files?.namespace.tree
            var seen: Set<ChunkID> = []
            var byNode = OrderedTable<NodeID, [ChunkReference]>()
            for tree in volume.trees {
                var scan = ChunkScan(tree, besides: present)
                while let chunks = scan.next(limit: 4_096) {
                    for chunk in chunks where seen.insert(chunk.id).inserted {
                        for destination in wanted.destinations(of: chunk.id) where destination.node != settings.id {
                            if byNode.update(destination.node, { $0.append(chunk) }) == nil { byNode[destination.node] = [chunk] }
                        }
                    }
                }
            }
            for (node, chunks) in byNode {
                for start in stride(from: 0, to: chunks.count, by: 4_096) {
                    effects.append(.chunks(.vouch(Array(chunks[start..<min(start + 4_096, chunks.count)]), to: node)))
                }
            }
        }
    }

    // MARK: Bringing chunks home

    /// Chunks that a command named: those that placement wants here are looked for when the pushes had
    /// their time, and fetched where they did not come.
    mutating func adopt(_ chunks: [ChunkReference], of group: GroupID) {
        guard let wanted = placement(of: group) else { return }
        let mine = chunks.filter { wanted.isTarget(settings.id, of: $0.id) }
        guard !mine.isEmpty else { return }
        let adoption = ChunkUpkeep.Adoption(at: now + .seconds(5), group: group, chunks: mine)
        // Too many at once are left to the next round over all names.
        if !upkeep.adoptions.push(adoption) { hastenUpkeep() }
    }

    mutating func performRepair(_ group: GroupID, _ chunks: [ChunkReference], _ progress: inout RequestProgress) throws(Interrupt) {
        try fetch(chunks, of: group, number: 0, &progress)
    }
}
