internal import Primitives
internal import Synchronization

/// The counters of one peer's lane; written from several threads, read by `statistics`.
final class LaneMeter: Sendable {
    private let counters = Mutex(LaneCounters())
    private let trips = Mutex(RoundTripEstimate())

    func count(_ change: (inout LaneCounters) -> Void) { counters.withLock { change(&$0) } }
    var value: LaneCounters { counters.withLock { $0 } }

    func add(roundTrip: Duration) { trips.withLock { $0.add(roundTrip) } }
    var roundTrip: RoundTripEstimate { trips.withLock { $0 } }
}

/// The meters of every peer ever spoken to.
final class PeerMeters: Sendable {
    struct Pair: Sendable {
        let control = LaneMeter()
        let bulk = LaneMeter()
    }
    private let pairs = Mutex<[NodeID: Pair]>([:])

    func meter(_ peer: NodeID, _ lane: Lane) -> LaneMeter {
        let pair = pairs.withLock { pairs in
            if let pair = pairs[peer] { return pair }
            let pair = Pair()
            pairs[peer] = pair
            return pair
        }
        switch lane {
        case .control: return pair.control
        case .bulk: return pair.bulk
        }
    }

    /// In the order of node ids.
    var all: [(peer: NodeID, pair: Pair)] {
        pairs.withLock { $0.map { (peer: $0.key, pair: $0.value) } }.sorted { $0.peer < $1.peer }
    }
}
