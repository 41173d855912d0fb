/// The operations on one file of a network file system, checked as they come: what lies before a moment at which none was
/// under way is told by the states in which it may have left the file, and is dropped.
struct RegisterHistory {
    private var states = [RegisterChecker.State()]
    /// Those with an answer since then.
    private(set) var answered: [RegisterOperation] = []
    private(set) var unanswered: [RegisterChecker.Unanswered] = []
    private var nextNumber = 0
    /// Too many orders to try them all: what follows is kept until the end, where one is enough.
    private var isTangled = false
    /// A fault was found: there is nothing more to be said.
    private var isBroken = false

    /// States and steps at most while a run goes on; and steps at its end, where one order will do.
    private static let statesMax = 256
    private static let stepsMax = 200_000
    private static let lastStepsMax = 2_000_000

    mutating func add(_ operation: RegisterOperation) {
        guard !isBroken else { return }
        guard operation.ended == nil else { return answered.append(operation) }
        // A read without an answer says nothing.
        guard !RegisterMoves.changesNothing(operation) else { return }
        unanswered.append(.init(number: nextNumber, operation: operation))
        nextNumber += 1
    }

    /// Checks what lies before the last quiet moment. Whatever is still to be added begins at `pendingSince` or later, or
    /// gets no answer.
    mutating func advance(pendingSince: Int64, stepsMax: Int = Self.stepsMax) -> RegisterChecker.Verdict {
        guard !isTangled, !isBroken else { return .linearizable }
        answered.sort { ($0.began, $0.ended ?? .max) < ($1.began, $1.ended ?? .max) }
        let count = quietPrefix(pendingSince)
        guard count > 0 else { return .linearizable }
        var checker = RegisterChecker(Array(answered.prefix(count)), unanswered: unanswered, wantsAll: true, stepsMax: stepsMax)
        switch checker.run(from: states) {
        case .undecided: isTangled = true
        case .violated(let text):
            isBroken = true
            (answered, unanswered) = ([], [])
            return .violated(text)
        case .states(let found):
            let freest = Self.freest(found)
            guard freest.count <= Self.statesMax else {
                isTangled = true
                break
            }
            states = freest
            answered.removeFirst(count)
            forgetHappened()
        }
        return .linearizable
    }

    mutating func finish() -> RegisterChecker.Verdict {
        guard !isBroken else { return .linearizable }
        var checker = RegisterChecker(answered, unanswered: unanswered, wantsAll: false, stepsMax: Self.lastStepsMax)
        switch checker.run(from: states) {
        case .states: return .linearizable
        case .violated(let text): return .violated(text)
        case .undecided: return .undecided
        }
    }

    /// How many operations had all ended before any other began.
    private func quietPrefix(_ pendingSince: Int64) -> Int {
        var (count, lastEnd) = (0, Int64.min)
        for (index, operation) in answered.enumerated() {
            guard operation.began < pendingSince else { break }
            lastEnd = max(lastEnd, operation.ended ?? .max)
            let next = index + 1 < answered.count ? min(answered[index + 1].began, pendingSince) : pendingSince
            if lastEnd < next { count = index + 1 }
        }
        return count
    }

    /// Of states with one value those with the most left that may still happen: the others can do nothing that these cannot.
    private static func freest(_ states: [RegisterChecker.State]) -> [RegisterChecker.State] {
        let sorted = states.sorted { ($0.value, $0.happened.count) < ($1.value, $1.happened.count) }
        var out: [RegisterChecker.State] = []
        for state in sorted {
            let isCovered = out.contains { $0.value == state.value && $0.happened.allSatisfy(state.happened.contains) }
            if !isCovered { out.append(state) }
        }
        return out
    }

    /// What has happened in any case is no longer among those that may.
    private mutating func forgetHappened() {
        guard let first = states.first else { return }
        let always = first.happened.filter { number in states.allSatisfy { $0.happened.contains(number) } }
        guard !always.isEmpty else { return }
        for place in states.indices { states[place].happened.removeAll(where: always.contains) }
        unanswered.removeAll { always.contains($0.number) }
    }
}
