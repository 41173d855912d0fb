internal import DequeModule

/// A first-in-first-out queue that refuses what does not fit. Every queue of the project is one.
package struct BoundedQueue<Element> {
    private var elements = Deque<Element>()
    package let capacity: Int

    package init(capacity: Int) {
        precondition(capacity > 0, "a queue needs a positive capacity")
        self.capacity = capacity
    }

    package var count: Int { elements.count }
    package var isEmpty: Bool { elements.isEmpty }
    package var isFull: Bool { elements.count >= capacity }
    package var first: Element? { elements.first }

    /// Takes the element in, or returns false and leaves the queue as it was.
    package mutating func push(_ element: Element) -> Bool {
        guard !isFull else { return false }
        elements.append(element)
        return true
    }

    package mutating func pop() -> Element? { elements.popFirst() }
}

extension BoundedQueue: Sendable where Element: Sendable {}
