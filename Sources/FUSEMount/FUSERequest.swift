import CFuse
import Filesystem
import Glibc
import NIOCore

/// One request of the kernel, to be answered exactly once, from any thread (libfuse allows that).
struct FUSERequest: @unchecked Sendable {
    let request: fuse_req_t
    let session: FUSESession
    let number: UInt64

    var caller: Caller {
        guard let context = fuse_req_ctx(request) else { return Caller(user: 0, group: 0) }
        return Caller(user: context.pointee.uid, group: context.pointee.gid)
    }

    private var files: MountedFiles { session.files }

    func fail(_ error: Int32) { fuse_reply_err(request, error) }
    func done() { fuse_reply_err(request, 0) }

    /// The object is the kernel's only if the answer reached it.
    func reply(_ entry: Entry) {
        var told = session.parameters(entry)
        if fuse_reply_entry(request, &told) != 0 { files.forget(entry.number, 1) }
    }

    func reply(created entry: Entry, handle: UInt64) async {
        var told = session.parameters(entry)
        guard atoll_fuse_reply_create(request, &told, handle) != 0 else { return }
        await files.release(handle, owner: 0, endsFlock: false)
        files.forget(entry.number, 1)
    }

    func reply(_ opened: MountedFiles.Opened) async {
        guard atoll_fuse_reply_open(request, opened.handle, opened.keepsCache ? 1 : 0) != 0 else { return }
        await files.release(opened.handle, owner: 0, endsFlock: false)
    }

    func reply(directory handle: UInt64) {
        if atoll_fuse_reply_open(request, handle, 0) != 0 { files.releaseDirectory(handle) }
    }

    func reply(_ attributes: FileAttributes) {
        var status = attributes.status
        fuse_reply_attr(request, &status, session.options.attributeSeconds)
    }

    func reply(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { _ = fuse_reply_buf(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
    }

    func reply(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { _ = fuse_reply_buf(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
    }

    func reply(written count: UInt32) { fuse_reply_write(request, Int(count)) }

    func reply(place: UInt64) { fuse_reply_lseek(request, Int(clamping: place)) }

    func reply(link target: [UInt8]) {
        (target + [0]).withUnsafeBytes { _ = fuse_reply_readlink(request, $0.baseAddress?.assumingMemoryBound(to: CChar.self)) }
    }

    /// As getxattr(2) and listxattr(2): the size alone where no room was given.
    func reply(attribute value: [UInt8], room: Int) {
        if room == 0 {
            fuse_reply_xattr(request, value.count)
        } else if value.count > room {
            fail(ERANGE)
        } else {
            reply(value)
        }
    }

    func reply(_ statistics: FilesystemStatistics) {
        // A quota is what there is; without one nobody tells how much room there is, and 1 PiB stands for it.
        let block: UInt64 = 4_096
        let total = max(statistics.maximumBytes ?? 1 << 50, statistics.bytes)
        var told = statvfs()
        told.f_bsize = UInt(block)
        told.f_frsize = UInt(block)
        told.f_blocks = UInt((total + block - 1) / block)
        told.f_bfree = UInt((total - statistics.bytes) / block)
        told.f_bavail = told.f_bfree
        told.f_files = UInt(statistics.files + statistics.directories) + (1 << 32)
        told.f_ffree = 1 << 32
        told.f_favail = 1 << 32
        told.f_namemax = 255
        fuse_reply_statfs(request, &told)
    }

    func reply(lock: flock) {
        var lock = lock
        fuse_reply_lock(request, &lock)
    }

    /// As many entries as fit. Names of one cookie go together, so that going on behind it misses none.
    func reply(_ items: [DirectoryItem], parent: UInt64, room: Int, withAttributes: Bool) {
        var buffer = [CChar](repeating: 0, count: room)
        var used = 0
        var given: [UInt64] = []
        var groupBegin = (used: 0, given: 0, offset: UInt64(0))
        for item in items {
            if item.offset != groupBegin.offset { groupBegin = (used, given.count, item.offset) }
            var told = fuse_entry_param()
            let attributes = files.told(item)
            if withAttributes, !item.isDot {
                let entry = files.give(item.attributes, at: Place(parent: parent, name: item.name))
                given.append(entry.number)
                told = session.parameters(entry)
            } else {
                told.attr = attributes.status
            }
            let name = item.name + [0]
            let size = buffer.withUnsafeMutableBufferPointer { buffer in
                name.withUnsafeBytes { name in
                    let place = buffer.baseAddress?.advanced(by: used)
                    let text = name.baseAddress?.assumingMemoryBound(to: CChar.self)
                    return withAttributes
                        ? fuse_add_direntry_plus(request, place, room - used, text, &told, Int(bitPattern: UInt(item.offset)))
                        : fuse_add_direntry(request, place, room - used, text, &told.attr, Int(bitPattern: UInt(item.offset)))
                }
            }
            guard size <= room - used else {
                for number in given[groupBegin.given...] { files.forget(number, 1) }
                given.removeLast(given.count - groupBegin.given)
                used = groupBegin.used
                break
            }
            used += size
        }
        let sent = buffer.withUnsafeBufferPointer { fuse_reply_buf(request, $0.baseAddress, used) }
        if sent != 0 { for number in given { files.forget(number, 1) } }
    }
}
