internal import Filesystem
internal import Primitives

// Each operation of the mix as steps; see the table in `WorkloadOperation.meaning`.
extension WorkloadCursor {
    typealias Action = PlannedStep.Action
    static let mebibyte: UInt32 = 1 << 20

    /// One timed operation of these actions.
    func timed(_ operation: WorkloadOperation, _ actions: [Action]) -> [PlannedStep] {
        actions.enumerated().map { PlannedStep(action: $1, operation: operation, isLast: $0 == actions.count - 1) }
    }

    var isVolume: Bool { task.kind == .volume }

    /// Empty where there is nothing to do it on.
    mutating func steps(for operation: WorkloadOperation, ordinal: Int, target: Int, cache: CacheState) -> [PlannedStep] {
        let name = "\(cache == .cold ? "c" : "w")\(ordinal)"
        switch operation {
        case .list:
            return directoryTarget(target).map { timed(operation, [.plain(.list(path: $0, cookie: 0, limit: 1_000))]) } ?? []
        case .stat:
            guard let path = treeFile(operation, target)?.path else { return [] }
            return timed(operation, [.plain(.stat(path: path, followLinks: true))])
        case .openReadClose:
            guard let (path, size) = treeFile(operation, target) else { return [] }
            return timed(operation, readWhole(path, size))
        case .open: return []
        case .readSequential: return sequentialRead(cache)
        case .readRandom: return randomRead(target)
        case .createWriteClose: return create(operation, name, target)
        case .rename, .remove: return renameOrRemove(operation)
        case .publish: return publish(name, target)
        case .poll:
            let list = Action.plain(.list(path: path("/published"), cookie: 0, limit: 1_000))
            return timed(operation, isVolume ? [.plain(.reload(.local, discard: false)), list] : [list])
        case .readLatest, .updateRecord, .lockCycle: return recordSteps(operation, target, cache)
        case .saveCheckpoint: return saveCheckpoint(name, ordinal, cache)
        case .resume: return resume()
        case .putRevision: return putRevision(ordinal, cache)
        case .commit:
            return staged == 0 ? [] : timed(operation, [.plain(.commit(CommitOptions(message: "\(workload.name) \(name)")))])
        case .reload: return staged > 0 ? [] : timed(operation, [.plain(.reload(.latest, discard: false))])
        case .reloadLocal: return staged > 0 ? [] : timed(operation, [.plain(.reload(.local, discard: false))])
        case .contendedUpdate: return contendedUpdate(ordinal, cache)
        case .lockRefused: return lockRefused()
        case .putFile, .commitAll, .acquireLock, .tryCommit, .read, .write, .sync, .close, .makeDirectory, .partitionRead, .partitionWrite,
            .primaryLostRead, .primaryLostWrite:
            return []
        }
    }

    private func treeFile(_ operation: WorkloadOperation, _ target: Int) -> (path: FilePath, size: UInt64)? {
        guard let index = treeTarget(operation, target), let path = Self.treePath(workload, inventory.tree[index]) else { return nil }
        return (path, inventory.tree[index].size)
    }

    private func readWhole(_ path: FilePath, _ size: UInt64) -> [Action] {
        var actions: [Action] = [.open(.scratch, path, .read)]
        var offset: UInt64 = 0
        repeat {
            let length = UInt32(min(UInt64(Self.mebibyte), max(1, size - offset)))
            actions.append(.read(.scratch, offset: offset, length: length))
            offset += UInt64(length)
        } while offset < size
        return actions + [.close(.scratch, abandon: false)]
    }

