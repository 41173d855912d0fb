extension SortedMap {
    /// Removes the entries from `low` up to but not including `high` by cutting the tree twice and
    /// joining the rest: O(log n) pages are copied however many entries go. Returns how many went,
    /// for which the pages that went are counted.
    @inlinable @discardableResult
    package mutating func removeRange(from low: Key, to high: Key) -> Int {
        guard low < high, let begin = first(from: low), begin.key < high else { return 0 }
        let end = first(from: high)?.key
        let left = Self.cut(root, at: begin.key)
        var removed = left.right
        var kept = left.left
        if let end {
            let parts = Self.cut(removed, at: end)
            removed = parts.left
            Self.attach(parts.right, beginningAt: end, level: level(of: end), to: &kept)
        }
        let gone = Self.count(in: removed)
        root = kept
        count -= gone
        dropSingleRoots()
        return gone
    }

    /// Two trees of the page's height: keys before `key`, and the rest. `key` is there; where it
    /// begins a page, the cut goes between pages and leaves both whole.
    @inlinable static func cut(_ page: Page, at key: Key) -> (left: Page, right: Page) {
        let index = page.lowerBound(key)
        if page.height == 0 {
            return (
                Page(leaf: Array(page.keys[..<index]), Array(page.values[..<index])),
                Page(leaf: Array(page.keys[index...]), Array(page.values[index...]))
            )
        }
        if index < page.keys.count, !(key < page.keys[index]) {
            return (
                Page(height: page.height, keys: Array(page.keys[..<index]), children: Array(page.children[...index])),
                Page(height: page.height, keys: Array(page.keys[(index + 1)...]), children: Array(page.children[(index + 1)...]))
            )
        }
        let parts = cut(page.children[index], at: key)
        return (
            Page(height: page.height, keys: Array(page.keys[..<index]), children: page.children[..<index] + [parts.left]),
            Page(height: page.height, keys: Array(page.keys[index...]), children: [parts.right] + page.children[(index + 1)...])
        )
    }

    /// Appends `right`, whose first key is `key` of that level, to `left` of the same height.
    @inlinable static func attach(_ right: Page, beginningAt key: Key, level: Int, to left: inout Page) {
        own(&left)
        if left.height == 0 {
            precondition(level == 0, "a boundary begins a page")
            left.keys.append(contentsOf: right.keys)
            left.values.append(contentsOf: right.values)
        } else if left.height <= level {
            // The children on both sides stay apart, with the boundary between them.
            precondition(left.height == level, "a boundary begins a page")
            left.keys.append(key)
            left.keys.append(contentsOf: right.keys)
            left.children.append(contentsOf: right.children)
        } else {
            attach(right.children[0], beginningAt: key, level: level, to: &left.children[left.children.count - 1])
            left.keys.append(contentsOf: right.keys)
            left.children.append(contentsOf: right.children[1...])
        }
    }

    @inlinable static func count(in page: Page) -> Int {
        page.height == 0 ? page.keys.count : page.children.reduce(0) { $0 + count(in: $1) }
    }
}
