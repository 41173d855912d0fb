import NodeCore
import Primitives
import Replication

/// How long something took in a run: of many seeds these make a distribution.
package struct Measure: Hashable, Sendable {
    package let name: String
    package let nanoseconds: Int64
    init(_ name: String, _ nanoseconds: Int64) {
        self.name = name
        self.nanoseconds = nanoseconds
    }

    /// The value below which so many of a thousand lie (nearest rank).
    package static func quantile(_ perMille: Int, of sorted: [Int64]) -> Int64 {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, max(0, (sorted.count * perMille + 999) / 1_000 - 1))]
    }
}

/// Who leads each group, and whom it waits for since its leader was lost: by a crash, or cut off from most machines.
struct FailoverWatch {
    private var leads: [GroupID: (node: Int, since: Int64)] = [:]  // looked up only
    /// When somebody first campaigned after a group's leader was lost.
    private var campaigns: [GroupID: Int64] = [:]  // looked up only
    /// Groups that have a new leader and have not acknowledged a change since.
    private(set) var waiting: [(group: GroupID, lostAt: Int64, electedAt: Int64)] = []

    /// Another node of a group asks whether it would be elected: it has missed the leader.
    mutating func campaigns(_ node: Int, in group: GroupID, at now: Int64, lostAt: (Int) -> Int64?) {
        guard let lead = leads[group], lead.node != node, let lost = lostAt(lead.node), lost >= lead.since,
            (campaigns[group] ?? .min) < lost
        else { return }
        campaigns[group] = now
    }

    /// A node leads a group from now on; when its leader was lost, where that is why.
    mutating func leader(of group: GroupID, is node: Int, at now: Int64, lostAt: (Int) -> Int64?) -> (lostAt: Int64, missedAt: Int64)? {
        let before = leads.updateValue((node, now), forKey: group)
        guard let before, let lost = lostAt(before.node), lost >= before.since else { return nil }
        waiting.removeAll { $0.group == group }
        waiting.append((group, lost, now))
        let campaign = campaigns.removeValue(forKey: group)
        return (lost, campaign.flatMap { $0 >= lost ? $0 : nil } ?? now)
    }

    func leader(of group: GroupID) -> Int? { leads[group]?.node }

    mutating func served(_ group: GroupID) -> (lostAt: Int64, electedAt: Int64)? {
        guard let place = waiting.firstIndex(where: { $0.group == group }) else { return nil }
        let entry = waiting.remove(at: place)
        return (entry.lostAt, entry.electedAt)
    }
}

extension World {
    private func group(of place: Int) -> GroupID? {
        guard let id = filesystems[place].id else { return nil }
        for host in hosts where host.isUp { if let record = host.state.catalog.filesystems[id] { return record.group } }
        return nil
    }

    /// Where the one who was elected last to lead a file system's group is.
    func leaderRegion(of place: Int) -> RegionID? { group(of: place).flatMap { failovers.leader(of: $0) }.map { hosts[$0].region } }

    mutating func leaderElected(_ group: GroupID, _ node: Int) {
        guard let (lost, missed) = failovers.leader(of: group, is: node, at: now, lostAt: { hosts[$0].lostAt }) else { return }
        let name = filesystems.indices.first { self.group(of: $0) == group }.map { filesystems[$0].name } ?? "catalog"
        measures.append(Measure("\(name): from the loss of its leader to the next election", now - lost))
        measures.append(Measure("\(name): part 1, from the loss of its leader to the first campaign", missed - lost))
        measures.append(Measure("\(name): part 2, from the first campaign to the election", now - missed))
    }

    /// A change was acknowledged.
    mutating func wasServed(_ place: Int) {
        guard !failovers.waiting.isEmpty, let group = group(of: place), let (lost, elected) = failovers.served(group) else { return }
        measures.append(Measure("\(filesystems[place].name): from the loss of its leader to the next acknowledged change", now - lost))
        measures.append(Measure("\(filesystems[place].name): part 3, from the election to the next acknowledged change", now - elected))
    }

    /// Nodes that reach less than half of the others have lost what they lead.
    mutating func noteLost(_ nodes: [Int]) {
        guard nodes.count * 2 < hosts.count else { return }
        for node in nodes { hosts[node].lostAt = now }
    }
}
