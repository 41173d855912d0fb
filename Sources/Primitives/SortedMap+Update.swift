extension SortedMap {
    /// Sets the value of `key` and returns the one before. O(log n), in place where not shared.
    @inlinable @discardableResult
    package mutating func updateValue(_ value: Value, forKey key: Key) -> Value? {
        let level = level(of: key)
        while root.height < level { root = Page(height: root.height + 1, keys: [], children: [root]) }
        var old: Value?
        let right = Self.insert(key, value, level, into: &root, replaced: &old)
        precondition(right == nil, "the root is above every boundary")
        if let old {
            // The key was there, so the root was high enough before.
            return old
        }
        count += 1
        return nil
    }

    /// Removes `key` and returns its value; nil, and nothing copied, where it is absent.
    @inlinable @discardableResult
    package mutating func removeValue(forKey key: Key) -> Value? {
        guard contains(key) else { return nil }
        let old = Self.remove(key, level(of: key), from: &root)
        count -= 1
        dropSingleRoots()
        return old
    }

    @inlinable mutating func dropSingleRoots() {
        while root.height > 0, root.children.count == 1 { root = root.children[0] }
    }

    /// Makes the page the caller's own and forgets its digest.
    @inlinable static func own(_ page: inout Page) {
        if isKnownUniquelyReferenced(&page) { page.hash = nil } else { page = page.copy() }
    }

    /// Returns the new right neighbour of `page` where the key is a boundary that cut it.
    @inlinable static func insert(_ key: Key, _ value: Value, _ level: Int, into page: inout Page, replaced: inout Value?) -> Page? {
        own(&page)
        guard page.height > 0 else {
            let index = page.lowerBound(key)
            if index < page.keys.count, !(key < page.keys[index]) {
                replaced = page.values[index]
                page.values[index] = value
                return nil
            }
            guard level > 0 else {
                page.keys.insert(key, at: index)
                page.values.insert(value, at: index)
                return nil
            }
            let right = Page(leaf: [key] + page.keys[index...], [value] + page.values[index...])
            page.keys.removeSubrange(index...)
            page.values.removeSubrange(index...)
            return right
        }
        let index = page.upperBound(key)
        guard let child = insert(key, value, level, into: &page.children[index], replaced: &replaced) else { return nil }
        if page.height < level {
            let right = Page(height: page.height, keys: Array(page.keys[index...]), children: [child] + page.children[(index + 1)...])
            page.keys.removeSubrange(index...)
            page.children.removeSubrange((index + 1)...)
            return right
        }
        page.keys.insert(key, at: index)
        page.children.insert(child, at: index + 1)
        return nil
    }

    /// The key is there. Where it began pages, they join their left neighbours.
    @inlinable static func remove(_ key: Key, _ level: Int, from page: inout Page) -> Value {
        own(&page)
        if page.height == 0 {
            let index = page.lowerBound(key)
            page.keys.remove(at: index)
            return page.values.remove(at: index)
        }
        let index = page.upperBound(key)
        guard page.height == level else { return remove(key, level, from: &page.children[index]) }
        // Here the key is a separator: keys[index - 1].
        page.keys.remove(at: index - 1)
        var right = page.children.remove(at: index)
        let old = removeFirst(from: &right)
        own(&page.children[index - 1])
        join(page.children[index - 1], with: right)
        return old
    }

    /// Removes the first entry of the subtree, whose pages all begin with it.
    @inlinable static func removeFirst(from page: inout Page) -> Value {
        own(&page)
        if page.height > 0 { return removeFirst(from: &page.children[0]) }
        page.keys.removeFirst()
        return page.values.removeFirst()
    }

    /// Appends `right` to `left`, which the caller owns: the last page of the one and the first of
    /// the other become one page at every height.
    @inlinable static func join(_ left: Page, with right: Page) {
        left.keys.append(contentsOf: right.keys)
        guard left.height > 0 else {
            left.values.append(contentsOf: right.values)
            return
        }
        let last = left.children.count - 1
        own(&left.children[last])
        join(left.children[last], with: right.children[0])
        left.children.append(contentsOf: right.children[1...])
    }
}
