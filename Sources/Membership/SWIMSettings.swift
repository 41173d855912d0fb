/// How the membership protocol behaves. All nodes of a cluster should run the same settings, but
/// none of them must agree for it to work: each node applies its own.
///
/// Timeouts of probes are absent on purpose: they follow the measured round trip to each peer, within
/// the bounds here. The defaults detect a killed node in 3 to 7 s on a map with round trips of 250 ms.
package struct SWIMSettings: Hashable, Sendable {
    /// Time between two probes by one node when it is healthy. Default 1 s, range 100 ms to 1 min.
    /// Detection time is in proportion to it, and so is the idle load (two packets in and two out a period).
    package var probePeriod: Duration = .seconds(1)
    /// Least wait for a direct ack. Default 200 ms, range 10 ms to 10 s. Covers the scheduling hiccups of a
    /// loaded machine; lower it only where processes are never starved.
    package var probeTimeoutMinimum: Duration = .milliseconds(200)
    /// Longest wait for a direct ack before the health multiplier. Default 3 s, range up to 1 min.
    package var probeTimeoutMaximum: Duration = .seconds(3)
    /// Wait for a peer that nothing is known about yet. Default 600 ms: above any round trip between two
    /// regions of the public clouds (the longest is 412 ms).
    package var probeTimeoutUnknown: Duration = .milliseconds(600)
    /// Members asked to probe in our place (SWIM's k). Default 3, range 0 to 8.
    package var helpers = 3
    /// Probes of a suspect that the cluster makes out of turn, in expectation, to confirm or refute it.
    /// Default 6, range 0 to 64. 0 leaves confirmation to the ordinary round.
    package var confirmingProbes = 6

    /// Least time from suspicion to death, with all confirmations in and up to ten members; grows with the
    /// decimal logarithm of their number. Default 2 s, range 100 ms to 1 min. Must exceed several of the
    /// longest round trips, or a refutation comes too late; it is raised to that by itself.
    package var suspicionMinimum: Duration = .seconds(2)
    /// The time without any confirmation is this many times the least (Lifeguard's beta). Default 6, range 1 to 20.
    package var suspicionMaximumFactor = 6
    /// Independent accusers, besides the first, that bring a suspicion down to its least time (Lifeguard's k).
    /// Default 3, range 0 to 8.
    package var confirmations = 3
    /// Highest local health score (Lifeguard's S): timeouts and period are multiplied by up to one more.
    /// Default 8, range 0 to 16.
    package var healthMaximum = 8
    /// A timer that fires this much late says that this node was asleep. Default 500 ms, range 10 ms to 1 min.
    package var lateTimer: Duration = .milliseconds(500)

    /// Time between gossip packets while there is news. Default 200 ms, range 10 ms to 10 s. Idle nodes send none.
    package var gossipInterval: Duration = .milliseconds(200)
    /// News that come together within this time go out together. Default 20 ms, range 1 ms to 1 s.
    package var gossipDelay: Duration = .milliseconds(20)
    /// Packets each time. Default 3, range 1 to 16.
    package var gossipFanout = 3
    /// Each piece of news is sent this times log2(members + 1) times by each node (SWIM's lambda). Default 3, range 1 to 10.
    package var retransmitFactor = 3
    /// Bytes of a packet before sealing. Default 1200, range 1000 to 8000: fits every path of the Internet with
    /// room for headers and the seal.
    package var packetLimit = 1_200

    /// Time between full exchanges with a random member, up to 32 members; longer above. Default 30 s, range 1 s to 1 h.
    package var syncPeriod: Duration = .seconds(30)
    /// An exchange that took longer is given up. Default 10 s, range 1 s to 10 min.
    package var syncTimeout: Duration = .seconds(10)
    /// Time between attempts to reach one dead member. Default 5 s, range 100 ms to 1 h: bounds how long a
    /// healed partition goes unnoticed.
    package var rejoinPeriod: Duration = .seconds(5)
    /// Time between attempts to reach a seed that is no member. Default 30 s, range 1 s to 1 h.
    package var seedPeriod: Duration = .seconds(30)
    /// Dead members are remembered, and retried, this long. Default 24 h, range 1 min to 30 days.
    package var tombstoneAge: Duration = .seconds(86_400)
    /// A leaving node gives the news this long to spread. Default 2 s, range 100 ms to 1 min.
    package var leaveTimeout: Duration = .seconds(2)

    /// Changed facts are published at most this often. Default 5 s, range 100 ms to 1 h.
    package var factsPeriod: Duration = .seconds(5)
    /// Time between reckonings of this node's row of the region table. Default 10 s, range 1 s to 10 min.
    package var tablePeriod: Duration = .seconds(10)
    /// An unchanged row is published again after this. Default 60 s, range 10 s to 1 h.
    package var tableRefresh: Duration = .seconds(60)
    /// Nodes of a region that fail within this time of its cut are part of it. Default 15 s, range 1 s to 10 min.
    package var regionWindow: Duration = .seconds(15)

    /// Members that this node keeps, tombstones included. Default 4096, range 2 to 8192.
    package var membersMax = 4_096
    /// Tombstones among them; the oldest go first. Default 1024.
    package var tombstonesMax = 1_024

    /// What keeps slow members from accusing others; all of it is on but in the laboratory.
    package var guards = Guards()

    /// Parts that the laboratory takes out of the protocol to see what they are worth. Nothing else reads them: a cluster
    /// without them declares healthy members dead.
    package struct Guards: Hashable, Sendable {
        /// Lifeguard's local health multiplier (§IV-A): nobody stretches its own timeouts.
        package var localHealth = true
        /// Its dynamic suspicion (§IV-B): without it the time is the least from the beginning, as in SWIM, and nobody's
        /// confirmation counts.
        package var dynamicSuspicion = true
        /// Its buddy system (§IV-C): a suspect hears of it with the other news, or does not.
        package var buddySystem = true
        /// Doubts beyond Lifeguard: own timers that fire late, and who was heard since it was suspected (deviations 5, 6).
        package var selfDoubt = true
        package init() {}
    }

    package init() {}

    /// Why these settings cannot work, or nil.
    package var problem: String? {
        if probePeriod < .milliseconds(100) || probePeriod > .seconds(60) { return "probePeriod must be 100 ms to 1 min" }
        if probeTimeoutMinimum > probeTimeoutMaximum { return "probeTimeoutMinimum is above probeTimeoutMaximum" }
        if probeTimeoutMinimum < .milliseconds(10) { return "probeTimeoutMinimum must be 10 ms or more" }
        if !(0...8).contains(helpers) { return "helpers must be 0 to 8" }
        if !(0...64).contains(confirmingProbes) { return "confirmingProbes must be 0 to 64" }
        if suspicionMinimum < .milliseconds(100) { return "suspicionMinimum must be 100 ms or more" }
        if !(1...20).contains(suspicionMaximumFactor) { return "suspicionMaximumFactor must be 1 to 20" }
        if !(0...8).contains(confirmations) { return "confirmations must be 0 to 8" }
        if !(0...16).contains(healthMaximum) { return "healthMaximum must be 0 to 16" }
        if gossipInterval < .milliseconds(10) || gossipDelay < .milliseconds(1) { return "gossip must leave time between packets" }
        if !(1...16).contains(gossipFanout) { return "gossipFanout must be 1 to 16" }
        if !(1...10).contains(retransmitFactor) { return "retransmitFactor must be 1 to 10" }
        if !(1_000...8_000).contains(packetLimit) { return "packetLimit must be 1000 to 8000 bytes" }
        if rejoinPeriod < .milliseconds(100) || syncPeriod < .seconds(1) { return "rejoinPeriod or syncPeriod is too short" }
        if !(2...SyncPayload.membersMax).contains(membersMax) { return "membersMax must be 2 to \(SyncPayload.membersMax)" }
        if !(1...membersMax).contains(tombstonesMax) { return "tombstonesMax must be 1 to membersMax" }
        return nil
    }
}
