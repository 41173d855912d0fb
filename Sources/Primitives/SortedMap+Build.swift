extension SortedMap {
    /// Builds a map from entries that come in ascending order of their keys, in O(n) and without
    /// searching. It makes the same pages as inserting would.
    @usableFromInline package struct Builder {
        @usableFromInline let salt: UInt64
        @usableFromInline var keys: [Key] = []
        @usableFromInline var values: [Value] = []
        /// The open inner page of height `index + 1`; its last child is still open below.
        @usableFromInline var inner: [(keys: [Key], children: [Page])] = []
        @usableFromInline var last: Key?
        @usableFromInline package var count = 0

        @inlinable package init(salt: UInt64 = 0) { self.salt = salt }

        /// False, and nothing taken, where `key` is not after the one before it.
        @inlinable package mutating func append(_ key: Key, _ value: Value) -> Bool {
            if let last, !(last < key) { return false }
            let level = SortedMap(salt: salt).level(of: key)
            if level > 0 { close(below: level, before: key) }
            keys.append(key)
            values.append(value)
            last = key
            note()
            return true
        }

        @usableFromInline mutating func note() { count += 1 }

        @inlinable mutating func close(below level: Int, before key: Key) {
            while inner.count < level { inner.append(([], [])) }
            var page = Page(leaf: keys, values)
            keys = []
            values = []
            for height in 1..<level {
                inner[height - 1].children.append(page)
                page = Page(height: height, keys: inner[height - 1].keys, children: inner[height - 1].children)
                inner[height - 1] = ([], [])
            }
            inner[level - 1].children.append(page)
            inner[level - 1].keys.append(key)
        }

        @inlinable package consuming func finish() -> SortedMap {
            var page = Page(leaf: keys, values)
            for (index, open) in inner.enumerated() {
                page = Page(height: index + 1, keys: open.keys, children: open.children + [page])
            }
            return SortedMap(root: page, count: count, salt: salt)
        }
    }

    /// From entries in strictly ascending order of their keys.
    @inlinable package init(sorted entries: some Sequence<(key: Key, value: Value)>, salt: UInt64 = 0) {
        var builder = Builder(salt: salt)
        for (key, value) in entries {
            let inOrder = builder.append(key, value)
            precondition(inOrder, "the entries of a bulk build must ascend")
        }
        self = builder.finish()
    }
}
