import Filesystem
import NodeCore
import Primitives
import Replication

/// A copy of a chunk that lay durably on a disk until a fault of the world took it. No cluster can know of that at once, so
/// that for a while the copy counts as if it were there.
struct TakenCopy {
    let node: Int
    let at: Int64
    /// The bytes are there, and wrong: nobody knows until somebody reads them.
    let isDecay: Bool
}

// Durability at the moment of an acknowledgement, asked of the disks as they are then.
extension World {
    /// The chunks of acknowledged values are durable where the kind of file system promises: on a majority of the primary
    /// region's replicas, or in regions with a majority of the voters. While replicas move, what was begun under the plan
    /// before may be kept by that one. A chunk that no disk has is as much a fault as one on too few, with one explanation:
    /// a fault of the world itself took it (`TakenCopy`). Nothing else may: what a crash, a sweep or a store loses is lost.
    mutating func checkDurable(_ tags: [UInt64], _ place: Int, _ what: @autoclosure () -> String) {
        guard let plan = plan(of: place) else { return }
        let present = plan.voters.map { Self.index(of: $0.node) }
        var plans = knownPlans[place] ?? []
        plans.removeAll { $0.voters == present || $0.seen < now - Self.plansKept }
        let earlier = plans.map(\.voters)
        plans.append((present, now))
        knownPlans[place] = plans
        for tag in tags {
            for id in chunks(of: tag) {
                statistics.checks.count(.durability)
                let holders = hosts.indices.filter { liesDurably(id, $0) || isExcused(id, $0) }
                if isMajority(holders, of: present, place) || earlier.contains(where: { isMajority(holders, of: $0, place) }) { continue }
                func names(_ nodes: [Int]) -> String { nodes.map { "n\($0 + 1)" }.joined(separator: ", ") }
                let found = holders.isEmpty ? "no disk" : "\(names(holders)) only"
                return violate(
                    .durability,
                    "\(what()) of \(filesystems[place].name) was acknowledged with a chunk on \(found); it belongs on \(names(present))")
            }
        }
    }

    private static var plansKept: Int64 { 30_000_000_000 }

    private func isMajority(_ holders: [Int], of voters: [Int], _ place: Int) -> Bool {
        let covered =
            filesystems[place].kind == .nfs
            ? voters.count { holders.contains($0) }
            : voters.count { voter in holders.contains { hosts[$0].region == hosts[voter].region } }
        return covered > voters.count / 2
    }

    func plan(of place: Int) -> ReplicaPlan? {
        guard let id = filesystems[place].id else { return nil }
        // The newest that anybody up knows: one that is down has an old one.
        return hosts.filter(\.isUp).compactMap { $0.state.catalog.filesystems[id] }.max { $0.planRevision < $1.planRevision }?.plan
    }

    /// The names of a value's chunks; empty for what is kept inline.
    private func chunks(of tag: UInt64) -> [ChunkID] {
        let content = histories.content(tag)
        guard content.length > 4_096 else { return [] }
        return stride(from: 0, to: content.length, by: Int(options.chunkBytes)).map { start in
            content.slice(start, min(options.chunkBytes, content.length - start)).chunkID
        }
    }

    // MARK: Copies

    /// On the disk of this machine, up or down, and there still if power failed now.
    private func liesDurably(_ chunk: ChunkID, _ node: Int) -> Bool {
        hosts[node].disk.storage?.liesDurably(chunk) ?? hosts[node].disk.holds(chunk)
    }

    private func isExcused(_ chunk: ChunkID, _ node: Int) -> Bool {
        takenCopies[chunk]?.contains { $0.node == node && ($0.isDecay || $0.at >= now - copiesTrusted) } ?? false
    }

    /// For how long nodes count on copies without asking for them again (`NodeState.vouchInterval`), and the longest that a
    /// commit takes which has asked.
    private var copiesTrusted: Int64 { options.garbageGrace.inNanoseconds / 4 + 40_000_000_000 }

    /// A fault is about to take this copy.
    mutating func noteTaken(_ chunk: ChunkID, _ node: Int, isDecay: Bool) {
        let lay = liesDurably(chunk, node)
        let before = takenCopies[chunk]?.first { $0.node == node }
        // A disk that is taken away takes what had decayed on it, too.
        guard lay || before?.isDecay == true else { return }
        takenCopies[chunk, default: []].removeAll { $0.node == node }
        takenCopies[chunk, default: []].append(TakenCopy(node: node, at: now, isDecay: isDecay))
    }
}
