import Primitives

// Two processes with one NodeID (deviation 12).
extension SWIMState {
    private static let silence: Int64 = 60_000_000_000
    /// Traces of our own former life, of several ages, may still turn up for this long after the start.
    private static let afterlife: Int64 = 10_000_000_000

    /// Another run speaks in our name. It may be our own past: an incarnation that we lost is outlived once. It is a
    /// twin if it goes on counting, or sends packets, long after we started.
    mutating func claimedByOther(
        run: UInt64, incarnation: UInt64, at endpoint: Endpoint?, isDirect: Bool, _ now: Instant, _ effects: inout [SWIMEffect]
    ) {
        let isCounting = foreignRun == run && incarnation > foreignIncarnation
        foreignIncarnation = foreignRun == run ? max(foreignIncarnation, incarnation) : incarnation
        foreignRun = run
        let isLong = now.nanoseconds - startedAt.nanoseconds > Self.afterlife
        let isSilent = conflictAt.map { now.nanoseconds - $0.nanoseconds < Self.silence } ?? false
        if isCounting || isDirect, isLong, !isSilent {
            conflictAt = now
            effects.append(.identityConflict(me.id, me.gossip, endpoint))
        }
        // Twins would outlive each other as fast as the network carries it; once a minute is enough.
        if incarnation >= me.incarnation, !isSilent, phase == .running { outlive(incarnation, now, &effects) }
    }

    /// A third node's view: a member's record goes back to a run that another had replaced.
    mutating func reportConflict(_ index: Int, _ other: Endpoint?, _ now: Instant, _ effects: inout [SWIMEffect]) {
        if let last = peers[index].conflictAt, now.nanoseconds - last.nanoseconds < Self.silence { return }
        peers[index].conflictAt = now
        effects.append(.identityConflict(peers[index].id, peers[index].record.gossip, other))
    }
}
