import Filesystem
import Primitives

/// A client as it has named itself (RFC 8881 §18.35; in 4.0 by SETCLIENTID).
struct ClientRecord: Sendable {
    let id: ClientID
    let owner: [UInt8]
    /// Changes when the client starts anew.
    let verifier: [UInt8]
    let principal: Principal
    let minor: UInt32
    var isConfirmed = false
    /// Of the next CREATE_SESSION, and the reply to the last one.
    var sequence: UInt32 = 1
    var lastCreate: (sequence: UInt32, reply: [UInt8])?
    var sessions: [SessionKey] = []
    /// Its opens and locks.
    var states: Set<UInt64> = []
    var renewed: Instant
    var hasReclaimed = false
    var registrations: [FilesystemID: Registration] = [:]
    /// 4.0: what confirms it.
    var confirmation: UInt64 = 0

    /// As far as AUTH_SYS can tell.
    struct Principal: Hashable, Sendable {
        var flavor: UInt32
        var user: UInt32
    }
}

/// Clients of one owner: one in force, and one that has not been confirmed.
struct ClientIDs: Sendable {
    var confirmed: ClientID?
    var unconfirmed: ClientID?
}

extension NFSState {
    func principal(_ run: CompoundRun) -> ClientRecord.Principal {
        ClientRecord.Principal(flavor: run.credential.flavor, user: run.credential.user)
    }

    func isExpired(_ client: ClientRecord) -> Bool { client.renewed + .seconds(Int64(limits.leaseSeconds)) < now }

    mutating func renew(_ id: ClientID) { clients[id]?.renewed = now }

    /// The cases of RFC 8881 §18.35.5.
    mutating func exchangeID(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let verifier = Array(try arguments.fixed(8))
        let owner = Array(try arguments.opaque(limit: 1_024))
        let flags = try arguments.uint32()
        switch try arguments.uint32() {
        case 0: break
        case 1: throw .status(.inval)
        case 2: throw .status(.encrAlgUnsupp)
        default: throw .status(.badxdr)
        }
        for _ in 0..<(try arguments.count(limit: 1)) {
            _ = try arguments.opaque(limit: 1_024)
            _ = try arguments.opaque(limit: 1_024)
            _ = try arguments.fixed(12)
        }
        let (updates, known, confirmedFlag): (UInt32, UInt32, UInt32) = (0x4000_0000, 0x4007_0107, 0x8000_0000)
        guard flags & ~known == 0 else { throw .status(.inval) }
        let principal = principal(run)
        let confirmed = owners[owner]?.confirmed.flatMap { clients[$0] }
        let id: ClientID
        var told: UInt32 = 0x0001_0000
        if flags & updates != 0 {
            guard let confirmed else { throw .status(.noent) }
            guard confirmed.verifier == verifier else { throw .status(.notSame) }
            guard confirmed.principal == principal else { throw .status(.perm) }
            id = confirmed.id
            told |= confirmedFlag
        } else if let confirmed, confirmed.principal == principal, confirmed.verifier == verifier, confirmed.minor > 0 {
            id = confirmed.id
            told |= confirmedFlag
        } else {
            if let confirmed, confirmed.principal != principal {
                guard isExpired(confirmed) || confirmed.states.isEmpty else { throw .status(.clidInuse) }
                end(confirmed.id)
            }
            id = try admit(owner, verifier, principal, minor: run.minor)
        }
        renew(id)
        run.body.write(id.rawValue)
        run.body.write(clients[id]!.sequence)
        run.body.write(told)
        run.body.write(UInt32(0))
        // Server owner, this node's alone, and scope: what its clients had can be reclaimed at others.
        run.body.write(UInt64(0))
        run.body.write(opaque: identity)
        run.body.write(opaque: scope)
        run.body.write(UInt32(0))
    }

