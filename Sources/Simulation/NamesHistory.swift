/// Whether what clients were told of a group of names can be put into one order that respects real time (Herlihy and Wing
/// 1990). Links and renames couple names, so that a group is one object. The search goes along the ends of operations, and
/// keeps every state in which those that have begun may have left the group ("just-in-time linearization": Lowe, "Testing for
/// linearizability", 2017, §5); so nothing that ended has to be kept. One that nobody answered may happen at any time, or never.
struct NamesHistory {
    /// How the group may stand: its names, and which of those under way have happened.
    private struct Stand: Hashable {
        var state = NamesState()
        /// By their numbers, in order.
        var happened: [Int] = []
    }

    private struct Numbered {
        let number: Int
        let operation: NamesOperation
    }

    private var stands: [Stand] = [Stand()]
    /// Begun at the moment up to which was checked; those without an answer stay.
    private var open: [Numbered] = []
    /// Told and not looked at yet.
    private var told: [NamesOperation] = []
    private var nextNumber = 0
    private(set) var unanswered = 0
    private(set) var count = 0
    private var isOver = false

    /// Too many ways to try them all.
    private static let standsMax = 2_000
    private static let stepsMax = 100_000

    var held: Int { told.count + open.count }
    var waiting: Int { told.count }

    mutating func add(_ operation: NamesOperation) {
        count += 1
        if operation.ended == nil { unanswered += 1 }
        if !isOver { told.append(operation) }
    }

    /// Checks what began and ended before a moment; whatever is still to be told began then or later.
    mutating func advance(pendingSince: Int64) -> RegisterChecker.Verdict {
        guard !isOver else { return .linearizable }
        told.sort { ($0.began, $0.client) < ($1.began, $1.client) }
        let begun = told.prefix { $0.began < pendingSince }
        var queue = begun.map { operation in
            defer { nextNumber += 1 }
            return Numbered(number: nextNumber, operation: operation)
        }[...]
        told.removeFirst(begun.count)
        while true {
            // At one moment beginnings come before ends.
            let end = open.filter { $0.operation.ended != nil }.min { ($0.operation.ended!, $0.number) < ($1.operation.ended!, $1.number) }
            if let next = queue.first, end.map({ next.operation.began <= $0.operation.ended! }) ?? true {
                open.append(next)
                queue.removeFirst()
                continue
            }
            guard let end, end.operation.ended! < pendingSince else { return .linearizable }
            let verdict = close(end)
            if verdict != .linearizable {
                isOver = true
                (stands, open, told) = ([], [], [])
                return verdict
            }
        }
    }

    /// It has ended: it has happened in every stand that stays.
    private mutating func close(_ ended: Numbered) -> RegisterChecker.Verdict {
        var (seen, left) = (Set(stands), stands)  // looked up only
        var found: [Stand] = []
        var foundOnce: Set<Stand> = []  // looked up only
        var steps = 0
        while let stand = left.popLast() {
            steps += 1
            guard steps < Self.stepsMax, found.count <= Self.standsMax else { return .undecided }
            if let place = stand.happened.firstIndex(of: ended.number) {
                var done = stand
                done.happened.remove(at: place)
                if foundOnce.insert(done).inserted { found.append(done) }
                continue
            }
            for next in followers(of: stand) where seen.insert(next).inserted { left.append(next) }
        }
        guard !found.isEmpty else { return .violated("no order explains \(ended.operation.words)") }
        stands = found
        open.removeAll { $0.number == ended.number }
        forgetHappened()
        return .linearizable
    }

    /// What may come next: one that was answered and only tells of what is there comes first, and nothing else needs to be tried then.
    private func followers(of stand: Stand) -> [Stand] {
        var out: [Stand] = []
        for one in open where !stand.happened.contains(one.number) {
            guard let state = stand.state.after(one.operation) else { continue }
            let isSame = state == stand.state
            // Without an answer and without an effect: that is as if it had not happened.
            if isSame, one.operation.ended == nil { continue }
            let next = Stand(state: state, happened: (stand.happened + [one.number]).sorted())
            if isSame, one.operation.onlyTells { return [next] }
            out.append(next)
        }
        return out
    }

    /// What nobody answered and has happened in any case is no longer under way.
    private mutating func forgetHappened() {
        guard let first = stands.first else { return }
        let always = first.happened.filter { number in
            open.contains { $0.number == number && $0.operation.ended == nil } && stands.allSatisfy { $0.happened.contains(number) }
        }
        guard !always.isEmpty else { return }
        for place in stands.indices { stands[place].happened.removeAll(where: always.contains) }
        open.removeAll { always.contains($0.number) }
    }
}
