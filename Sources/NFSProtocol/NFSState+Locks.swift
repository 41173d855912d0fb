import Filesystem
import Primitives

// LOCK, LOCKT, LOCKU (RFC 8881 §18.10–18.12): byte ranges that hold across hosts and nodes, for they are the cluster's.

extension NFSState {
    private struct Wanted {
        var isExclusive: Bool
        var range: LockRange

        init(type: UInt32, start: UInt64, length: UInt64) throws(Stop) {
            guard (1...4).contains(type) else { throw .status(.badxdr) }
            isExclusive = type == 2 || type == 4
            guard length > 0, length == .max || start <= .max - length else { throw .status(.inval) }
            guard start < .max else { throw .status(.badRange) }
            range = LockRange(start: start, length: length == .max ? .max : length)
        }
    }

    mutating func lock(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let type = try arguments.uint32()
        let isReclaim = try arguments.bool()
        let (start, length) = (try arguments.uint64(), try arguments.uint64())
        let isNew = try arguments.bool()
        var owner: [UInt8] = []
        var (openSequence, lockSequence): (UInt32, UInt32) = (0, 0)
        let given: StateID
        if isNew {
            openSequence = try arguments.uint32()
            given = try arguments.stateID()
            lockSequence = try arguments.uint32()
            _ = try arguments.uint64()
            owner = Array(try arguments.opaque(limit: 1_024))
        } else {
            given = try arguments.stateID()
            lockSequence = try arguments.uint32()
        }
        let wanted = try Wanted(type: type, start: start, length: length)
        let key = try object(run.current, orElse: .isdir)
        try checkOwner(of: given, isNew ? openSequence : lockSequence, &run)
        guard let named = try state(given, key, &run) else { throw .status(.badStateid) }
        guard (named.kind == .open) == isNew else { throw .status(.badStateid) }
        let needed = wanted.isExclusive ? NFSShare.write : NFSShare.read
        guard access(of: named) & needed != 0 else { throw .status(.openmode) }
        let registration = try registration(named.client, key.filesystem, &run, 20)
        if isReclaim {
            guard registration.told.isKnown, clients[named.client]?.hasReclaimed == false else { throw .status(.noGrace) }
        }
        let known = isNew ? lockState(of: named.client, owner, key) : named
        guard known != nil || states.count < limits.states else { throw .status(.resource) }
        let name =
            run.lock ?? known?.lock ?? NFSLockName(registration.told.number, owner: owner, number: stateNumber(&run))
        run.lock = name
        let request = NFSClientRequest.lock(key.inode, wanted.range, exclusive: wanted.isExclusive, name, reclaim: isReclaim)
        switch try attempt(&run, 2, own(key.filesystem), .client(request)) {
        case .success: break
        case .failure(let failure):
            switch failure.code {
            case .wouldBlock: try denied(wanted, name, key, &run)
            case .badHandle: throw lost(named.client, key.filesystem)
            // Somebody else may have had it since.
            case .invalid where isReclaim: throw .status(.reclaimBad)
            case .timedOut, .unavailable: if known == nil { giveBack(LockPlace(object: key, name: name)) }
            default: break
            }
            throw .status(NFSStatus(failure))
        }
        var state: NFSStateRecord
        let found = isNew ? lockState(of: named.client, owner, key) : states[named.number]
        if let found {
            // The same owner's first lock, asked for twice at the same time.
            guard found.lock == name else {
                giveBack(LockPlace(object: key, name: name))
                throw .status(.delay)
            }
            state = found
            state.sequence = state.sequence &+ 1
        } else {
            // Closed meanwhile, or the client has ended.
            guard isNew, states[named.number] != nil else {
                giveBack(LockPlace(object: key, name: name))
                throw .status(.badStateid)
            }
            state = try addState(&run) {
                NFSStateRecord(number: $0, client: named.client, kind: .lock(open: named.number), object: key, owner: owner, lock: name)
            }
            adopt(state, lockSequence, run)
        }
        state.ranges.insert(wanted.range)
        states[state.number] = state
        id(of: state).encode(to: &run.body)
        run.currentState = id(of: state)
    }

    private func lockState(of client: ClientID, _ owner: [UInt8], _ key: ObjectKey) -> NFSStateRecord? {
        let found = clients[client]?.states.filter { number in
            guard let state = states[number], state.kind != .open else { return false }
            return state.owner == owner && state.object == key
        }
        return found?.min().flatMap { states[$0] }
    }

