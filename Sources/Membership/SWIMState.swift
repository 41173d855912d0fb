package import Primitives

/// Who is alive, and how far away: one node's part of the membership protocol, as a value.
///
/// ## The protocol
///
/// SWIM (Das, Gupta, Motivala, DSN 2002) splits membership in two. *Failure detection*: once a period a
/// node pings one member; without an ack in time it asks `helpers` others to ping it in its place; without
/// an ack from any of them it *suspects* the member. *Dissemination*: news about members rides on the
/// packets of failure detection, each piece passed on about log n times, so it reaches everybody as
/// an epidemic does. A suspect that hears of it *refutes* by raising its incarnation; one that does not within
/// the suspicion's time is declared *dead*. A claim overrides one of lower incarnation, and within an incarnation
/// alive < suspect < dead < left.
///
/// Lifeguard (Dadgar, Phillips, Currey, 2018) keeps slow nodes from accusing healthy ones: a *local health*
/// score stretches a node's own timeouts (`LocalHealth`); helpers answer with a *nack* when they hear nothing,
/// which proves the path to the helper; a suspicion starts long and shrinks with each independent accuser
/// (`Suspicion`); and a suspect is told first (*buddy system*): by its accuser at once and in every ping.
///
/// Vivaldi (Dabek et al., SIGCOMM 2004) turns the probes' round trips into coordinates (`NetworkCoordinate`), and
/// the probes of all nodes make the measured region-to-region table (`RegionTable`), which is preferred.
///
/// *Push/pull*: now and then, on joining, and on contact with a member thought dead, two nodes exchange all that
/// they know over a connection. It repairs what the epidemic missed, and joins healed partitions.
///
/// ## Deviations
///
/// 1. The next target is the member *heard of least recently* (by a packet from it or a probe of it), not
///    the next of a shuffled list: a ping from a member proves its life as well as an ack. Every pair is then
///    refreshed from whichever side comes first, so a round takes (n - 1) / 2 periods rather than n - 1.
/// 2. Probe timeouts follow the round trips measured to that peer (1.5 × p90 + 50 ms), until then the region
///    table or coordinates (2 × estimate + 100 ms); a helper is told how long to wait by the same rule. A probe may
///    outlast the period; the next begins regardless.
/// 3. When helpers are asked the ping is also repeated, so that clusters of two, which have no helpers, survive
///    a lost datagram. One helper is chosen from the target's region and one from our own, where there are any.
///    Missing nacks count against us only if no helper outside the target's region sent one: else the smaller side
///    of a partition would take itself for slow. Instead an ack that comes after the verdict counts against us,
///    and its round trip is measured like any other, or timeouts would only ever learn from the quick answers.
/// 4. A suspicion is checked by a few out-of-turn probes throughout the cluster (`confirmingProbes`): in a
///    true failure the independent accusers come together in a second or two, in a false one the suspect hears of it from
///    several sides. A probe of a foreign region's member that lacks its direct ack also checks two more members there.
/// 5. Our own late timers are evidence about us: the probe is dropped without a verdict and the suspicion
///    extended. A process that was stopped and continued accuses nobody.
/// 6. A suspect that this node heard directly since the suspicion began gets its least time once more.
/// 7. Pings carry the sender's last round trip to the receiver, since deviation 1 often lets only one side of a
///    pair probe; both sides then know the distance.
/// 8. News also travels in packets of its own (as in other implementations), every `gossipInterval` while
///    there is any, round a shuffled ring, so that `log n` transmissions reach distinct members. Idle nodes send none.
/// 9. In an exchange the other's *dead* or *suspect* about somebody alive here is not believed but contested:
///    the accused is told, and probed. Healed partitions join without a wave of false deaths.
/// 10. Dead members stay as tombstones for `tombstoneAge` and one of them is pinged each `rejoinPeriod`; seeds that
///     are no members are tried too. A higher incarnation revives at once, with whatever endpoints it names.
/// 11. When all members of another region are suspect or dead, that is told as one `regionUnreachable`, and
///     the changes of its members within `regionWindow` carry a flag.
/// 12. Each start of a process draws a `run`; two runs that both keep raising one incarnation are reported as an
///     `identityConflict`.
///
/// ## Cost
///
/// An idle node sends one ping and answers about one a period: two packets out and two in a second, about 100 to
/// 130 bytes each; no gossip, and an exchange every 30 s. Memory is about half a kilobyte a member.
///
/// In virtual time, nine nodes with round trips of up to 256 ms (311 ms on a map of eight regions), 10 % jitter and 1 %
/// loss: a killed node is dead for all after 3.7 s at the median, 4.5 s at p90, and 6.4 s at most in 3,800 trials;
/// 108,000 probes without a kill led to no suspicion.
///
/// ## Use
///
/// `handle` is the only entry; it appends effects for the caller to carry out, in their order. Time is `now`, chance the
/// seed. Before `start` and after `leaveFinished` nothing is answered.
/// Members are kept ordered by id, and nothing unordered is iterated. Sealing packets is the caller's.
package struct SWIMState: Sendable {
    enum Phase: Hashable, Sendable { case idle, running, leaving, left }

    package let settings: SWIMSettings
    /// This node.
    package internal(set) var me: MemberRecord
    package internal(set) var coordinate = NetworkCoordinate()
    /// The same in whole microseconds, as others hear it.
    var spokenCoordinate = NetworkCoordinate().quantised
    package internal(set) var regionTable = RegionTable()

    var phase = Phase.idle
    var startedAt: Instant
    /// All others, ordered by id.
    var peers = PeerTable()
    /// Their words, in the same order: most news is old, and that is seen here without touching the rest.
    private(set) var known: [MemberWords] = []
    /// When each of them was heard and is to be probed, in the same order: all are looked through in every period.
    private(set) var turns: [PeerTurn] = []
    /// Their status, in the same order.
    private(set) var statuses: [MemberStatus] = []
    /// Members alive or suspect, this node included.
    var presentCount = 1
    var seeds: [Endpoint] = []
    var nextSeed = 0
    var generator: SeededGenerator
    var health: LocalHealth
    var dissemination = Dissemination()
    var probes: [Probe] = []
    /// The last probes that failed, oldest first: an ack may still come.
    var lapsed: [Probe] = []
    var relays: [Relay] = []
    var syncs: [OpenSync] = []
    /// Ordered by region.
    var cuts: [RegionCut] = []
    /// The shuffled ring of gossip, and the place in it.
    var ring: [NodeID] = []
    var ringPlace = 0

    var nextSequence: UInt32
    var nextGeneration: UInt64 = 1
    var nextSync: UInt64 = 1
    var tickTimer: ArmedTimer?
    var gossipTimer: ArmedTimer?
    var syncTimer: ArmedTimer?
    var rejoinTimer: ArmedTimer?
    var tableTimer: ArmedTimer?
    var leaveTimer: ArmedTimer?

    var pendingFacts: MemberFacts?
    var factsAt: Instant?
    var tablePublished: [RegionID: Instant] = [:]
    var linkVersion: UInt32 = 0
    var seedTriedAt: Instant?
    /// The last other run that claimed this node's id, and how far it had counted.
    var foreignRun: UInt64?
    var foreignIncarnation: UInt64 = 0
    var conflictAt: Instant?

    static let probesMax = 32
    static let lapsedMax = 32
    static let relaysMax = 64
    static let syncsMax = 4
    static let seedsMax = 64
    static let contestedMax = 64

    /// `record` describes this node; its `run` is drawn here, its status is alive. `seeds` are peer endpoints.
    package init(self record: MemberRecord, seeds: [Endpoint], settings: SWIMSettings = SWIMSettings(), seed: UInt64, now: Instant) {
        if let problem = settings.problem { preconditionFailure(problem) }
        self.settings = settings
        startedAt = now
        generator = SeededGenerator(seed: seed)
        me = record
        me.run = generator.next()
        me.status = .alive
        if let problem = me.problem { preconditionFailure(problem.description) }
        nextSequence = UInt32(truncatingIfNeeded: generator.next())
        health = LocalHealth(maximum: settings.guards.localHealth ? settings.healthMaximum : 0)
        addSeeds(seeds)
    }

    package mutating func handle(_ event: SWIMEvent, now: Instant, into effects: inout [SWIMEffect]) {
        switch phase {
        case .idle:
            switch event {
            case .start: begin(now, &effects)
            case .join(let endpoints): addSeeds(endpoints)
            case .packet, .timer, .syncRequest, .syncReply, .syncFailed, .doubt, .updateFacts, .updateEndpoints, .leave: break
            }
        case .running, .leaving: handleRunning(event, now, &effects)
        case .left: break
        }
    }

    private mutating func handleRunning(_ event: SWIMEvent, _ now: Instant, _ effects: inout [SWIMEffect]) {
        switch event {
        case .start: break
        case .packet(let from, let packet): receive(packet, from: from, now, &effects)
        case .timer(let timer, let generation): fire(timer, generation, now, &effects)
        case .syncRequest(let token, let payload):
            merge(payload, now, &effects)
            effects.append(.syncReply(token, payloadOfAll()))
        case .syncReply(let id, let payload):
            if endSync(id, &effects) { merge(payload, now, &effects) }
        case .syncFailed(let id): _ = endSync(id, &effects)
        case .join(let endpoints):
            addSeeds(endpoints)
            for endpoint in endpoints.prefix(Self.syncsMax) { startSync(endpoint, node: nil, now, &effects) }
        case .doubt(let id):
            if let index = index(of: id), peers[index].record.status.isPresent { startProbe(index, now, &effects) }
        case .updateFacts(let facts): publishFacts(facts, now, &effects)
        case .updateEndpoints(let endpoints): moveEndpoints(endpoints, now, &effects)
        case .leave: leave(now, &effects)
        }
    }

    private mutating func begin(_ now: Instant, _ effects: inout [SWIMEffect]) {
        phase = .running
        startedAt = now
        // The first tick falls anywhere in a period: nodes that start together must not probe together.
        let period = settings.probePeriod.inNanoseconds
        tickTimer = arm(.tick, at: now + .nanoseconds(period / 4 + Int64(generator.below(Int(period)))), &effects)
        // The first exchange after the joining one comes early: where many join together, no seed knew them all.
        let exchange = min(settings.syncPeriod.inNanoseconds, 2_000_000_000)
        syncTimer = arm(.sync, at: now + .nanoseconds(exchange / 2 + Int64(generator.below(Int(exchange)))), &effects)
        rejoinTimer = arm(.rejoin, at: now + min(.seconds(1), settings.rejoinPeriod), &effects)
        tableTimer = arm(.table, at: now + .nanoseconds(settings.tablePeriod.inNanoseconds / 3), &effects)
        trySeeds(2, now, &effects)
    }

    // MARK: Members by id

    /// The place of the first peer whose id is not below `id`. Numbers are given out in order: the place is at most the
    /// number's distance from the lowest, and where few members are missing it is next to that.
    func position(of id: NodeID) -> Int {
        known.withUnsafeBufferPointer { known in
            guard let first = known.first?.id, first < id else { return 0 }
            var high = Int(min(UInt64(known.count), id.rawValue - first.rawValue))
            var low = high
            var step = 1
            while low > 0, !(known[low - 1].id < id) {
                high = low - 1
                low = max(0, high - step)
                step *= 2
            }
            while low < high {
                let middle = (low + high) / 2
                if known[middle].id < id { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    func index(of id: NodeID) -> Int? {
        let place = position(of: id)
        return place < known.count && known[place].id == id ? place : nil
    }

    mutating func insertPeer(_ peer: Peer) {
        let place = position(of: peer.id)
        peers.insert(peer, at: place)
        known.insert(peer.record.words, at: place)
        turns.insert(PeerTurn(), at: place)
        statuses.insert(peer.record.status, at: place)
        updateTurn(of: place)
    }

    mutating func removePeer(at index: Int) -> Peer {
        known.remove(at: index)
        turns.remove(at: index)
        statuses.remove(at: index)
        return peers.remove(at: index)
    }

    /// A peer's words are others.
    mutating func updateWords(of index: Int) { known[index] = peers[index].record.words }

    /// A peer was asked, or its status is another.
    mutating func updateTurn(of index: Int) {
        turns[index].update(from: peers[index])
        statuses[index] = peers[index].record.status
    }

    /// A packet came from a peer; with no time, none counts as come.
    mutating func noteHeard(_ index: Int, at moment: Instant?) { turns[index].heard(at: moment ?? Instant(nanoseconds: .min)) }
}
