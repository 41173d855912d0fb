/// Lifeguard's local health multiplier (Dadgar, Phillips, Currey 2018, §IV-A): a count of signs that
/// this node itself is slow. A node that hears little blames itself before it blames others: its
/// period and its timeouts are multiplied by `score + 1`.
///
/// The signs: a failed probe without any nack (one for each helper whose nack was to be expected, or one
/// where no helper was asked); being suspected (the cluster could not reach us in time); and, beyond the
/// paper, an ack that comes after the verdict, and a timer of our own that fires late. An acked probe takes one away.
struct LocalHealth: Hashable, Sendable {
    let maximum: Int
    private(set) var score = 0

    init(maximum: Int) { self.maximum = maximum }

    var multiplier: Int64 { Int64(score + 1) }

    mutating func worsen(by signs: Int) { score = min(maximum, score + max(0, signs)) }
    mutating func improve() { score = max(0, score - 1) }
}
