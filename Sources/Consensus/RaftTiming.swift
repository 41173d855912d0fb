import Primitives

/// The spans of one group, from the settings and from the measured round trips to its voters.
package struct RaftTiming: Sendable, Hashable {
    /// The least time without a leader before a member campaigns.
    package let electionTimeout: Duration
    package let heartbeatInterval: Duration
    /// Until a campaign that has not succeeded is repeated; also the spread of repetitions.
    package let retry: Duration
    /// What followers are asked to promise.
    package let lease: Duration

    package init(settings: RaftSettings, worstRoundTrip: Duration) {
        let wanted = worstRoundTrip * settings.electionRoundTrips
        electionTimeout = min(max(settings.electionTimeoutMinimum, wanted), settings.electionTimeoutMaximum)
        heartbeatInterval = electionTimeout / settings.heartbeatsPerElectionTimeout
        retry = max(settings.electionTimeoutMinimum / 2, worstRoundTrip * 2)
        // Whole milliseconds, as on the wire.
        lease = .milliseconds(max(1, min(electionTimeout, settings.leaseMaximum).inNanoseconds / 1_000_000))
    }

    package var leaseMilliseconds: UInt32 { UInt32(clamping: lease.inNanoseconds / 1_000_000) }

    /// The longest of the round trips from `id` to the other voters. `roundTrips` is sorted by node.
    static func worstRoundTrip(from id: NodeID, to voters: [NodeID], in roundTrips: [RoundTrip], assumed: Duration) -> Duration {
        var worst = Duration.zero
        for voter in voters where voter != id {
            worst = max(worst, roundTrips.first { $0.node == voter }?.span ?? assumed)
        }
        return worst
    }
}

struct RoundTrip: Sendable, Hashable {
    let node: NodeID
    let span: Duration
}
