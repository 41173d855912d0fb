/// Whether the operations on one file can be put into one order that respects real time and in which
/// every read gives what was written last (Herlihy and Wing 1990). The search is that of Wing and
/// Gong (1993) with the memory of Lowe ("Testing for linearizability", 2017): a set of operations
/// done and a state that were tried once are not tried again.
///
/// Two rules leave out orders that say nothing new. An operation that can be done now and changes nothing is done first. One
/// that nobody answered is done only where the next answered one is impossible without it: it may as well happen later, or never.
package struct RegisterChecker {
    package enum Verdict: Hashable, Sendable {
        case linearizable
        /// No order; the operations that the longest order found could not go on with.
        case violated(String)
        /// Too many orders to try within the bound.
        case undecided
    }

    /// How a file may stand after some operations.
    struct State: Hashable {
        /// 0: no file.
        var value: UInt64 = 0
        /// Which of those without an answer have happened, by their numbers, in order.
        var happened: [Int] = []
    }

    enum Outcome {
        /// Every state that an order leads to; or the first, where no more are wanted.
        case states([State])
        case violated(String)
        case undecided
    }

    private struct Tried: Hashable {
        let done: [UInt64]
        let state: State
    }

    private struct Node {
        var previous: Int
        var next: Int
        let operation: Int
        /// For an end its moment.
        let endedAt: Int64?
        /// For a beginning where its end is.
        var partner: Int
        var isEnd: Bool { endedAt != nil }
    }

    /// An operation that was done: where its beginning stands, the state before it, which of its ways was taken.
    private struct Step {
        let place: Int
        let before: State
        let way: Int
        /// It changed nothing: no other order needs to be tried in its place.
        let isForced: Bool
    }

    /// Those with an answer.
    private let operations: [RegisterOperation]
    private let unanswered: [Unanswered]
    private let wantsAll: Bool
    private var stepsLeft: Int
    private var list: [Node] = []
    private var state = State()
    private var done: [UInt64] = []
    private var left = 0
    private var stack: [Step] = []
    private var tried: Set<Tried> = []  // looked up only
    private var found: [State] = []
    private var deepest = 0
    private var obstacle = -1

    /// An operation that may have happened at any time since it began, or will, or never.
    struct Unanswered {
        let number: Int
        let operation: RegisterOperation
    }

    init(_ operations: [RegisterOperation], unanswered: [Unanswered], wantsAll: Bool, stepsMax: Int) {
        self.operations = operations
        self.unanswered = unanswered
        self.wantsAll = wantsAll
        stepsLeft = stepsMax
    }

    static func check(_ operations: [RegisterOperation]) -> Verdict {
        var history = RegisterHistory()
        for operation in operations { history.add(operation) }
        return history.finish()
    }

    private mutating func makeList() {
        struct Point {
            let time: Int64
            let isEnd: Bool
            let operation: Int
        }
        var points: [Point] = []
        for (index, operation) in operations.enumerated() {
            points.append(Point(time: operation.began, isEnd: false, operation: index))
            if let ended = operation.ended { points.append(Point(time: ended, isEnd: true, operation: index)) }
        }
        // At one moment beginnings come before ends: they overlap.
        points.sort { ($0.time, $0.isEnd ? 1 : 0, $0.operation) < ($1.time, $1.isEnd ? 1 : 0, $1.operation) }
        list = [Node(previous: 0, next: 0, operation: -1, endedAt: nil, partner: 0)]
        var begins = [Int](repeating: 0, count: operations.count)
        for point in points {
            let place = list.count
            list.append(
                Node(previous: place - 1, next: 0, operation: point.operation, endedAt: point.isEnd ? point.time : nil, partner: 0))
            list[place - 1].next = place
            if point.isEnd { list[begins[point.operation]].partner = place } else { begins[point.operation] = place }
        }
    }

    private mutating func unlink(_ place: Int) {
        let (before, after) = (list[place].previous, list[place].next)
        list[before].next = after
        if after != 0 { list[after].previous = before }
    }

    private mutating func relink(_ place: Int) {
        let (before, after) = (list[place].previous, list[place].next)
        list[before].next = place
        if after != 0 { list[after].previous = place }
    }

    // MARK: The search

    /// From a state, or from several: what was tried from one needs not be tried from another.
    mutating func run(from starts: [State]) -> Outcome {
        makeList()
        for start in starts {
            state = start
            done = [UInt64](repeating: 0, count: (operations.count + 63) / 64)
            left = operations.count
            guard search() else { return .undecided }
            if !wantsAll, !found.isEmpty { break }
        }
        return found.isEmpty ? .violated(describe(obstacle)) : .states(found)
    }

    /// False where the bound was met.
    private mutating func search() -> Bool {
        var (entry, way) = (first(), 0)
        while true {
            if left == 0 {
                found.append(state)
                guard wantsAll else { return true }
                guard let next = back() else { return true }
                (entry, way) = next
            }
            stepsLeft -= 1
            guard stepsLeft > 0 else { return false }
            guard entry != 0, !list[entry].isEnd else {
                // An end that is not reached: go back.
                if stack.count >= deepest, entry != 0 { (deepest, obstacle) = (stack.count, list[entry].operation) }
                guard let next = back() else { return true }
                (entry, way) = next
                continue
            }
            let operation = operations[list[entry].operation]
            guard let after = RegisterMoves.state(after: operation, way: way, from: state, unanswered, by: firstEnd()) else {
                (entry, way) = (list[entry].next, 0)
                continue
            }
            if take(entry, way, after, isForced: RegisterMoves.changesNothing(operation) && after == state) {
                (entry, way) = (first(), 0)
            } else {
                way += 1
            }
        }
    }

    /// False where that was tried before.
    private mutating func take(_ place: Int, _ way: Int, _ after: State, isForced: Bool) -> Bool {
        let index = list[place].operation
        done[index / 64] |= 1 << UInt64(index % 64)
        guard tried.insert(Tried(done: done, state: after)).inserted else {
            done[index / 64] &= ~(1 << UInt64(index % 64))
            return false
        }
        stack.append(Step(place: place, before: state, way: way, isForced: isForced))
        state = after
        unlink(place)
        unlink(list[place].partner)
        left -= 1
        return true
    }

    /// Takes steps back until there is another way; where to go on with which.
    private mutating func back() -> (Int, Int)? {
        while let step = stack.popLast() {
            let index = list[step.place].operation
            done[index / 64] &= ~(1 << UInt64(index % 64))
            state = step.before
            relink(list[step.place].partner)
            relink(step.place)
            left += 1
            if !step.isForced { return (step.place, step.way + 1) }
        }
        return nil
    }

    /// Where to begin: with one that changes nothing and is possible, if there is any.
    private func first() -> Int {
        var place = list[0].next
        while place != 0, !list[place].isEnd {
            let operation = operations[list[place].operation]
            if RegisterMoves.changesNothing(operation), RegisterMoves.isPossible(operation, state.value) { return place }
            place = list[place].next
        }
        return list[0].next
    }

    /// The first end among those that are left: whatever is done next must have begun by then.
    private func firstEnd() -> Int64 {
        var place = list[0].next
        while place != 0 {
            if let time = list[place].endedAt { return time }
            place = list[place].next
        }
        return .max
    }

    private func describe(_ index: Int) -> String {
        guard operations.indices.contains(index) else { return "no order of \(operations.count) operations" }
        let operation = operations[index]
        let end = operation.ended.map { "\($0 / 1_000_000) ms" } ?? "never"
        return
            "no order explains the \(operation.kind) of \(WrittenValue.words(operation.value)) from \(operation.began / 1_000_000) ms to \(end)"
    }
}
