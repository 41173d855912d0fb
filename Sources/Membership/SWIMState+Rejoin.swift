import Primitives

// Finding members: seeds, and those thought dead (deviation 10).
extension SWIMState {
    mutating func addSeeds(_ endpoints: [Endpoint]) {
        for endpoint in endpoints where seeds.count < Self.seedsMax && !seeds.contains(endpoint) && endpoint != me.peer {
            seeds.append(endpoint)
        }
    }

    /// Begins exchanges with the next `count` seeds that are not known to be members.
    mutating func trySeeds(_ count: Int, _ now: Instant, _ effects: inout [SWIMEffect]) {
        seedTriedAt = now
        var left = count
        for _ in seeds.indices where left > 0 {
            let seed = seeds[nextSeed % seeds.count]
            nextSeed = (nextSeed + 1) % seeds.count
            guard !peers.contains(where: { $0.record.status.isPresent && $0.record.peer == seed }) else { continue }
            startSync(seed, node: nil, now, &effects)
            left -= 1
        }
    }

    /// One attempt at a dead member, now and then one at a seed; alone in the world, seeds every time.
    mutating func rejoin(_ now: Instant, _ effects: inout [SWIMEffect]) {
        let isAlone = presentCount == 1
        let sinceSeed = seedTriedAt.map { now.nanoseconds - $0.nanoseconds } ?? .max
        if phase == .running, isAlone || sinceSeed >= settings.seedPeriod.inNanoseconds { trySeeds(isAlone ? 2 : 1, now, &effects) }
        if phase == .running, let index = longestUntriedDead() {
            peers[index].checkedAt = now
            updateTurn(of: index)
            ping(index, sequence(), &effects)
        }
        let wait = isAlone ? min(.seconds(1), settings.rejoinPeriod) : settings.rejoinPeriod
        rejoinTimer = arm(.rejoin, at: now + wait, &effects)
    }

    private func longestUntriedDead() -> Int? {
        var best: Int?
        for index in peers.indices where statuses[index] == .dead {
            if let other = best, turns[other].attended(by: peers[other]) <= turns[index].attended(by: peers[index]) { continue }
            best = index
        }
        return best
    }

    /// Drops tombstones that are too old, and the oldest where there are too many.
    mutating func purge(_ now: Instant, _ effects: inout [SWIMEffect]) {
        let age = settings.tombstoneAge.inNanoseconds
        for index in peers.indices.reversed() where !turns[index].isPresent {
            if now.nanoseconds - peers[index].statusSince.nanoseconds >= age { forget(index, &effects) }
        }
        var excess = peers.count - (presentCount - 1) - settings.tombstonesMax
        while excess > 0, dropOldestTombstone(&effects) { excess -= 1 }
    }

    mutating func dropOldestTombstone(_ effects: inout [SWIMEffect]) -> Bool {
        var oldest: Int?
        for index in peers.indices where !turns[index].isPresent {
            if let other = oldest, peers[other].statusSince <= peers[index].statusSince { continue }
            oldest = index
        }
        guard let oldest else { return false }
        forget(oldest, &effects)
        return true
    }

    private mutating func forget(_ index: Int, _ effects: inout [SWIMEffect]) {
        let peer = removePeer(at: index)
        dissemination.drop(peer.id)
        regionTable.drop(reporter: peer.id)
        cuts.removeAll { cut in cut.region == peer.record.region && !peers.contains { $0.record.region == cut.region } }
        effects.append(.memberForgotten(peer.id))
    }
}
