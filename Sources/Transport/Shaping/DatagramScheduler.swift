package import Primitives

/// Decides whether and when each datagram arrives. Datagrams have no order among each other: with
/// jitter a later one may arrive first.
package struct DatagramScheduler<Payload> {
    /// How many may be on their way; more are lost, as in a full queue.
    package static var limit: Int { 4_096 }
    /// How long a datagram waits for the link before it is dropped (a router's buffer).
    static var queueLimit: Duration { .milliseconds(200) }

    /// Sorted by arrival, latest first, so that the next one is popped off the end.
    /// Of equal arrivals the one that was sent first is nearer to the end.
    private var flying: [(payload: Payload, arrival: Instant)] = []
    private var random: SeededGenerator

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    package var count: Int { flying.count }

    /// False where the datagram is lost.
    package mutating func enqueue(_ payload: Payload, bytes: Int, rule: LinkRule, now: Instant, link: inout LinkCapacity) -> Bool {
        guard !rule.isStopped, flying.count < Self.limit else { return false }
        guard rule.loss == 0 || random.unit() >= rule.loss else { return false }
        guard rule.capacity == nil || link.backlog(now: now) <= Self.queueLimit else { return false }
        let departure = link.reserve(bytes, rate: rule.capacity, now: now)
        let jitter = rule.jitter == .zero ? .zero : drawJitter(deviation: rule.jitter, random: &random)
        let arrival = departure + max(rule.delay + jitter, .zero)
        var low = 0
        var high = flying.count
        while low < high {
            let middle = (low + high) / 2
            if flying[middle].arrival > arrival { low = middle + 1 } else { high = middle }
        }
        flying.insert((payload, arrival), at: low)
        return true
    }

    package mutating func popDue(now: Instant) -> Payload? {
        guard let last = flying.last, last.arrival <= now else { return nil }
        return flying.removeLast().payload
    }

    package var nextWake: Instant? { flying.last?.arrival }
}

extension DatagramScheduler: Sendable where Payload: Sendable {}
