import Filesystem
import Primitives
import Replication

// Writing open files of a network file system: windows in flight, write-behind, COMMIT.

extension NodeState {
    /// Accepts a write: held back if it is the first, else sent behind the caller's back while the
    /// window has room.
    mutating func nfsWrite(
        _ id: HandleID, _ offset: UInt64, _ payload: Payload?, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress, into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        let handle = try nfsHandle(id, session, operation)
        guard handle.isWritable else {
            throw .failure(FileFailure(.badHandle, operation: operation.name, object: operation.object, cause: "it is open for reading"))
        }
        if let failure = handle.failure { throw .failure(failure.about(operation)) }
        guard let payload, payload.length > 0 else { return .written(length: 0) }
        guard !handle.isFlushing, handle.writesInFlight < NFSWindows.dirtyLimit else { try waitForHandle(id, session, &progress) }
        let position = offset == .max ? handle.size : offset
        let overwrites = position < handle.size
        dropReads(session.id, handle.inode)
        updateHandle(session.id, id) { $0.size = max($0.size, position + UInt64(payload.length)) }
        if handle.held == nil, handle.writes == 0, handle.writesInFlight == 0 {
            updateHandle(session.id, id) { $0.held = (position, payload.buffer, payload.length, overwrites) }
            return .written(length: payload.length)
        }
        if let held = handle.held {
            updateHandle(session.id, id) { $0.held = nil }
            let earlier = Payload(buffer: held.payload, length: held.length)
            sendBehind(session, id, held.offset, earlier, overwrites: held.overwrites, into: &effects)
        }
        keptPayloads.insert(payload.buffer)
        sendBehind(session, id, position, payload, overwrites: overwrites, into: &effects)
        return .written(length: payload.length)
    }

    private mutating func sendBehind(
        _ session: SessionContext, _ handle: HandleID, _ offset: UInt64, _ payload: Payload, overwrites: Bool, into effects: inout [Effect]
    ) {
        updateHandle(session.id, handle) {
            $0.writesInFlight += 1
            $0.writes += 1
        }
        keptPayloads.insert(payload.buffer)
        begin(
            .background(.flush(session.id, handle, offset: offset, overwrites: overwrites, payload)), deadline: now + .seconds(120),
            into: &effects)
    }

    /// One write of the write-behind window: waits for its turn, then one compound.
    mutating func performFlush(
        _ session: SessionID, _ handle: HandleID, offset: UInt64, overwrites: Bool, _ payload: Payload, _ progress: inout RequestProgress
    ) throws(Interrupt) {
        guard let client = sessions[session]?.context else { return }
        let place = Step(.write)
        if progress.begun[place] == nil {
            let sending = handleSends[handle] ?? 0
            guard sending < NFSWindows.writesInFlight else { try waitForHandle(handle, client, &progress) }
            handleSends[handle] = sending + 1
        }
        let key = StageKey(session: session, handle: handle)
        let write = FileRequest.write(key, offset: offset, length: payload.length, overwrites: overwrites)
        let answer = try compound(place, [write], client, payload: payload, &progress)
        if case .failed(let failure)? = answer.results.last { throw .failure(failure) }
    }

    mutating func finishFlush(
        _ session: SessionID, _ handle: HandleID, _ payload: Payload, _ failure: FileFailure?, cost: OperationCost,
        into effects: inout [Effect]
    ) {
        keptPayloads.remove(payload.buffer)
        effects.append(.dropBuffer(payload.buffer))
        if let sending = handleSends[handle] { handleSends[handle] = sending > 1 ? sending - 1 : nil }
        updateHandle(session, handle) {
            $0.writesInFlight -= 1
            $0.behind = $0.behind + cost
            if let failure, $0.failure == nil { $0.failure = failure }
        }
        wakeHandle(handle)
    }

    mutating func nfsSync(_ id: HandleID, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress)
        throws(Interrupt) -> FileValue
    {
        let handle = try nfsHandle(id, session, operation)
        guard !handle.replaces else { throw .failure(unpublished(operation)) }
        guard let attributes = try flush(handle, session, operation, &progress) else { return .done }
        return .attributes(attributes)
    }

    mutating func nfsClose(
        _ id: HandleID, abandon: Bool, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        let handle = try nfsHandle(id, session, operation)
        if abandon {
            let key = StageKey(session: session.id, handle: id)
            // Writes under way would begin the stage anew behind its end.
            guard handle.writesInFlight == 0 else { try waitForHandle(id, session, &progress) }
            if handle.writes > 0 { _ = try compound(Step(.call, 1), [.dropStage(key)], session, &progress) }
            removeHandle(session.id, id, into: &effects)
            return .done
        }
        var attributes: FileAttributes?
        do throws(Interrupt) {
            if let failure = handle.failure { throw Interrupt.failure(failure.about(operation)) }
            if handle.isWritable { attributes = try flush(handle, session, operation, &progress) }
            // A CLOSE of its own after writing; after reading Linux's client does not wait for it.
            if handle.isWritable, !handle.replaces { _ = try compound(Step(.call, 3), [.close(handle.inode)], session, &progress) }
        } catch .failure(let failure) {
            removeHandle(session.id, id, into: &effects)
            throw .failure(failure)
        }
        removeHandle(session.id, id, into: &effects)
        if let attributes { return .attributes(attributes) }
        return .done
    }

