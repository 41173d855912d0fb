import Filesystem
import NFSProtocol
import Namespace
import Primitives

// Registered clients and their locks, as the leader of a file system's group and its machine keep them.

extension MemoryFiles {
    /// The server ends without a word: what it had open is gone, and what was not in the files.
    mutating func endServer() { handles = handles.filter { $0.value.node != node } }
}

extension MemoryFiles.Share {
    private func isSilent(_ number: UInt64, _ now: Instant) -> Bool { heard[number].map { $0 + NFSClientTable.lease <= now } ?? true }

    mutating func perform(_ request: NFSClientRequest, of node: NodeID, now: Instant) throws(FileFailure) -> FileValue {
        func refused(_ code: FileFailure.Code) -> FileFailure {
            FileFailure(code, operation: request.word, object: "test", cause: "it is so")
        }
        func owner(_ name: NFSLockName) -> LockOwner { LockOwner(node: node, session: SessionID(name.client), owner: name.owner) }
        switch request {
        case .register(let identity):
            guard let made = clients.register(identity, of: node, at: WallTime(nanoseconds: 0)) else { throw refused(.overloaded) }
            release(made.ended)
            heard[made.registration.number] = now
            return .client(.registered(made.registration))
        case .lock(let inode, let range, let exclusive, let name, let reclaim):
            guard let entry = clients.entry(name.client, of: node) else { throw refused(.badHandle) }
            guard namespace.contains(inode) else { throw refused(.stale) }
            if reclaim {
                let former = clients.predecessors(of: entry)
                func isFormer(_ held: LockOwner) -> Bool {
                    held == owner(name)
                        || name.isSameOwner(held.owner) && former.contains { $0.node == held.node && $0.session == held.session }
                }
                guard locks.takeOver(inode, range, exclusive: exclusive, from: isFormer, to: owner(name)) else { throw refused(.invalid) }
                return .done
            }
            while let holder = locks.conflict(inode, range, exclusive: exclusive, owner: owner(name))?.owner {
                guard isSilent(holder.session.rawValue, now), let entry = clients.entry(holder.session.rawValue, of: holder.node) else {
                    throw refused(.wouldBlock)
                }
                clients.end(entry.number)
                release([entry])
            }
            guard locks.grant(inode, range, exclusive: exclusive, owner: owner(name)) else { throw refused(.overloaded) }
            return .done
        case .unlock(let inode, let range, let name):
            guard clients.entry(name.client, of: node) != nil else { throw refused(.badHandle) }
            _ = locks.release(inode, range, owner: owner(name))
            return .done
        case .testLock(let inode, let range, let exclusive, let name):
            let found = locks.conflict(inode, range, exclusive: exclusive, owner: owner(name))
            return .lock(
                found.flatMap { isSilent($0.owner.session.rawValue, now) ? nil : RangeLock(range: $0.range, exclusive: $0.exclusive) })
        case .complete(let number):
            guard let entry = clients.entry(number, of: node) else { throw refused(.badHandle) }
            release(clients.complete(entry))
            return .done
        case .end(let number):
            guard let entry = clients.entry(number, of: node) else { return .done }
            clients.end(number)
            release([entry])
            return .done
        case .renew(let numbers):
            let unknown = numbers.filter { clients.entry($0, of: node) == nil }
            for number in numbers where !unknown.contains(number) { heard[number] = now }
            return .client(.unknown(unknown))
        case .list:
            return .client(
                .list(
                    clients.entries.map { NFSClientStatus(entry: $0, leaseLeft: .zero) },
                    locks.all.map { NFSLockStatus(inode: $0.inode, lock: $0.lock) }))
        }
    }

    private mutating func release(_ ended: [NFSClientEntry]) {
        for entry in ended { locks.releaseAll(node: entry.node, session: entry.session) }
    }
}

extension NFSClientRequest {
    var word: String {
        switch self {
        case .register: "register"
        case .lock: "lock"
        case .unlock: "unlock"
        case .testLock: "test_lock"
        case .complete: "complete"
        case .end: "end"
        case .renew: "renew"
        case .list: "list"
        }
    }
}
