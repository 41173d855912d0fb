extension SortedMap {
    /// One key at which two maps differ: `old` is nil where it was added, `new` where it was removed.
    @usableFromInline package struct Difference: Sendable {
        @usableFromInline package let key: Key
        @usableFromInline package let old: Value?
        @usableFromInline package let new: Value?
        @inlinable init(key: Key, old: Value?, new: Value?) {
            self.key = key
            self.old = old
            self.new = new
        }
    }

    /// The differences of two maps in order of their keys, found as they are asked for. Pages that
    /// the maps share, and pages whose digests are known and equal, are skipped: the cost follows
    /// what changed. Compute both digests first where the maps do not share pages.
    @usableFromInline package struct Differences: Sequence, IteratorProtocol, Sendable {
        @usableFromInline var old: Cursor
        @usableFromInline var new: Cursor
        /// Pages opened so far, for tests of the cost.
        @usableFromInline var opened = 0

        @inlinable init(old: Page, new: Page) {
            self.old = Cursor(old)
            self.new = Cursor(new)
        }

        package var pagesOpened: Int { opened }

        @inlinable package mutating func next() -> Difference? {
            while true {
                switch (old.head, new.head) {
                case (.end, .end): return nil
                case (.page(let a, let lowA), .page(let b, let lowB)): compare(a, lowA, b, lowB)
                case (.page(_, let low), .entry(let key)):
                    if Self.isBefore(key, low) { return takeNew(key) }
                    openOld()
                case (.entry(let key), .page(_, let low)):
                    if Self.isBefore(key, low) { return takeOld(key) }
                    openNew()
                case (.page, .end): openOld()
                case (.end, .page): openNew()
                case (.entry(let key), .end): return takeOld(key)
                case (.end, .entry(let key)): return takeNew(key)
                case (.entry(let a), .entry(let b)):
                    if a < b { return takeOld(a) }
                    if b < a { return takeNew(b) }
                    let (before, after) = (old.take(), new.take())
                    if before != after { return Difference(key: a, old: before, new: after) }
                }
            }
        }

        @inlinable mutating func takeOld(_ key: Key) -> Difference { Difference(key: key, old: old.take(), new: nil) }
        @inlinable mutating func takeNew(_ key: Key) -> Difference { Difference(key: key, old: nil, new: new.take()) }

        @inlinable mutating func openOld() {
            opened += 1
            old.open()
        }

        @inlinable mutating func openNew() {
            opened += 1
            new.open()
        }

        @inlinable mutating func compare(_ a: Page, _ lowA: Key?, _ b: Page, _ lowB: Key?) {
            if a === b || Self.haveEqualHashes(a, b) {
                old.skip()
                new.skip()
                return
            }
            // Of two pages that do not begin together the earlier one may hold what precedes the
            // other. Of two that do the higher is opened, so that equal pages below can meet.
            if Self.precedes(lowA, lowB) {
                openOld()
            } else if Self.precedes(lowB, lowA) {
                openNew()
            } else {
                let (heightA, heightB) = (a.height, b.height)
                if heightA >= heightB { openOld() }
                if heightB >= heightA { openNew() }
            }
        }

        @inlinable static func haveEqualHashes(_ a: Page, _ b: Page) -> Bool {
            guard a.height == b.height, let hashA = a.hash, let hashB = b.hash else { return false }
            return hashA == hashB
        }

        /// Whether `key` is before everything in a page that begins at `low` (nil: at the very start).
        @inlinable static func isBefore(_ key: Key, _ low: Key?) -> Bool { low.map { key < $0 } ?? false }

        @inlinable static func precedes(_ a: Key?, _ b: Key?) -> Bool {
            guard let b else { return false }
            return a.map { $0 < b } ?? true
        }
    }

    /// A place in a tree: before a page that is not opened yet, or before an entry.
    @usableFromInline struct Cursor: Sendable {
        @usableFromInline enum Head: Sendable {
            case page(Page, low: Key?)
            case entry(Key)
            case end
        }
        @usableFromInline var path: [(page: Page, index: Int, low: Key?)] = []
        @usableFromInline var head: Head

        @inlinable init(_ root: Page) { head = .page(root, low: nil) }

        /// Goes into the page at the head.
        @inlinable mutating func open() {
            guard case .page(let page, let low) = head else { preconditionFailure("only a page is opened") }
            path.append((page, 0, low))
            settle()
        }

        /// Leaves the page at the head behind, unopened.
        @inlinable mutating func skip() {
            if path.isEmpty {
                head = .end
            } else {
                path[path.count - 1].index += 1
                settle()
            }
        }

        /// The value at the head; goes to the next.
        @inlinable mutating func take() -> Value {
            let top = path[path.count - 1]
            let value = top.page.values[top.index]
            path[path.count - 1].index += 1
            settle()
            return value
        }

        @inlinable mutating func settle() {
            while let top = path.last {
                if top.page.height == 0 {
                    if top.index < top.page.keys.count {
                        head = .entry(top.page.keys[top.index])
                        return
                    }
                } else if top.index < top.page.children.count {
                    head = .page(top.page.children[top.index], low: top.index == 0 ? top.low : top.page.keys[top.index - 1])
                    return
                }
                path.removeLast()
                if !path.isEmpty { path[path.count - 1].index += 1 }
            }
            head = .end
        }
    }

    /// What turns `old` into `self`.
    @inlinable package func differences(from old: SortedMap) -> Differences { Differences(old: old.root, new: root) }
}
