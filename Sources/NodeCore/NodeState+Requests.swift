import Filesystem
import Primitives
import Replication

// Running requests: begin, interrupt, resume, end, and the sweep that ends those whose time is over.

extension NodeState {
    /// Takes a request in, runs it as far as it goes.
    mutating func begin(_ kind: RequestKind, deadline: Instant, into effects: inout [Effect]) {
        guard !requests.isFull else {
            let failure = FileFailure(
                .overloaded, operation: "request", object: "node \(settings.id)", cause: "\(RequestTable.capacity) requests are under way",
                hint: "try again")
            finish(kind, progress: RequestProgress(), with: .failure(failure), into: &effects)
            return
        }
        if case .operation = kind { counters.operations += 1 }
        let key = requests.insert(RequestRecord(kind: kind, began: now, deadline: deadline))
        runnable.append(key)
    }

    /// Runs what became runnable, and what that makes runnable, until nothing is.
    mutating func runPending(into effects: inout [Effect]) {
        repeat {
            flushCalls(into: &effects)
            let batch = runnable
            runnable.removeAll(keepingCapacity: true)
            // Several waits of one request that end together run it once.
            for (place, key) in batch.enumerated() where place == 0 || batch[place - 1] != key { run(key, into: &effects) }
            let ends = laterEnds
            laterEnds.removeAll(keepingCapacity: true)
            for end in ends { resolve(end.token, end.value) }
        } while !runnable.isEmpty || !freshCalls.isEmpty
        effects.append(contentsOf: laterEffects)
        laterEffects.removeAll(keepingCapacity: true)
        for buffer in droppable { effects.append(.dropBuffer(buffer)) }
        droppable.removeAll(keepingCapacity: true)
    }

    private mutating func run(_ key: RequestTable.Key, into effects: inout [Effect]) {
        guard var record = requests.take(key) else { return }
        currentKey = key
        currentDeadline = record.deadline
        do throws(Interrupt) {
            let outcome = try execute(record.kind, &record.progress, into: &effects)
            requests.forget(record)
            finish(record.kind, progress: record.progress, with: .success(outcome), into: &effects)
        } catch {
            switch error {
            case .waiting: requests.putBack(key, record)
            case .failure(let failure):
                requests.forget(record)
                finish(record.kind, progress: record.progress, with: .failure(failure), into: &effects)
            }
        }
    }

    private mutating func execute(_ kind: RequestKind, _ progress: inout RequestProgress, into effects: inout [Effect])
        throws(Interrupt) -> RequestOutcome
    {
        switch kind {
        case .open(_, let filesystem, let options):
            return .session(try performOpen(filesystem, options, &progress, into: &effects))
        case .operation(_, let session, let operation, let payload):
            return .value(try perform(operation, session: session, payload: payload, &progress, into: &effects))
        case .catalog(_, let envelope, let operation):
            return .catalog(try performCatalog(envelope, operation: operation, &progress, into: &effects))
        case .compound(let from, _, let compound, let stamp, let payload):
            try performCompound(compound, stamp: stamp, from: from, payload: payload, &progress, into: &effects)
            return .compound
        case .background(let task):
            try performBackground(task, &progress, into: &effects)
            return .value(.done)
        case .clone(_, _, let order):
            try serveClone(order, &progress, into: &effects)
            return .value(.done)
        }
    }

    /// Begins a step once; on later runs gives its end, or waits for it.
    mutating func step(
        _ step: Step, _ progress: inout RequestProgress, begin: (inout NodeState, WaitToken) -> Void
    ) throws(Interrupt) -> StepValue {
        if let value = progress.ended[step] {
            if case .failed(let failure) = value { throw .failure(failure) }
            return value
        }
        if progress.begun[step] == nil {
            let token = requests.makeToken()
            progress.begun[step] = token
            requests.expect(token, request: currentKey, step: step)
            begin(&self, token)
        }
        throw .waiting
    }

