import Primitives
package import Simulation

extension NodeStorage {
    /// One bit of the log or of a snapshot that starts read. Of the log not in its last batch, which nobody can tell from one
    /// that was torn (docs/reference/log.md).
    package func rot(_ part: RottenPart) -> RottenPlace? {
        let found =
            switch part {
            case .log: logPlace()
            case .snapshots: snapshotPlace()
            }
        if let found { disk.rot(found.path, at: found.offset) }
        return found
    }

    private func logPlace() -> RottenPlace? {
        let folder = "/node/log"
        let names = ((try? disk.names(folder)) ?? []).filter { $0.hasSuffix(".wal") }
        let places: [(path: String, end: Int)] = names.compactMap { name in
            let path = folder + "/" + name
            guard let bytes = disk.content(path) else { return nil }
            let layout = SegmentLayout(bytes)
            return (path, min(bytes.count, name == names.last ? layout.batches.last ?? 0 : layout.end))
        }
        // Behind the header, so that there is something to lose.
        let some = places.filter { $0.end > 64 }
        guard !some.isEmpty else { return nil }
        let place = some[chance.below(some.count)]
        return RottenPlace(path: place.path, offset: UInt64(64 + chance.below(place.end - 64)))
    }

    /// Of the newest one of a group.
    private func snapshotPlace() -> RottenPlace? {
        let folder = "/node/snapshots"
        let newest = ((try? disk.names(folder)) ?? []).compactMap { group in
            ((try? disk.names("\(folder)/\(group)")) ?? []).last { $0.hasSuffix(".snap") }.map { "\(folder)/\(group)/\($0)" }
        }
        guard !newest.isEmpty else { return nil }
        let path = newest[chance.below(newest.count)]
        guard let bytes = disk.content(path), !bytes.isEmpty else { return nil }
        return RottenPlace(path: path, offset: UInt64(chance.below(bytes.count)))
    }
}
