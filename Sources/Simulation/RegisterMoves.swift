/// What operations on a file do to it, and what those without an answer can do for them.
enum RegisterMoves {
    /// Whether an operation only tells of the file.
    static func changesNothing(_ operation: RegisterOperation) -> Bool {
        switch operation.kind {
        case .read, .foundExisting, .foundAbsent: true
        case .write, .createNew, .remove: false
        }
    }

    static func isPossible(_ operation: RegisterOperation, _ value: UInt64) -> Bool {
        switch operation.kind {
        case .read: operation.value ?? 0 == value
        case .write: true
        case .createNew, .foundAbsent: value == 0
        case .remove, .foundExisting: value != 0
        }
    }

    private static func value(after operation: RegisterOperation, _ value: UInt64) -> UInt64 {
        switch operation.kind {
        case .read, .foundExisting, .foundAbsent: value
        case .write, .createNew: operation.value ?? 0
        case .remove: 0
        }
    }

    /// The state after an operation, in one of the ways in which it can happen now; nil where there are no more of them. Where
    /// it is possible as the file stands there is one way; otherwise those without an answer that had begun by a moment may
    /// come first, as few as will do.
    static func state(
        after operation: RegisterOperation, way: Int, from state: RegisterChecker.State, _ unanswered: [RegisterChecker.Unanswered],
        by moment: Int64
    ) -> RegisterChecker.State? {
        if isPossible(operation, state.value) {
            return way == 0 ? .init(value: value(after: operation, state.value), happened: state.happened) : nil
        }
        let ways = enabling(operation, state, unanswered.filter { $0.operation.began <= moment && !state.happened.contains($0.number) })
        guard way < ways.count else { return nil }
        let before = ways[way].last.map { value(after: $0.operation, state.value) } ?? state.value
        return .init(value: value(after: operation, before), happened: (state.happened + ways[way].map(\.number)).sorted())
    }

    private typealias Unanswered = RegisterChecker.Unanswered

    /// Of two equal ones that began at different times the later is used up: the earlier can do all that it could.
    private static func latest(_ all: [Unanswered], _ isWanted: (RegisterOperation) -> Bool) -> Unanswered? {
        all.filter { isWanted($0.operation) }.max { ($0.operation.began, $0.number) < ($1.operation.began, $1.number) }
    }

    private static func enabling(_ operation: RegisterOperation, _ state: RegisterChecker.State, _ free: [Unanswered]) -> [[Unanswered]] {
        guard !free.isEmpty else { return [] }
        let removal = state.value == 0 ? [] : latest(free) { $0.kind == .remove }.map { [$0] }
        switch operation.kind {
        case .write: return []
        case .remove, .foundExisting: return free.filter { $0.operation.kind != .remove }.map { [$0] }
        case .createNew, .foundAbsent: return removal.map { [$0] } ?? []
        case .read:
            guard let value = operation.value else { return removal.map { [$0] } ?? [] }
            var ways: [[Unanswered]] = []
            if let write = latest(free, { $0.kind == .write && $0.value == value }) { ways.append([write]) }
            if let removal, let made = latest(free, { $0.kind == .createNew && $0.value == value }) { ways.append(removal + [made]) }
            return ways
        }
    }
}
