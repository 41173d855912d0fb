import Primitives

/// A session of a client (RFC 8881 §2.10): slots that keep the last reply each, so that a request is carried out once, also when it
/// comes again over another connection.
struct NFSSession: Sendable {
    struct Slot: Sendable {
        var sequence: UInt32 = 0
        var isUnderWay = false
        /// The last reply; nil where it was too long to be kept, or is not there yet.
        var reply: [[UInt8]]?
    }

    let key: SessionKey
    var slots: [Slot]
    /// Bytes of a reply, and of a request.
    let replyLimit: Int
    let keptReplyLimit: Int
    let operations: Int
}

extension NFSState {
    /// channel_attrs4 as the server takes it.
    private struct Channel {
        var requestBytes: UInt32
        var replyBytes: UInt32
        var keptReplyBytes: UInt32
        var operations: UInt32
        var requests: UInt32

        init(_ arguments: inout Arguments) throws(Stop) {
            _ = try arguments.uint32()
            requestBytes = try arguments.uint32()
            replyBytes = try arguments.uint32()
            keptReplyBytes = try arguments.uint32()
            operations = try arguments.uint32()
            requests = try arguments.uint32()
            for _ in 0..<(try arguments.count(limit: 1)) { _ = try arguments.uint32() }
        }

        mutating func bound(_ limits: NFSLimits) {
            requestBytes = min(requestBytes, UInt32(limits.recordBytes))
            replyBytes = min(replyBytes, UInt32(limits.recordBytes))
            keptReplyBytes = min(keptReplyBytes, UInt32(limits.keptReplyBytes))
            operations = min(operations, UInt32(limits.operations))
            requests = max(1, min(requests, UInt32(limits.slots)))
        }

        func encode(to writer: inout XDRWriter) {
            for word in [0, requestBytes, replyBytes, keptReplyBytes, operations, requests, 0] { writer.write(word) }
        }
    }

    mutating func createSession(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let id = ClientID(rawValue: try arguments.uint64())
        let sequence = try arguments.uint32()
        let flags = try arguments.uint32()
        var fore = try Channel(&arguments)
        var back = try Channel(&arguments)
        _ = try arguments.uint32()
        try skipCallbackSecurity(&arguments)
        guard let client = clients[id], client.minor > 0 else { throw .status(.staleClientid) }
        if let last = client.lastCreate, last.sequence == sequence {
            run.body.write(fixed: last.reply)
            return
        }
        guard sequence == client.sequence else { throw .status(.seqMisordered) }
        guard client.principal == principal(run) else { throw .status(.clidInuse) }
        guard flags & ~7 == 0 else { throw .status(.inval) }
        guard fore.requestBytes >= 512, fore.replyBytes >= 512, fore.operations >= 2 else { throw .status(.toosmall) }
        guard client.sessions.count < limits.sessionsPerClient else { throw .status(.resource) }
        fore.bound(limits)
        back.bound(limits)
        confirm(id)
        let key = SessionKey(client: id, number: nextSession)
        nextSession += 1
        sessions[key] = NFSSession(
            key: key, slots: [NFSSession.Slot](repeating: NFSSession.Slot(), count: Int(fore.requests)), replyLimit: Int(fore.replyBytes),
            keptReplyLimit: Int(fore.keptReplyBytes), operations: Int(fore.operations))
        clients[id]!.sessions.append(key)
        clients[id]!.renewed = now
        var writer = XDRWriter()
        key.encode(to: &writer)
        writer.write(sequence)
        // Not persistent, and no connection for calls to the client: there are no delegations yet.
        writer.write(UInt32(0))
        fore.encode(to: &writer)
        back.encode(to: &writer)
        clients[id]!.sequence = sequence &+ 1
        clients[id]!.lastCreate = (sequence, writer.bytes)
        run.body.write(fixed: writer.bytes)
    }

    /// callback_sec_parms4<>: nothing is called back.
    private func skipCallbackSecurity(_ arguments: inout Arguments) throws(Stop) {
        for _ in 0..<(try arguments.count(limit: 16)) {
            switch try arguments.uint32() {
            case 0: break
            case 1:
                _ = try arguments.uint32()
                _ = try arguments.opaque(limit: 255)
                _ = try arguments.uint32()
                _ = try arguments.uint32()
                for _ in 0..<(try arguments.count(limit: 16)) { _ = try arguments.uint32() }
            case 6:
                _ = try arguments.uint32()
                _ = try arguments.opaque(limit: 1_024)
                _ = try arguments.opaque(limit: 1_024)
            default: throw .status(.badxdr)
            }
        }
    }