    /// The end of a step: its request is run again. False where nobody waits any more.
    @discardableResult
    mutating func resolve(_ token: WaitToken, _ value: StepValue, cost: OperationCost = OperationCost()) -> Bool {
        endStamp(token, wasApplied: value.wasApplied)
        guard let (key, step) = requests.resolve(token), var record = requests.take(key) else { return false }
        record.progress.ended[step] = value
        record.progress.cost = record.progress.cost + cost
        requests.putBack(key, record)
        runnable.append(key)
        return true
    }

    private mutating func endStamp(_ token: WaitToken, wasApplied: Bool) {
        guard let (group, stamp) = stampsInUse.removeValue(forKey: token) else { return }
        _ = proposers.update(group) { $0.end(stamp, wasApplied: wasApplied) }
    }

    /// Answers whoever asked, once.
    private mutating func finish(
        _ kind: RequestKind, progress: RequestProgress, with outcome: Result<RequestOutcome, FileFailure>, into effects: inout [Effect]
    ) {
        switch kind {
        case .open(let request, _, _):
            switch outcome {
            case .success(.session(let id)): effects.append(.reply(request, .session(id)))
            case .success: preconditionFailure("a session was opened with another outcome")
            case .failure(let failure): effects.append(.reply(request, .failed(failure)))
            }
        case .operation(let request, let session, let operation, let payload):
            finishOperation(request, session, operation, payload, progress, outcome, into: &effects)
        case .catalog(let request, _, _):
            switch outcome {
            case .success(.catalog(let reply)): effects.append(.reply(request, .catalog(reply)))
            case .success: preconditionFailure("a change of the catalog ended as something else")
            case .failure(let failure): effects.append(.reply(request, .failed(failure)))
            }
        case .compound(let from, let call, _, let stamp, let payload):
            var results = progress.results
            let key = ServedCall(node: from, call: call)
            // The bytes of our own call stay with the call: it may have to be sent again.
            if let payload, from != settings.id { effects.append(.dropBuffer(payload.buffer)) }
            if case .failure(let failure) = outcome {
                if failure.code == .unavailable {
                    if let attachment = progress.attachment { effects.append(.dropBuffer(attachment.buffer)) }
                    served[key] = nil
                    answer(call, to: from, .notLeader(nil), into: &effects)
                    return
                }
                results.append(.failed(failure))
            }
            // Writes to a stage count too: a second one would be counted twice.
            remember(key, results, isChange: stamp != nil || payload != nil)
            answer(call, to: from, .compound(results), attachment: progress.attachment, into: &effects)
        case .clone(let from, let call, _):
            served[ServedCall(node: from, call: call)] = nil
            if case .failure(let failure) = outcome {
                answer(call, to: from, .failed(failure), into: &effects)
            } else {
                answer(call, to: from, .done, into: &effects)
            }
        case .background(let task):
            finishBackground(task, outcome, progress, into: &effects)
        }
    }

    private mutating func finishOperation(
        _ request: RequestID, _ session: SessionID, _ operation: FileOperation, _ payload: Payload?, _ progress: RequestProgress,
        _ outcome: Result<RequestOutcome, FileFailure>, into effects: inout [Effect]
    ) {
        if let payload, !payloadIsKept(operation, session, payload) { effects.append(.dropBuffer(payload.buffer)) }
        _ = sessions.update(session) { $0.active -= $0.active > 0 ? 1 : 0 }
        var failed = false
        if case .failure = outcome { failed = true }
        releaseHandle(session, operation, progress, failed: failed, into: &effects)
        if failed, progress.holdsVersion, updateVolume(session, { $0.hasUpload }) == true, let group = sessions[session]?.group {
            _ = updateVolume(session) { $0.hasUpload = false }
            dropUploads(of: session, group, into: &effects)
        }
        if progress.holdsVersion {
            _ = updateVolume(session) { $0.isChangingVersion = false }
            runnable.append(contentsOf: versionWaiters.removeValue(forKey: session) ?? [])
        }
        switch outcome {
        case .success(.value(let value)):
            counters.wideAreaRoundTrips += UInt64(progress.cost.wideAreaRoundTrips)
            counters.wideAreaBytes += progress.cost.wideAreaBytes
            effects.append(
                .reply(request, .outcome(FileOutcome(value: value, cost: progress.cost), data: progress.attachment?.buffer)))
        case .success: preconditionFailure("an operation ended as something else")
        case .failure(let failure):
            counters.operationFailures += 1
            if let attachment = progress.attachment { effects.append(.dropBuffer(attachment.buffer)) }
            effects.append(.reply(request, .failed(failure)))
        }
    }

