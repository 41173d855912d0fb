import CFuse
import Filesystem
import Glibc
import NIOCore
import Primitives

extension FUSEOperations {
    static func addFiles(_ table: inout fuse_lowlevel_ops) {
        table.open = { request, number, info in
            let flags = info!.pointee.flags
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                await asked.reply(try await asked.session.files.open(UInt64(number), flags: flags))
            }
        }
        table.create = { request, parent, name, mode, info in
            let name = FUSEOperations.bytes(name)
            let flags = info!.pointee.flags
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                let made = try await asked.session.files.create(UInt64(parent), name, mode: mode, flags: flags, by: asked.caller)
                await asked.reply(created: made.entry, handle: made.handle)
            }
        }
        table.read = { request, _, size, offset, info in
            let handle = info!.pointee.fh
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(
                    try await asked.session.files.read(handle, offset: UInt64(offset), length: UInt32(clamping: size)))
            }
        }
        table.write = { request, _, bytes, size, offset, info in
            let handle = info!.pointee.fh
            let buffer = ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: size))
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(written: try await asked.session.files.write(handle, offset: UInt64(offset), buffer))
            }
        }
        table.flush = { request, _, info in
            let (handle, owner) = (info!.pointee.fh, info!.pointee.lock_owner)
            FUSESession.of(request!).carryOut(request!, isRelease: true) { asked throws(FileFailure) in
                try await asked.session.files.close(handle, owner: owner)
                asked.done()
            }
        }
        table.release = { request, _, info in
            let (handle, owner) = (info!.pointee.fh, info!.pointee.lock_owner)
            let endsFlock = atoll_fuse_ends_flock(info) != 0
            FUSESession.of(request!).carryOut(request!, isRelease: true) { asked throws(FileFailure) in
                await asked.session.files.release(handle, owner: owner, endsFlock: endsFlock)
                asked.done()
            }
        }
        table.fsync = { request, number, _, _ in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                try await asked.session.files.synchronize(UInt64(number))
                asked.done()
            }
        }
        table.lseek = { request, number, offset, whence, _ in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                // SEEK_DATA 3, SEEK_HOLE 4; the kernel does the others itself.
                guard offset >= 0 else { throw .refused(.noSuchPlace, "seek", "it is before the file") }
                asked.reply(place: try await asked.session.files.seek(UInt64(number), from: UInt64(offset), hole: whence == 4))
            }
        }
        table.fallocate = { request, number, mode, offset, length, _ in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                try await asked.session.files.allocate(UInt64(number), mode: mode, offset: UInt64(offset), length: UInt64(length))
                asked.done()
            }
        }
    }

    // MARK: Locks

    static func addLocks(_ table: inout fuse_lowlevel_ops) {
        table.getlk = { request, number, info, lock in
            let (owner, asked) = (info!.pointee.lock_owner, lock!.pointee)
            FUSESession.of(request!).carryOut(request!) { request throws(FileFailure) in
                let key = LockKey(node: UInt64(number), kind: .process, owner: owner)
                let found = try await request.session.files.test(key, asked.range, exclusive: Int32(asked.l_type) == F_WRLCK)
                request.reply(lock: asked.answered(found))
            }
        }
        table.setlk = { request, number, info, lock, waits in
            let (owner, asked) = (info!.pointee.lock_owner, lock!.pointee)
            let unlocks = Int32(asked.l_type) == F_UNLCK
            FUSESession.of(request!).carryOut(request!, isLock: true, isRelease: unlocks) { request throws(FileFailure) in
                let key = LockKey(node: UInt64(number), kind: .process, owner: owner)
                if Int32(asked.l_type) == F_UNLCK {
                    try await request.session.files.unlock(key, asked.range)
                } else {
                    try await request.session.files.lock(
                        key, asked.range, exclusive: Int32(asked.l_type) == F_WRLCK, waits: waits != 0)
                }
                request.done()
            }
        }
        table.flock = { request, number, info, operation in
            let owner = info!.pointee.lock_owner
            let whole = LockRange(start: 0, length: .max)
            FUSESession.of(request!).carryOut(request!, isLock: true, isRelease: operation & LOCK_UN != 0) { request throws(FileFailure) in
                let key = LockKey(node: UInt64(number), kind: .file, owner: owner)
                if operation & LOCK_UN != 0 {
                    try await request.session.files.unlock(key, whole)
                } else {
                    try await request.session.files.lock(
                        key, whole, exclusive: operation & LOCK_EX != 0, waits: operation & LOCK_NB == 0)
                }
                request.done()
            }
        }
    }
}

extension flock {
    /// From the start of the file, as the kernel gives it; no length is to the end, however the file grows.
    var range: LockRange { LockRange(start: UInt64(max(0, l_start)), length: l_len == 0 ? .max : UInt64(max(0, l_len))) }

    func answered(_ found: RangeLock?) -> flock {
        var answer = self
        guard let found else {
            answer.l_type = Int16(F_UNLCK)
            return answer
        }
        answer.l_type = Int16(found.exclusive ? F_WRLCK : F_RDLCK)
        answer.l_start = Int(clamping: found.range.start)
        answer.l_len = found.range.length == .max ? 0 : Int(clamping: found.range.length)
        // The holder may be a process of another machine: it has no number here.
        answer.l_pid = 0
        return answer
    }
}
