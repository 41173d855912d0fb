import Filesystem
import Primitives
import Replication

// Clients of NFS servers at the leader of their file system. Their locks outlive the server's sessions, and end only where they are
// silent and somebody else asks for what they hold (courtesy, RFC 8881 §8.4.3), or after a day.

extension NodeState {
    /// A new leader gives each client a whole lease.
    mutating func leaseClients(of group: GroupID) {
        let clients = groups.with(group) { $0.machine.files?.nfsClients.entries ?? [] } ?? []
        for client in clients { leases[ServerSessionKey(group: group, node: client.node, session: client.session)] = now }
    }

    private func leaseLeft(_ key: ServerSessionKey) -> Duration {
        guard let renewed = leases[key], endingClients[key] == nil else { return .zero }
        return max(.zero, NFSClientTable.lease - (now - renewed))
    }

    private func isSilent(_ owner: LockOwner, _ group: GroupID) -> Bool {
        NFSClientTable.isClient(owner.session)
            && leaseLeft(ServerSessionKey(group: group, node: owner.node, session: owner.session)) == .zero
    }

    /// What stands in the way of a lock; what a silent client holds does not.
    func lockInTheWay(_ group: GroupID, _ inode: InodeID, _ range: LockRange, exclusive: Bool, _ owner: LockOwner) -> HeldLock? {
        let found = groups.with(group) { $0.machine.files?.locks.conflict(inode, range, exclusive: exclusive, owner: owner) } ?? nil
        return found.flatMap { isSilent($0.owner, group) ? nil : $0 }
    }

    /// Ends the silent clients that hold what is asked for, one after the other; more than eight wait for the next attempt.
    mutating func endSilentHolders(
        _ group: GroupID, _ inode: InodeID, _ range: LockRange, exclusive: Bool, _ owner: LockOwner, _ number: Int,
        _ progress: inout RequestProgress
    ) throws(Interrupt) {
        for round in 0..<8 {
            let place = Step(.propose, 1_000 + number * 8 + round)
            var silent: LockOwner?
            if progress.begun[place] == nil {
                guard progress.begun[Step(.propose, number)] == nil else { return }
                let found = groups.with(group) { $0.machine.files?.locks.conflict(inode, range, exclusive: exclusive, owner: owner) } ?? nil
                guard let holder = found?.owner, isSilent(holder, group) else { return }
                // From now on it is told that it is gone: a renewal that came behind this would be believed, and its locks granted
                // to another.
                let key = ServerSessionKey(group: group, node: holder.node, session: holder.session)
                endingClients[key] = now
                _ = leases.remove(key)
                silent = holder
            }
            _ = try step(place, &progress) { [silent] node, token in
                let holder = silent!
                let envelope = FilesCommand(stamp: nil, at: node.civil, body: .endSession(holder.node, holder.session)).xdrBytes
                node.call(group, .propose(envelope: envelope), fixed: node.settings.id, token: token)
            }
        }
    }

    mutating func serveClient(_ request: NFSClientRequest, _ number: Int, _ session: ServedSession, _ progress: inout RequestProgress)
        throws(Interrupt) -> FileResult
    {
        func key(_ number: UInt64) -> ServerSessionKey {
            ServerSessionKey(group: session.group, node: session.node, session: SessionID(number))
        }
        switch request {
        case .register:
            let result = try proposeServed(.client(session.node, request), number, session, &progress)
            if case .client(.registered(let registration)) = result { leases[key(registration.number)] = now }
            return result
        case .lock(let inode, let range, let exclusive, let name, reclaim: false):
            let owner = LockOwner(node: session.node, session: SessionID(name.client), owner: name.owner)
            try endSilentHolders(session.group, inode, range, exclusive: exclusive, owner, number, &progress)
            return try proposeServed(.client(session.node, request), number, session, &progress)
        case .lock, .unlock, .complete, .end:
            return try proposeServed(.client(session.node, request), number, session, &progress)
        case .testLock(let inode, let range, let exclusive, let name):
            let owner = LockOwner(node: session.node, session: SessionID(name.client), owner: name.owner)
            let found = lockInTheWay(session.group, inode, range, exclusive: exclusive, owner)
            return .lock(found.map { RangeLock(range: $0.range, exclusive: $0.exclusive) })
        case .renew(let numbers):
            let known = groups.with(session.group) { $0.machine.files?.nfsClients } ?? nil
            var unknown: [UInt64] = []
            for number in numbers {
                guard known?.entry(number, of: session.node) != nil, endingClients[key(number)] == nil else {
                    unknown.append(number)
                    continue
                }
                leases[key(number)] = now
            }
            return .client(.unknown(unknown))
        case .list:
            let files = groups.with(session.group) { $0.machine.files } ?? nil
            let clients = (files?.nfsClients.entries ?? []).map { entry in
                let key = ServerSessionKey(group: session.group, node: entry.node, session: entry.session)
                return NFSClientStatus(entry: entry, leaseLeft: leaseLeft(key))
            }
            let locks = (files?.locks.all ?? []).map { NFSLockStatus(inode: $0.inode, lock: $0.lock) }
            return .client(.list(clients, locks))
        }
    }
}