    private mutating func removeHandle(_ session: SessionID, _ handle: HandleID, into effects: inout [Effect]) {
        let removed = sessions.update(session) { $0.nfs?.handles.remove(handle) } ?? nil
        if let held = removed?.held { effects.append(.dropBuffer(held.payload)) }
        handleSends[handle] = nil
        wakeHandle(handle)
    }

    func unpublished(_ operation: FileOperation) -> FileFailure {
        FileFailure(
            .notSupported, operation: operation.name, object: operation.object, cause: "a file that is being replaced is published at close"
        )
    }

    /// An operation on an open file is over, however it ended: what it had taken is given back. A
    /// close that failed has closed the file all the same.
    mutating func releaseHandle(
        _ session: SessionID, _ operation: FileOperation, _ progress: RequestProgress, failed: Bool, into effects: inout [Effect]
    ) {
        releaseRead(progress, into: &effects)
        if let handle = progress.reading {
            updateHandle(session, handle) { $0.readsInFlight -= 1 }
            wakeHandle(handle)
        }
        if let handle = progress.committing {
            if let inode = sessions[session]?.nfs?.handles[handle]?.inode { dropReads(session, inode) }
            updateHandle(session, handle) {
                $0.isFlushing = false
                // Whether the server has published the stage is not known; one held write can be sent again.
                guard $0.held == nil, $0.failure == nil else { return }
                $0.failure = FileFailure(
                    .ioError, operation: operation.name, object: operation.object, cause: "an earlier commit of it was not answered",
                    hint: "open it and write it again")
            }
            wakeHandle(handle)
        }
        guard failed, case .close(let handle, _) = operation else { return }
        if sessions[session]?.nfs != nil {
            removeHandle(session, handle, into: &effects)
        } else {
            let removed = updateVolume(session) { $0.handles.remove(handle) } ?? nil
            if let stage = removed?.stage { effects.append(.dropStage(stage)) }
        }
    }

    /// Waits for the writes in flight, then COMMITs (or publishes) the stage; a single held write
    /// goes in the same compound.
    mutating func flush(
        _ handle: NFSHandle, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileAttributes? {
        if let committed = progress.committed { return committed }
        let place = Step(.call, 2)
        let key = StageKey(session: session.id, handle: handle.id)
        if progress.begun[place] == nil {
            guard !handle.isFlushing, handle.writesInFlight == 0 else { try waitForHandle(handle.id, session, &progress) }
            if let failure = handle.failure { throw .failure(failure.about(operation)) }
            if handle.held == nil, handle.writes == 0, !handle.replaces { return nil }
            updateHandle(session.id, handle.id) { $0.isFlushing = true }
            progress.committing = handle.id
        }
        var requests: [FileRequest] = []
        var payload: Payload?
        if let held = handle.held {
            payload = Payload(buffer: held.payload, length: held.length)
            requests.append(.write(key, offset: held.offset, length: held.length, overwrites: held.overwrites))
        }
        let writes = handle.writes + (handle.held == nil ? 0 : 1)
        if case .replace(let mode, let refuseExisting) = handle.mode {
            requests.append(
                .replace(directory: .root, path: handle.path, mode: mode, refuseExisting: refuseExisting, stage: key, writes: writes))
        } else {
            requests.append(.commit(handle.inode, stage: key, writes: writes))
        }
        let answer = try compoundOrFail(place, requests, session, operation, payload: payload, change: true, &progress)
        guard case .attributes(let attributes)? = answer.results.last else { throw .failure(unexpected(operation)) }
        if let held = handle.held { droppable.append(held.payload) }
        // The window lets two writes wait at the same time.
        progress.cost = progress.cost + handle.behind.perWindow
        progress.committing = nil
        progress.committed = attributes
        updateHandle(session.id, handle.id) {
            $0.isFlushing = false
            $0.behind = OperationCost()
            $0.held = nil
            $0.writes = 0
            $0.inode = attributes.inode
            $0.size = attributes.size
            $0.change = attributes.changeID
        }
        confirmReads(session.id, attributes)
        updateCaches(session.id) { caches, now in
            if handle.replaces { caches.forget(handle.inode) }
            caches.learn(attributes, now: now)
        }
        wakeHandle(handle.id)
        return attributes
    }

    /// Leaves the request until something of this open file has ended.
    mutating func waitForHandle(_ handle: HandleID, _ session: SessionContext, _ progress: inout RequestProgress) throws(Interrupt)
        -> Never
    {
        handleWaiters[handle, default: []].append(currentKey)
        throw .waiting
    }

    mutating func wakeHandle(_ handle: HandleID) {
        guard let waiting = handleWaiters.removeValue(forKey: handle) else { return }
        runnable.append(contentsOf: waiting)
    }
}

extension OperationCost {
    /// The waits of writes sent one behind the other, as their window lets them overlap.
    fileprivate var perWindow: OperationCost {
        var cost = self
        let window = UInt32(NFSWindows.writesInFlight)
        cost.wideAreaRoundTrips = (wideAreaRoundTrips + window - 1) / window
        return cost
    }
}
