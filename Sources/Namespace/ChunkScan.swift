package import Primitives

/// Every chunk that a file system names: of the live tree, of removed files that are still open, and
/// of every version kept, those that conflicts pin included. For the marks of garbage collection, and to
/// find what is missing.
///
/// It holds the state as it was and gives references in portions, so marking can be spread over time:
/// what is written after it began must be marked by whoever writes it. A chunk comes as often as
/// pieces name it; of a version only what the next newer one does not have at the same place.
package struct ChunkScan: Sendable {
    private var live: NamespaceTree.Records.Iterator?
    private var differences: NamespaceTree.Records.Differences?
    /// Trees to look at, the last first, each against one that names the rest.
    private var pairs: [(tree: NamespaceTree, newer: NamespaceTree)] = []

    package init(_ state: NamespaceState) {
        live = state.tree.records.makeIterator()
        let versions = state.history.versions
        for (position, version) in versions.enumerated() {
            pairs.append((version.tree, position + 1 < versions.count ? versions[position + 1].tree : state.tree))
        }
    }

    /// What a tree names and another, if there is one, does not at the same place.
    package init(_ tree: NamespaceTree, besides other: NamespaceTree?) {
        if let other { pairs = [(tree, other)] } else { live = tree.records.makeIterator() }
    }

    /// What an earlier state of a file system named and the present one may not.
    package init(_ earlier: NamespaceState, besides state: NamespaceState) {
        pairs = [(earlier.tree, state.tree)]
        let versions = earlier.history.versions
        for (position, version) in versions.enumerated() where state.history[version.id] == nil {
            pairs.append((version.tree, position + 1 < versions.count ? versions[position + 1].tree : earlier.tree))
        }
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
            guard let (tree, newer) = pairs.popLast() else { return found.isEmpty ? nil : found }
            differences = tree.records.differences(from: newer.records)
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

extension NamespaceTree {
    /// Files of which some content lies in one of these chunks. Looks at every record.
    package func countFiles(naming chunks: Set<ChunkID>) -> Int {
        var count = 0
        var last: UInt64?
        var records = records.makeIterator()
        while let (key, record) = records.next() {
            guard case .extent(_, let chunk, _) = record, key.inode != last, chunks.contains(chunk.id) else { continue }
            last = key.inode
            count += 1
        }
        return count
    }
}