    private mutating func sequentialRead(_ cache: CacheState) -> [PlannedStep] {
        guard let group = largeGroup else { return [] }
        var steps: [PlannedStep] = []
        var file = (group.first + sequentialFile % group.sequential) % put.large
        if handles[PlannedStep.Slot.sequential.rawValue] != nil, sequentialOffset >= inventory.large[file].size {
            steps.append(PlannedStep(action: .close(.sequential, abandon: false)))
            sequentialFile += 1
            sequentialOffset = 0
            // Reading one again would not be cold.
            if cache == .cold, sequentialFile >= group.sequential { return [] }
            file = (group.first + sequentialFile % group.sequential) % put.large
        }
        if handles[PlannedStep.Slot.sequential.rawValue] == nil || !steps.isEmpty {
            sequentialOffset = 0
            steps += timed(.open, [.open(.sequential, largePath(file), .read)])
        }
        let length = UInt32(min(UInt64(Self.mebibyte), max(1, inventory.large[file].size - sequentialOffset)))
        steps += timed(.readSequential, [.read(.sequential, offset: sequentialOffset, length: length)])
        sequentialOffset += UInt64(length)
        return steps
    }

    private mutating func randomRead(_ target: Int) -> [PlannedStep] {
        guard let (file, offset) = randomPlace(target) else { return [] }
        var steps: [PlannedStep] = []
        let isOpen = handles[PlannedStep.Slot.random.rawValue] != nil
        if isOpen, randomFile != file { steps.append(PlannedStep(action: .close(.random, abandon: false))) }
        if !isOpen || randomFile != file { steps += timed(.open, [.open(.random, largePath(file), .read)]) }
        randomFile = file
        return steps + timed(.readRandom, [.read(.random, offset: offset, length: 4_096)])
    }

    private mutating func create(_ operation: WorkloadOperation, _ name: String, _ target: Int) -> [PlannedStep] {
        let path = own(name)
        created.append(path)
        staged += 1
        return timed(
            operation,
            [
                .open(.scratch, path, .create(mode: 0o644, exclusive: false, truncate: true)),
                .write(.scratch, offset: 0, smallPayload(target)), .close(.scratch, abandon: false),
            ])
    }

    private mutating func renameOrRemove(_ operation: WorkloadOperation) -> [PlannedStep] {
        if operation == .rename {
            guard !created.isEmpty else { return [] }
            let path = created.removeFirst()
            let to = path.parent.appending((path.name ?? []) + Array(".renamed".utf8))
            renamed.append(to)
            staged += 1
            return timed(operation, [.plain(.rename(from: path, to: to, noReplace: false))])
        }
        guard let path = renamed.popLast() ?? created.popLast() else { return [] }
        staged += 1
        return timed(operation, [.plain(.remove(path: path, recursive: false))])
    }

    private mutating func publish(_ name: String, _ target: Int) -> [PlannedStep] {
        let final = path("/published/\(task.region)-r\(task.repetition)-\(name)")
        let part = own(name + ".part")
        staged += 1
        var actions: [Action] = [
            .open(.scratch, part, .create(mode: 0o644, exclusive: false, truncate: true)),
            .write(.scratch, offset: 0, smallPayload(target)), .close(.scratch, abandon: false),
            .plain(.rename(from: part, to: final, noReplace: false)),
        ]
        if isVolume { actions.append(.plain(.commit(CommitOptions(message: "publish \(name)")))) }
        return timed(.publish, actions)
    }

    private mutating func recordSteps(_ operation: WorkloadOperation, _ target: Int, _ cache: CacheState) -> [PlannedStep] {
        let size = workload.inputs.recordSize
        let range = LockRange(start: 0, length: .max)
        if operation == .lockCycle {
            var steps: [PlannedStep] = []
            if handles[PlannedStep.Slot.lock.rawValue] == nil {
                steps.append(PlannedStep(action: .open(.lock, recordPath(0), .write)))
            }
            // Ranges apart from those of other regions: what is timed is the lock, not the waiting for one.
            let start = seed(7, 0) % (1 << 40) + UInt64(target)
            let own = LockRange(start: start + (1 << 40), length: 1)
            return steps + timed(operation, [.lock(.lock, own), .unlock(.lock, own)])
        }
        let isUpdate = operation == .updateRecord
        guard let record = recordTarget(target, updated: isUpdate) else { return [] }
        let path = recordPath(record)
        let read: [Action] = [.open(.scratch, path, .read), .read(.scratch, offset: 0, length: size), .close(.scratch, abandon: false)]
        guard isUpdate else {
            return timed(operation, (isVolume ? [.plain(.reload(.latest, discard: false))] : []) + read)
        }
        let payload = Payload.record(seed: seed(cache == .cold ? 4 : 5, target), length: size)
        guard isVolume else {
            return timed(
                operation,
                [
                    .open(.scratch, path, .write), .lock(.scratch, range), .read(.scratch, offset: 0, length: size),
                    .write(.scratch, offset: 0, payload), .sync(.scratch), .unlock(.scratch, range), .close(.scratch, abandon: false),
                ])
        }
        staged += 1
        return timed(
            operation,
            [.plain(.reload(.latest, discard: false))] + read + [
                .open(.scratch, path, .replace(mode: 0o644, refuseExisting: false)), .write(.scratch, offset: 0, payload),
                .close(.scratch, abandon: false), .plain(.commit(CommitOptions(ifUnchanged: true, message: "record"))),
            ])
    }

