package import Primitives

/// Every chunk that a file system names: of the live tree, of removed files that are still open, and
/// of every version kept, those that conflicts pin included. For the marks of garbage collection.
///
/// It holds the state as it was and gives references in portions, so marking can be spread over time:
/// what is written after it began must be marked by whoever writes it. A chunk comes as often as
/// pieces name it; of a version only what the next newer one does not have at the same place.
package struct ChunkScan: Sendable {
    private let state: NamespaceState
    private var live: NamespaceTree.Records.Iterator?
    private var differences: NamespaceTree.Records.Differences?
    /// The next version to look at, from the newest down.
    private var version: Int

    package init(_ state: NamespaceState) {
        self.state = state
        live = state.tree.records.makeIterator()
        version = state.history.versions.count - 1
    }

    /// Looks at up to `limit` records and gives the chunks among them; nil once there are no more.
    package mutating func next(limit: Int) -> [ChunkReference]? {
        precondition(limit > 0, "a scan needs a positive limit")
        var found: [ChunkReference] = []
        for _ in 0..<limit {
            if var iterator = live.take() {
                if let (_, record) = iterator.next() {
                    live = iterator
                    if case .extent(_, let chunk, _) = record { found.append(chunk) }
                }
                continue
            }
            if var running = differences.take() {
                if let difference = running.next() {
                    differences = running
                    if case .extent(_, let chunk, _)? = difference.new { found.append(chunk) }
                }
                continue
            }
            guard version >= 0 else { return found.isEmpty ? nil : found }
            let versions = state.history.versions
            let newer = version + 1 < versions.count ? versions[version + 1].tree : state.tree
            differences = versions[version].tree.records.differences(from: newer.records)
            version -= 1
        }
        return found
    }
}

extension NamespaceState {
    /// As `ChunkScan`, in one go.
    package func forEachReferencedChunk(_ body: (ChunkReference) -> Void) {
        var scan = ChunkScan(self)
        while let chunks = scan.next(limit: 4_096) { for chunk in chunks { body(chunk) } }
    }
}
