import Namespace
import Primitives

/// The numbers by which a session knows what it made itself. A commit gives such an object another number, of the
/// volume; whoever keeps numbers (a mount's kernel) goes on with the first. Bounded: beyond `capacity` the objects
/// published longest ago, and not used since, are known by the volume's numbers only, and the old ones are stale.
struct SessionNumbers {
    static let capacity = 262_144

    /// From the number shown first to that of now, and back. For looking up only.
    private var current: [InodeID: InodeID] = [:]
    private var shown: [InodeID: InodeID] = [:]
    private var order = BoundedQueue<InodeID>(capacity: capacity)
    /// Asked for since their turn came last: they are passed over once (the clock algorithm). For looking up only.
    private var used: Set<InodeID> = []
    /// Numbers that no object of a volume ever gets.
    private var fresh: UInt64 = 1 << 62

    func now(_ number: InodeID) -> InodeID { current[number] ?? number }
    func first(_ number: InodeID) -> InodeID { shown[number] ?? number }

    /// It is in use.
    mutating func touch(_ number: InodeID) { if current[number] != nil { used.insert(number) } }

    mutating func rename(_ renumbering: [VolumeCommit.Renumbering]) {
        for entry in renumbering {
            let first = shown.removeValue(forKey: entry.provisional) ?? entry.provisional
            show(entry.real, as: first)
        }
    }

    /// The object goes on under another number: the one that it had stands for its past.
    mutating func retire(_ first: InodeID) {
        let number = now(first)
        current[first] = nil
        fresh += 1
        show(number, as: InodeID(fresh))
    }

    private mutating func forgetOne() {
        while let oldest = order.pop() {
            if used.remove(oldest) != nil {
                _ = order.push(oldest)
                continue
            }
            if let forgotten = current.removeValue(forKey: oldest) { shown[forgotten] = nil }
            return
        }
    }

    private mutating func show(_ number: InodeID, as first: InodeID) {
        if current[first] == nil {
            if order.isFull { forgetOne() }
            _ = order.push(first)
        }
        current[first] = number
        shown[number] = first
    }
}
