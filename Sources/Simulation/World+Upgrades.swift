import Consensus
import NodeCore
import Primitives

/// What is installed on a machine, as far as others notice: the versions of the wire that it speaks.
struct Program: Hashable {
    var versions: ClosedRange<Int>
    /// It crashes on entries that it receives.
    var isPoisoned = false

    init(_ versions: ClosedRange<Int>, isPoisoned: Bool = false) {
        self.versions = versions
        self.isPoisoned = isPoisoned
    }

    /// As `Hello.objection` of the transport: two speak to each other where their ranges meet.
    func understands(_ other: Program) -> Bool { versions.overlaps(other.versions) }
}

// Programs that are replaced while the cluster runs (docs/reference/scenarios.md, `upgrade`).
extension World {
    /// The process ends in order and the other program starts on the same disk.
    mutating func upgrade(_ node: Int, _ program: Program) {
        crash(node, isSudden: false)
        hosts[node].program = program
        restart(node)
    }

    /// Whether a connection may be made; a refusal stands in the trace once each time, in the words of the live node.
    mutating func speaks(_ from: Int, _ to: Int) -> Bool {
        let (mine, other) = (hosts[from].program, hosts[to].program)
        if mine.understands(other) { return true }
        statistics.refusedConnections += 1
        trace.line(
            now,
            "n\(from + 1) refuses n\(to + 1): it speaks wire versions \(other.versions.lowerBound) to \(other.versions.upperBound), n\(from + 1) speaks \(mine.versions.lowerBound) to \(mine.versions.upperBound)"
        )
        return false
    }

    /// A program that crashes on an entry does, and its supervisor starts it again.
    mutating func dies(of event: Event, _ node: Int) -> Bool {
        guard hosts[node].program.isPoisoned, case .message(_, .raft(let batch), _) = event else { return false }
        let hasEntry = batch.items.contains { if case .append(let append) = $0.message { !append.entries.isEmpty } else { false } }
        guard hasEntry else { return false }
        crash(node, isSudden: false)
        after(300_000_000, .fault(.restart(node)))
        return true
    }
}
