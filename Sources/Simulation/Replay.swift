import Membership
import NodeCore
import Primitives

/// One event of one node, and what it changed there.
package struct ReplayStep: Sendable {
    /// Counts the events of all nodes from 1.
    package let number: UInt64
    /// World time in nanoseconds.
    package let time: Int64
    /// Node numbers begin at 1.
    package let node: Int
    package let event: String
    /// What the node wanted done, a line each.
    package let effects: [String]
    /// `what: before -> after`, for each part of the node's state that is another one now.
    package let changes: [String]
}

/// Where a replay stops next.
package enum ReplayTarget: Hashable, Sendable {
    /// At the next event of this node, or of any.
    case event(node: Int?)
    /// At the next event that changes the state of this node, or of any.
    case change(node: Int?)
    /// At the first event at or after this world time, in nanoseconds.
    case time(Int64)
}

/// Runs a seed again and stops at events of nodes, as a debugger does. A class, because the world asks it
/// in the middle of a run.
package final class Replay {
    private var target: ReplayTarget?
    /// Shown a step, and the state of any node (by number) in lines; says where to stop next, nil to end.
    private let show: (ReplayStep, (Int) -> [String]) -> ReplayTarget?
    private var count: UInt64 = 0

    package init(_ first: ReplayTarget, show: @escaping (ReplayStep, (Int) -> [String]) -> ReplayTarget?) {
        target = first
        self.show = show
    }

    package var isStopped: Bool { target == nil }

    /// Whether the event that comes is looked at.
    func begins(node: Int, at time: Int64) -> Bool {
        count += 1
        switch target {
        case .event(nil)?, .change(nil)?: return true
        case .event(let wanted?)?, .change(let wanted?)?: return wanted == node + 1
        case .time(let wanted)?: return time >= wanted
        case nil: return false
        }
    }

    func ended(
        node: Int, at time: Int64, _ event: String, _ effects: [Effect], before: [(String, String)], after: [(String, String)],
        state: (Int) -> [String]
    ) {
        let changes = Self.difference(before, after)
        if case .change = target, changes.isEmpty { return }
        let step = ReplayStep(
            number: count, time: time, node: node + 1, event: event, effects: effects.map { "\($0)".shortened }, changes: changes)
        target = show(step, state)
    }

    /// Both are sorted by what they tell of.
    static func difference(_ before: [(String, String)], _ after: [(String, String)]) -> [String] {
        var out: [String] = []
        var (a, b) = (before[...], after[...])
        while let left = a.first ?? b.first, let right = b.first ?? a.first {
            if !a.isEmpty, b.isEmpty || left.0 < right.0 {
                out.append("\(left.0): \(left.1) -> gone")
                a.removeFirst()
            } else if !b.isEmpty, a.isEmpty || right.0 < left.0 {
                out.append("\(right.0): new, \(right.1)")
                b.removeFirst()
            } else {
                if left.1 != right.1 { out.append("\(left.0): \(left.1) -> \(right.1)") }
                a.removeFirst()
                b.removeFirst()
            }
        }
        return out
    }
}

extension Simulation {
    /// Runs a scenario again for `replay`. `sink` gets the event log, to be held against an earlier run's.
    package static func replay(
        _ scenario: Scenario, seed: UInt64, mutant: Mutant? = nil, storage: WorldStorageMaker? = nil, _ replay: Replay,
        sink: ((String) -> Void)? = nil
    ) -> RunResult {
        var run = ClusterRun(scenario, seed: seed, mutant: mutant, storage: storage, sink: sink)
        run.world.replay = replay
        run.onProgress = { _ in !replay.isStopped }
        return run.run()
    }
}

extension NodeView {
    /// Its parts by name, in the order of the names.
    var parts: [(String, String)] {
        var out: [(String, String)] = []
        for member in members {
            out.append(("member \(member.record.id)", "\(member.record.status), incarnation \(member.record.incarnation)"))
        }
        for group in groups {
            let name = "group \(group.id)"
            out.append(("\(name) role", "\(group.role) in term \(group.term), leader \(group.leader.map { "\($0)" } ?? "unknown")"))
            out.append(("\(name) log", "committed through \(group.commitIndex), applied through \(group.appliedIndex)"))
            out.append(("\(name) machine", "digest \(group.digest.hex.prefix(12)), \(group.version)"))
            out.append(
                (
                    "\(name) members",
                    "voters \(group.voters.map { "\($0)" }.joined(separator: " ")), learners \(group.learners.map { "\($0)" }.joined(separator: " "))"
                ))
        }
        return out.sorted { $0.0 < $1.0 }
    }
}
