import Primitives

// The operations by their numbers (RFC 8881 §16.2, RFC 7530 §16).

extension NFSState {
    mutating func perform(_ number: UInt32, _ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        if run.minor > 0 { try checkPlace(number, run) }
        switch number {
        case 3: try access(&run, &arguments)
        case 4: try close(&run, &arguments)
        case 5: try commit(&run, &arguments)
        case 6: try create(&run, &arguments)
        case 7, 8: throw .status(.notsupp)
        case 9: try getAttributes(&run, &arguments)
        case 10: run.body.write(opaque: try required(run.current).bytes)
        case 11: try link(&run, &arguments)
        case 12: try lock(&run, &arguments)
        case 13: try testLock(&run, &arguments)
        case 14: try unlock(&run, &arguments)
        case 15: try lookup(&run, &arguments)
        case 16: try lookupParent(&run)
        case 17: try verify(&run, &arguments, negated: true)
        case 18: try open(&run, &arguments)
        case 19: throw .status(.notsupp)
        case 21: try downgrade(&run, &arguments)
        case 22: try putHandle(&run, &arguments)
        case 23, 24: setCurrent(&run, .exports)
        case 25: try read(&run, &arguments)
        case 26: try readDirectory(&run, &arguments)
        case 27: try readLink(&run)
        case 28: try remove(&run, &arguments)
        case 29: try rename(&run, &arguments)
        case 31:
            guard let saved = run.saved else { throw .status(.restorefh) }
            setCurrent(&run, saved)
            run.currentState = run.savedState
        case 32:
            run.saved = try required(run.current)
            run.savedState = run.currentState
        case 33: try securityByName(&run, &arguments)
        case 34: try setAttributes(&run, &arguments)
        case 37: try verify(&run, &arguments, negated: false)
        case 38: try write(&run, &arguments)
        default:
            guard run.minor > 0 else { return try performOfZero(number, &run, &arguments) }
            try performOfSessions(number, &run, &arguments)
        }
    }

    private mutating func performOfSessions(_ number: UInt32, _ run: inout CompoundRun, _ arguments: inout Arguments) throws(Stop) {
        switch number {
        // 4.0's own (RFC 8881 §18.2 and after: MUST NOT be implemented).
        case 20, 30, 35, 36, 39: throw .status(.notsupp)
        case 40: try backchannelControl(&arguments)
        case 41: try bindConnection(&run, &arguments)
        case 42: try exchangeID(&run, &arguments)
        case 43: try createSession(&run, &arguments)
        case 44: try destroySession(&run, &arguments)
        case 45: try freeState(&run, &arguments)
        case 52: try securityOfHandle(&run, &arguments)
        case 53: try sequence(&run, &arguments)
        case 55: try testStates(&run, &arguments)
        case 57: try destroyClient(&run, &arguments)
        case 58: try reclaimComplete(&run, &arguments)
        case 46...51, 54, 56: throw .status(.notsupp)
        case 59...75 where run.minor > 1: try performOfTwo(number, &run, &arguments)
        default: throw .status(.opIllegal)
        }
    }

    /// Which operations stand where (RFC 8881 §2.10.6.1, §18.46.3): SEQUENCE first, or one of those that need none, alone.
    private func checkPlace(_ number: UInt32, _ run: CompoundRun) throws(Stop) {
        if number == 53 {
            if run.position > 0 { throw .status(.sequencePos) }
            return
        }
        guard run.position == 0 else { return }
        switch number {
        case 41, 42, 43, 44, 57: if run.left > 1 { throw .status(.notOnlyOp) }
        case 0...2, 59...: throw .status(run.minor > 1 && (59...75).contains(number) ? .opNotInSession : .opIllegal)
        default: throw .status(.opNotInSession)
        }
    }

    /// §16.2.3.1.2: another current handle ends the current stateid.
    func setCurrent(_ run: inout CompoundRun, _ handle: FileHandle) {
        run.current = handle
        run.currentState = nil
    }
}
