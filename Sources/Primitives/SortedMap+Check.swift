extension SortedMap {
    /// Walks everything and stops at the first page that is not as the keys demand.
    package func checkInvariants() {
        var previous: Key?
        var seen = 0
        check(root, low: nil, leftmost: true, &previous, &seen)
        precondition(seen == count, "the map says \(count) entries and holds \(seen)")
        precondition(root.height == 0 || root.children.count > 1, "a root with one child should be that child")
    }

    private func check(_ page: Page, low: Key?, leftmost: Bool, _ previous: inout Key?, _ seen: inout Int) {
        guard page.height > 0 else {
            precondition(page.keys.count == page.values.count, "a leaf has as many values as keys")
            precondition(leftmost || !page.keys.isEmpty, "only the leftmost leaf may be empty")
            for (index, key) in page.keys.enumerated() {
                precondition(previous.map { $0 < key } ?? true, "keys ascend")
                precondition(level(of: key) == 0 || (index == 0 && !leftmost), "a boundary begins a leaf")
                previous = key
            }
            precondition(low == nil || page.keys.first.map { !($0 < low!) && !(low! < $0) } ?? false, "a leaf begins at its separator")
            seen += page.keys.count
            return
        }
        precondition(page.children.count == page.keys.count + 1, "a child between each two separators")
        for (index, child) in page.children.enumerated() {
            precondition(child.height == page.height - 1, "all leaves are equally deep")
            if index > 0 { precondition(level(of: page.keys[index - 1]) == page.height, "a separator has the level of its page") }
            check(child, low: index == 0 ? low : page.keys[index - 1], leftmost: leftmost && index == 0, &previous, &seen)
        }
    }

    /// The number of pages at each height and the entries of the largest leaf, for measurements.
    package var shape: (pages: [Int], largestLeaf: Int) {
        var pages = [Int](repeating: 0, count: root.height + 1)
        var largest = 0
        func walk(_ page: Page) {
            pages[page.height] += 1
            if page.height == 0 { largest = Swift.max(largest, page.keys.count) }
            for child in page.children { walk(child) }
        }
        walk(root)
        return (pages, largest)
    }
}
