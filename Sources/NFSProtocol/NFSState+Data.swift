import Filesystem
import Primitives

// READ, WRITE, COMMIT (RFC 8881 §18.22, §18.32, §18.3).

extension NFSState {
    mutating func read(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let given = try arguments.stateID()
        let offset = try arguments.uint64()
        let count = try arguments.uint32()
        let key = try object(run.current, orElse: .isdir)
        try requireFile(key, run)
        if let state = try state(given, key, &run) {
            guard access(of: state) & NFSShare.read != 0 else { throw .status(.openmode) }
        } else {
            try require(.read, on: .object(key.filesystem, key.inode), &run, 1)
            try requireNoDeny(NFSShare.read, key)
        }
        // What is around the bytes in the reply.
        let room = run.replyLimit - run.size - 128
        guard room > 0 else { throw .status(.repTooBig) }
        let length = min(count, UInt32(min(limits.transferBytes, room)))
        guard offset < 1 << 63 else { throw .status(.inval) }
        let handle = try readHandle(key, &run)
        let operation = FileOperation.read(handle: handle.handle, offset: offset, length: length)
        switch try attempt(&run, 3, handle.user, operation) {
        case .success((.data(_, let endOfFile), let data)):
            giveBackIfOwn(handle, key, &run)
            run.body.write(endOfFile)
            run.body.write(UInt32(data.count))
            run.data = data
        case .success: throw .status(.serverfault)
        case .failure(let failure):
            if failure.code == .badHandle { forget(handle, key) } else { giveBackIfOwn(handle, key, &run) }
            throw .status(NFSStatus(failure))
        }
    }

    private func requireFile(_ key: ObjectKey, _ run: CompoundRun) throws(Stop) {
        guard let known = run.known[.object(key.filesystem, key.inode)], known.type != .file else { return }
        throw .status(known.type == .directory ? .isdir : run.minor > 0 && known.type != .symlink ? .wrongType : .inval)
    }

    /// Without an open of one's own, another's denial counts.
    private func requireNoDeny(_ access: UInt32, _ key: ObjectKey) throws(Stop) {
        for number in objects[key]?.opens ?? [] where (states[number]?.deny ?? 0) & access != 0 { throw .status(.locked) }
    }

    /// The object's handle: where something is written and not in the file, that through which it was written. Without one the
    /// operation opens the file for itself.
    private mutating func readHandle(_ key: ObjectKey, _ run: inout CompoundRun) throws(Stop) -> SeamHandle {
        if let chosen = run.handle { return chosen }
        let object = objects[key]
        if run.answers[2] == nil, let handle = object?.pending != nil ? object?.writer : object?.reader ?? object?.writer {
            run.handle = handle
            return handle
        }
        let user = own(key.filesystem)
        guard case .opened(let id, _) = try file(&run, 2, user, .open(path: key.path, mode: .read)).value else {
            throw .status(.serverfault)
        }
        run.handle = SeamHandle(user: user, handle: id)
        return run.handle!
    }

    /// A handle that the operation opened for itself is closed.
    private mutating func giveBackIfOwn(_ handle: SeamHandle, _ key: ObjectKey, _ run: inout CompoundRun) {
        guard run.answers[2] != nil, objects[key]?.writer != handle, objects[key]?.reader != handle else { return }
        post(.file(handle.user, .close(handle: handle.handle, abandon: false), payload: []))
    }

    /// The session of the seam has ended, and the handle with it.
    private mutating func forget(_ handle: SeamHandle, _ key: ObjectKey) {
        if objects[key]?.reader == handle { objects[key]!.reader = nil }
        if objects[key]?.writer == handle { lost(key) }
    }

    // MARK: Writing

