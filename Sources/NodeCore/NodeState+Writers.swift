import Membership
import Primitives
import Replication

// The leader of a volume follows those who write: what it counts it tells the catalog, by which all
// replicas know where a leader is preferred, and the planner where a voter is.

extension NodeState {
    /// A change was asked for from a node. Network file systems stay in their primary region.
    mutating func noteWriter(_ node: NodeID, of group: GroupID) {
        guard (groups.with(group) { $0.filesystem?.kind } ?? nil) == .volume,
            let region = region(of: node)
        else { return }
        if writers[group] == nil { writers[group] = WriterTally(at: now) }
        _ = writers.update(group) { $0.note(region) }
    }

    /// Once a second: forgets, and proposes where the leader shall be.
    mutating func followWriters(into effects: inout [Effect]) {
        guard !writers.isEmpty else { return }
        for id in writers.keys {
            let time = now
            _ = writers.update(id) { $0.forget(at: time) }
            guard groups.with(id, { $0.isLeader }) == true, writers[id]?.isEmpty == false else {
                writers[id] = nil
                continue
            }
            guard let record = catalog.filesystem(of: id), record.isActive else { continue }
            // A majority at home commits without a wide-area round trip: from elsewhere the one to there is all that
            // there is to pay, wherever the leader is.
            guard record.plan.voters.count(where: { $0.region == record.region }) * 2 <= record.plan.voters.count else { continue }
            let better = writers.update(id) { $0.better(than: record.leaderRegion, home: record.region, at: time) } ?? nil
            if let better { tellCatalog(.noteWriters(id, better), into: &effects) }
        }
    }
}
