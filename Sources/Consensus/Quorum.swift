package import Primitives

/// What a set of votes has decided.
package enum VoteResult: Sendable, Hashable {
    case pending
    case won
    case lost
}

/// Majority arithmetic. A leaf: it knows neither terms nor logs. The tests hold it against a dumber
/// algorithm.
package enum Quorum {
    /// How many of `count` are a majority.
    package static func majority(of count: Int) -> Int { count / 2 + 1 }

    /// The greatest value that a majority of the `count` values reaches; `UInt64.max` of none, so
    /// that an empty half of a joint configuration constrains nothing.
    @inline(__always)
    package static func reached(count: Int, value: (Int) -> UInt64) -> UInt64 {
        switch count {
        case 0: return .max
        case 1: return value(0)
        case 3:
            let (a, b, c) = (value(0), value(1), value(2))
            return max(min(a, b), min(max(a, b), c))
        default:
            return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { sorted in
                for index in 0..<count {
                    let new = value(index)
                    var place = index
                    while place > 0, sorted[place - 1] < new {
                        sorted[place] = sorted[place - 1]
                        place -= 1
                    }
                    sorted[place] = new
                }
                return sorted[majority(of: count) - 1]
            }
        }
    }

    /// What the votes of one set of voters come to. `vote` gives nil for a voter that has not answered.
    package static func tally(_ voters: [NodeID], vote: (NodeID) -> Bool?) -> VoteResult {
        guard !voters.isEmpty else { return .won }
        var granted = 0
        var refused = 0
        for voter in voters {
            switch vote(voter) {
            case true?: granted += 1
            case false?: refused += 1
            case nil: break
            }
        }
        let needed = majority(of: voters.count)
        if granted >= needed { return .won }
        return voters.count - refused < needed ? .lost : .pending
    }

    /// A joint configuration is won in both halves, and lost in either.
    package static func tally(_ configuration: RaftConfiguration, vote: (NodeID) -> Bool?) -> VoteResult {
        guard !configuration.voters.isEmpty else { return .lost }
        switch (tally(configuration.voters, vote: vote), tally(configuration.outgoing, vote: vote)) {
        case (.won, .won): return .won
        case (.lost, _), (_, .lost): return .lost
        default: return .pending
        }
    }
}