    /// A checkpoint's content: a large input with a salt of its own, so that no copy of it is stored yet.
    func checkpointWrites(file: Int, salt: UInt64) -> [Action] {
        let size = min(workload.inputs.checkpointSize, inventory.large[file].size)
        return pieces(of: size).map { .write(.scratch, offset: $0, .large(file, salt: salt, offset: $0, length: $1)) }
    }

    func pieces(of size: UInt64) -> [(offset: UInt64, length: UInt32)] {
        stride(from: UInt64(0), to: size, by: Int(Self.mebibyte)).map { ($0, UInt32(min(UInt64(Self.mebibyte), size - $0))) }
    }

    private mutating func saveCheckpoint(_ name: String, _ ordinal: Int, _ cache: CacheState) -> [PlannedStep] {
        guard !inventory.large.isEmpty else { return [] }
        let file = (task.repetition + ordinal) % inventory.large.count
        let writes = checkpointWrites(file: file, salt: seed(cache == .cold ? 8 : 9, ordinal) | 1)
        let final = own(name + ".checkpoint")
        staged += 1
        guard isVolume else {
            let part = own(name + ".part")
            return timed(
                .saveCheckpoint,
                [.open(.scratch, part, .create(mode: 0o644, exclusive: false, truncate: true))] + writes
                    + [.close(.scratch, abandon: false), .plain(.rename(from: part, to: final, noReplace: false))])
        }
        return timed(
            .saveCheckpoint,
            [.open(.scratch, final, .replace(mode: 0o644, refuseExisting: false))] + writes
                + [.close(.scratch, abandon: false), .plain(.commit(CommitOptions(message: "checkpoint \(name)")))])
    }

    private func resume() -> [PlannedStep] {
        guard !inventory.large.isEmpty else { return [] }
        let size = min(workload.inputs.checkpointSize, inventory.large[task.repetition % inventory.large.count].size)
        let read = readWhole(path("/checkpoints/\(task.repetition)"), size)
        return timed(.resume, (isVolume ? [.plain(.reload(.latest, discard: false))] : []) + read)
    }

    private mutating func putRevision(_ ordinal: Int, _ cache: CacheState) -> [PlannedStep] {
        guard put.large > 0 else { return [] }
        let file = (task.repetition + ordinal) % put.large
        let revision = Revision(
            of: inventory.large[file].size, edits: workload.inputs.edits, editSize: workload.inputs.editSize,
            seed: seed(cache == .cold ? 10 : 11, ordinal))
        staged += 1
        var actions: [Action] = [.open(.scratch, largePath(file), .replace(mode: 0o644, refuseExisting: false))]
        for piece in pieces(of: revision.size) {
            actions.append(
                .write(.scratch, offset: piece.offset, .revised(file, revision, offset: piece.offset, length: piece.length)))
        }
        actions.append(.close(.scratch, abandon: false))
        if isVolume { actions.append(.plain(.commit(CommitOptions(message: "revision \(ordinal)", wait: .all)))) }
        return timed(.putRevision, actions)
    }
}
