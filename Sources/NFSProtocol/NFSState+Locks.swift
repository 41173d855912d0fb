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
        // What was locked at an earlier start of this server may have been another's since.
        guard !isReclaim else { throw .status(.noGrace) }
        try checkOwner(of: given, isNew ? openSequence : lockSequence, &run)
        guard let named = try state(given, key, &run) else { throw .status(.badStateid) }
        guard (named.kind == .open) == isNew else { throw .status(.badStateid) }
        let needed = wanted.isExclusive ? NFSShare.write : NFSShare.read
        guard access(of: named) & needed != 0 else { throw .status(.openmode) }
        let known = isNew ? lockState(of: named.client, owner, key) : named
        guard known != nil || states.count < limits.states else { throw .status(.resource) }
        let handle = try lockHandle(known, key, &run)
        let operation = FileOperation.lock(handle: handle.handle, range: wanted.range, exclusive: wanted.isExclusive, wait: false)
        switch try attempt(&run, 2, handle.user, operation) {
        case .success: break
        case .failure(let failure) where failure.code == .wouldBlock:
            try denied(wanted, handle, known == nil, &run)
        case .failure(let failure):
            if known == nil { giveBack(handle, hasLocks: failure.code == .timedOut || failure.code == .unavailable) }
            throw .status(failure.code == .badHandle ? .badStateid : NFSStatus(failure))
        }
        var state: NFSStateRecord
        if let known = known.flatMap({ states[$0.number] }) {
            // The same owner's first lock, asked for twice at the same time.
            guard known.handle == handle else {
                giveBack(handle, hasLocks: true)
                throw .status(.delay)
            }
            state = known
            state.sequence = state.sequence &+ 1
        } else {
            let open = named.number
            state = try addState {
                NFSStateRecord(number: $0, client: named.client, kind: .lock(open: open), object: key, owner: owner, handle: handle)
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

    /// Each owner that locks has an open file of its own in the cluster, which stands for it there.
    private mutating func lockHandle(_ known: NFSStateRecord?, _ key: ObjectKey, _ run: inout CompoundRun) throws(Stop) -> SeamHandle {
        if run.answers[1] == nil, let handle = known?.handle { return handle }
        let user = own(key.filesystem)
        guard case .opened(let id, _) = try file(&run, 1, user, .open(path: key.path, mode: .read)).value else {
            throw .status(.serverfault)
        }
        return SeamHandle(user: user, handle: id)
    }

    /// LOCK4denied: the range in the way. Whose it is, is not told: the owner may be a client of another node.
    private mutating func denied(_ wanted: Wanted, _ handle: SeamHandle, _ isTemporary: Bool, _ run: inout CompoundRun) throws(Stop)
        -> Never
    {
        let operation = FileOperation.testLock(handle: handle.handle, range: wanted.range, exclusive: wanted.isExclusive)
        let answer = try attempt(&run, 3, handle.user, operation)
        if isTemporary { giveBack(handle, hasLocks: false) }
        var holder = RangeLock(range: wanted.range, exclusive: true)
        if case .success((.lock(let found?), _)) = answer { holder = found }
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
        let client = try client(id, run)
        let known = lockState(of: client, owner, key)
        let handle = try lockHandle(known, key, &run)
        let operation = FileOperation.testLock(handle: handle.handle, range: wanted.range, exclusive: wanted.isExclusive)
        let answer = try attempt(&run, 2, handle.user, operation)
        if run.answers[1] != nil { giveBack(handle, hasLocks: false) }
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
        guard var state = try state(given, key, &run), state.kind != .open, let handle = state.handle else { throw .status(.badStateid) }
        try file(&run, 1, handle.user, .unlock(handle: handle.handle, range: wanted.range))
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
