extension SortedMap: Sequence {
    /// Walks entries in order of their keys, opening pages as it comes to them. It holds the pages
    /// of the map as it was when it was made.
    @usableFromInline package struct Iterator: IteratorProtocol, Sendable {
        /// From the root down: an inner page with the index of the next child, or a leaf with the
        /// index of the next entry.
        @usableFromInline var path: [(page: Page, index: Int)] = []
        @usableFromInline var leaf: Page?
        @usableFromInline var index = 0

        @inlinable init(root: Page) { descend(root) }

        @inlinable init(root: Page, from key: Key) {
            var page = root
            while page.height > 0 {
                let child = page.upperBound(key)
                path.append((page, child + 1))
                page = page.children[child]
            }
            leaf = page
            index = page.lowerBound(key)
        }

        @inlinable mutating func descend(_ top: Page) {
            var page = top
            while page.height > 0 {
                path.append((page, 1))
                page = page.children[0]
            }
            leaf = page
            index = 0
        }

        @inlinable package mutating func next() -> (key: Key, value: Value)? {
            while let page = leaf {
                if index < page.keys.count {
                    defer { index &+= 1 }
                    return (page.keys[index], page.values[index])
                }
                advanceLeaf()
            }
            return nil
        }

        @inlinable mutating func advanceLeaf() {
            leaf = nil
            while let top = path.last {
                if top.index < top.page.children.count {
                    path[path.count - 1].index += 1
                    descend(top.page.children[top.index])
                    return
                }
                path.removeLast()
            }
        }
    }

    @inlinable package func makeIterator() -> Iterator { Iterator(root: root) }

    @inlinable package var underestimatedCount: Int { count }

    /// The entries from `key` (or the first after it) on.
    @inlinable package func scan(from key: Key) -> Iterator { Iterator(root: root, from: key) }

    /// Calls `body` for the entries from `low` up to but not including `high`, until it returns false.
    @inlinable package func forEach(from low: Key, to high: Key, _ body: (Key, Value) throws -> Bool) rethrows {
        var iterator = scan(from: low)
        while let (key, value) = iterator.next(), key < high {
            guard try body(key, value) else { return }
        }
    }
}
