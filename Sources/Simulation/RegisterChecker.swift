/// Whether the operations on one file can be put into one order that respects real time and in which
/// every read gives what was written last (Herlihy and Wing 1990). The search is that of Wing and
/// Gong (1993) with the memory of Lowe ("Testing for linearizability", 2017): a set of operations
/// done and a state that were tried once are not tried again.
package struct RegisterChecker {
    package enum Verdict: Hashable, Sendable {
        case linearizable
        /// No order; the operations that the longest order found could not go on with.
        case violated(String)
        /// Too many orders to try within the bound.
        case undecided
    }

    /// Orders tried at most.
    static let stepsMax = 2_000_000

    private struct Tried: Hashable {
        let done: [UInt64]
        let value: UInt64
    }

    private struct Node {
        var previous: Int
        var next: Int
        /// The operation, and for its beginning where its end is (0: it has none).
        let operation: Int
        let isEnd: Bool
        var partner: Int
    }

    private let operations: [RegisterOperation]
    private var list: [Node] = []

    init(_ operations: [RegisterOperation]) {
        // A read without an answer says nothing.
        self.operations = operations
    }

    static func check(_ operations: [RegisterOperation]) -> Verdict {
        var checker = RegisterChecker(operations)
        return checker.run()
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
        list = [Node(previous: 0, next: 0, operation: -1, isEnd: false, partner: 0)]
        var begins = [Int](repeating: 0, count: operations.count)
        for point in points {
            let place = list.count
            list.append(Node(previous: place - 1, next: 0, operation: point.operation, isEnd: point.isEnd, partner: 0))
            list[place - 1].next = place
            if point.isEnd { list[begins[point.operation]].partner = place } else { begins[point.operation] = place }
        }
    }

    /// The value after an operation, or nil where it cannot happen now. 0: no file.
    private func step(_ operation: RegisterOperation, _ value: UInt64) -> UInt64? {
        switch operation.kind {
        case .read: operation.value ?? 0 == value ? value : nil
        case .write: operation.value ?? 0
        case .createNew: value == 0 ? operation.value ?? 0 : nil
        case .remove: value != 0 ? 0 : nil
        case .foundExisting: value != 0 ? value : nil
        case .foundAbsent: value == 0 ? 0 : nil
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

    private mutating func run() -> Verdict {
        makeList()
        var done = [UInt64](repeating: 0, count: (operations.count + 63) / 64)
        var answered = operations.count { $0.ended != nil }
        var value: UInt64 = 0
        var stack: [(place: Int, value: UInt64)] = []
        var tried: Set<Tried> = []  // looked up only
        var entry = list[0].next
        var steps = 0
        var deepest = 0
        var obstacle = -1
        while answered > 0 {
            steps += 1
            guard steps < Self.stepsMax else { return .undecided }
            if entry != 0, !list[entry].isEnd {
                let index = list[entry].operation
                if let next = step(operations[index], value) {
                    done[index / 64] |= 1 << UInt64(index % 64)
                    if tried.insert(Tried(done: done, value: next)).inserted {
                        stack.append((entry, value))
                        value = next
                        unlink(entry)
                        if list[entry].partner != 0 {
                            unlink(list[entry].partner)
                            answered -= 1
                        }
                        entry = list[0].next
                        continue
                    }
                    done[index / 64] &= ~(1 << UInt64(index % 64))
                }
                entry = list[entry].next
                continue
            }
            // An end that is not reached, or the end of the list: go back.
            if stack.count >= deepest, entry != 0 { (deepest, obstacle) = (stack.count, list[entry].operation) }
            guard let (place, before) = stack.popLast() else { return .violated(describe(obstacle)) }
            let index = list[place].operation
            done[index / 64] &= ~(1 << UInt64(index % 64))
            value = before
            if list[place].partner != 0 {
                relink(list[place].partner)
                answered += 1
            }
            relink(place)
            entry = list[place].next
        }
        return .linearizable
    }

    private func describe(_ index: Int) -> String {
        guard operations.indices.contains(index) else { return "no order of \(operations.count) operations" }
        let operation = operations[index]
        let end = operation.ended.map { "\($0 / 1_000_000) ms" } ?? "never"
        return "no order explains the \(operation.kind) of value \(operation.value ?? 0) from \(operation.began / 1_000_000) ms to \(end)"
    }
}
