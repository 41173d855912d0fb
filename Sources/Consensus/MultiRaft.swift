package import Primitives

/// All groups of one node. What the groups have in common is done once: one tick beats for all that
/// lead, one batch goes to each peer, one write to the disk.
///
/// An event costs what the groups that it concerns cost; a tick costs the groups that lead and are
/// not quiesced. Only news of peers (`roundTrips`, `unreachable`, `reachable`) goes to all groups.
///
/// The order of effects: of each call first the write, then the messages, then all else. Messages need
/// not wait for the write (what must wait is held back here). `apply` effects of a group are in the
/// order of its log.
package struct MultiRaft: Sendable {
    package let id: NodeID
    package let settings: RaftSettings
    var generator: SeededGenerator

    /// Sorted; `states`, `incarnations` and `isTouched` are parallel to it.
    var ids: [GroupID] = []
    var states: [RaftState] = []
    /// Tells a group from an earlier one of the same id, whose writes may still be under way.
    var incarnations: [UInt64] = []
    /// Groups that have taken in something since their last flush.
    var isTouched: [Bool] = []
    var touched: [Int] = []
    var nextIncarnation: UInt64 = 1

    var roundTrips: [(NodeID, Duration)] = []

    // The shared tick: sorted ids of groups with heartbeats to send, and when the tick is due.
    var ticking: [GroupID] = []
    var tickAt: Instant?

    // The shared log's writes under way, oldest first.
    var nextToken: UInt64 = 1
    var writes: [Write] = []

    /// Effects of the present call.
    var scratch: [RaftEffect] = []
    var outbox: [(peer: NodeID, batch: RaftBatch)] = []
    var batchedWrites: [(GroupID, RaftPersist)] = []
    var batchedParts: [Write.Part] = []

    struct Write: Sendable {
        struct Part: Sendable {
            let group: GroupID
            let incarnation: UInt64
            let token: UInt64
        }
        let token: UInt64
        let parts: [Part]
    }

    /// `seed` must differ from run to run of the same node.
    package init(id: NodeID, settings: RaftSettings, seed: UInt64, now: Instant) {
        settings.check()
        self.id = id
        self.settings = settings
        generator = SeededGenerator(seed: seed)
    }

    // MARK: - Groups

    package var groups: [GroupID] { ids }

    package func contains(_ group: GroupID) -> Bool { slot(of: group) != nil }

    /// What this node knows of the group; nil where it does not host it.
    package func status(_ group: GroupID) -> RaftStatus? { slot(of: group).map { states[$0].status } }

    /// Through here this replica's own log is synced; it may have applied more, which others have synced.
    package func durableIndex(of group: GroupID) -> UInt64 { slot(of: group).map { states[$0].persistence.durableIndex } ?? 0 }

    package func lastIndex(of group: GroupID) -> UInt64? { slot(of: group).map { states[$0].log.lastIndex } }

    /// Cheaper than `status` for the question asked most often.
    package func leader(of group: GroupID) -> NodeID? { slot(of: group).flatMap { states[$0].leader } }

    /// See `RaftState.accepts`.
    package func accepts(_ snapshot: SnapshotMetadata, of group: GroupID) -> Bool {
        slot(of: group).map { states[$0].accepts(snapshot) } ?? false
    }

    /// See `RaftState.snapshotMetadata`.
    package func snapshotMetadata(of group: GroupID, at index: UInt64) -> SnapshotMetadata? {
        slot(of: group).flatMap { states[$0].snapshotMetadata(at: index) }
    }

    package mutating func addGroup(_ id: GroupID, restored: RaftRestored, now: Instant, into effects: inout [MultiRaftEffect]) {
        let start = effects.count
        let place = insertionPoint(of: id)
        precondition(place == ids.count || ids[place] != id, "\(id) is hosted already")
        var state = RaftState(group: id, id: self.id, restored: restored, settings: settings, seed: generator.next(), now: now)
        if !roundTrips.isEmpty { state.step(.roundTrips(roundTrips), now: now, into: &scratch) }
        ids.insert(id, at: place)
        states.insert(state, at: place)
        incarnations.insert(nextIncarnation, at: place)
        isTouched.insert(false, at: place)
        nextIncarnation += 1
        states[place].start(now: now, into: &scratch)
        translate(place, into: &effects)
        finish(from: start, into: &effects)
    }

    /// Forgets the group: its timers are cancelled, its writes no longer awaited. Reads and proposals
    /// under way end without an answer.
    package mutating func removeGroup(_ id: GroupID, into effects: inout [MultiRaftEffect]) {
        guard let place = slot(of: id) else { return }
        ids.remove(at: place)
        states.remove(at: place)
        incarnations.remove(at: place)
        isTouched.remove(at: place)
        effects.append(.cancelTimer(.election(id)))
        stopTicking(id)
        if ticking.isEmpty, tickAt != nil {
            tickAt = nil
            effects.append(.cancelTimer(.tick))
        }
    }

    package func checkInvariants(isThorough: Bool = false) {
        precondition(touched.isEmpty && scratch.isEmpty && outbox.isEmpty && batchedWrites.isEmpty, "effects were left behind")
        precondition(ids.count == states.count && ids.count == incarnations.count && ids.count == isTouched.count, "parallel arrays")
        for place in ids.indices {
            precondition(place == 0 || ids[place - 1] < ids[place], "groups out of order")
            precondition(states[place].group == ids[place], "a group in another's place")
            precondition(isTicking(ids[place]) == (states[place].heartbeatDeadline != nil), "\(ids[place]) beats without the tick")
            states[place].checkInvariants(isThorough: isThorough)
        }
        precondition(ticking.isEmpty == (tickAt == nil), "the tick")
    }

    // MARK: - Look-up

    func insertionPoint(of id: GroupID) -> Int { Self.insertionPoint(of: id, in: ids) }

    static func insertionPoint(of id: GroupID, in sorted: [GroupID]) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func slot(of id: GroupID) -> Int? {
        let place = insertionPoint(of: id)
        return place < ids.count && ids[place] == id ? place : nil
    }
}
