internal import NIOCore
package import Primitives

/// The two directions between the sender and its peer.
package struct LinkPath: Hashable, Sendable {
    package var forward: LinkRule
    package var backward: LinkRule
    package init(forward: LinkRule, backward: LinkRule) {
        self.forward = forward
        self.backward = backward
    }
    package static let none = LinkPath(forward: .none, backward: .none)
    package var roundTrip: Duration { forward.delay + backward.delay }
    package var isNone: Bool { self == .none }
}

/// Decides when each piece of one TCP flow may be handed to the (fast) real connection, so that the
/// peer sees the flow as a long link would deliver it. A value without I/O: time comes in as `now`,
/// pieces go in by `enqueue`, move on by `advance` and come out by `popDue`.
///
/// A piece passes two queues. *Waiting*: it has not been sent yet, because
/// - `window` bytes of the flow are in flight: acknowledgements are known by time, one arrives when
///   the piece's arrival plus the delay back have passed. Nobody sends them; or
/// - the link is serialising an earlier piece of this flow. A flow has at most one piece in the
///   link's queue, hence flows share a link piece by piece, fairly, and a small message waits for at
///   most one piece of each other flow; or
/// - the link is blocked or paused.
///
/// *Flying*: it has left, and arrives after the delay and the jitter drawn for it, but never before
/// the piece ahead of it: TCP delivers in order.
///
/// A loss is not shown as missing bytes, since TCP repairs it, but as what the repair costs: one round
/// trip more (fast retransmit), or two and at least 10 ms (tail loss probe, RFC 8985 §7.2) where nothing
/// else is in flight. Repeated losses also bound the window to 1.22 segments ÷ √p (Mathis, Semke,
/// Mahdavi, Ott: "The macroscopic behavior of the TCP congestion avoidance algorithm", 1997).
///
/// While blocked, what is in flight is lost and sent again on healing: it arrives one delay after the
/// link opens. Where that takes longer than the stall limit the flow is broken (`isBroken`).
///
/// Deviations from TCP: no slow start (connections here live long, with windows open), retransmission
/// does not wait for a backed-off timer after healing, retransmitted bytes cost no capacity.
package struct FlowScheduler<Payload> {
    /// Bytes of user data in a full segment on Ethernet with timestamps.
    package static var segment: Int { 1_448 }
    /// A piece may be given to the link this long before the one ahead of it has left.
    static var lookahead: Duration { .microseconds(500) }

    package private(set) var path: LinkPath
    package var stallLimit: Duration
    /// The flow is being closed: then a pause, too, counts towards the stall limit.
    package var isClosing = false

    private var waiting = CircularBuffer<(payload: Payload, bytes: Int)>()
    private var flying = CircularBuffer<(payload: Payload, arrival: Instant)>()
    private var acknowledgements = CircularBuffer<(at: Instant, bytes: Int)>()
    package private(set) var inFlight = 0
    private var lastDeparture = Instant.zero
    private var lastArrival = Instant.zero
    private var stalledSince: Instant?
    private var random: SeededGenerator

    package init(path: LinkPath, seed: UInt64, stallLimit: Duration = .seconds(15)) {
        self.path = path
        self.stallLimit = stallLimit
        random = SeededGenerator(seed: seed)
    }

    package var isEmpty: Bool { waiting.isEmpty && flying.isEmpty }

    /// Nothing would be changed in time by passing through here now.
    package var isTransparent: Bool { path.isNone && isEmpty }

    /// How large pieces should be cut: small beside the window, so that the flow is smooth, and
    /// large enough to be cheap.
    package var pieceSize: Int { min(max((window ?? Int.max) / 16, 4_096), 64 << 10) }

    /// The window in force: the rule's, and what losses leave of it.
    package var window: Int? {
        let loss = path.forward.loss
        guard loss > 0 else { return path.forward.window }
        let afterLoss = max(Int(1.22 * Double(Self.segment) / loss.squareRoot()), Self.segment)
        return min(path.forward.window ?? .max, afterLoss)
    }

    package mutating func enqueue(_ payload: Payload, bytes: Int) { waiting.append((payload, bytes)) }

    /// Sends what may be sent now. Call it after `enqueue`, and at `nextWake`.
    package mutating func advance(now: Instant, link: inout LinkCapacity) {
        settle(now)
        while let first = waiting.first, mayStart(first.bytes, now) {
            waiting.removeFirst()
            launch(first.payload, first.bytes, now, &link)
        }
        noteStall(now)
    }

    /// A piece that has arrived; nil where none has.
    package mutating func popDue(now: Instant) -> Payload? {
        guard !path.forward.isStopped, let first = flying.first, first.arrival <= now else { return nil }
        return flying.removeFirst().payload
    }

    /// When to call `advance` and `popDue` next; nil where only new input or new rules change anything.
    package func nextWake(now: Instant) -> Instant? {
        var wake = Instant.distantFuture
        if !path.forward.isStopped, let first = flying.first { wake = min(wake, first.arrival) }
        if let first = waiting.first, !path.forward.isStopped {
            if windowAllows(first.bytes) {
                wake = min(wake, lastDeparture - Self.lookahead)
            } else if !path.backward.isStopped, let acknowledgement = acknowledgements.first {
                wake = min(wake, acknowledgement.at)
            }
        }
        if let stalledSince { wake = min(wake, stalledSince + stallLimit) }
        return wake == .distantFuture ? nil : wake
    }

    /// The flow has been cut off, with bytes unacknowledged, for the whole stall limit.
    package func isBroken(now: Instant) -> Bool {
        guard let stalledSince else { return false }
        return now - stalledSince >= stallLimit
    }

    /// New rules. What is in flight keeps its arrival, except over a link that was blocked: that is
    /// sent again. Call `advance` next.
    package mutating func update(path new: LinkPath, now: Instant) {
        settle(now)
        let old = path
        path = new
        if new.isNone { return letGo(now) }
        if old.forward.isBlocked, !new.forward.isBlocked {
            for _ in 0..<flying.count {
                let (payload, arrival) = flying.removeFirst()
                flying.append((payload, max(arrival, now + new.forward.delay)))
            }
            if let last = flying.last { lastArrival = max(lastArrival, last.arrival) }
        }
        if (old.forward.isBlocked && !new.forward.isBlocked) || (old.backward.isBlocked && !new.backward.isBlocked) {
            let earliest = (flying.isEmpty ? now : now + new.forward.delay) + new.backward.delay
            for _ in 0..<acknowledgements.count {
                let (at, bytes) = acknowledgements.removeFirst()
                acknowledgements.append((max(at, earliest), bytes))
            }
        }
        noteStall(now)
    }

    /// Everything that is left, in order, for whoever gives the flow up.
    package mutating func removeAll() -> [Payload] {
        let all = flying.map(\.payload) + waiting.map(\.payload)
        flying.removeAll()
        waiting.removeAll()
        acknowledgements.removeAll()
        inFlight = 0
        stalledSince = nil
        return all
    }

    // MARK: - Helpers

    /// The link is there no more: everything arrives now.
    private mutating func letGo(_ now: Instant) {
        for _ in 0..<flying.count { flying.append((flying.removeFirst().payload, now)) }
        for _ in 0..<waiting.count { flying.append((waiting.removeFirst().payload, now)) }
        acknowledgements.removeAll()
        inFlight = 0
        lastArrival = now
        lastDeparture = now
        stalledSince = nil
    }

    /// Takes in the acknowledgements that have come by now.
    private mutating func settle(_ now: Instant) {
        guard !path.backward.isStopped, !path.forward.isBlocked else { return }
        while let first = acknowledgements.first, first.at <= now {
            inFlight -= first.bytes
            acknowledgements.removeFirst()
        }
    }

    private func windowAllows(_ bytes: Int) -> Bool {
        guard let window else { return true }
        return inFlight == 0 || inFlight + bytes <= window
    }

    private func mayStart(_ bytes: Int, _ now: Instant) -> Bool {
        !path.forward.isStopped && windowAllows(bytes) && lastDeparture - Self.lookahead <= now
    }

    private mutating func launch(_ payload: Payload, _ bytes: Int, _ now: Instant, _ link: inout LinkCapacity) {
        let departure = link.reserve(bytes, rate: path.forward.capacity, now: max(now, lastDeparture))
        lastDeparture = departure
        let delay = max(path.forward.delay + jitter(path.forward), .zero) + lossPenalty(bytes)
        let arrival = max(departure + delay, lastArrival)
        lastArrival = arrival
        flying.append((payload, arrival))
        guard bytes > 0 else { return }
        inFlight += bytes
        let back = arrival + max(path.backward.delay + jitter(path.backward), .zero)
        acknowledgements.append((max(back, acknowledgements.last?.at ?? back), bytes))
    }

    private mutating func jitter(_ rule: LinkRule) -> Duration {
        rule.jitter == .zero ? .zero : drawJitter(deviation: rule.jitter, random: &random)
    }

    private mutating func lossPenalty(_ bytes: Int) -> Duration {
        guard path.forward.loss > 0, bytes > 0 else { return .zero }
        let roundTrip = path.roundTrip
        let segments = (bytes + Self.segment - 1) / Self.segment
        for _ in 0..<segments where random.unit() < path.forward.loss {
            return inFlight + bytes > 3 * Self.segment ? roundTrip : max(roundTrip * 2, .milliseconds(10))
        }
        return .zero
    }

    private mutating func noteStall(_ now: Instant) {
        let cut = path.forward.isBlocked || path.backward.isBlocked || (isClosing && (path.forward.isPaused || path.backward.isPaused))
        let unacknowledged = !waiting.isEmpty || !flying.isEmpty || inFlight > 0
        stalledSince = cut && unacknowledged ? stalledSince ?? now : nil
    }
}

extension FlowScheduler: Sendable where Payload: Sendable {}

/// A bell-shaped draw with the given standard deviation: the sum of four uniform draws, so that it is
/// bounded (3.46 deviations) and the same on every machine.
package func drawJitter(deviation: Duration, random: inout SeededGenerator) -> Duration {
    let sum = random.unit() + random.unit() + random.unit() + random.unit() - 2
    // The variance of the sum is 4/12.
    return .nanoseconds(Int64(sum * 1.7320508075688772 * Double(deviation.inNanoseconds)))
}

/// What connecting over `path` costs before the first byte may be sent: SYN there and SYN-ACK back,
/// and a second (RFC 6298's initial timer) where one of them is lost.
func connectDelay(_ path: LinkPath, random: inout SeededGenerator) -> Duration {
    var delay = path.roundTrip
    for rule in [path.forward, path.backward] {
        if rule.jitter > .zero { delay += drawJitter(deviation: rule.jitter, random: &random) }
        if rule.loss > 0, random.unit() < rule.loss { delay += .seconds(1) }
    }
    return max(delay, .zero)
}
