import Filesystem
package import Namespace
package import Primitives
import Replication

/// What a check of a file system on a node that does not run found: its rules, and its content.
package struct NamespaceCheck: Sendable {
    package struct Absent: Sendable, Hashable {
        package let chunk: ChunkID
        /// Placement wants it on this node: it was lost. Otherwise another node has it.
        package let isLost: Bool
        /// Files of the live tree that need it, three at most; none where only earlier versions do.
        package var paths: [String] = []
    }

    package let statistics: NamespaceStatistics
    package let versions: Int
    /// Chunks that the tree, its versions and conflicts name.
    package private(set) var chunks = 0
    package private(set) var absentHere = 0
    package private(set) var lost = 0
    /// Of these, the first hundred of each sort.
    package private(set) var absent: [Absent] = []
    /// Rules that do not hold, a hundred at most.
    package private(set) var faults: [String]

    package var isSound: Bool { faults.isEmpty && lost == 0 }
    private static let shown = 100

    /// Nil for a group that holds no file system.
    package init?(_ group: StoredMachines.Group, of machines: StoredMachines, on node: NodeID, holds: (ChunkID) -> Bool) {
        guard let namespace = group.machine.files?.namespace else { return nil }
        statistics = namespace.tree.statistics
        versions = namespace.history.versions.count
        faults = namespace.faults()
        for version in namespace.history.versions {
            for fault in version.tree.faults() where faults.count < Self.shown { faults.append("\(version.id): \(fault)") }
        }
        if let snapshot = group.record, snapshot.id != group.machine.filesystem {
            faults.append("the catalog says that this group is \(snapshot.id)")
        }
        let region = machines.catalog.nodes[node]?.region
        var seen: Set<ChunkID> = []
        var scan = ChunkScan(namespace)
        while let found = scan.next(limit: 4_096) {
            for chunk in found where seen.insert(chunk.id).inserted {
                chunks += 1
                guard !holds(chunk.id) else { continue }
                absentHere += 1
                let isWanted = group.record.flatMap { record in
                    region.map { machines.wants(chunk.id, on: node, in: record, region: $0) }
                }
                if isWanted ?? false { lost += 1 }
                if absent.count(where: { $0.isLost == (isWanted ?? false) }) < Self.shown {
                    absent.append(Absent(chunk: chunk.id, isLost: isWanted ?? false))
                }
            }
        }
        guard lost > 0 else { return }
        let names = namespace.tree.paths(naming: Set(absent.filter(\.isLost).map(\.chunk)), limit: 3)
        for index in absent.indices {
            absent[index].paths = (names[absent[index].chunk] ?? []).map { "/" + String(decoding: $0, as: UTF8.self) }
        }
    }
}