    mutating func write(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let given = try arguments.stateID()
        let offset = try arguments.uint64()
        let stable = try arguments.uint32()
        let data = try arguments.opaque(limit: limits.recordBytes)
        let key = try object(run.current, orElse: .isdir)
        guard stable <= 2 else { throw .status(.badxdr) }
        try requireFile(key, run)
        if let state = try state(given, key, &run) {
            guard access(of: state) & NFSShare.write != 0 else { throw .status(.openmode) }
        } else {
            try require(.write, on: .object(key.filesystem, key.inode), &run, 1)
            try requireNoDeny(NFSShare.write, key)
        }
        guard data.count <= limits.transferBytes else { throw .status(.inval) }
        guard offset <= UInt64(Int64.max) - UInt64(data.count) else { throw .status(.fbig) }
        // As of before the write: a loss meanwhile is one of this write too.
        if run.losses == nil { run.losses = losses }
        let told = verifier(run.losses!)
        if data.isEmpty { return wrote(0, 2, told, &run) }
        let handle = try writeHandle(key, &run)
        let operation = FileOperation.write(handle: handle.handle, offset: offset)
        switch try attempt(&run, 3, handle.user, operation, payload: run.answers[3] == nil ? Array(data) : []) {
        case .success: break
        case .failure(let failure):
            if failure.code == .badHandle || failure.code == .ioError { forget(handle, key) }
            throw .status(NFSStatus(failure))
        }
        if !run.isWritten {
            run.isWritten = true
            wrote(offset + UInt64(data.count), key)
        }
        let isOwn = objects[key]?.writer != handle
        if isOwn {
            // Nobody has the file open here: it is in the file at once.
            try file(&run, 4, handle.user, .close(handle: handle.handle, abandon: false))
            wrote(UInt32(data.count), 2, told, &run)
        } else if stable == 0 {
            wrote(UInt32(data.count), 0, told, &run)
        } else {
            try settle(key, &run, 5)
            wrote(UInt32(data.count), 2, told, &run)
        }
        run.known[.object(key.filesystem, key.inode)] = nil
    }

    private mutating func writeHandle(_ key: ObjectKey, _ run: inout CompoundRun) throws(Stop) -> SeamHandle {
        if let chosen = run.handle { return chosen }
        if run.answers[2] == nil, let writer = objects[key]?.writer {
            run.handle = writer
            return writer
        }
        let user = own(key.filesystem)
        guard case .opened(let id, _) = try file(&run, 2, user, .open(path: key.path, mode: .write)).value else {
            throw .status(.serverfault)
        }
        let handle = SeamHandle(user: user, handle: id)
        run.handle = handle
        // Of a file that is open for writing and whose handle was lost, it is the new one.
        let isOpenForWriting = objects[key]?.opens.contains { (states[$0]?.access ?? 0) & NFSShare.write != 0 } ?? false
        if isOpenForWriting, objects[key]?.writer == nil { objects[key]!.writer = handle }
        return handle
    }

    private mutating func wrote(_ end: UInt64, _ key: ObjectKey) {
        guard objects[key] != nil else { return }
        let before = objects[key]!.pending
        objects[key]!.pending = OpenObject.Pending(
            end: max(before?.end ?? 0, end), time: civil, count: (before?.count ?? 0) + 1)
    }

    private func wrote(_ count: UInt32, _ committed: UInt32, _ verifier: [UInt8], _ run: inout CompoundRun) {
        run.body.write(count)
        run.body.write(committed)
        run.body.write(fixed: verifier)
    }

    mutating func commit(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        _ = try arguments.uint64()
        _ = try arguments.uint32()
        let key = try object(run.current, orElse: .isdir)
        try requireFile(key, run)
        try settle(key, &run, 1)
        run.body.write(fixed: verifier)
    }

    /// What was written is in the file, durable as its kind promises. Where it was lost instead, the verifier is another
    /// afterwards, and clients send again what they have not seen committed.
    mutating func settle(_ key: ObjectKey, _ run: inout CompoundRun, _ step: Int) throws(Stop) {
        if run.answers[step] == nil {
            guard let object = objects[key], let pending = object.pending, let writer = object.writer else { return }
            run.settling = pending.count
            run.handle = run.handle ?? writer
        }
        let operation = FileOperation.sync(handle: run.handle!.handle)
        switch try attempt(&run, step, run.handle!.user, operation) {
        case .success:
            guard let count = run.settling else { return }
            run.settling = nil
            if objects[key]?.pending?.count == count { objects[key]?.pending = nil }
            objects[key]?.lossesInARow = 0
            run.known[.object(key.filesystem, key.inode)] = nil
        case .failure(let failure):
            // Its handle goes on to fail.
            if objects[key]?.writer == run.handle { lost(key) }
            switch failure.code {
            case .ioError, .badHandle, .stale:
                guard (objects[key]?.lossesInARow ?? 0) <= 3 else { throw .status(.io) }
            default: throw .status(NFSStatus(failure))
            }
        }
    }
}
