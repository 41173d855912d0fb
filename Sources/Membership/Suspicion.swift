import Primitives

/// A suspicion and its clock (Lifeguard §IV-B). It starts at the longest time and each independent
/// accuser shortens it, on a logarithmic scale, until `needed` of them bring it to the shortest:
///
///     longest - (longest - shortest) · log(confirmations + 1) / log(needed + 1)
struct Suspicion: Hashable, Sendable {
    /// When this node first heard of it.
    let startedAt: Instant
    let shortestNanoseconds: Int64
    let longestNanoseconds: Int64
    /// Confirmations besides the first accuser that make the time shortest.
    let needed: Int
    /// In order of arrival, the first accuser first; at most `needed + 1`.
    private(set) var accusers: [NodeID]
    /// Granted once, when the suspect was heard of after all.
    var isExtended = false
    var timer: ArmedTimer

    init(startedAt: Instant, shortest: Int64, longest: Int64, needed: Int, accuser: NodeID, timer: ArmedTimer) {
        precondition(shortest > 0 && shortest <= longest && needed >= 0)
        self.startedAt = startedAt
        shortestNanoseconds = shortest
        longestNanoseconds = longest
        self.needed = needed
        accusers = [accuser]
        self.timer = timer
    }

    var confirmations: Int { accusers.count - 1 }

    /// Counts one more accuser; false where it is known or no more are needed.
    mutating func confirm(by accuser: NodeID) -> Bool {
        guard confirmations < needed, !accusers.contains(accuser) else { return false }
        accusers.append(accuser)
        return true
    }

    /// When the suspect is to be declared dead.
    var deadline: Instant { startedAt + .nanoseconds(lastingNanoseconds + (isExtended ? shortestNanoseconds : 0)) }

    var lastingNanoseconds: Int64 {
        guard needed > 0 else { return shortestNanoseconds }
        let share = Logarithm.base2(Double(confirmations + 1)) / Logarithm.base2(Double(needed + 1))
        let lasting = Double(longestNanoseconds) - Double(longestNanoseconds - shortestNanoseconds) * share
        return max(shortestNanoseconds, Int64(lasting))
    }
}
