import Filesystem
import Primitives

/// Bits of share_access and share_deny.
enum NFSShare {
    static let read: UInt32 = 1
    static let write: UInt32 = 2
    static let both: UInt32 = 3
}

/// An open, or the locks of one owner on one file: what a stateid names.
struct NFSStateRecord: Sendable {
    enum Kind: Hashable, Sendable {
        case open
        /// Under the open of that number.
        case lock(open: UInt64)
    }

    let number: UInt64
    var sequence: UInt32 = 1
    let client: ClientID
    let kind: Kind
    let object: ObjectKey
    let owner: [UInt8]
    /// Of an open.
    var access: UInt32 = 0
    var deny: UInt32 = 0
    /// Of locks: what the cluster knows them by, and the ranges that are held.
    var lock: NFSLockName?
    var ranges = RangeSet()
}

/// A file that clients have open here. All of them write through one handle of the seam, so that what one has written is seen by
/// the others before it is in the file (docs/rfcs/2026-11-22-nfs-server.md).
struct OpenObject: Sendable {
    /// What was written through the handle and is not in the file yet.
    struct Pending: Sendable {
        var end: UInt64
        var time: WallTime
        var count: UInt64
    }

    var opens: [UInt64] = []
    var reader: SeamHandle?
    var writer: SeamHandle?
    var pending: Pending?
    /// Losses one after the other; a file that can not be written at all must not be sent again for ever.
    var lossesInARow = 0
}

/// A file that OPEN made with a verifier: the same request, come again, finds what it has made.
struct ExclusiveCreate: Sendable {
    static let kept = 1_024
    let directory: ObjectKey
    let name: [UInt8]
    let verifier: [UInt8]
    let inode: InodeID
}

/// Ranges of bytes that do not touch each other, in order.
struct RangeSet: Hashable, Sendable {
    private(set) var ranges: [Range<UInt64>] = []
    var isEmpty: Bool { ranges.isEmpty }

    mutating func insert(_ range: LockRange) {
        let new = Self.range(range)
        guard !new.isEmpty else { return }
        let touched = ranges.filter { $0.lowerBound <= new.upperBound && new.lowerBound <= $0.upperBound }
        let low = touched.reduce(new.lowerBound) { min($0, $1.lowerBound) }
        let high = touched.reduce(new.upperBound) { max($0, $1.upperBound) }
        ranges.removeAll { touched.contains($0) }
        let place = ranges.firstIndex { $0.lowerBound > low } ?? ranges.count
        ranges.insert(low..<high, at: place)
    }

    mutating func remove(_ range: LockRange) {
        let gone = Self.range(range)
        ranges = ranges.flatMap { range -> [Range<UInt64>] in
            guard range.overlaps(gone) else { return [range] }
            return [range.lowerBound..<max(range.lowerBound, gone.lowerBound), min(range.upperBound, gone.upperBound)..<range.upperBound]
                .filter { !$0.isEmpty }
        }
    }

    private static func range(_ range: LockRange) -> Range<UInt64> {
        let (end, over) = range.start.addingReportingOverflow(range.length)
        return range.start..<(over ? .max : max(range.start, end))
    }
}

extension NFSState {
    var verifier: [UInt8] { verifier(losses) }

    func verifier(_ losses: UInt32) -> [UInt8] {
        var writer = XDRWriter()
        writer.write(boot)
        writer.write(losses)
        return writer.bytes
    }

    func id(of state: NFSStateRecord) -> StateID { StateID(sequence: state.sequence, boot: boot, number: state.number) }

    mutating func addState(_ run: inout CompoundRun, _ make: (UInt64) -> NFSStateRecord) throws(Stop) -> NFSStateRecord {
        guard states.count < limits.states else { throw .status(.resource) }
        let state = make(stateNumber(&run))
        run.reserved = nil
        states[state.number] = state
        clients[state.client]?.states.insert(state.number)
        return state
    }