    mutating func destroySession(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let key = try arguments.sessionKey()
        guard let session = sessions[key] else { throw .status(.badsession) }
        // In a compound of the session itself it must be the last operation; others may be under way in no case.
        if let slot = run.slot, slot.session == key, run.left > 1 { throw .status(.notOnlyOp) }
        let mine = run.slot.map { $0.session == key ? 1 : 0 } ?? 0
        guard session.slots.count(where: \.isUnderWay) <= mine else { throw .status(.delay) }
        sessions[key] = nil
        clients[key.client]?.sessions.removeAll { $0 == key }
    }

    mutating func bindConnection(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let key = try arguments.sessionKey()
        let direction = try arguments.uint32()
        _ = try arguments.bool()
        guard sessions[key] != nil else { throw .status(.badsession) }
        guard (1...7).contains(direction) else { throw .status(.badxdr) }
        // CDFC4_BACK alone can not be had; the others become CDFS4_FORE.
        guard direction != 2 else { throw .status(.inval) }
        key.encode(to: &run.body)
        run.body.write(UInt32(1))
        run.body.write(false)
    }

    func backchannelControl(_ arguments: inout Arguments) throws(Stop) {
        _ = try arguments.uint32()
        try skipCallbackSecurity(&arguments)
    }

    /// SEQUENCE: the request is new, or its reply is sent again (RFC 8881 §2.10.6).
    mutating func sequence(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let key = try arguments.sessionKey()
        let sequence = try arguments.uint32()
        let number = Int(try arguments.uint32())
        let highest = Int(try arguments.uint32())
        run.wantsReplyKept = try arguments.bool()
        guard let session = sessions[key] else { throw .status(.badsession) }
        guard number < session.slots.count else { throw .status(.badslot) }
        guard highest < session.slots.count || highest >= number else { throw .status(.badHighSlot) }
        // Before a kept reply too: it may grant a lock that another has had since.
        if needsConfirmation(key.client) || run.answers[1_000] != nil {
            try confirmRegistrations(key.client, &run)
            guard sessions[key] != nil else { throw .status(.badsession) }
        }
        guard let slot = sessions[key]?.slots[number] else { throw .status(.badsession) }
        if sequence == slot.sequence {
            // It is being carried out: the client asks again.
            guard !slot.isUnderWay else { throw .status(.delay) }
            guard let reply = slot.reply else {
                if slot.sequence == 0 { throw .status(.seqMisordered) }
                run.slot = nil
                writeSequence(key, sequence, number, session, &run)
                run.append(53, .ok, run.body.bytes)
                var arguments = arguments
                // The operation after SEQUENCE is told (§2.10.6.1.2).
                run.append((try? arguments.uint32()) ?? 10_044, .retryUncachedRep, [])
                throw .replay(.retryUncachedRep)
            }
            run.kept = reply
            throw .replay(.ok)
        }
        guard sequence == slot.sequence &+ 1 else { throw .status(.seqMisordered) }
        guard !slot.isUnderWay else { throw .status(.delay) }
        guard run.left <= session.operations else { throw .status(.tooManyOps) }
        sessions[key]!.slots[number] = NFSSession.Slot(sequence: sequence, isUnderWay: true, reply: nil)
        run.slot = (key, number)
        run.replyLimit = session.replyLimit
        renew(key.client)
        writeSequence(key, sequence, number, session, &run)
    }

    private func writeSequence(_ key: SessionKey, _ sequence: UInt32, _ number: Int, _ session: NFSSession, _ run: inout CompoundRun) {
        key.encode(to: &run.body)
        run.body.write(sequence)
        run.body.write(UInt32(number))
        run.body.write(UInt32(session.slots.count - 1))
        run.body.write(UInt32(session.slots.count - 1))
        run.body.write(UInt32(0))
    }

    /// The reply of a compound that had a slot.
    mutating func keep(_ parts: [[UInt8]], of run: CompoundRun, _ key: SessionKey, _ number: Int) {
        guard sessions[key] != nil else { return }
        let bytes = parts.reduce(0) { $0 + $1.count }
        sessions[key]!.slots[number].isUnderWay = false
        // Replies that are asked to be kept are of operations that may not be carried out twice; those are short, whatever comes
        // with them.
        let limit = run.wantsReplyKept ? 65_536 : limits.keptReplyBytes
        sessions[key]!.slots[number].reply = bytes <= limit ? parts : nil
    }
}
