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
        guard let files = group.machine.files else { return nil }
        self = Self.examine(files.namespace, group, machines, node, holds)
    }

    // Apart from the failable initialiser: together they end the optimiser of Swift 6.3.1 (copy propagation).
    @inline(never) private static func examine(
        _ namespace: NamespaceState, _ group: StoredMachines.Group, _ machines: StoredMachines, _ node: NodeID, _ holds: (ChunkID) -> Bool
    ) -> NamespaceCheck {
        var check = NamespaceCheck(namespace)
        if let record = group.record, record.id != group.machine.filesystem {
            check.faults.append("the catalog says that this group is \(record.id)")
        }
        let region = machines.catalog.nodes[node]?.region
        check.look(in: namespace) { chunk in
            guard !holds(chunk) else { return .here }
            guard let record = group.record, let region else { return .elsewhere }
            return machines.wants(chunk, on: node, in: record, region: region) ? .lost : .elsewhere
        }
        if check.lost > 0 { check.nameFiles(of: namespace.tree) }
        return check
    }

    private init(_ namespace: NamespaceState) {
        statistics = namespace.tree.statistics
        versions = namespace.history.versions.count
        faults = namespace.faults()
        for version in namespace.history.versions {
            for fault in version.tree.faults() where faults.count < Self.shown { faults.append("\(version.id): \(fault)") }
        }
    }

    private enum Place {
        case here, elsewhere, lost
    }

    private mutating func look(in namespace: NamespaceState, _ place: (ChunkID) -> Place) {
        var seen: Set<ChunkID> = []
        var scan = ChunkScan(namespace)
        while let found = scan.next(limit: 4_096) {
            for chunk in found where seen.insert(chunk.id).inserted { note(chunk.id, place(chunk.id)) }
        }
    }

    private mutating func note(_ chunk: ChunkID, _ place: Place) {
        chunks += 1
        guard place != .here else { return }
        absentHere += 1
        let isLost = place == .lost
        if isLost { lost += 1 }
        if absent.count(where: { $0.isLost == isLost }) < Self.shown { absent.append(Absent(chunk: chunk, isLost: isLost)) }
    }

    private mutating func nameFiles(of tree: NamespaceTree) {
        let names = tree.paths(naming: Set(absent.filter(\.isLost).map(\.chunk)), limit: 3)
        for index in absent.indices {
            absent[index].paths = (names[absent[index].chunk] ?? []).map { "/" + String(decoding: $0, as: UTF8.self) }
        }
    }
}