    /// The number that the next state of this operation has.
    mutating func stateNumber(_ run: inout CompoundRun) -> UInt64 {
        if run.reserved == nil {
            run.reserved = nextState
            nextState += 1
        }
        return run.reserved!
    }

    /// What a stateid names, checked as RFC 8881 §8.2.4 says; nil for those that name nothing.
    mutating func state(_ given: StateID, _ object: ObjectKey?, _ run: inout CompoundRun) throws(Stop) -> NFSStateRecord? {
        var id = given
        if run.minor > 0, id == .current {
            guard let current = run.currentState else { throw .status(.badStateid) }
            id = current
            id.sequence = 0
        }
        if id.isSpecial { return nil }
        guard id.boot == boot else { throw .status(run.minor == 0 ? .staleStateid : .badStateid) }
        guard let state = states[id.number] else { throw .status(.badStateid) }
        if let slot = run.slot, state.client != slot.session.client { throw .status(.badStateid) }
        // In 4.1 SEQUENCE has taken care of it.
        if run.minor == 0 {
            renew(state.client)
            if needsConfirmation(state.client) {
                try confirmRegistrations(state.client, &run)
                guard states[id.number] != nil else { throw .status(.expired) }
            }
        }
        if let object, state.object != object { throw .status(.badStateid) }
        if run.minor == 0 || id.sequence != 0 {
            guard id.sequence <= state.sequence else { throw .status(.badStateid) }
            guard id.sequence == state.sequence else { throw .status(.oldStateid) }
        }
        return state
    }

    /// Bits of access of an open, or of the open that a lock is under.
    func access(of state: NFSStateRecord) -> UInt32 {
        switch state.kind {
        case .open: state.access
        case .lock(let open): states[open]?.access ?? 0
        }
    }

    /// Ends a state; what it holds of the cluster is given back.
    mutating func release(_ number: UInt64) {
        guard let state = states.removeValue(forKey: number) else { return }
        clients[state.client]?.states.remove(number)
        switch state.kind {
        case .lock:
            if let name = state.lock, !state.ranges.isEmpty { giveBack(LockPlace(object: state.object, name: name)) }
        case .open:
            for lock in locks(under: number, of: state.client) { release(lock) }
            guard var object = objects[state.object] else { return }
            object.opens.removeAll { $0 == number }
            objects[state.object] = object
            closeIfUnused(state.object)
        }
    }

    func locks(under open: UInt64, of client: ClientID) -> [UInt64] {
        (clients[client]?.states ?? []).filter { states[$0]?.kind == .lock(open: open) }.sorted()
    }

    /// Handles that no open needs any more are closed behind everybody's back. What was not committed is written all the same.
    mutating func closeIfUnused(_ key: ObjectKey) {
        guard var object = objects[key] else { return }
        let writes = object.opens.contains { (states[$0]?.access ?? 0) & NFSShare.write != 0 }
        if !writes, let writer = object.writer {
            let call = post(.file(writer.user, .close(handle: writer.handle, abandon: false), payload: []))
            if object.pending != nil { closing[call] = key }
            object.writer = nil
        }
        if object.opens.isEmpty, let reader = object.reader {
            post(.file(reader.user, .close(handle: reader.handle, abandon: false), payload: []))
            object.reader = nil
        }
        objects[key] = object.opens.isEmpty && !closing.values.contains(key) ? nil : object
    }

    /// Writes that were not committed are gone: whoever sent them learns it from the verifier and sends them again.
    mutating func lost(_ key: ObjectKey) {
        losses &+= 1
        guard var object = objects[key] else { return }
        if let writer = object.writer { post(.file(writer.user, .close(handle: writer.handle, abandon: true), payload: [])) }
        object.writer = nil
        object.pending = nil
        object.lossesInARow += 1
        objects[key] = object.opens.isEmpty ? nil : object
    }
}
