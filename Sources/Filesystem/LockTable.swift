package import Primitives

/// Who holds a lock: a session of a client node, and within it one owner (an open file, a process).
package struct LockOwner: Hashable, Comparable, Sendable, XDRCodable {
    package let node: NodeID
    package let session: SessionID
    package let owner: UInt64
    package init(node: NodeID, session: SessionID, owner: UInt64) {
        self.node = node
        self.session = session
        self.owner = owner
    }
    package static func < (a: LockOwner, b: LockOwner) -> Bool { (a.node, a.session, a.owner) < (b.node, b.session, b.owner) }
    package func encode(to writer: inout XDRWriter) {
        writer.write(node)
        writer.write(session)
        writer.write(owner)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(node: try reader.value(), session: try reader.value(), owner: try reader.uint64())
    }
}

/// One held range, its end exclusive (`UInt64.max`: to the end of the file, however it grows).
package struct HeldLock: Hashable, Sendable, XDRCodable {
    package let owner: LockOwner
    package let start: UInt64
    package let end: UInt64
    package let exclusive: Bool

    package func encode(to writer: inout XDRWriter) {
        writer.write(owner)
        writer.write(start)
        writer.write(end)
        writer.write(exclusive)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(owner: try reader.value(), start: try reader.uint64(), end: try reader.uint64(), exclusive: try reader.bool())
    }
    init(owner: LockOwner, start: UInt64, end: UInt64, exclusive: Bool) {
        self.owner = owner
        self.start = start
        self.end = end
        self.exclusive = exclusive
    }

    package var range: LockRange { LockRange(start: start, length: end == .max ? .max : end - start) }

    func overlaps(_ start: UInt64, _ end: UInt64) -> Bool { self.start < end && start < self.end }
}

