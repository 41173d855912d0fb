/// A map iterated in the order of its keys: the ordered storage of this module's state machines.
///
/// Entries lie in leaves of at most `leafCapacity`; a look-up is two binary searches, an insertion
/// moves at most one leaf. A copy shares all leaves and a write to a copy clones one of them, so a
/// snapshot of a table of 100,000 entries is an assignment and stays one while the original goes on.
///
/// Inlinable, and usable from inline as a type, so that tables of other modules' types are specialised there.
///
/// Unlike `Dictionary`, two equal tables iterate alike whatever their histories, in every process.
@usableFromInline package struct OrderedTable<Key: Comparable, Value> {
    @usableFromInline struct Leaf {
        @usableFromInline var keys: [Key]
        @usableFromInline var values: [Value]
        @inlinable init(keys: [Key], values: [Value]) {
            self.keys = keys
            self.values = values
        }
    }

    @inlinable static var leafCapacity: Int { 128 }
    /// Never holds an empty leaf.
    @usableFromInline var leaves: [Leaf] = []
    @usableFromInline var entryCount = 0
    @inlinable package var count: Int { entryCount }

    @inlinable package init() {}

    @inlinable package var isEmpty: Bool { count == 0 }

    // MARK: Searching

    /// The leaf where `key` is or would be put.
    @inlinable func leafIndex(for key: Key) -> Int {
        var low = 0
        var high = leaves.count
        while low < high {
            let middle = (low + high) / 2
            if leaves[middle].keys[0] <= key { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : 0
    }

    /// The first position of `leaf` whose key is not less than `key`.
    @inlinable static func lowerBound(_ keys: [Key], _ key: Key) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    @inlinable func position(of key: Key) -> (leaf: Int, slot: Int)? {
        guard !leaves.isEmpty else { return nil }
        let leaf = leafIndex(for: key)
        let slot = Self.lowerBound(leaves[leaf].keys, key)
        guard slot < leaves[leaf].keys.count, leaves[leaf].keys[slot] == key else { return nil }
        return (leaf, slot)
    }

    @inlinable package func contains(_ key: Key) -> Bool { position(of: key) != nil }

    @inlinable package var first: (key: Key, value: Value)? {
        leaves.first.map { ($0.keys[0], $0.values[0]) }
    }

    @inlinable package var last: (key: Key, value: Value)? {
        leaves.last.map { ($0.keys[$0.keys.count - 1], $0.values[$0.values.count - 1]) }
    }

    // MARK: Reading and writing

    @inlinable package subscript(key: Key) -> Value? {
        get { position(of: key).map { leaves[$0.leaf].values[$0.slot] } }
        set {
            if let newValue { _ = insert(key, newValue) } else { _ = remove(key) }
        }
    }

    /// What `body` makes of a value where it lies, which is not copied for it; nil where the key is absent.
    @inlinable package func with<Result>(_ key: Key, _ body: (Value) -> Result) -> Result? {
        guard let place = position(of: key) else { return nil }
        return leaves[place.leaf].values.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped[place.slot]) }
    }

    /// The keys of values for which `isWanted` holds, in order; no value is copied.
    @inlinable package func keys(where isWanted: (Value) -> Bool) -> [Key] {
        var out: [Key] = []
        for leaf in leaves {
            leaf.values.withUnsafeBufferPointer { values in
                for slot in 0..<values.count where isWanted(values.baseAddress.unsafelyUnwrapped[slot]) { out.append(leaf.keys[slot]) }
            }
        }
        return out
    }

    /// Changes a value where it lies; nil where the key is absent.
    @inlinable package mutating func update<Result>(_ key: Key, _ body: (inout Value) -> Result) -> Result? {
        guard let place = position(of: key) else { return nil }
        return body(&leaves[place.leaf].values[place.slot])
    }

    /// Puts the value in and returns the one that it replaces.
    @inlinable package mutating func insert(_ key: Key, _ value: Value) -> Value? {
        guard !leaves.isEmpty else {
            leaves.append(Leaf(keys: [key], values: [value]))
            entryCount = 1
            return nil
        }
        let leaf = leafIndex(for: key)
        let slot = Self.lowerBound(leaves[leaf].keys, key)
        if slot < leaves[leaf].keys.count, leaves[leaf].keys[slot] == key {
            let old = leaves[leaf].values[slot]
            leaves[leaf].values[slot] = value
            return old
        }
        leaves[leaf].keys.insert(key, at: slot)
        leaves[leaf].values.insert(value, at: slot)
        entryCount += 1
        if leaves[leaf].keys.count > Self.leafCapacity { split(leaf) }
        return nil
    }

    @inlinable mutating func split(_ leaf: Int) {
        // Keys that only grow fill their leaves: the last leaf sheds just its newest entry.
        let isLast = leaf == leaves.count - 1
        let cut = isLast ? leaves[leaf].keys.count - 1 : leaves[leaf].keys.count / 2
        let upper = Leaf(keys: Array(leaves[leaf].keys[cut...]), values: Array(leaves[leaf].values[cut...]))
        leaves[leaf].keys.removeSubrange(cut...)
        leaves[leaf].values.removeSubrange(cut...)
        leaves.insert(upper, at: leaf + 1)
    }

    @inlinable package mutating func remove(_ key: Key) -> Value? {
        guard let place = position(of: key) else { return nil }
        entryCount -= 1
        leaves[place.leaf].keys.remove(at: place.slot)
        let old = leaves[place.leaf].values.remove(at: place.slot)
        if leaves[place.leaf].keys.isEmpty { leaves.remove(at: place.leaf) }
        return old
    }

    @inlinable package mutating func removeFirst() -> (key: Key, value: Value)? {
        guard let entry = first else { return nil }
        _ = remove(entry.key)
        return entry
    }

    @inlinable package var keys: [Key] {
        var out: [Key] = []
        out.reserveCapacity(entryCount)
        for leaf in leaves { out += leaf.keys }
        return out
    }
    @inlinable package var values: [Value] {
        var out: [Value] = []
        out.reserveCapacity(entryCount)
        for leaf in leaves { out += leaf.values }
        return out
    }

    /// The entries whose keys are not less than `key`, in order.
    @inlinable package func entries(from key: Key) -> Iterator {
        guard !leaves.isEmpty else { return makeIterator() }
        let leaf = leafIndex(for: key)
        return Iterator(leaves: leaves, leaf: leaf, slot: Self.lowerBound(leaves[leaf].keys, key))
    }
}

