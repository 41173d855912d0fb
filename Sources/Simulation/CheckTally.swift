/// What a run's checkers looked at, by the kind of what they would have found, and what of it they could not decide. Who
/// looked at nothing has nothing to say.
package struct CheckTally: Hashable, Sendable {
    private struct Count: Hashable, Sendable {
        var checked: UInt64 = 0
        var undecided: UInt64 = 0
    }

    /// Those that the run has checkers for, in the order in which they are told.
    package let kinds: [Violation.Kind]
    /// By the order of `Violation.Kind.allCases`.
    private var counts = Array(repeating: Count(), count: Violation.Kind.allCases.count)

    package init(_ kinds: [Violation.Kind] = Violation.Kind.allCases) { self.kinds = kinds }

    package mutating func count(_ kind: Violation.Kind, _ count: UInt64 = 1) { counts[kind.place].checked += count }
    package mutating func countUndecided(_ kind: Violation.Kind, _ count: UInt64 = 1) { counts[kind.place].undecided += count }

    package func checked(_ kind: Violation.Kind) -> UInt64 { counts[kind.place].checked }
    package func undecided(_ kind: Violation.Kind) -> UInt64 { counts[kind.place].undecided }
    package var undecided: UInt64 { counts.reduce(0) { $0 + $1.undecided } }

    /// How much of what was undecided, for people; empty where nothing was.
    package var undecidedWords: String {
        Violation.Kind.allCases.filter { undecided($0) > 0 }.map { "\($0.rawValue) \(undecided($0))" }.joined(separator: ", ")
    }
}

extension Violation.Kind {
    fileprivate var place: Int {
        switch self {
        case .answers: 0
        case .election: 1
        case .durability: 2
        case .volume: 3
        case .linearizability: 4
        case .content: 5
        case .convergence: 6
        case .liveness: 7
        case .format: 8
        case .expectation: 9
        }
    }

    /// What is counted of it, in the plural.
    package var unit: String {
        switch self {
        case .answers: "answers"
        case .election: "elections"
        case .durability: "chunks of what was acknowledged"
        case .volume: "commits, reads and lists"
        case .linearizability: "operations and locks"
        case .content: "reads, and chunks that are named"
        case .convergence: "replicas and members"
        case .liveness: "clients"
        case .format: "starts"
        case .expectation: "expectations"
        }
    }
}

/// What a run says about one kind of check.
package struct CheckVerdict: Hashable, Sendable {
    package enum Word: String, Sendable, CaseIterable {
        case held
        case violated
        /// Something was given up or could no longer be known; the rest held.
        case undecided
        /// The run was stopped: what had ended by then was checked, and what is looked at in the end was not.
        case stopped
        /// There was none of it.
        case nothing
    }

    package let kind: Violation.Kind
    package let checked: UInt64
    package let undecided: UInt64
    package let violations: Int
    package let word: Word
}

/// Where a run was stopped before its end.
package struct RunStop: Hashable, Sendable {
    /// Simulated time since the world began.
    package let at: Duration
    package let phase: String
    package init(at: Duration, phase: String) {
        self.at = at
        self.phase = phase
    }
}

extension RunResult {
    /// One for each kind that the run has checkers for, and for each of which something was found.
    package var verdicts: [CheckVerdict] {
        let tally = statistics.checks
        return Violation.Kind.allCases.compactMap { kind in
            let found = violations.count { $0.kind == kind }
            guard found > 0 || tally.kinds.contains(kind) else { return nil }
            let (checked, undecided) = (tally.checked(kind), tally.undecided(kind))
            let word: CheckVerdict.Word =
                found > 0 ? .violated : stop != nil ? .stopped : undecided > 0 ? .undecided : checked == 0 ? .nothing : .held
            return CheckVerdict(kind: kind, checked: checked, undecided: undecided, violations: found, word: word)
        }
    }
}
