internal import Filesystem
internal import Primitives

// Clients that want the same record at the same time.
extension WorkloadCursor {
    /// Commits of one update that may be refused because another was first; after that it has failed.
    static let commitTriesMax = 20

    /// One record, changed under a lock on the whole file; on a volume, which has none that hold between
    /// hosts, by a commit that goes through only if nobody else changed the record since it was read.
    mutating func contendedUpdate(_ ordinal: Int, _ cache: CacheState) -> [PlannedStep] {
        let size = workload.inputs.recordSize
        let path = recordPath(0)
        let payload = Payload.record(seed: seed(cache == .cold ? 12 : 13, ordinal), length: size)
        guard isVolume else {
            var steps: [PlannedStep] = []
            if handles[PlannedStep.Slot.lock.rawValue] == nil { steps.append(PlannedStep(action: .open(.lock, path, .write))) }
            let whole = LockRange(start: 0, length: .max)
            var update = timed(
                .contendedUpdate,
                [
                    .lock(.lock, whole), .read(.lock, offset: 0, length: size), .write(.lock, offset: 0, payload), .sync(.lock),
                    .unlock(.lock, whole),
                ])
            update[0].alone = .acquireLock
            return steps + update
        }
        staged += 1
        var update = timed(
            .contendedUpdate,
            [
                .plain(.reload(.latest, discard: false)), .open(.scratch, path, .read), .read(.scratch, offset: 0, length: size),
                .close(.scratch, abandon: false), .open(.scratch, path, .replace(mode: 0o644, refuseExisting: false)),
                .write(.scratch, offset: 0, payload), .close(.scratch, abandon: false),
                .plain(.commit(CommitOptions(ifUnchanged: true, message: "record"))),
            ])
        update[update.count - 1].alone = .tryCommit
        return update
    }

    /// A volume answers that it has no such locks.
    func lockRefused() -> [PlannedStep] {
        var steps: [PlannedStep] = []
        if handles[PlannedStep.Slot.lock.rawValue] == nil {
            steps.append(PlannedStep(action: .open(.lock, recordPath(0), .read)))
        }
        var ask = timed(.lockRefused, [.lock(.lock, LockRange(start: 0, length: .max))])
        ask[0].isRefused = true
        return steps + ask
    }

    /// Another was first: what is staged is given up, and the whole update begins again. False where it
    /// has been tried often enough.
    mutating func triesAgain(_ step: PlannedStep, _ failure: FileFailure, took: Duration) -> Bool {
        guard step.alone == .tryCommit, failure.code == .conflict else { return false }
        noteAlone(step, took: took, cost: nil, failure: failure)
        commitTries += 1
        guard commitTries < Self.commitTriesMax, let start = queue.firstIndex(where: { $0.operation == step.operation }) else {
            return false
        }
        current?.latency += took
        position = start
        queue[start].action = .plain(.reload(.latest, discard: true))
        return true
    }

    /// A step that is also an operation by itself.
    mutating func noteAlone(_ step: PlannedStep, took: Duration, cost: OperationCost?, failure: FileFailure?) {
        guard let operation = step.alone, let whole = current else { return }
        samples.append(
            Sample(
                workload: whole.workload, kind: whole.kind, region: whole.region, operation: operation, cache: whole.cache,
                repetition: whole.repetition, latency: took, cost: cost ?? OperationCost(), failure: failure))
    }
}
