import Primitives

/// Raw chunks in memory, the least recently used leaving first; bounded by bytes.
final class ChunkCache: @unchecked Sendable {
    private struct Slot {
        var id: ChunkID
        var bytes: [UInt8]
        var newer: Int
        var older: Int
    }
    private static let none = -1

    private let monitor = Monitor()
    private let capacity: Int
    private var places: [ChunkID: Int] = [:]
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var newest = ChunkCache.none
    private var oldest = ChunkCache.none
    private var used = 0
    private var hits: UInt64 = 0
    private var misses: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    func get(_ id: ChunkID) -> [UInt8]? {
        monitor.lock()
        defer { monitor.unlock() }
        guard let place = places[id] else {
            misses += 1
            return nil
        }
        hits += 1
        unlink(place)
        link(place)
        return slots[place].bytes
    }

    /// Whether the cache has it now.
    @discardableResult func put(_ id: ChunkID, _ bytes: [UInt8]) -> Bool {
        // One chunk must not drive out everything else.
        guard bytes.count <= capacity / 2 else { return false }
        monitor.lock()
        defer { monitor.unlock() }
        guard places[id] == nil else { return true }
        while used + bytes.count > capacity, oldest != Self.none { evict(oldest) }
        let slot = Slot(id: id, bytes: bytes, newer: Self.none, older: Self.none)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        places[id] = place
        used += bytes.count
        link(place)
        return true
    }

    func remove(_ id: ChunkID) {
        monitor.lock()
        defer { monitor.unlock() }
        if let place = places[id] { evict(place) }
    }

    func removeAll() {
        monitor.lock()
        defer { monitor.unlock() }
        while oldest != Self.none { evict(oldest) }
    }

    var counters: (bytes: Int, hits: UInt64, misses: UInt64) { monitor.withLock { (used, hits, misses) } }

    private func evict(_ place: Int) {
        unlink(place)
        places[slots[place].id] = nil
        used -= slots[place].bytes.count
        slots[place].bytes = []
        free.append(place)
    }

    private func unlink(_ place: Int) {
        let slot = slots[place]
        if slot.newer == Self.none { newest = slot.older } else { slots[slot.newer].older = slot.older }
        if slot.older == Self.none { oldest = slot.newer } else { slots[slot.older].newer = slot.newer }
    }

    private func link(_ place: Int) {
        slots[place].newer = Self.none
        slots[place].older = newest
        if newest == Self.none { oldest = place } else { slots[newest].newer = place }
        newest = place
    }
}
