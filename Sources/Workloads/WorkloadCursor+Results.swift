internal import Filesystem
internal import Primitives

// From planned steps to operations, and from their results to samples.
extension WorkloadCursor {
    /// The next step with its handle filled in; nil where the handle could not be had.
    mutating func ready() -> WorkloadStep? {
        let step = queue[position]
        func handle(_ slot: PlannedStep.Slot) -> HandleID? { handles[slot.rawValue] }
        let call: (FileOperation, Payload?)? =
            switch step.action {
            case .plain(let operation): (operation, nil)
            case .open(_, let path, let mode): (.open(path: path, mode: mode), nil)
            case .read(let slot, let offset, let length): handle(slot).map { (.read(handle: $0, offset: offset, length: length), nil) }
            case .write(let slot, let offset, let payload): handle(slot).map { (.write(handle: $0, offset: offset), payload) }
            case .sync(let slot): handle(slot).map { (.sync(handle: $0), nil) }
            case .close(let slot, let abandon): handle(slot).map { (.close(handle: $0, abandon: abandon), nil) }
            case .lock(let slot, let range): handle(slot).map { (.lock(handle: $0, range: range, exclusive: true, wait: true), nil) }
            case .unlock(let slot, let range): handle(slot).map { (.unlock(handle: $0, range: range), nil) }
            }
        guard let call else { return nil }
        if let operation = step.operation, current == nil { current = emptySample(operation) }
        return .perform(call.0, payload: call.1)
    }

    private func emptySample(_ operation: WorkloadOperation) -> Sample {
        var cache = CacheState.cold
        if case .dealing(let state) = stage { cache = state }
        return Sample(
            workload: workload.name, kind: task.kind, region: task.region, operation: operation, cache: cache, repetition: task.repetition,
            latency: .zero)
    }

    mutating func succeed(_ outcome: FileOutcome, took: Duration) {
        precondition(position < queue.count, "a result without a step")
        let step = queue[position]
        position += 1
        failuresInRow = 0
        current?.latency += took
        if let cost = current?.cost { current?.cost = cost + outcome.cost }
        noteAlone(step, took: took, cost: outcome.cost, failure: nil)
        if step.isRefused {
            let failure = FileFailure(
                .invalid, operation: "lock", object: "\(recordPath(0))", cause: "it was granted on a volume, where it holds for nobody else"
            )
            current?.failure = failure
        }
        note(step, outcome.value)
        guard step.operation != nil, step.isLast, let sample = current else { return }
        samples.append(sample)
        current = nil
        pages = 0
        commitTries = 0
    }

    private mutating func note(_ step: PlannedStep, _ value: FileValue) {
        switch (step.action, value) {
        case (.open(let slot, _, _), .opened(let handle, _)): handles[slot.rawValue] = handle
        case (.close(let slot, _), _): handles[slot.rawValue] = nil
        case (.read, .data(let length, _)): current?.bytesRead += UInt64(length)
        case (.write(_, _, let payload), _): current?.bytesWritten += UInt64(payload.length)
        case (.plain(.list(let path, _, let limit)), .entries(_, let cookie?)):
            // A directory of several pages: the same operation goes on.
            pages += 1
            guard pages < Self.pagesMax else { break }
            queue[position - 1].isLast = false
            let next = PlannedStep(
                action: .plain(.list(path: path, cookie: cookie, limit: limit)), operation: step.operation, isLast: step.isLast)
            queue.insert(next, at: position)
        case (.plain(.commit), _), (.plain(.reload(_, discard: true)), _): staged = 0
        default: break
        }
    }

    mutating func fail(_ failure: FileFailure, took: Duration) {
        precondition(position < queue.count, "a result without a step")
        let step = queue[position]
        if triesAgain(step, failure, took: took) { return }
        if step.isRefused, failure.code == .notSupported {
            refusal = failure
            return refused(took)
        }
        if step.alone != .tryCommit || failure.code != .conflict { noteAlone(step, took: took, cost: nil, failure: failure) }
        failuresInRow += 1
        if case .close(let slot, _) = step.action { handles[slot.rawValue] = nil }
        if step.operation == .createWriteClose { created = created.dropLast() }
        if step.operation == .rename { renamed = renamed.dropLast() }
        if step.operation != nil, var sample = current {
            sample.latency += took
            sample.failure = failure
            samples.append(sample)
        }
        let wasTimed = step.operation != nil
        dropSample()
        if failuresInRow >= Self.failuresMax || (!wasTimed && isPrelude) {
            gaveUp = failure
            queue = []
            position = 0
        } else if wasTimed {
            queue.insert(contentsOf: cleanUp(after: step.operation), at: position)
        }
    }

    /// What was timed was that it is refused.
    private mutating func refused(_ took: Duration) {
        if var sample = current {
            sample.latency += took
            samples.append(sample)
        }
        failuresInRow = 0
        current = nil
        position += 1
    }

    private var isPrelude: Bool {
        if case .prelude = stage { true } else { false }
    }

    /// Leaves out what remains of the operation under way (or one untimed step).
    mutating func dropSample() {
        current = nil
        pages = 0
        commitTries = 0
        guard position < queue.count else { return }
        let operation = queue[position].operation
        repeat {
            let step = queue[position]
            position += 1
            if operation == nil || step.isLast { break }
        } while position < queue.count && queue[position].operation == operation
    }

    /// What a failed operation leaves behind.
    private mutating func cleanUp(after operation: WorkloadOperation?) -> [PlannedStep] {
        var steps: [PlannedStep] = []
        if handles[PlannedStep.Slot.scratch.rawValue] != nil { steps.append(PlannedStep(action: .close(.scratch, abandon: true))) }
        if operation == .contendedUpdate, handles[PlannedStep.Slot.lock.rawValue] != nil {
            // Closing gives back what it has locked.
            steps.append(PlannedStep(action: .close(.lock, abandon: true)))
        }
        if task.kind == .volume, staged > 0 || operation?.writes == true {
            steps.append(PlannedStep(action: .plain(.reload(.latest, discard: true))))
            created = []
            renamed = []
        }
        return steps
    }
}
