package import Primitives

/// What commands have changed in a catalog since its owner looked last, so that a node follows ten thousand file systems
/// at the price of those that change. No part of the state: it is in no snapshot, in no digest and in no comparison.
package struct CatalogTouches: Sendable, Equatable {
    /// Beyond this many groups anything may have changed.
    static let capacity = 4_096

    /// Records of nodes.
    package private(set) var hasNodes = false
    /// Groups of file systems that were made, changed, deleted or purged; some of them more than once.
    package private(set) var groups: [GroupID] = []
    /// Too many to be listed: any group.
    package private(set) var isOverfull = false

    mutating func noteNodes() { hasNodes = true }

    mutating func note(_ group: GroupID) {
        guard !isOverfull, groups.last != group else { return }
        guard groups.count < Self.capacity else {
            isOverfull = true
            groups = []
            return
        }
        groups.append(group)
    }

    package static func == (a: CatalogTouches, b: CatalogTouches) -> Bool { true }
}

extension CatalogState {
    /// What was touched since this was asked last.
    package mutating func takeTouches() -> CatalogTouches {
        defer { touches = CatalogTouches() }
        return touches
    }
}
