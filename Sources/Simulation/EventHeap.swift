/// What is to happen, in order of time; what is due at one moment happens in the order in which it
/// was put in. Keys of 16 bytes lie in a heap of four children a node, which costs fewer cache lines
/// than two; the actions lie still beside it.
struct EventHeap<Action> {
    private struct Key {
        var at: Int64
        /// The serial number above, the action's slot below.
        var tag: UInt64

        static func precedes(_ a: Key, _ b: Key) -> Bool { a.at < b.at || a.at == b.at && a.tag < b.tag }
    }

    private static var slotBits: UInt64 { 24 }
    private var keys: ContiguousArray<Key> = []
    private var slots: ContiguousArray<Action?> = []
    private var free: ContiguousArray<UInt32> = []
    private var serial: UInt64 = 0

    var count: Int { keys.count }
    /// When the next one is due, in nanoseconds; nil where nothing is.
    var nextAt: Int64? { keys.first?.at }

    mutating func push(_ action: consuming Action, at: Int64) {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
            slots[Int(slot)] = action
        } else {
            slot = UInt32(slots.count)
            precondition(slots.count < 1 << Self.slotBits, "more than 16 million events wait; the world makes more than it does")
            slots.append(action)
        }
        serial += 1
        keys.append(Key(at: at, tag: serial << Self.slotBits | UInt64(slot)))
        siftUp(keys.count - 1)
    }

    mutating func pop() -> (at: Int64, action: Action)? {
        guard let top = keys.first, let last = keys.popLast() else { return nil }
        if !keys.isEmpty {
            keys[0] = last
            siftDown()
        }
        let slot = Int(top.tag & (1 << Self.slotBits - 1))
        guard let action = slots[slot].take() else { preconditionFailure("an event was taken twice") }
        free.append(UInt32(slot))
        return (top.at, action)
    }

    private mutating func siftUp(_ start: Int) {
        keys.withUnsafeMutableBufferPointer { keys in
            var child = start
            let moving = keys[child]
            while child > 0 {
                let parent = (child - 1) / 4
                guard Key.precedes(moving, keys[parent]) else { break }
                keys[child] = keys[parent]
                child = parent
            }
            keys[child] = moving
        }
    }

    private mutating func siftDown() {
        keys.withUnsafeMutableBufferPointer { keys in
            var parent = 0
            let moving = keys[0]
            while true {
                let first = 4 * parent + 1
                guard first < keys.count else { break }
                var least = first
                for child in (first + 1)..<max(first + 1, min(first + 4, keys.count)) where Key.precedes(keys[child], keys[least]) {
                    least = child
                }
                guard Key.precedes(keys[least], moving) else { break }
                keys[parent] = keys[least]
                parent = least
            }
            keys[parent] = moving
        }
    }
}
