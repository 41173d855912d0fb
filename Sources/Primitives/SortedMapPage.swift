/// One node of a `SortedMap`. Pages may be shared by many maps: a page is changed only by a map
/// that holds the only reference to it.
///
/// A leaf (height 0) has keys and values side by side. An inner page has children of the height
/// below, and `keys[i]` is where `children[i + 1]` begins; nothing says where `children[0]` begins,
/// for it begins where the page does.
///
/// Sendable by rule, not by the compiler: what is shared is not written, but for the cache of the
/// digest, which is why digests of maps that share pages are asked for from one thread at a time.
@usableFromInline package final class SortedMapPage<Key: SortedMapKey, Value: Equatable & Sendable>: @unchecked Sendable {
    @usableFromInline package let height: Int
    @usableFromInline package var keys: [Key]
    @usableFromInline package var values: [Value]
    @usableFromInline package var children: [SortedMapPage]
    /// Of the whole subtree, in words so that this code can be inlined (see `SortedMapDigest`); nil
    /// where it is to be computed again.
    @usableFromInline package var hash: (UInt64, UInt64, UInt64, UInt64, UInt64)?

    @inlinable init(leaf keys: [Key], _ values: [Value]) {
        height = 0
        self.keys = keys
        self.values = values
        children = []
    }

    @inlinable init(height: Int, keys: [Key], children: [SortedMapPage]) {
        self.height = height
        self.keys = keys
        values = []
        self.children = children
    }

    /// A copy that its holder may change. It has no digest, because it is about to change.
    @inlinable func copy() -> SortedMapPage {
        height == 0 ? SortedMapPage(leaf: keys, values) : SortedMapPage(height: height, keys: keys, children: children)
    }

    /// How many keys are before `key`: in a leaf the index of the key, or where it would be.
    @inlinable func lowerBound(_ key: Key) -> Int {
        keys.withUnsafeBufferPointer { keys in
            var low = 0
            var high = keys.count
            while low < high {
                let middle = (low &+ high) &>> 1
                if keys[middle] < key { low = middle &+ 1 } else { high = middle }
            }
            return low
        }
    }

    /// How many keys are not after `key`: in an inner page the index of the child that would hold it.
    @inlinable func upperBound(_ key: Key) -> Int {
        keys.withUnsafeBufferPointer { keys in
            var low = 0
            var high = keys.count
            while low < high {
                let middle = (low &+ high) &>> 1
                if key < keys[middle] { high = middle } else { low = middle &+ 1 }
            }
            return low
        }
    }
}
