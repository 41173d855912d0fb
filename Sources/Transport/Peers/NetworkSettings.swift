internal import Primitives

/// How a node's network behaves. Nodes of one cluster may differ here.
package struct NetworkSettings: Hashable, Sendable {
    /// Bulk connections to a peer of another region. Default 4, range 1 to 64. Advice: link capacity ×
    /// round trip ÷ 1 MiB; one TCP flow carries about 1 MiB per round trip.
    package var bulkFlowsBetweenRegions = 4
    /// Bulk connections to a peer of the same region. Default 1, range 1 to 16.
    package var bulkFlowsWithinRegion = 1

    /// Messages that may wait for a lane, control and bulk. Defaults 8,192 and 1,024.
    package var controlQueueMessages = 8_192
    package var bulkQueueMessages = 1_024
    /// Bytes that may wait for a lane. Defaults 32 MiB and 64 MiB. A message is taken in while less
    /// than this is waiting, so the largest message always fits into an empty queue.
    package var controlQueueBytes = 32 << 20
    package var bulkQueueBytes = 64 << 20

    /// Bytes handed to a connection and not yet taken by the kernel (or by the shaper, which holds half
    /// a window in flight). Default 8 MiB, range 256 KiB to 256 MiB. Advice: twice the flow's window.
    package var outstandingBytes = 8 << 20

    /// From dialling to the answered hello. Default 5 s, range 100 ms to 60 s. Advice: ten of the longest
    /// round trips.
    package var dialTimeout: Duration = .seconds(5)
    /// Between attempts: doubles from the first to the second, each drawn from its upper half. Defaults
    /// 50 ms and 1 s. Advice: the second bounds how long a healed peer stays unreached.
    package var backoffFirst: Duration = .milliseconds(50)
    package var backoffLast: Duration = .seconds(1)

    /// How often the control lane pings; an idle bulk flow pings a fifth as often. Default 2 s, range 50 ms
    /// to 60 s.
    package var keepalive: Duration = .seconds(2)
    /// The least and the most that a pong may take; between them 4 smoothed round trips plus a second.
    /// Defaults 3 s and 10 s.
    package var pongTimeoutLeast: Duration = .seconds(3)
    package var pongTimeoutMost: Duration = .seconds(10)
    /// A busy bulk flow of which nothing is taken for so long is broken. Default 20 s.
    package var bulkStall: Duration = .seconds(20)
    /// An accepted connection on which nothing arrives for so long is closed. Default 45 s. Advice: more than
    /// four keepalives of the peers' bulk flows.
    package var acceptedIdle: Duration = .seconds(45)
    /// Accepted connections at one time; more are closed at once. Default 8,192.
    package var acceptedLimit = 8_192
    /// The longest that a sync payload or its answer may be. Default 4 MiB, the most a header can hold.
    package var syncLimit = 4 << 20

    package init() {}

    func flows(from: RegionID, to: RegionID, lane: Lane) -> Int {
        switch lane {
        case .control: 1
        case .bulk: max(1, from == to ? bulkFlowsWithinRegion : bulkFlowsBetweenRegions)
        }
    }

    func pongTimeout(roundTrip: Duration?) -> Duration {
        min(max((roundTrip ?? .zero) * 4 + .seconds(1), pongTimeoutLeast), pongTimeoutMost)
    }
}

/// When to try again: exponential, bounded, and drawn at random from the upper half, so that nodes that
/// lost the same peer do not come back at one moment.
struct Backoff: Sendable {
    private let first: Duration
    private let last: Duration
    private(set) var failures = 0

    init(_ settings: NetworkSettings) {
        first = settings.backoffFirst
        last = max(settings.backoffLast, settings.backoffFirst)
    }

    mutating func succeeded() { failures = 0 }

    mutating func failed(random: inout SeededGenerator) -> Duration {
        let ceiling = min(first * (1 << min(failures, 20)), last)
        failures += 1
        return random.duration(in: (ceiling / 2)...ceiling)
    }
}

/// Round trips as TCP smooths them (RFC 6298 §2, α = 1/8), for time limits; and the median of the last
/// few, which a single late one does not move, for tables.
struct RoundTripEstimate: Sendable, Hashable {
    static let window = 15
    private(set) var smoothed: Duration?
    private(set) var last: Duration?
    private var recent: [Duration] = []
    private var next = 0

    mutating func add(_ sample: Duration) {
        last = sample
        smoothed = smoothed.map { $0 + (sample - $0) / 8 } ?? sample
        if recent.count < Self.window {
            recent.append(sample)
        } else {
            recent[next] = sample
            next = (next + 1) % Self.window
        }
    }

    /// The lower one of the two in the middle, where there are two.
    var median: Duration? { recent.isEmpty ? nil : recent.sorted()[(recent.count - 1) / 2] }
}
