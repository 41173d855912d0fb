internal import Filesystem
internal import Primitives

// The preparation: inputs put from the primary region, once a kind.
extension WorkloadCursor {
    /// What is still to be put, in this order: records, checkpoints, large files, the tree.
    struct Preparation: Sendable {
        enum Item: Sendable { case record(Int), checkpoint(Int), large(Int), tree(Int) }
        var items: [Item] = []
        var position = 0
        var committed = false
        /// Items that are put even after the time limit.
        var largeMin = 0
        var treeMin = 0

        init(_ workload: Workload, _ inventory: InputInventory) {
            for index in 0..<workload.inputs.records { items.append(.record(index)) }
            if workload.count(.resume, .cold) > 0, !inventory.large.isEmpty {
                for index in 0..<workload.repetitions { items.append(.checkpoint(index)) }
            }
            if [.readSequential, .readRandom, .putRevision].contains(where: { workload.count($0, .cold) > 0 }) {
                for index in inventory.large.indices { items.append(.large(index)) }
            }
            for index in inventory.tree.indices { items.append(.tree(index)) }
            largeMin = min(inventory.large.count, 2 * workload.repetitions)
            treeMin = min(inventory.tree.count, 12 * workload.repetitions)
        }
    }

    /// Nil where everything is put (or the time is up) and committed.
    mutating func planPreparation(isLate: Bool) -> [PlannedStep]? {
        while preparation.position < preparation.items.count {
            let item = preparation.items[preparation.position]
            preparation.position += 1
            if isLate, mayBeLeftOut(item) { continue }
            staged += 1
            return timed(.putFile, putActions(item))
        }
        guard isVolume, !preparation.committed else { return nil }
        preparation.committed = true
        return timed(.commitAll, [.plain(.commit(CommitOptions(message: "\(workload.name): inputs", wait: .all)))])
    }

    private func mayBeLeftOut(_ item: Preparation.Item) -> Bool {
        switch item {
        case .record, .checkpoint: false
        case .large: put.large >= preparation.largeMin
        case .tree: put.tree >= preparation.treeMin
        }
    }

    private mutating func putActions(_ item: Preparation.Item) -> [Action] {
        let path: FilePath
        let writes: [Action]
        switch item {
        case .record(let index):
            path = recordPath(index)
            let size = workload.inputs.recordSize
            writes = [.write(.scratch, offset: 0, .record(seed: SeededGenerator.mix(workload.seed &+ UInt64(index)), length: size))]
            put.bytes += UInt64(size)
        case .checkpoint(let repetition):
            path = self.path("/checkpoints/\(repetition)")
            writes = checkpointWrites(file: repetition % inventory.large.count, salt: UInt64(repetition) << 1 | 1)
            put.bytes += min(workload.inputs.checkpointSize, inventory.large[repetition % inventory.large.count].size)
        case .large(let index):
            path = largePath(index)
            let size = inventory.large[index].size
            writes = pieces(of: size).map { .write(.scratch, offset: $0, .large(index, salt: 0, offset: $0, length: $1)) }
            put.large += 1
            put.bytes += size
        case .tree(let index):
            let file = inventory.tree[index]
            guard let named = Self.treePath(workload, file) else { preconditionFailure("\(file.name) is no path") }
            path = named
            writes = pieces(of: file.size).map { .write(.scratch, offset: $0, .tree(index, offset: $0, length: $1)) }
            put.tree += 1
            put.bytes += file.size
        }
        return [.open(.scratch, path, .replace(mode: 0o644, refuseExisting: false))] + writes + [.close(.scratch, abandon: false)]
    }
}