    /// The file system does not know the client any more: others may have had what it held, and it begins again.
    private mutating func lost(_ client: ClientID, _ filesystem: FilesystemID) -> Stop {
        clients[client]?.registrations[filesystem] = nil
        end(client)
        return .status(.expired)
    }

    /// LOCK4denied: the range in the way. Whose it is, is not told: the owner may be a client of another node.
    private mutating func denied(_ wanted: Wanted, _ name: NFSLockName, _ key: ObjectKey, _ run: inout CompoundRun) throws(Stop) -> Never {
        let request = NFSClientRequest.testLock(key.inode, wanted.range, exclusive: wanted.isExclusive, name)
        var holder = RangeLock(range: wanted.range, exclusive: true)
        if case .success((.lock(let found?), _)) = try attempt(&run, 3, own(key.filesystem), .client(request)) { holder = found }
        throw .result(.denied, Self.encode(holder))
    }

    private static func encode(_ holder: RangeLock) -> [UInt8] {
        var writer = XDRWriter()
        writer.write(holder.range.start)
        writer.write(holder.range.length)
        writer.write(UInt32(holder.exclusive ? 2 : 1))
        writer.write(UInt64(0))
        writer.write(opaque: [])
        return writer.bytes
    }

    mutating func testLock(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let type = try arguments.uint32()
        let (start, length) = (try arguments.uint64(), try arguments.uint64())
        let id = ClientID(rawValue: try arguments.uint64())
        let owner = Array(try arguments.opaque(limit: 1_024))
        let wanted = try Wanted(type: type, start: start, length: length)
        let key = try object(run.current, orElse: .isdir)
        let client = try client(id, &run)
        let name = lockState(of: client, owner, key)?.lock ?? NFSLockName(client: 0, owner: 0)
        let request = NFSClientRequest.testLock(key.inode, wanted.range, exclusive: wanted.isExclusive, name)
        let answer = try attempt(&run, 2, own(key.filesystem), .client(request))
        switch answer {
        case .success((.lock(nil), _)): break
        case .success((.lock(let found?), _)): throw .result(.denied, Self.encode(found))
        case .success: throw .status(.serverfault)
        case .failure(let failure): throw .status(NFSStatus(failure))
        }
    }

    mutating func unlock(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let type = try arguments.uint32()
        let sequence = try arguments.uint32()
        let given = try arguments.stateID()
        let (start, length) = (try arguments.uint64(), try arguments.uint64())
        let wanted = try Wanted(type: type, start: start, length: length)
        let key = try object(run.current, orElse: .isdir)
        try checkOwner(of: given, sequence, &run)
        guard let named = try state(given, key, &run), named.kind != .open, let name = named.lock else { throw .status(.badStateid) }
        switch try attempt(&run, 1, own(key.filesystem), .client(.unlock(key.inode, wanted.range, name))) {
        case .success: break
        case .failure(let failure) where failure.code == .badHandle: throw lost(named.client, key.filesystem)
        case .failure(let failure): throw .status(NFSStatus(failure))
        }
        guard var state = states[named.number] else { throw .status(.badStateid) }
        state.ranges.remove(wanted.range)
        state.sequence = state.sequence &+ 1
        states[state.number] = state
        id(of: state).encode(to: &run.body)
        run.currentState = id(of: state)
    }

    // MARK: Stateids

    mutating func freeState(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        guard let state = try state(try arguments.stateID(), nil, &run) else { throw .status(.badStateid) }
        guard state.kind != .open, state.ranges.isEmpty else { throw .status(.locksHeld) }
        release(state.number)
    }

    mutating func testStates(_ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        let count = try arguments.count(limit: 4_096, minimumSize: 16)
        var found: [UInt32] = []
        for _ in 0..<count {
            let id = try arguments.stateID()
            var status = NFSStatus.ok
            do throws(Stop) {
                if id == .current || id.isSpecial { throw .status(.badStateid) }
                _ = try state(id, nil, &run)
            } catch { if case .status(let told) = error { status = told } }
            found.append(status.rawValue)
        }
        run.body.write(UInt32(found.count))
        for status in found { run.body.write(status) }
    }
}
