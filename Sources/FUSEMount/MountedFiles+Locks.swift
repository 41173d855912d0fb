import Filesystem
import Primitives
import Synchronization

/// Whose lock: a process (fcntl) or an open file (flock) on this machine, by the kernel's number.
struct LockKey: Hashable {
    enum Kind: Hashable { case process, file }
    let node: UInt64
    let kind: Kind
    let owner: UInt64
}

// Locks that hold between hosts, of network file systems. The seam's owner of a lock is an open handle, so that each
// owner here has a handle of its own for as long as it holds something.

extension MountedFiles {
    /// How often a lock that is waited for is asked for.
    private static let (firstPause, longestPause) = (Duration.milliseconds(20), Duration.milliseconds(500))

    private func requireLocks() throws(FileFailure) {
        guard options.kind == .nfs else {
            throw .refused(.notSupported, "lock", "a volume has no locks that hold between hosts")
        }
    }

    private func locker(_ key: LockKey) async throws(FileFailure) -> HandleID {
        if let known = state.withLock({ $0.lockers[key] }) { return known }
        let operation = FileOperation.open(path: try path(key.node), mode: .read)
        guard case .opened(let handle, _) = try await ask(operation) else { throw unexpected(operation) }
        let first = state.withLock { state -> HandleID in
            if let known = state.lockers[key] { return known }
            state.lockers[key] = handle
            return handle
        }
        if first != handle { _ = try? await ask(.close(handle: handle, abandon: true)) }
        return first
    }

    /// Waits, where it shall, until it is free or the task is cancelled.
    func lock(_ key: LockKey, _ range: LockRange, exclusive: Bool, waits: Bool) async throws(FileFailure) {
        try requireLocks()
        let handle = try await locker(key)
        var pause = Self.firstPause
        while true {
            do throws(FileFailure) {
                try await ask(.lock(handle: handle, range: range, exclusive: exclusive, wait: false))
                break
            } catch {
                guard error.code == .wouldBlock, waits, !Task.isCancelled else { throw error }
                do { try await Task.sleep(for: pause) } catch { throw .refused(.wouldBlock, "lock", "interrupted") }
                pause = min(pause * 2, Self.longestPause)
            }
        }
        // Who takes a lock sees what its last holder has written.
        try await flush(key.node)
        state.withLock { state in state.nodes.update(key.node) { $0.cachedChange = nil } }
        if let tell = notify.withLock({ $0 }) { await tell(key.node, .content) }
    }

    func unlock(_ key: LockKey, _ range: LockRange) async throws(FileFailure) {
        try requireLocks()
        guard let handle = state.withLock({ $0.lockers[key] }) else { return }
        // And who gives it back leaves nothing behind that its next holder would miss.
        var failure: FileFailure?
        do throws(FileFailure) { try await flush(key.node) } catch { failure = error }
        try await ask(.unlock(handle: handle, range: range))
        if let failure { throw failure }
    }

    func test(_ key: LockKey, _ range: LockRange, exclusive: Bool) async throws(FileFailure) -> RangeLock? {
        try requireLocks()
        let operation = FileOperation.testLock(handle: try await locker(key), range: range, exclusive: exclusive)
        guard case .lock(let found) = try await ask(operation) else { throw unexpected(operation) }
        return found
    }

    /// All that an owner holds of an object: when a process closes the file, or an open file ends.
    func releaseLocks(_ number: UInt64, _ kind: LockKey.Kind, _ owner: UInt64) async {
        let key = LockKey(node: number, kind: kind, owner: owner)
        guard let handle = state.withLock({ $0.lockers.removeValue(forKey: key) }) else { return }
        _ = try? await ask(.unlock(handle: handle, range: LockRange(start: 0, length: .max)))
        _ = try? await ask(.close(handle: handle, abandon: true))
    }
}
