import Filesystem
import Membership
import Namespace
import NodeCore
import Primitives
import Replication

// What is looked at on the machines themselves after healing: the agreement of replicas and the presence of content.
// Durability at the moment of an acknowledgement: `World+Durability`.
extension World {
    /// Replicas and views of the members that were held against each other.
    var comparedAtEnd: UInt64 {
        let there = hosts.filter { $0.isUp && !$0.isLeftOut }
        return there.reduce(0) { $0 + UInt64($1.state.view.groups.count) } + UInt64(there.count { !$0.isReplaced })
    }

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
        statistics.checks.count(.content, UInt64(named.count))
        for chunk in named where missing == nil {
            if !hosts.indices.contains(where: { isSound(chunk.id, $0) }) { missing = chunk }
        }
        if let missing { violate(.content, "\(name) names chunk \(missing.id), which no disk holds") }
    }
}
