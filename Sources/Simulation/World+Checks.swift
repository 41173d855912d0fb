import Filesystem
import Membership
import Namespace
import NodeCore
import Primitives
import Replication

// What is looked at on the machines themselves: durability at the moment of an acknowledgement,
// and after healing the agreement of replicas and the presence of content.
extension World {
    // MARK: At an acknowledgement

    /// The chunks of acknowledged values are durable where the kind of file system promises: on a
    /// majority of the primary region's replicas, or in regions with a majority of the voters.
    /// While replicas move, what was begun under the plan before may be kept by that one.
    mutating func checkDurable(_ tags: [UInt64], _ place: Int, _ what: @autoclosure () -> String) {
        guard hosts.count <= 64, let plan = plan(of: place) else { return }
        let present = plan.voters.map { Self.index(of: $0.node) }
        var plans = knownPlans[place] ?? []
        plans.removeAll { $0.voters == present || $0.seen < now - Self.plansKept }
        let earlier = plans.map(\.voters)
        plans.append((present, now))
        knownPlans[place] = plans
        for tag in tags {
            for id in chunks(of: tag) {
                guard let mask = storedOn[id] else { continue }
                let holders = hosts.indices.filter { mask & (1 << UInt64($0)) != 0 }
                if isMajority(holders, of: present, place) || earlier.contains(where: { isMajority(holders, of: $0, place) }) { continue }
                func names(_ nodes: [Int]) -> String { nodes.map { "n\($0 + 1)" }.joined(separator: ", ") }
                return violate(
                    .durability,
                    "\(what()) of \(filesystems[place].name) was acknowledged with a chunk on \(names(holders)) only; it belongs on \(names(present))"
                )
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

    mutating func noteStored(_ chunk: ChunkID, _ node: Int) {
        guard hosts.count <= 64 else { return }
        storedOn[chunk, default: 0] |= 1 << UInt64(node)
    }

    // MARK: At the end

    /// Replicas of each group on machines that are up: nil where all agree, else what differs.
    func disagreement() -> String? {
        var seen: [GroupID: (digest: Digest, node: Int)] = [:]  // looked up only
        for host in hosts where host.isUp && !host.isLeftOut {
            for group in host.state.view.groups {
                guard let known = seen[group.id] else {
                    seen[group.id] = (group.digest, host.index)
                    continue
                }
                if known.digest != group.digest { return "\(group.id) differs on n\(known.node + 1) and n\(host.index + 1)" }
            }
        }
        return nil
    }

    /// Members that somebody does not take for alive though they are.
    func missingMembers() -> String? {
        for host in hosts where host.isUp && !host.isReplaced && !host.isLeftOut {
            let members = host.state.view.members
            for other in hosts where other.isUp && !other.isReplaced && !other.isLeftOut {
                if !members.contains(where: { $0.record.id == other.id && $0.record.status == .alive }) {
                    return "n\(host.index + 1) does not see n\(other.index + 1) alive"
                }
            }
        }
        return nil
    }

    /// A replica of the file system on a machine that is up.
    private func replica(of place: Int) -> FilesMachine? {
        guard let id = filesystems[place].id else { return nil }
        for host in hosts where host.isUp && !host.isLeftOut {
            if let files = host.state.machine(of: id)?.files { return files }
        }
        return nil
    }

    mutating func checkAtEnd() {
        finishFiles()
        for place in filesystems.indices {
            guard let files = replica(of: place) else { continue }
            checkContent(files, filesystems[place].name)
            guard filesystems[place].kind == .volume else { continue }
            finishVolume(place, files)
        }
    }

    /// Whether a disk has the chunk and can prove it. A disk whose machine is down is not asked by the storage's own code.
    func isSound(_ chunk: ChunkID, _ node: Int) -> Bool {
        hosts[node].disk.storage == nil ? hosts[node].disk.holds(chunk) : read(chunk, node) == .sound
    }

    /// Every chunk that a version names lies sound on some disk.
    private mutating func checkContent(_ files: FilesMachine, _ name: String) {
        var missing: ChunkReference?
        var named: [ChunkReference] = []
        files.namespace.forEachReferencedChunk { named.append($0) }
        for chunk in named where missing == nil {
            if !hosts.indices.contains(where: { isSound(chunk.id, $0) }) { missing = chunk }
        }
        if let missing { violate(.content, "\(name) names chunk \(missing.id), which no disk holds") }
    }
}