extension OrderedTable: Sequence {
    @usableFromInline package struct Iterator: IteratorProtocol, Sequence {
        @usableFromInline let leaves: [Leaf]
        @usableFromInline var leaf: Int
        @usableFromInline var slot: Int

        @inlinable init(leaves: [Leaf], leaf: Int, slot: Int) {
            self.leaves = leaves
            self.leaf = leaf
            self.slot = slot
        }

        @inlinable package mutating func next() -> (key: Key, value: Value)? {
            while leaf < leaves.count {
                if slot < leaves[leaf].keys.count {
                    defer { slot += 1 }
                    return (leaves[leaf].keys[slot], leaves[leaf].values[slot])
                }
                leaf += 1
                slot = 0
            }
            return nil
        }
    }

    @inlinable package func makeIterator() -> Iterator { Iterator(leaves: leaves, leaf: 0, slot: 0) }
    @inlinable package var underestimatedCount: Int { count }
}

extension OrderedTable.Leaf: Sendable where Key: Sendable, Value: Sendable {}
extension OrderedTable: Sendable where Key: Sendable, Value: Sendable {}

extension OrderedTable: Equatable where Value: Equatable {
    @inlinable package static func == (a: Self, b: Self) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).allSatisfy { $0.0.key == $0.1.key && $0.0.value == $0.1.value }
    }
}
