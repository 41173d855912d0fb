import CDispatch
import CFuse
import Filesystem
import Foundation
import Glibc
import Primitives
import Synchronization

/// A mount: libfuse's session with the kernel. One thread reads requests; each is carried out by a task of its own and
/// answered when that is over, in any order, so that none waits for another and nothing waits on a thread.
///
/// The low-level API of libfuse 3 rather than /dev/fuse by hand: it makes the mount, with or without root, speaks every
/// version of the kernel's protocol, and lets answers come later and from any thread.
package final class FUSESession: @unchecked Sendable {
    package let files: MountedFiles
    package let options: MountOptions
    package let mountPoint: String
    let tasks = RequestTasks()
    /// Kept alive for the C side, which has a pointer to it.
    private var session: OpaquePointer?
    private var operations = fuse_lowlevel_ops()
    /// Each on a thread of its own: one that waits for pages holds up no other. As many as there are requests at most.
    private let notices = DispatchQueue(label: "atoll.mount.notices", attributes: .concurrent)
    private let isOver = Mutex(false)

    package init(files: MountedFiles, mountPoint: String) {
        self.files = files
        options = files.options
        self.mountPoint = mountPoint
    }

    /// Mounts; requests wait in the kernel until `serve`.
    package func mount() throws(MountFailure) {
        var words = "fsname=\(options.source),subtype=atoll,default_permissions"
        if options.allowsOthers { words += ",allow_other" }
        if options.readOnly { words += ",ro" }
        var arguments: [UnsafeMutablePointer<CChar>?] = ["atoll", "-o", words].map { (word: String) in strdup(word) }
        defer { for argument in arguments { free(argument) } }
        let count = Int32(arguments.count)
        operations = FUSEOperations.table(localLocks: options.kind == .volume && options.localLocks)
        let made = arguments.withUnsafeMutableBufferPointer { buffer -> OpaquePointer? in
            var list = fuse_args(argc: count, argv: buffer.baseAddress, allocated: 0)
            defer { fuse_opt_free_args(&list) }
            return fuse_session_new(&list, &operations, MemoryLayout<fuse_lowlevel_ops>.size, Unmanaged.passUnretained(self).toOpaque())
        }
        guard let made else { throw MountFailure("libfuse refused the mount's options") }
        guard fuse_session_mount(made, mountPoint) == 0 else {
            fuse_session_destroy(made)
            throw MountFailure("the kernel refused the mount")
        }
        session = made
        files.notify.withLock { $0 = { [weak self] number, what in await self?.invalidate(number, what) } }
    }

    /// Reads requests until the file system is unmounted; blocks its thread.
    package func serve() {
        guard let session else { return }
        var buffer = fuse_buf()
        while fuse_session_exited(session) == 0 {
            let count = fuse_session_receive_buf(session, &buffer)
            if count == -EINTR { continue }
            if count <= 0 { break }
            fuse_session_process_buf(session, &buffer)
        }
        free(buffer.mem)
        isOver.withLock { $0 = true }
    }

    /// Nothing is served any more: the mount was taken away.
    package var hasEnded: Bool { isOver.withLock { $0 } }

    /// The kernel is told by a thread of its own: it may wait for pages that tasks are filling.
    private func invalidate(_ number: UInt64, _ what: MountedFiles.Staleness) async {
        guard !isOver.withLock({ $0 }) else { return }
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            notices.async { [self] in
                // An offset below 0 leaves the pages alone.
                if let session { fuse_lowlevel_notify_inval_inode(session, number, what == .content ? 0 : -1, 0) }
                done.resume()
            }
        }
    }

    func parameters(_ entry: Entry) -> fuse_entry_param {
        var told = fuse_entry_param()
        told.ino = entry.number
        told.attr = entry.attributes.status
        told.attr_timeout = options.attributeSeconds
        told.entry_timeout = options.attributeSeconds
        return told
    }

    /// Carries a request out. `body` answers it, or throws what the kernel is told.
    func carryOut(
        _ request: fuse_req_t, isLock: Bool = false, isRelease: Bool = false,
        _ body: @escaping @Sendable (FUSERequest) async throws(FileFailure) -> Void
    ) {
        guard let number = tasks.begin(isRelease: isRelease) else {
            fuse_reply_err(request, EAGAIN)
            return
        }
        let asked = FUSERequest(request: request, session: self, number: number)
        fuse_req_interrupt_func(
            request,
            { request, data in
                guard let request, let data else { return }
                FUSESession.of(request).tasks.interrupt(UInt64(UInt(bitPattern: data)))
            }, UnsafeMutableRawPointer(bitPattern: UInt(number)))
        let task = Task { [tasks] in
            do throws(FileFailure) {
                try await body(asked)
            } catch {
                asked.fail(Task.isCancelled && [.timedOut, .unavailable, .wouldBlock].contains(error.code) ? EINTR : error.number)
            }
            tasks.end(number)
        }
        tasks.run(number, task, isLock: isLock)
    }

    static func of(_ request: fuse_req_t) -> FUSESession {
        Unmanaged<FUSESession>.fromOpaque(fuse_req_userdata(request)).takeUnretainedValue()
    }
}
