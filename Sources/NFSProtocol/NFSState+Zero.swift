import Primitives

// Minor version 0 (RFC 7530): clients that name themselves by SETCLIENTID, and owners whose requests are counted one by one, in the
// place of sessions.

/// An open owner or a lock owner of a client, whose requests come one after the other (RFC 7530 §9.1.7).
struct OwnerKey: Hashable, Sendable {
    let client: ClientID
    let name: [UInt8]
    let locks: Bool
}

struct OwnerRecord: Sendable {
    var sequence: UInt32
    var isConfirmed = false
    var isUnderWay = false
    /// What was answered last.
    var operation: UInt32 = 0
    var status = NFSStatus.ok
    var body: [UInt8] = []
    var current: FileHandle?
    /// The stateid that the last CLOSE has ended: the same CLOSE may come again.
    var closed: UInt64?
}

extension NFSState {
    mutating func performOfZero(_ number: UInt32, _ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        switch number {
        case 20: try confirmOpen(&run, &arguments)
        case 30: try renew(&run, &arguments)
        case 35: try setClientID(&run, &arguments)
        case 36: try confirmClientID(&run, &arguments)
        case 39: try releaseLockOwner(&run, &arguments)
        default: throw .status(.opIllegal)
        }
    }

    /// The client of a request: that of its session, in 4.0 the one it names.
    mutating func client(_ named: ClientID, _ run: inout CompoundRun) throws(Stop) -> ClientID {
        if run.minor > 0 {
            guard let slot = run.slot else { throw .status(.opNotInSession) }
            return slot.session.client
        }
        guard let client = clients[named], client.minor == 0 else {
            throw .status(UInt32(named.rawValue >> 32) == boot && named.rawValue != 0 ? .expired : .staleClientid)
        }
        guard client.isConfirmed else { throw .status(.staleClientid) }
        renew(named)
        if needsConfirmation(named) {
            try confirmRegistrations(named, &run)
            guard clients[named] != nil else { throw .status(.expired) }
        }
        return named
    }

    // MARK: Clients

    /// The cases of RFC 7530 §16.33.5.
    private mutating func setClientID(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let verifier = Array(try arguments.fixed(8))
        let owner = Array(try arguments.opaque(limit: 1_024))
        // Where it would be called back: it is not.
        _ = try arguments.uint32()
        _ = try arguments.opaque(limit: 128)
        _ = try arguments.opaque(limit: 128)
        _ = try arguments.uint32()
        let principal = principal(run)
        let confirmed = owners[owner]?.confirmed.flatMap { clients[$0] }
        if let confirmed, confirmed.principal != principal, !isExpired(confirmed), !confirmed.states.isEmpty {
            var holder = XDRWriter()
            holder.write("tcp")
            holder.write("")
            throw .result(.clidInuse, holder.bytes)
        }
        var id: ClientID
        if let confirmed, confirmed.verifier == verifier, confirmed.minor == 0 {
            // Only its address for calls may be another.
            id = confirmed.id
        } else {
            id = try admit(owner, verifier, principal, minor: 0)
        }
        nextSession += 1
        clients[id]!.confirmation = UInt64(boot) << 32 | nextSession & 0xffff_ffff
        run.body.write(id.rawValue)
        run.body.write(clients[id]!.confirmation)
    }

    private mutating func confirmClientID(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let id = ClientID(rawValue: try arguments.uint64())
        let confirmation = try arguments.uint64()
        guard let client = clients[id], client.minor == 0, client.confirmation == confirmation else { throw .status(.staleClientid) }
        guard client.principal == principal(run) else { throw .status(.clidInuse) }
        confirm(id)
        renew(id)
    }

    private mutating func renew(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        _ = try client(ClientID(rawValue: try arguments.uint64()), &run)
    }

    private mutating func releaseLockOwner(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let id = try client(ClientID(rawValue: try arguments.uint64()), &run)
        let owner = Array(try arguments.opaque(limit: 1_024))
        let mine = (clients[id]?.states ?? []).filter { states[$0]?.kind != .open && states[$0]?.owner == owner }
        guard !mine.contains(where: { states[$0]?.ranges.isEmpty == false }) else { throw .status(.locksHeld) }
        for state in mine.sorted() { release(state) }
        counted[OwnerKey(client: id, name: owner, locks: true)] = nil
    }

