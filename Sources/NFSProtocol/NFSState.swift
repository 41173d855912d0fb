import Filesystem
package import Primitives

/// An NFS server as one value: records of clients and answers of the cluster in, replies and calls out. It waits for nothing, reads
/// no clock and draws no chance. Versions 4.2 (RFC 7862) in part, 4.1 (RFC 8881)
/// and 4.0 (RFC 7530).
///
/// Opens, locks' stateids and sessions live here, with the node; locks themselves and who may reclaim them, names and content are the
/// cluster's.
package struct NFSState: Sendable {
    let limits: NFSLimits
    let squash: NFSSquash
    /// Who this server is to clients that know several: another for each node.
    let identity: [UInt8]
    /// Servers of one scope let each other's clients reclaim: those of a cluster.
    let scope: [UInt8]
    /// The start of the server: in client ids, stateids and the write verifier.
    let boot: UInt32
    let started: WallTime

    var now = Instant.zero
    /// The first event.
    private(set) var begun: Instant!
    var civil = WallTime(nanoseconds: 0)
    var effects: [NFSEffect] = []

    var addresses: [ConnectionID: String] = [:]
    var runs: [UInt64: CompoundRun] = [:]
    /// The compound that waits for a call, and the object that a call of nobody closes.
    var waiting: [CallID: UInt64] = [:]
    var closing: [CallID: ObjectKey] = [:]
    var registrationCalls = RegistrationCalls()

    var clients: [ClientID: ClientRecord] = [:]
    var owners: [[UInt8]: ClientIDs] = [:]
    var sessions: [SessionKey: NFSSession] = [:]
    var states: [UInt64: NFSStateRecord] = [:]
    var objects: [ObjectKey: OpenObject] = [:]
    /// Owners of 4.0, and the stateids that their last CLOSE has ended.
    var counted: [OwnerKey: OwnerRecord] = [:]
    var closedStates: [UInt64: OwnerKey] = [:]
    var seamUsers: [SeamUser: Instant] = [:]
    /// Files that were made with a verifier (EXCLUSIVE4), the oldest first.
    var exclusive: [ExclusiveCreate] = []

    var nextRun: UInt64 = 1
    var nextCall: UInt64 = 1
    var nextClient: UInt32 = 1
    var nextSession: UInt64 = 1
    var nextState: UInt64 = 1
    /// Counts the losses of writes that were not committed: clients that see it grow send theirs again.
    var losses: UInt32 = 0

    package private(set) var figures = NFSFigures()

    package init(limits: NFSLimits = NFSLimits(), squash: NFSSquash = .root, identity: String, scope: String, started: WallTime) {
        self.limits = limits
        self.squash = squash
        self.identity = Array(identity.utf8)
        self.started = started
        self.scope = Array(scope.utf8)
        // Tenths of seconds: another at each start, for ten years. Mixed with the server's name: what another server of the scope has
        // given out means nothing here (RFC 8881 §2.10.4).
        let name = identity.utf8.reduce(UInt32(0x811c_9dc5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        boot = UInt32(truncatingIfNeeded: started.nanoseconds / 100_000_000) ^ name
    }

    package var counts: (clients: Int, sessions: Int, states: Int, connections: Int) {
        (clients.count, sessions.count, states.count, addresses.count)
    }

    package mutating func handle(_ event: NFSEvent, now: Instant, civil: WallTime, into out: inout [NFSEffect]) {
        self.now = now
        self.civil = civil
        if begun == nil { begun = now }
        switch event {
        case .connected(let id, let address): addresses[id] = address
        case .disconnected(let id): addresses[id] = nil
        case .record(let id, let bytes): received(bytes, on: id)
        case .answered(let call, let answer): answered(call, answer)
        case .tick: expire()
        }
        out.append(contentsOf: effects)
        effects.removeAll(keepingCapacity: true)
    }

    // MARK: Calls

    private mutating func received(_ bytes: [UInt8], on connection: ConnectionID) {
        let call: RPCCall
        do throws(RPCRefusal) { call = try RPCCall(record: bytes) } catch {
            if let reply = RPCReply.denied(error) {
                effects.append(.reply(connection, [reply]))
            } else {
                effects.append(.close(connection, why: "bytes that are no call"))
            }
            return
        }
        func refuse(_ status: RPCReply.Accepted) {
            effects.append(.reply(connection, [RPCReply.accepted(call.transaction, status).bytes]))
        }
        guard call.program == 100_003 else { return refuse(.programUnavailable) }
        guard call.version == 4 else {
            effects.append(.reply(connection, [RPCReply.programMismatch(call.transaction)]))
            return
        }
        switch call.procedure {
        case 0: refuse(.success)
        case 1:
            guard let run = compound(call, on: connection) else { return refuse(.garbageArguments) }
            go(on: run)
        default: refuse(.procedureUnavailable)
        }
    }

    private mutating func compound(_ call: RPCCall, on connection: ConnectionID) -> CompoundRun? {
        var reader = call.arguments
        guard let tag = try? reader.opaque(limit: 1_024), let minor = try? reader.uint32(), let count = try? reader.count() else {
            return nil
        }
        let id = nextRun
        nextRun += 1
        return CompoundRun(
            id: id, connection: connection, call: call, minor: minor, tag: Array(tag), caller: Caller(call.credential, squash), left: count,
            arguments: Arguments(reader), replyLimit: limits.recordBytes)
    }

    private mutating func answered(_ call: CallID, _ answer: SeamAnswer) {
        if let key = closing.removeValue(forKey: call) {
            if case .failed = answer { lost(key) }
            if objects[key]?.writer == nil { objects[key]?.pending = nil }
            closeIfUnused(key)
            return
        }
        if answeredRegistration(call, answer) { return }
        guard let id = waiting.removeValue(forKey: call), var run = runs.removeValue(forKey: id), let asked = run.asked else { return }
        run.asked = nil
        run.answers[asked.step] = answer
        go(on: run)
    }

    private mutating func go(on run: CompoundRun) {
        var run = run
        guard let status = advance(&run) else {
            runs[run.id] = run
            return
        }
        finish(run, run.reply(status))
    }

    /// Until the compound is over, which is told by its status, or waits.
    private mutating func advance(_ run: inout CompoundRun) -> NFSStatus? {
        guard run.minor <= 2 else { return .minorVersMismatch }
        guard run.left + run.position <= limits.operations else { return run.minor == 0 ? .resource : .tooManyOps }
        if run.position == 0, run.operation == nil, runs.count >= limits.compounds { return .delay }
        while run.left > 0 {
            if run.operation == nil {
                guard let number = try? run.arguments.uint32() else { return .badxdr }
                run.begin(number, at: now)
            }
            let number = run.operation!
            run.body = XDRWriter()
            var arguments = run.arguments
            do throws(Stop) {
                try perform(number, &run, &arguments)
                count(run, .ok, run.body.bytes)
                figures.add(number, now - run.began, isError: false)
                run.end(number, arguments)
            } catch {
                if case .waiting = error { return nil }
                figures.add(number, now - run.began, isError: error.isError)
                switch error {
                case .waiting: return nil
                case .replay(let status): return status
                case .again(let status, let body, let current):
                    run.body = XDRWriter()
                    run.body.write(fixed: body)
                    guard status == .ok else {
                        run.append(number, status, body)
                        return status
                    }
                    // The arguments that were not read are behind those of the same operation: it was read as a whole before.
                    run.current = current
                    run.end(number, arguments)
                case .result(let status, let rest):
                    count(run, status, rest)
                    run.data = nil
                    run.append(number, status, rest)
                    return status
                case .status(let status):
                    run.data = nil
                    count(run, status, [])
                    // SETATTR tells what was set also where it failed.
                    run.append(status == .opIllegal ? 10_044 : number, status, number == 34 ? [0, 0, 0, 0] : [])
                    return status
                }
            }
        }
        return .ok
    }

    /// The reply goes out, and into its slot.
    mutating func finish(_ run: CompoundRun, _ parts: [[UInt8]]) {
        if let slot = run.slot { keep(parts, of: run, slot.session, slot.number) }
        send(parts, run.transaction, on: run.connection)
    }

    mutating func send(_ parts: [[UInt8]], _ transaction: UInt32, on connection: ConnectionID) {
        guard addresses[connection] != nil else { return }
        let head = RPCReply.accepted(transaction, .success).bytes
        effects.append(.reply(connection, [head + parts[0]] + parts.dropFirst()))
    }
}
