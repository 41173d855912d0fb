import Filesystem
import Primitives
import Replication

// Reading and writing open files of a network file system: windows in flight, write-behind, COMMIT.

extension NodeState {
    mutating func nfsRead(
        _ id: HandleID, _ offset: UInt64, _ length: UInt32, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        let handle = try nfsHandle(id, session, operation)
        guard length <= NFSWindows.transfer * 4 else {
            throw .failure(FileFailure(.invalid, operation: operation.name, object: operation.object, cause: "more than 4 MiB asked for"))
        }
        // What was written and not yet sent must be seen by one's own reads.
        if handle.writes > 0 || handle.held != nil || handle.writesInFlight > 0 {
            _ = try flush(handle, session, operation, close: false, &progress)
        }
        let place = Step(.call)
        if progress.begun[place] == nil {
            guard handle.readsInFlight < NFSWindows.readsInFlight else {
                try waitForHandle(id, session, &progress)
            }
            updateHandle(session.id, id) { $0.readsInFlight += 1 }
        }
        let answer: (results: [FileResult], data: Payload?)
        do {
            answer = try compound(place, [.read(handle.inode, offset: offset, length: length)], session, &progress)
        } catch .failure(let failure) {
            updateHandle(session.id, id) { $0.readsInFlight -= 1 }
            wakeHandle(id)
            throw .failure(failure)
        }
        updateHandle(session.id, id) { $0.readsInFlight -= 1 }
        wakeHandle(id)
        if case .failed(let failure)? = answer.results.last { throw .failure(failure.about(operation)) }
        guard case .data(let length, let end)? = answer.results.last else { throw .failure(unexpected(operation)) }
        progress.attachment = answer.data
        return .data(length: length, endOfFile: end)
    }

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
        guard handle.writesInFlight < NFSWindows.dirtyLimit else { try waitForHandle(id, session, &progress) }
        let position = offset == .max ? handle.size : offset
        updateHandle(session.id, id) { $0.size = max($0.size, position + UInt64(payload.length)) }
        if handle.held == nil, handle.writes == 0, handle.writesInFlight == 0 {
            updateHandle(session.id, id) { $0.held = (position, payload.buffer, payload.length) }
            return .written(length: payload.length)
        }
        if let held = handle.held {
            updateHandle(session.id, id) { $0.held = nil }
            sendBehind(session, id, held.offset, Payload(buffer: held.payload, length: held.length), into: &effects)
        }
        keptPayloads.insert(payload.buffer)
        sendBehind(session, id, position, payload, into: &effects)
        return .written(length: payload.length)
    }

    private mutating func sendBehind(
        _ session: SessionContext, _ handle: HandleID, _ offset: UInt64, _ payload: Payload, into effects: inout [Effect]
    ) {
        updateHandle(session.id, handle) {
            $0.writesInFlight += 1
            $0.writes += 1
        }
        keptPayloads.insert(payload.buffer)
        begin(.background(.flush(session.id, handle, offset: offset, payload)), deadline: now + .seconds(120), into: &effects)
    }

    /// One write of the write-behind window: waits for its turn, then one compound.
    mutating func performFlush(
        _ session: SessionID, _ handle: HandleID, offset: UInt64, _ payload: Payload, _ progress: inout RequestProgress
    ) throws(Interrupt) {
        guard let client = sessions[session]?.context else { return }
        let place = Step(.write)
        if progress.begun[place] == nil {
            let sending = handleSends[handle] ?? 0
            guard sending < NFSWindows.writesInFlight else { try waitForHandle(handle, client, &progress) }
            handleSends[handle] = sending + 1
        }
        let key = StageKey(session: session, handle: handle)
        let answer = try compound(place, [.write(key, offset: offset, length: payload.length)], client, payload: payload, &progress)
        if case .failed(let failure)? = answer.results.last { throw .failure(failure) }
    }

    mutating func finishFlush(
        _ session: SessionID, _ handle: HandleID, _ payload: Payload, _ failure: FileFailure?, into effects: inout [Effect]
    ) {
        keptPayloads.remove(payload.buffer)
        effects.append(.dropBuffer(payload.buffer))
        if let sending = handleSends[handle] { handleSends[handle] = sending > 1 ? sending - 1 : nil }
        updateHandle(session, handle) {
            $0.writesInFlight -= 1
            if let failure, $0.failure == nil { $0.failure = failure }
        }
        wakeHandle(handle)
    }

    mutating func nfsSync(_ id: HandleID, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress)
        throws(Interrupt) -> FileValue
    {
        let handle = try nfsHandle(id, session, operation)
        guard !handle.replaces else {
            throw .failure(
                FileFailure(
                    .notSupported, operation: operation.name, object: operation.object,
                    cause: "a file that is being replaced is published at close"))
        }
        guard let attributes = try flush(handle, session, operation, close: false, &progress) else { return .done }
        return .attributes(attributes)
    }

    mutating func nfsClose(
        _ id: HandleID, abandon: Bool, _ session: SessionContext, _ operation: FileOperation, _ progress: inout RequestProgress,
        into effects: inout [Effect]
    ) throws(Interrupt) -> FileValue {
        let handle = try nfsHandle(id, session, operation)
        if abandon {
            if let held = handle.held { effects.append(.dropBuffer(held.payload)) }
            let key = StageKey(session: session.id, handle: id)
            if handle.writes > 0 { _ = try compound(Step(.call, 1), [.dropStage(key)], session, &progress) }
            removeHandle(session.id, id)
            return .done
        }
        var attributes: FileAttributes?
        do throws(Interrupt) {
            if let failure = handle.failure { throw Interrupt.failure(failure.about(operation)) }
            if handle.isWritable { attributes = try flush(handle, session, operation, close: true, &progress) }
            // A CLOSE of its own after writing; after reading Linux's client does not wait for it.
            if handle.isWritable, !handle.replaces { _ = try compound(Step(.call, 3), [.close(handle.inode)], session, &progress) }
        } catch .failure(let failure) {
            if let held = sessions[session.id]?.nfs?.handles[id]?.held { effects.append(.dropBuffer(held.payload)) }
            removeHandle(session.id, id)
            throw .failure(failure)
        }
        if let held = sessions[session.id]?.nfs?.handles[id]?.held { effects.append(.dropBuffer(held.payload)) }
        removeHandle(session.id, id)
        if let attributes { return .attributes(attributes) }
        return .done
    }

    private mutating func removeHandle(_ session: SessionID, _ handle: HandleID) {
        _ = sessions.update(session) { $0.nfs?.handles.remove(handle) }
        handleSends[handle] = nil
    }

    /// Waits for the writes in flight, then COMMITs (or publishes) the stage; a single held write
    /// goes in the same compound.
    private mutating func flush(
        _ handle: NFSHandle, _ session: SessionContext, _ operation: FileOperation, close: Bool, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileAttributes? {
        let place = Step(.call, 2)
        let key = StageKey(session: session.id, handle: handle.id)
        if progress.begun[place] == nil {
            guard handle.writesInFlight == 0 else { try waitForHandle(handle.id, session, &progress) }
            if let failure = handle.failure { throw .failure(failure.about(operation)) }
            if handle.held == nil, handle.writes == 0, !handle.replaces { return nil }
        }
        var requests: [FileRequest] = []
        var payload: Payload?
        if let held = handle.held {
            payload = Payload(buffer: held.payload, length: held.length)
            requests.append(.write(key, offset: held.offset, length: held.length))
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
        if !close, let held = sessions[session.id]?.nfs?.handles[handle.id]?.held { droppable.append(held.payload) }
        updateHandle(session.id, handle.id) {
            if !close { $0.held = nil }
            $0.writes = 0
            $0.inode = attributes.inode
            $0.size = attributes.size
        }
        updateCaches(session.id) { caches, now in
            if handle.replaces { caches.forget(handle.inode) }
            caches.learn(attributes, now: now)
        }
        return attributes
    }

    /// Leaves the request until something of this open file has ended.
    func waitForHandleError() -> Interrupt { .waiting }

    private mutating func waitForHandle(_ handle: HandleID, _ session: SessionContext, _ progress: inout RequestProgress) throws(Interrupt)
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