    /// A new record, not confirmed yet.
    mutating func admit(_ owner: [UInt8], _ verifier: [UInt8], _ principal: ClientRecord.Principal, minor: UInt32) throws(Stop) -> ClientID
    {
        if let old = owners[owner]?.unconfirmed { end(old) }
        if clients.count >= limits.clients { expire() }
        guard clients.count < limits.clients else { throw .status(.resource) }
        let id = ClientID(rawValue: UInt64(boot) << 32 | UInt64(nextClient))
        nextClient += 1
        clients[id] = ClientRecord(id: id, owner: owner, verifier: verifier, principal: principal, minor: minor, renewed: now)
        owners[owner, default: ClientIDs()].unconfirmed = id
        return id
    }

    /// The record comes into force; an earlier start of the same client ends with its state.
    mutating func confirm(_ id: ClientID) {
        guard let client = clients[id], !client.isConfirmed else { return }
        if let old = owners[client.owner]?.confirmed, old != id { end(old) }
        clients[id]!.isConfirmed = true
        owners[client.owner] = ClientIDs(confirmed: id, unconfirmed: nil)
    }

    /// Ends a client with all that it has.
    mutating func end(_ id: ClientID) {
        guard let client = clients[id] else { return }
        // Its locks end with its registrations, in one step for each file system.
        for state in client.states.sorted() {
            states[state]?.lock = nil
            release(state)
        }
        endRegistrations(of: client)
        for session in client.sessions { sessions[session] = nil }
        clients[id] = nil
        forgetOwners(of: id)
        if owners[client.owner]?.confirmed == id { owners[client.owner]?.confirmed = nil }
        if owners[client.owner]?.unconfirmed == id { owners[client.owner]?.unconfirmed = nil }
        if let left = owners[client.owner], left.confirmed == nil, left.unconfirmed == nil { owners[client.owner] = nil }
    }

    /// Courtesy: a client that is silent keeps what it has until somebody else wants it, but not for more than a day; one that was
    /// never confirmed ends with its lease. Of its locks the file systems' leaders know who wants them.
    mutating func expire() {
        let limit = Duration.seconds(Int64(limits.leaseSeconds))
        for id in clients.keys.sorted() {
            guard let client = clients[id] else { continue }
            let silent = now - client.renewed
            if silent > limit, !client.isConfirmed || silent > NFSClientTable.courtesy { end(id) }
        }
        renewRegistrations()
        endIdleSessions()
    }

    /// Sessions of the seam that nobody has used for a while and that hold no open file.
    private mutating func endIdleSessions() {
        let idle = Duration.seconds(Int64(limits.idleSeconds))
        let candidates = seamUsers.keys.filter { seamUsers[$0]! + idle < now }.sorted()
        guard !candidates.isEmpty else { return }
        let used = Set(objects.values.flatMap { [$0.reader?.user, $0.writer?.user].compactMap { $0 } })
        for user in candidates where !used.contains(user) {
            seamUsers[user] = nil
            effects.append(.endSession(user))
        }
    }

    mutating func destroyClient(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let id = ClientID(rawValue: try arguments.uint64())
        guard let client = clients[id], client.minor > 0 else { throw .status(.staleClientid) }
        guard client.sessions.isEmpty, client.states.isEmpty else { throw .status(.clientidBusy) }
        end(id)
    }

    /// What the client has not reclaimed of what it had is given up.
    mutating func reclaimComplete(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let isOneFilesystem = try arguments.bool()
        guard let slot = run.slot else { throw .status(.opNotInSession) }
        if isOneFilesystem {
            _ = try required(run.current)
            return
        }
        guard clients[slot.session.client]?.hasReclaimed == false else { throw .status(.completeAlready) }
        let registrations = clients[slot.session.client]!.registrations
        for (place, filesystem) in registrations.keys.sorted().enumerated() where registrations[filesystem]!.told.isKnown {
            // Where this fails it ends with its lease.
            _ = try attempt(&run, 1 + place, own(filesystem), .client(.complete(registrations[filesystem]!.told.number)))
        }
        clients[slot.session.client]?.hasReclaimed = true
    }
}
