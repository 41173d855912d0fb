/// A persistent ordered map whose shape depends on its keys alone.
///
/// It is a B+ tree whose page boundaries are chosen by a hash of the keys, as in Merkle search trees
/// (Auvolat and Taïani, "Merkle Search Trees: Efficient State-Based CRDTs in Open Networks", SRDS
/// 2019) and prolly trees. A key has a *level*: the number of trailing zero digits, in base 32, of
/// its keyed hash, so one key in 32 has level 1 or more, one in 1,024 level 2 or more. A key of
/// level L begins a new page at every height below L. Hence pages hold 32 entries on average, the
/// height of the root is the highest level among the keys, and maps with equal contents have equal
/// pages whatever happened before: their digests agree, and a difference of two maps walks only the
/// pages that differ.
///
/// Deviations: Merkle search trees keep the entries of high levels in inner nodes; here all entries
/// are in leaves and inner pages repeat the keys at which children begin. The leftmost page of each
/// height begins at an imagined first key that is a boundary at every height; it alone may be empty.
///
/// *Sharing.* Assignment is a snapshot. An update copies the pages on one path where they are shared
/// and changes them in place where they are not. A map and its snapshots may be read from several
/// threads, but `digest` fills caches in shared pages: ask for it from one thread at a time.
///
/// *Bounds.* With a salt that whoever chooses the keys does not know, a page has more than 32·k
/// entries with probability e^-k, so no page of a map of a million entries is expected to pass 450.
/// An update costs the search and the shifting of one page per height, at most `maximumLevel + 1`.
/// Whoever knows the salt can choose keys of level 0 only and make one page of all of them; then an
/// update shifts that page, 88 bytes an entry in the namespace: 1 ms at 100,000 such keys. So the
/// salt of a map with keys from outside is drawn at random, replicated as data and never shown.
@usableFromInline package struct SortedMap<Key: SortedMapKey, Value: Equatable & Sendable>: Sendable {
    @usableFromInline package typealias Page = SortedMapPage<Key, Value>

    @usableFromInline package var root: Page
    @usableFromInline package var count: Int
    /// Keys the hash that places page boundaries. Maps with different salts have different shapes.
    @usableFromInline package let salt: UInt64

    /// Heights stop here: 32^7 pages are more than there will be.
    @inlinable package static var maximumLevel: Int { 7 }

    @inlinable package init(salt: UInt64 = 0) {
        root = Page(leaf: [], [])
        count = 0
        self.salt = salt
    }

    @inlinable init(root: Page, count: Int, salt: UInt64) {
        self.root = root
        self.count = count
        self.salt = salt
    }

    @inlinable package var isEmpty: Bool { count == 0 }

    /// Whether the two are the same pages, which proves that they are equal; false proves nothing.
    @inlinable package func isIdentical(to other: SortedMap) -> Bool { root === other.root }

    /// The height below which `key` begins pages.
    @inlinable package func level(of key: Key) -> Int {
        var hasher = KeyHasher(salt: salt)
        key.feed(&hasher)
        return Swift.min(hasher.finish().trailingZeroBitCount / 5, Self.maximumLevel)
    }

    @inlinable package subscript(key: Key) -> Value? {
        withLeaf(of: key) { leaf in
            let index = leaf.lowerBound(key)
            guard index < leaf.keys.count, !(key < leaf.keys[index]) else { return nil }
            return leaf.values[index]
        }
    }

    @inlinable package func contains(_ key: Key) -> Bool {
        withLeaf(of: key) { leaf in
            let index = leaf.lowerBound(key)
            return index < leaf.keys.count && !(key < leaf.keys[index])
        }
    }

    /// Goes down without counting references: the root keeps every page alive meanwhile.
    @inlinable @inline(__always) func withLeaf<Result>(of key: Key, _ body: (Page) -> Result) -> Result {
        withExtendedLifetime(root) {
            var page = Unmanaged.passUnretained(root)
            while page._withUnsafeGuaranteedRef({ $0.height }) > 0 {
                page = page._withUnsafeGuaranteedRef { inner in
                    let index = inner.upperBound(key)
                    return inner.children.withUnsafeBufferPointer { Unmanaged.passUnretained($0[index]) }
                }
            }
            return page._withUnsafeGuaranteedRef(body)
        }
    }

    @inlinable package var first: (key: Key, value: Value)? {
        var iterator = makeIterator()
        return iterator.next()
    }

    /// The first entry whose key is not before `key`.
    @inlinable package func first(from key: Key) -> (key: Key, value: Value)? {
        var iterator = scan(from: key)
        return iterator.next()
    }

    @inlinable package var last: (key: Key, value: Value)? { Self.last(in: root) }

    /// The last entry whose key is before `key`.
    @inlinable package func last(before key: Key) -> (key: Key, value: Value)? { Self.last(before: key, in: root) }

    @inlinable static func last(in page: Page) -> (key: Key, value: Value)? {
        if page.height == 0 { return page.keys.last.map { ($0, page.values[page.values.count - 1]) } }
        for child in page.children.reversed() {
            // Only a leftmost page may be empty.
            if let found = last(in: child) { return found }
        }
        return nil
    }

    @inlinable static func last(before key: Key, in page: Page) -> (key: Key, value: Value)? {
        let index = page.lowerBound(key)
        if page.height == 0 { return index > 0 ? (page.keys[index - 1], page.values[index - 1]) : nil }
        // The child that begins at or after `key` holds nothing before it.
        if let found = last(before: key, in: page.children[index]) { return found }
        return index > 0 ? last(in: page.children[index - 1]) : nil
    }
}
