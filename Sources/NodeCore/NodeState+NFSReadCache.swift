import Filesystem
import Primitives
import Replication

// Reading open files of a network file system: what is kept of earlier reads, readahead, and one READ in
// flight. Buffers that the cache gives up go into `droppable`: they are dropped after the slices that
// the same event takes of them.

extension NodeState {
    mutating func nfsRead(
        _ id: HandleID, _ offset: UInt64, _ length: UInt32, _ session: SessionContext, _ operation: FileOperation,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        var handle = try nfsHandle(id, session, operation)
        guard length <= NFSWindows.transfer * 4 else {
            throw .failure(FileFailure(.invalid, operation: operation.name, object: operation.object, cause: "more than 4 MiB asked for"))
        }
        guard !handle.replaces else { throw .failure(unpublished(operation)) }
        if let slice = progress.slice { return try sliced(slice, id, offset, session, &progress) }
        let place = Step(.call)
        let isRead = progress.begun[place] != nil
        if !isRead {
            // What was written and not yet sent must be seen by one's own reads.
            if handle.isFlushing || handle.writes > 0 || handle.held != nil || handle.writesInFlight > 0 {
                _ = try flush(handle, session, operation, &progress)
                handle = try nfsHandle(id, session, operation)
            }
            let file = NFSReadCache.File(session.id, handle.inode)
            if let hit = readCache.find(file, offset: offset, length: length, now: now, lifetime: session.options.attributeCache) {
                return try sliced(hit, id, offset, session, &progress)
            }
            guard handle.readsInFlight < NFSWindows.readsInFlight else { try waitForHandle(id, session, &progress) }
            updateHandle(session.id, id) { $0.readsInFlight += 1 }
            progress.reading = id
            progress.ticket = readCache.begin(file, change: handle.change)
        }
        let asked = isRead ? length : withReadahead(id, offset, length, session)
        let answer = try compound(place, [.read(handle.inode, offset: offset, length: asked)], session, &progress)
        if case .failed(let failure)? = answer.results.last { throw .failure(failure.about(operation)) }
        guard case .data(let count, let end)? = answer.results.last else { throw .failure(unexpected(operation)) }
        return try fetched(answer.data, count, endOfFile: end, id, offset, length, session, &progress)
    }

    /// How much a READ asks for: a reader that goes on where it ended, or begins with the file, gets a whole
    /// transfer of what the file is known to have.
    private func withReadahead(_ id: HandleID, _ offset: UInt64, _ length: UInt32, _ session: SessionContext) -> UInt32 {
        guard let handle = sessions[session.id]?.nfs?.handles[id], session.options.attributeCache > .zero,
            length < NFSWindows.transfer, offset == 0 || offset == handle.nextRead, offset < handle.size
        else { return length }
        return max(length, UInt32(min(UInt64(NFSWindows.transfer), handle.size - offset)))
    }

    /// A READ was answered: its bytes are kept, and the caller gets a part that is its own.
    private mutating func fetched(
        _ data: Payload?, _ count: UInt32, endOfFile: Bool, _ id: HandleID, _ offset: UInt64, _ length: UInt32,
        _ session: SessionContext, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        progress.takesData = true
        let given = min(length, count)
        let isKept: Bool
        // An answer without a buffer has no bytes, wherever the file ends.
        if let ticket = progress.ticket, session.options.attributeCache > .zero, (data?.length ?? 0) == count {
            isKept = readCache.keep(
                ticket, offset: offset, length: count, buffer: count > 0 ? data?.buffer : nil, endsFile: endOfFile, now: now,
                dropped: &droppable)
            if isKept, count == 0, let data { droppable.append(data.buffer) }
        } else {
            isKept = false
        }
        if !isKept, given == count {
            updateHandle(session.id, id) { $0.nextRead = offset + UInt64(given) }
            progress.attachment = data
            return .data(length: count, endOfFile: endOfFile)
        }
        if !isKept, let data { droppable.append(data.buffer) }
        let hit = NFSReadCache.Hit(
            buffer: given > 0 ? data?.buffer : nil, offset: 0, length: given, endOfFile: endOfFile && given == count)
        return try sliced(hit, id, offset, session, &progress)
    }

    /// A part of a kept buffer, as a buffer of its own: either may then be dropped.
    private mutating func sliced(
        _ hit: NFSReadCache.Hit, _ id: HandleID, _ offset: UInt64, _ session: SessionContext, _ progress: inout RequestProgress
    ) throws(Interrupt) -> FileValue {
        progress.slice = hit
        if let buffer = hit.buffer, hit.length > 0 {
            let value = try step(Step(.buffer), &progress) { node, token in
                node.laterEffects.append(.sliceBuffer(buffer, offset: hit.offset, length: hit.length, token))
            }
            guard case .bytes(let payload) = value else { preconditionFailure("a slice ended as \(value)") }
            progress.attachment = payload
        }
        updateHandle(session.id, id) { $0.nextRead = offset + UInt64(hit.length) }
        return .data(length: hit.length, endOfFile: hit.endOfFile)
    }

    /// A read is over, however it ended; what came for it and went nowhere is dropped.
    mutating func releaseRead(_ progress: RequestProgress, into effects: inout [Effect]) {
        if let ticket = progress.ticket { readCache.end(ticket) }
        if progress.reading != nil, !progress.takesData, case .results(_, let data?)? = progress.ended[Step(.call)] {
            effects.append(.dropBuffer(data.buffer))
        }
        if progress.slice != nil, progress.attachment == nil, case .bytes(let payload)? = progress.ended[Step(.buffer)] {
            effects.append(.dropBuffer(payload.buffer))
        }
    }

    /// Attributes came from the server: what is kept of the file is confirmed, or ended.
    mutating func confirmReads(_ session: SessionID, _ attributes: FileAttributes) {
        guard attributes.type == .file else { return }
        readCache.confirm(
            NFSReadCache.File(session, attributes.inode), change: attributes.changeID, now: now, dropped: &droppable)
    }

    /// The session writes, locks or removes a file.
    mutating func dropReads(_ session: SessionID, _ inode: InodeID) {
        readCache.drop(NFSReadCache.File(session, inode), dropped: &droppable)
    }

    /// Ranges of files that are kept for later reads, their buffers, and their bytes.
    package var keptReads: (ranges: Int, buffers: Int, bytes: UInt64) { (readCache.count, readCache.buffers, readCache.bytes) }
}