    /// The front end no longer waits for this request.
    mutating func abandon(_ request: RequestID, into effects: inout [Effect]) {
        for key in requests.order {
            guard let record = requests.peek(key) else { continue }
            switch record.kind {
            case .open(request, _, _), .operation(request, _, _, _), .catalog(request, _, _): expire(key, record, into: &effects)
            default: continue
            }
        }
    }

    private mutating func expire(_ key: RequestTable.Key, _ record: RequestRecord, into effects: inout [Effect]) {
        _ = requests.take(key)
        requests.forget(record)
        // Nobody asks for the results any more; in any order: each takes a stamp of its own from a table.
        for (_, token) in record.progress.begun { endStamp(token, wasApplied: false) }
        let failure = FileFailure(
            .timedOut, operation: record.kind.name, object: object(of: record.kind),
            cause: "no answer before the deadline, waiting for \(waitingFor(record))",
            hint: adviceAfterDeadline(record))
        finish(record.kind, progress: record.progress, with: .failure(failure), into: &effects)
    }

    private func adviceAfterDeadline(_ record: RequestRecord) -> String {
        guard case .operation(_, let session, let operation, _) = record.kind else {
            if case .open = record.kind { return "nothing was changed; try again" }
            return "whether it happened is not known; look before you repeat it"
        }
        if operation.changesNothing { return "nothing was changed; try again" }
        let progress = record.progress
        if case .commit = operation, let version = progress.published, let group = sessions[session]?.group {
            let whole = regionsWhole(version, group)
            let place = whole.isEmpty ? "" : ", and complete in \(whole.map(\.name).joined(separator: ", "))"
            return "\(version) is published\(place); the copies go on, see `atoll volume status`"
        }
        if case .commit = operation, progress.begun[Step(.propose)] == nil, progress.publication == nil, progress.pending == nil,
            sessions[session]?.volume?.pending == nil
        {
            return "nothing was published; commit again"
        }
        return "whether it happened is not known; look before you repeat it"
    }

    /// Every 50 ms while anything waits: deadlines, and calls that are due again.
    mutating func sweep(into effects: inout [Effect]) {
        sweepArmed = false
        for key in requests.order {
            guard let record = requests.peek(key) else { continue }
            if record.deadline <= now { expire(key, record, into: &effects) }
        }
        requests.compactOrder()
        let due = pauses.filter { $0.until <= now }
        pauses.removeAll { $0.until <= now }
        for pause in due { resolve(pause.token, .done) }
        resendDueCalls(into: &effects)
        retryPushes(into: &effects)
    }

    mutating func armSweep(into effects: inout [Effect]) {
        guard !sweepArmed, requests.count > 0 || calls.calls.count > 0 || !remoteWaits.isEmpty || !pushRetries.isEmpty || !pushes.isEmpty
        else { return }
        sweepArmed = true
        effects.append(.startTimer(.sweep, generation: 0, at: now + .milliseconds(50)))
    }
}

/// What a request's program ended with.
enum RequestOutcome {
    case session(SessionID)
    case value(FileValue)
    case catalog(CatalogResult)
    /// Its results are in the progress.
    case compound
}
