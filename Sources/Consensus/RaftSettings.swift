/// What can be tuned about Raft. All nodes of a cluster must agree on `leaseMaximum` and
/// `clockDriftPercent`: the safety of lease reads rests on them. The others may differ.
package struct RaftSettings: Sendable, Hashable {
    /// How long a follower waits for a sign of its leader, at least, before it asks for a pre-vote.
    /// Milliseconds; default 600; range 50 ms to 10 s. Longer than the longest pause that a healthy
    /// node makes (a stalled disk does not count: heartbeats do not wait for it).
    package var electionTimeoutMinimum: Duration = .milliseconds(600)

    /// Upper bound of the same, whatever the round trips. Default 3 s.
    package var electionTimeoutMaximum: Duration = .milliseconds(3_000)

    /// The election timeout in round trips to the farthest voter. Default 4 (1 s at 250 ms); range
    /// 3 to 20. An election itself takes about three.
    package var electionRoundTrips = 4

    /// Heartbeats in one election timeout. Default 5; range 3 to 20. More bear more loss and jitter,
    /// and cost more messages.
    package var heartbeatsPerElectionTimeout = 5

    /// The round trip taken for a peer that nobody has measured. Default 100 ms.
    package var assumedRoundTrip: Duration = .milliseconds(100)

    /// Whether a leader answers reads without a round trip while its lease lasts. Default true.
    /// False for machines whose monotonic clock may stand still (suspended or migrated guests) or
    /// err by more than `clockDriftPercent`.
    package var leaseReads = true

    /// The longest lease, and so how long a restarted node supports nobody. Default 1 s; range
    /// 100 ms to 5 s.
    package var leaseMaximum: Duration = .milliseconds(1_000)

    /// By how much the rates of two nodes' monotonic clocks may differ: a leader counts on its lease
    /// for that much less than its followers promised. Default 10 percent; range 1 to 50. Real
    /// clocks stay below 0.1; the rest is margin for time between reading the clock and answering.
    package var clockDriftPercent = 10

    /// Payload of one append, unless one entry is longer. Default 1 MiB.
    package var maximumAppendBytes = 1 << 20
    /// Entries of one append. Default 4096; at most `RaftMessage.entryLimit`.
    package var maximumAppendEntries = 4_096
    /// Appends under way to one peer. Default 256; range 1 to 4096. Entries that wait for a place are
    /// sent together, so a small window means larger appends, not less throughput.
    package var maximumInflightMessages = 256
    /// Bytes under way to one peer. Default 16 MiB. At least bandwidth times round trip.
    package var maximumInflightBytes = 16 << 20

    /// Bytes appended by a leader and not yet committed, beyond which it refuses proposals as
    /// overloaded. Default 64 MiB.
    package var maximumUncommittedBytes = 64 << 20
    /// The longest payload of a proposal. Default 8 MiB; at most `RaftEntry.payloadLimit`.
    package var maximumEntryBytes = 8 << 20

    /// Bytes and entries handed to the state machine at once. Defaults 4 MiB and 1024.
    package var maximumApplyBytes = 4 << 20
    package var maximumApplyEntries = 1_024

    /// Reads that wait for their leadership to be confirmed, or that were forwarded. Default 8192.
    package var maximumPendingReads = 8_192
    /// Rounds of confirmation under way at once; further reads share the next one. Default 8.
    package var maximumReadRounds = 8

    /// What is kept of the log behind a snapshot, so that a follower that was away for a moment needs
    /// no snapshot. Defaults 1024 entries and 4 MiB, whichever is less.
    package var compactionKeepEntries = 1_024
    package var compactionKeepBytes = 4 << 20

    /// Idle time after which a group whose members are all caught up stops its heartbeats. Default
    /// 10 s; nil never. The host must then report lost peers as `unreachable`.
    package var quiesceAfter: Duration? = .seconds(10)

    /// How long another voter must have been preferred, caught up and in touch before leadership is
    /// handed to it. Default 5 s; doubled after each failure, up to 16 times.
    package var preferenceHold: Duration = .seconds(5)

    /// For tests only.
    package var mutant: RaftMutant?

    package init() {}

    /// Settings that cannot work are refused at start.
    func check() {
        precondition(electionTimeoutMinimum >= .milliseconds(10), "electionTimeoutMinimum must be at least 10 ms")
        precondition(electionTimeoutMaximum >= electionTimeoutMinimum, "electionTimeoutMaximum is below electionTimeoutMinimum")
        precondition(electionRoundTrips >= 1 && heartbeatsPerElectionTimeout >= 2, "an election timeout needs two heartbeats or more")
        precondition((1...90).contains(clockDriftPercent), "clockDriftPercent must be in 1 ... 90")
        precondition(leaseMaximum > .zero && leaseMaximum <= .seconds(60), "leaseMaximum must be in 0 ... 60 s")
        precondition(maximumInflightMessages > 0 && maximumInflightBytes > 0, "the window must not be empty")
        precondition((1...RaftMessage.entryLimit).contains(maximumAppendEntries), "maximumAppendEntries must be in 1 ... 65536")
        precondition((1...RaftEntry.payloadLimit).contains(maximumEntryBytes), "maximumEntryBytes must be in 1 ... 16 MiB")
        precondition(maximumApplyEntries > 0 && maximumPendingReads > 0 && maximumReadRounds > 0, "bounds must be positive")
        precondition(compactionKeepEntries >= 0 && compactionKeepBytes >= 0, "what is kept cannot be negative")
    }
}
