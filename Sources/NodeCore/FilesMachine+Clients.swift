import Filesystem
import Namespace
import Primitives

// Clients of NFS servers, and their locks (docs/rfcs/2026-11-22-nfs-state.md).

extension FilesMachine {
    mutating func perform(_ request: NFSClientRequest, of node: NodeID, at time: WallTime) -> FilesResult {
        switch request {
        case .register(let identity):
            guard let made = nfsClients.register(identity, of: node, at: time) else {
                return .failed(
                    FileFailure(
                        .overloaded, operation: "register", object: "NFS client",
                        cause: "\(NFSClientTable.capacity) clients have state in this file system", hint: "unmount it where it is not used")
                )
            }
            release(made.ended)
            return .registered(made.registration)
        case .lock(let inode, let range, let exclusive, let name, let reclaim):
            guard let entry = nfsClients.entry(name.client, of: node) else { return .failed(Self.unknown("lock", name.client)) }
            return lock(inode, range, exclusive: exclusive, name, of: entry, reclaim: reclaim)
        case .unlock(let inode, let range, let name):
            guard nfsClients.entry(name.client, of: node) != nil else { return .failed(Self.unknown("unlock", name.client)) }
            let owner = LockOwner(node: node, session: SessionID(name.client), owner: name.owner)
            guard locks.release(inode, range, owner: owner) else { return .failed(Self.full("unlock", inode)) }
            return .done
        case .complete(let number):
            guard let entry = nfsClients.entry(number, of: node) else { return .failed(Self.unknown("complete", number)) }
            release(nfsClients.complete(entry))
            return .done
        case .end(let number):
            guard let entry = nfsClients.entry(number, of: node) else { return .done }
            nfsClients.end(number)
            release([entry])
            return .done
        case .testLock, .renew, .list:
            return .failed(FileFailure(.invalid, operation: "apply", object: "NFS client", cause: "it changes nothing"))
        }
    }

    private mutating func lock(
        _ inode: InodeID, _ range: LockRange, exclusive: Bool, _ name: NFSLockName, of entry: NFSClientEntry, reclaim: Bool
    ) -> FilesResult {
        let owner = LockOwner(node: entry.node, session: entry.session, owner: name.owner)
        guard reclaim else { return grantLock(inode, range, exclusive: exclusive, owner) }
        let former = nfsClients.predecessors(of: entry)
        func isFormer(_ held: LockOwner) -> Bool {
            held == owner || name.isSameOwner(held.owner) && former.contains { $0.node == held.node && $0.session == held.session }
        }
        guard locks.takeOver(inode, range, exclusive: exclusive, from: isFormer, to: owner) else {
            return .failed(
                FileFailure(
                    .invalid, operation: "lock", object: "\(inode)", cause: "the client has not held it since it was registered",
                    hint: "lock it anew, and look whether the file has changed"))
        }
        return .done
    }

    private mutating func release(_ ended: [NFSClientEntry]) {
        for entry in ended { locks.releaseAll(node: entry.node, session: entry.session) }
    }

    private static func unknown(_ operation: String, _ number: UInt64) -> FileFailure {
        FileFailure(
            .badHandle, operation: operation, object: "NFS client \(number & 0xffff_ffff)",
            cause: "it is not registered any more: its lease is over, and others wanted what it held", hint: "open the files again")
    }
}