/// The advisory byte-range locks of one network file system (POSIX fcntl; RFC 8881 §18.10). Part of
/// the replicated state, so that a new leader knows them: a lock is granted once. Ranges of one
/// owner merge and split as POSIX says; a conflict answers the holder.
package struct LockTable: Hashable, Sendable, XDRCodable {
    /// Locks of one file system.
    package static let capacity = 65_536

    /// Ordered by inode; within it by start, then owner.
    private var inodes: [InodeID] = []
    private var locks: [[HeldLock]] = []
    package private(set) var count = 0

    package init() {}

    private func position(_ inode: InodeID) -> (index: Int, found: Bool) {
        var low = 0
        var high = inodes.count
        while low < high {
            let middle = (low + high) / 2
            if inodes[middle] < inode { low = middle + 1 } else { high = middle }
        }
        return (low, low < inodes.count && inodes[low] == inode)
    }

    package func locks(on inode: InodeID) -> [HeldLock] {
        let place = position(inode)
        return place.found ? locks[place.index] : []
    }

    private static func end(of range: LockRange) -> UInt64 {
        let (sum, overflow) = range.start.addingReportingOverflow(range.length)
        return overflow ? .max : sum
    }

    /// The lock that stands in the way; nil where there is none.
    package func conflict(_ inode: InodeID, _ range: LockRange, exclusive: Bool, owner: LockOwner) -> HeldLock? {
        let end = Self.end(of: range)
        return locks(on: inode).first { $0.owner != owner && $0.overlaps(range.start, end) && (exclusive || $0.exclusive) }
    }

    /// Grants the range, replacing what the owner held of it; false where the table is full.
    package mutating func grant(_ inode: InodeID, _ range: LockRange, exclusive: Bool, owner: LockOwner) -> Bool {
        precondition(!range.isEmpty, "an empty range was granted")
        precondition(conflict(inode, range, exclusive: exclusive, owner: owner) == nil, "a lock was granted over another")
        let before = locks(on: inode)
        var held = Self.removing(range, of: owner, from: before)
        var start = range.start
        var end = Self.end(of: range)
        // Adjacent ranges of the same owner and mode become one.
        held.removeAll { lock in
            guard lock.owner == owner, lock.exclusive == exclusive, lock.start <= end, start <= lock.end else { return false }
            start = min(start, lock.start)
            end = max(end, lock.end)
            return true
        }
        held.append(HeldLock(owner: owner, start: start, end: end, exclusive: exclusive))
        return replace(inode, before, with: held)
    }

    /// Gives a range back; false where that would split a lock and the table is full.
    package mutating func release(_ inode: InodeID, _ range: LockRange, owner: LockOwner) -> Bool {
        let before = locks(on: inode)
        return replace(inode, before, with: Self.removing(range, of: owner, from: before))
    }

    /// Gives a range to a new owner that `former` ones hold as a whole, as strongly as it is wanted, in one step: nobody else can
    /// have had it in between. False, and nothing is changed, where they do not.
    package mutating func takeOver(
        _ inode: InodeID, _ range: LockRange, exclusive: Bool, from former: (LockOwner) -> Bool, to owner: LockOwner
    ) -> Bool {
        let end = Self.end(of: range)
        let theirs = locks(on: inode).filter { former($0.owner) && $0.overlaps(range.start, end) && ($0.exclusive || !exclusive) }
        var covered = range.start
        for lock in theirs {
            guard lock.start <= covered else { return false }
            covered = max(covered, lock.end)
        }
        guard covered >= end else { return false }
        let kept = self
        store(inode, theirs.reduce(locks(on: inode)) { Self.removing(range, of: $1.owner, from: $0) })
        guard count <= Self.capacity, conflict(inode, range, exclusive: exclusive, owner: owner) == nil,
            grant(inode, range, exclusive: exclusive, owner: owner)
        else {
            self = kept
            return false
        }
        return true
    }

    /// Every lock, by file and place.
    package var all: [(inode: InodeID, lock: HeldLock)] { zip(inodes, locks).flatMap { inode, held in held.map { (inode, $0) } } }

    private mutating func replace(_ inode: InodeID, _ before: [HeldLock], with after: [HeldLock]) -> Bool {
        guard after.count <= before.count || count + after.count - before.count <= Self.capacity else { return false }
        store(inode, after)
        return true
    }

    /// Ends all locks of one session of a client node.
    package mutating func releaseAll(node: NodeID, session: SessionID) {
        for inode in inodes {
            store(inode, locks(on: inode).filter { $0.owner.node != node || $0.owner.session != session })
        }
    }

    /// The sessions that hold anything, each once, in order.
    package var holders: [(node: NodeID, session: SessionID)] {
        var owners = locks.flatMap { $0.map { LockOwner(node: $0.owner.node, session: $0.owner.session, owner: 0) } }
        owners.sort()
        var out: [(NodeID, SessionID)] = []
        for owner in owners where out.last.map({ $0 != (owner.node, owner.session) }) ?? true { out.append((owner.node, owner.session)) }
        return out
    }

    private static func removing(_ range: LockRange, of owner: LockOwner, from held: [HeldLock]) -> [HeldLock] {
        let end = Self.end(of: range)
        var out: [HeldLock] = []
        for lock in held {
            guard lock.owner == owner, lock.overlaps(range.start, end) else {
                out.append(lock)
                continue
            }
            if lock.start < range.start {
                out.append(HeldLock(owner: owner, start: lock.start, end: range.start, exclusive: lock.exclusive))
            }
            if end < lock.end { out.append(HeldLock(owner: owner, start: end, end: lock.end, exclusive: lock.exclusive)) }
        }
        return out
    }

    private mutating func store(_ inode: InodeID, _ held: [HeldLock]) {
        let place = position(inode)
        count += held.count - (place.found ? locks[place.index].count : 0)
        let sorted = held.sorted { ($0.start, $0.owner) < ($1.start, $1.owner) }
        switch (place.found, sorted.isEmpty) {
        case (true, true):
            inodes.remove(at: place.index)
            locks.remove(at: place.index)
        case (true, false): locks[place.index] = sorted
        case (false, true): break
        case (false, false):
            inodes.insert(inode, at: place.index)
            locks.insert(sorted, at: place.index)
        }
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(inodes)
        for held in locks { writer.write(held) }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let names: [InodeID] = try reader.array(limit: Self.capacity)
        for inode in names {
            let held: [HeldLock] = try reader.array(limit: Self.capacity - count)
            for lock in held where lock.start >= lock.end { throw .badValue(what: "start of a lock", value: lock.start) }
            guard !held.isEmpty, inodes.last.map({ $0 < inode }) ?? true else {
                throw .badValue(what: "file with locks", value: inode.rawValue)
            }
            store(inode, held)
        }
    }

    package func checkInvariants() {
        precondition(count == locks.reduce(0) { $0 + $1.count }, "lock count")
        for held in locks {
            for (position, lock) in held.enumerated() {
                precondition(lock.start < lock.end, "an empty lock")
                for other in held[(position + 1)...] where other.owner != lock.owner && other.overlaps(lock.start, lock.end) {
                    precondition(!lock.exclusive && !other.exclusive, "two owners hold \(lock.start)..<\(lock.end)")
                }
            }
        }
    }
}
