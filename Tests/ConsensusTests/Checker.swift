import Primitives

@testable import Consensus

/// What Raft promises (thesis figure 3.2), and what reads promise, by what is seen from outside.
struct Checker {
    struct Place: Hashable {
        let group: GroupID
        let index: UInt64
    }
    private var leaders: [Place: Int] = [:]
    private var committed: [Place: (term: UInt64, fingerprint: UInt64)] = [:]
    private(set) var highest: [GroupID: UInt64] = [:]
    private var hashes: [Place: UInt64] = [:]
    private var proposals: [Place: UInt64] = [:]
    private var reads: [ReadToken: UInt64] = [:]
    /// What a later read must see at least.
    private var floor: [GroupID: UInt64] = [:]
    private(set) var violations: [String] = []
    private(set) var readsServed = 0
    private(set) var readsFailed = 0
    private(set) var acknowledged = 0
    private(set) var elections = 0
    private(set) var snapshotsInstalled = 0

    /// Election safety: a term has one leader at most.
    mutating func elected(_ group: GroupID, _ node: Int, term: UInt64) {
        elections += 1
        let place = Place(group: group, index: term)
        if let other = leaders[place], other != node { violations.append("both n\(other) and n\(node) lead \(group) in term \(term)") }
        leaders[place] = node
    }

    /// Leader completeness: a leader has every committed entry.
    mutating func checkCompleteness(_ group: GroupID, _ node: Int, _ state: RaftState) {
        let top = highest[group] ?? 0
        guard state.log.lastIndex >= top else {
            violations.append("n\(node) leads \(group) with \(state.log.lastIndex) entries of \(top) committed")
            return
        }
        for entry in state.log.entries {
            guard let known = committed[Place(group: group, index: entry.index)] else { continue }
            if known.term != entry.term { violations.append("n\(node) leads \(group) with \(entry), committed in term \(known.term)") }
        }
    }

    /// State machine safety, and durability: what is applied anywhere is on the disks of a quorum.
    mutating func applied(
        _ group: GroupID, _ entry: RaftEntry, by node: Int, isDurable: (NodeID) -> Bool, configuration: () -> RaftConfiguration
    ) {
        let place = Place(group: group, index: entry.index)
        let print = fingerprint(entry)
        if let known = committed[place] {
            if known.fingerprint != print {
                violations.append("n\(node) applies \(entry) in \(group), others something else of term \(known.term)")
            }
            return
        }
        committed[place] = (entry.term, print)
        highest[group] = max(highest[group] ?? 0, entry.index)
        let configuration = configuration()
        if Quorum.tally(configuration, vote: { isDurable($0) }) != .won {
            violations.append("n\(node) applies \(entry) in \(group) before a quorum of \(configuration) has it on disk")
        }
        if proposals[place] == entry.term {
            acknowledged += 1
            floor[group] = max(floor[group] ?? 0, entry.index)
        }
    }

    mutating func installed(_ group: GroupID, _ machine: Machine) {
        snapshotsInstalled += 1
        if machine.index > highest[group] ?? 0 { violations.append("\(group): a snapshot at \(machine.index), beyond what is committed") }
    }

    mutating func appended(_ group: GroupID, _ id: ProposalID, index: UInt64, term: UInt64) {
        proposals[Place(group: group, index: index)] = term
    }

    /// A read sees every write acknowledged, and everything that any read saw, before it began.
    mutating func readBegins(_ group: GroupID, _ token: ReadToken) { reads[token] = floor[group] ?? 0 }

    mutating func readEnds(_ group: GroupID, _ token: ReadToken, index: UInt64) {
        guard let least = reads.removeValue(forKey: token) else {
            violations.append("read \(token) is answered twice")
            return
        }
        readsServed += 1
        if index < least { violations.append("\(group): stale read \(token) at \(index), but \(least) was known before it began") }
        floor[group] = max(floor[group] ?? 0, index)
    }

    mutating func readFails(_ token: ReadToken) {
        readsFailed += 1
        if reads.removeValue(forKey: token) == nil { violations.append("read \(token) is answered twice") }
    }

    /// Log matching: entries of one index and term are the same, and so is all before them.
    mutating func checkMatching(_ group: GroupID, _ a: RaftState, _ b: RaftState) {
        let low = max(a.log.firstIndex, b.log.firstIndex)
        var index = min(a.log.lastIndex, b.log.lastIndex)
        var agreed = false
        while index >= low {
            let (x, y) = (a.log[index], b.log[index])
            if x.term == y.term {
                agreed = true
                if fingerprint(x) != fingerprint(y) { violations.append("\(group): \(a.id) and \(b.id) differ at \(x)") }
            } else if agreed {
                violations.append("\(group): \(a.id) and \(b.id) agree after \(index) but not there")
            }
            index -= 1
        }
    }

    mutating func fail(_ text: String) { violations.append(text) }
}

/// A binary heap by time, then by order of insertion.
struct EventHeap {
    struct Item {
        let time: Int64
        let sequence: Int
        let action: World.Action
        func precedes(_ other: Item) -> Bool { (time, sequence) < (other.time, other.sequence) }
    }
    private var items: [Item] = []
    var first: Item? { items.first }
    var count: Int { items.count }

    mutating func insert(_ item: Item) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child].precedes(items[parent]) else { return }
            items.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count {
                if items[child].precedes(items[least]) { least = child }
            }
            guard least != parent else { return }
            items.swapAt(parent, least)
            parent = least
        }
    }
}
