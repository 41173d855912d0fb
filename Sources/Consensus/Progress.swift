package import Primitives

/// What a leader knows of one member's log (thesis §10.2, and the tracker of etcd's raft, from
/// which the three states are).
package struct Progress: Sendable {
    package enum State: UInt8, Sendable, Hashable {
        /// Where the logs agree is not known: one append at a time.
        case probe
        /// Appends are sent ahead of their answers, within the window.
        case replicate
        /// The member needs a snapshot; no appends until it has it.
        case snapshot
    }

    struct Inflight: Sendable {
        let lastIndex: UInt64
        let bytes: Int
    }

    package let id: NodeID
    package internal(set) var state = State.probe
    /// Agrees and durable through here.
    package internal(set) var match: UInt64 = 0
    /// The next entry to send.
    package internal(set) var next: UInt64
    /// The newest stamp that came back: the member followed at that time. 0 for none yet.
    package internal(set) var ackedStamp: UInt64 = 0
    package internal(set) var isReachable = true
    /// In probe state: the append under way, by its stamp; 0 for none.
    var probeStamp: UInt64 = 0
    /// Stamp of the newest append sent.
    var appendStamp: UInt64 = 0
    /// The commit index that the member was last told.
    var sentCommit: UInt64 = 0
    /// The member no longer knows that its log agrees: it has restarted. An append without entries tells it.
    var owesCheck = false
    var inflightBytes = 0
    var inflight: BoundedQueue<Inflight>

    init(id: NodeID, next: UInt64, window: Int) {
        self.id = id
        self.next = next
        inflight = BoundedQueue(capacity: window)
    }

    func isPaused(inflightBytesLimit: Int) -> Bool {
        switch state {
        case .probe: probeStamp != 0
        case .replicate: inflight.isFull || inflightBytes >= inflightBytesLimit
        case .snapshot: true
        }
    }

    mutating func becomeProbe() {
        state = .probe
        next = match + 1
        probeStamp = 0
        clearWindow()
    }

    mutating func becomeReplicate() {
        state = .replicate
        next = match + 1
        probeStamp = 0
        clearWindow()
    }

    mutating func becomeSnapshot(at index: UInt64) {
        state = .snapshot
        next = index + 1
        probeStamp = 0
        clearWindow()
    }

    /// An append with entries through `last` is on its way.
    mutating func sent(through last: UInt64, bytes: Int, stamp: UInt64) {
        appendStamp = stamp
        switch state {
        case .probe: probeStamp = stamp
        case .replicate:
            next = last + 1
            let fits = inflight.push(Inflight(lastIndex: last, bytes: bytes))
            precondition(fits, "an append beyond the window")
            inflightBytes += bytes
        case .snapshot: preconditionFailure("an append to a member that waits for a snapshot")
        }
    }

    /// True if `index` is news.
    mutating func acknowledge(through index: UInt64) -> Bool {
        while let first = inflight.first, first.lastIndex <= index {
            inflightBytes -= first.bytes
            _ = inflight.pop()
        }
        guard index > match else { return false }
        match = index
        next = max(next, index + 1)
        return true
    }

    /// Sends again from `index` on: what was sent after it is lost.
    mutating func rewind(to index: UInt64) {
        next = max(match + 1, index)
        probeStamp = 0
        clearWindow()
    }

    private mutating func clearWindow() {
        while inflight.pop() != nil {}
        inflightBytes = 0
    }
}

/// The progress of all members, sorted, with the places of the voters in it: the leader's own entry
/// is there too, so that counting knows no special case.
package struct ProgressTable: Sendable {
    package internal(set) var peers: [Progress] = []
    private(set) var voters: [Int] = []
    private(set) var outgoing: [Int] = []

    func slot(of id: NodeID) -> Int? {
        var low = 0
        var high = peers.count
        while low < high {
            let middle = (low + high) / 2
            if peers[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < peers.count && peers[low].id == id ? low : nil
    }

    /// Takes the members of `configuration`, keeping what is known of those that stay.
    mutating func adopt(_ configuration: RaftConfiguration, next: UInt64, window: Int) {
        let old = self
        peers = configuration.members.map { id in
            old.slot(of: id).map { old.peers[$0] } ?? Progress(id: id, next: next, window: window)
        }
        voters = configuration.voters.compactMap { slot(of: $0) }
        outgoing = configuration.outgoing.compactMap { slot(of: $0) }
    }

    /// The greatest index that is durable on a quorum.
    var committed: UInt64 {
        let value = min(
            Quorum.reached(count: voters.count) { peers[voters[$0]].match },
            Quorum.reached(count: outgoing.count) { peers[outgoing[$0]].match })
        return value == .max ? 0 : value
    }

    /// The greatest stamp that a quorum has given back; `.max` where the leader is a quorum.
    func acknowledgedStamp(self id: NodeID) -> UInt64 {
        func stamp(_ slot: Int) -> UInt64 { peers[slot].id == id ? .max : peers[slot].ackedStamp }
        guard !voters.isEmpty else { return 0 }
        return min(
            Quorum.reached(count: voters.count) { stamp(voters[$0]) },
            Quorum.reached(count: outgoing.count) { stamp(outgoing[$0]) })
    }
}
