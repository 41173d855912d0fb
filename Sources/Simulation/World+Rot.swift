import NodeCore
import Primitives

/// What of a disk may decay beside chunks. A start reads it, and refuses what is not as it was written.
package enum RottenPart: String, CaseIterable, Sendable {
    case log
    case snapshots
}

/// A place that has decayed.
package struct RottenPlace: Hashable, Sendable {
    package let path: String
    package let offset: UInt64
    package init(path: String, offset: UInt64) {
        self.path = path
        self.offset = offset
    }
}

// Logs and snapshots that decay. Nodes read them when they start: the node is stopped, a bit changes, it is started. It must
// refuse, and say which file and where; then its operator gives it an empty disk, with which it counts as lost
// (`DiskLosses` judges whether the cluster can do without). A snapshot that the log does not need may be passed over.
extension World {
    mutating func rot(_ part: RottenPart, on node: Int) {
        let wasUp = hosts[node].isUp
        crash(node, isSudden: true)
        if let place = storage(node)?.rot(part) {
            hosts[node].rotten = (part, place)
            trace.line(now, "n\(node + 1): a bit decays in \(place.path) at \(place.offset)")
        }
        if wasUp { restart(node) }
    }

    /// What a machine starts with that has something rotten; nil where it cannot start yet.
    mutating func restoredFromRot(_ part: RottenPart, _ place: RottenPlace, _ node: Int, _ storage: any WorldStorage) -> NodeState.Restored?
    {
        do throws(WorldStorageFailure) {
            let restored = try storage.open()
            hosts[node].rotten = nil
            if part == .log { violate(.format, "n\(node + 1) starts, though \(place.path) has decayed at \(place.offset)") }
            return restored
        } catch {
            trace.line(now, "n\(node + 1) cannot start: \(error)")
            guard !error.mayPass else {
                startAgain(node)
                return nil
            }
            statistics.refusedStarts += 1
            if !names(place, error.description) {
                violate(
                    .format, "n\(node + 1) does not start, and does not say that \(place.path) has decayed at \(place.offset): \(error)")
            }
        }
        replaceDisk(node)
        return try? self.storage(node)?.open()
    }

    /// The file, and an offset at or before the one that decayed: whole batches and files have one checksum.
    private func names(_ place: RottenPlace, _ text: String) -> Bool {
        let words = text.split(separator: " ")
        guard let at = words.firstIndex(of: "offset"), at >= 2, words.count > at + 1, words[at - 2] == place.path[...] else { return false }
        return words[at + 1].split(separator: ":").first.flatMap { UInt64($0) }.map { $0 <= place.offset } ?? false
    }

    /// Another disk, without anything on it, in a machine that is down.
    mutating func replaceDisk(_ node: Int) {
        for chunk in hosts[node].disk.stored { noteTaken(chunk, node, isDecay: false) }
        hosts[node].disk = Disk()
        hosts[node].rotten = nil
        hosts[node].store += 1_000
        hosts[node].disk.storage = makeStorage(node, hosts[node].store ^ cluster.clusterLow)
    }
}