    // MARK: Owners

    func needsConfirmation(_ asked: OpenArguments, _ client: ClientID, _ run: CompoundRun) -> Bool {
        run.minor == 0 && counted[OwnerKey(client: client, name: asked.owner, locks: false)]?.isConfirmed != true
    }

    private mutating func confirmOpen(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let given = try arguments.stateID()
        let sequence = try arguments.uint32()
        let key = try object(run.current, orElse: .badStateid)
        try checkOwner(of: given, sequence, &run)
        guard var state = try state(given, key, &run), state.kind == .open else { throw .status(.badStateid) }
        state.sequence = state.sequence &+ 1
        states[state.number] = state
        counted[OwnerKey(client: state.client, name: state.owner, locks: false)]?.isConfirmed = true
        id(of: state).encode(to: &run.body)
    }

    /// A request of the owner of a state. In 4.1 its slot has taken care of the order.
    mutating func checkOwner(of given: StateID, _ sequence: UInt32, _ run: inout CompoundRun) throws(Stop) {
        guard run.minor == 0, run.owner == nil, given.boot == boot else { return }
        if let state = states[given.number] {
            renew(state.client)
            let key = OwnerKey(client: state.client, name: state.owner, locks: state.kind != .open)
            try checkOwner(key, sequence, &run)
        } else if let key = closedStates[given.number] {
            try checkOwner(key, sequence, &run)
        }
    }

    /// The next request, or the last one again, which is answered as before.
    mutating func checkOwner(_ key: OwnerKey, _ sequence: UInt32, _ run: inout CompoundRun) throws(Stop) {
        guard run.minor == 0, run.owner == nil else { return }
        if var record = counted[key] {
            guard !record.isUnderWay else { throw .status(.delay) }
            if sequence == record.sequence, record.operation == run.operation {
                throw .again(record.status, record.body, record.current)
            }
            let isFreshStart = run.operation == 18 && !record.isConfirmed && !key.locks
            guard sequence == record.sequence &+ 1 || isFreshStart else { throw .status(.badSeqid) }
            if let closed = record.closed {
                closedStates[closed] = nil
                record.closed = nil
            }
            record.isUnderWay = true
            counted[key] = record
        } else {
            guard counted.count < limits.states else { throw .status(.resource) }
            counted[key] = OwnerRecord(sequence: sequence &- 1, isUnderWay: true)
        }
        run.owner = (key, sequence)
    }

    /// What an owner's request was answered is kept for the case that it comes again.
    mutating func count(_ run: CompoundRun, _ status: NFSStatus, _ body: [UInt8]) {
        guard let (key, sequence) = run.owner else { return }
        guard clients[key.client] != nil, var record = counted[key] else {
            counted[key] = nil
            return
        }
        record.isUnderWay = false
        switch status {
        // §9.1.7: these do not count.
        case .staleClientid, .staleStateid, .badStateid, .badSeqid, .badxdr, .resource, .nofilehandle: break
        default:
            record.sequence = sequence
            record.operation = run.operation ?? 0
            record.status = status
            record.body = body
            record.current = run.current
            if run.operation == 4, status == .ok, let closed = run.closed {
                record.closed = closed
                closedStates[closed] = key
            }
        }
        counted[key] = record
    }

    /// The owner of a new lock: its own requests are counted from here.
    mutating func adopt(_ state: NFSStateRecord, _ sequence: UInt32, _ run: CompoundRun) {
        guard run.minor == 0 else { return }
        counted[OwnerKey(client: state.client, name: state.owner, locks: true)] = OwnerRecord(sequence: sequence, isConfirmed: true)
    }

    /// A client's owners end with it.
    mutating func forgetOwners(of id: ClientID) {
        // any order: each is taken out for itself
        for key in counted.keys.filter({ $0.client == id }) {
            if let closed = counted[key]?.closed { closedStates[closed] = nil }
            counted[key] = nil
        }
    }
}
