/// The opaque names that every other module speaks. All are ordered, because the cores may iterate
/// only over ordered collections, and all have one wire form (see `Identifiers+XDR.swift`).

/// A node of the cluster. Assigned once, when the node first joins, and never reused.
package struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "n\(rawValue)" }
}

/// A region by its name, such as `us-east-1`.
package struct RegionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let name: String
    package init(_ name: String) { self.name = name }
    /// Byte order, not the locale's: the order must be the same on every machine.
    package static func < (a: RegionID, b: RegionID) -> Bool {
        let order = a.name.utf8.withContiguousStorageIfAvailable { x in
            b.name.utf8.withContiguousStorageIfAvailable { y in
                for place in 0..<min(x.count, y.count) where x[place] != y[place] { return x[place] < y[place] }
                return x.count < y.count
            }
        }
        return (order ?? nil) ?? a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }
    package var description: String { name }
}

/// A replicated log and its state machine. Group 0 is the catalog.
package struct GroupID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static let catalog = GroupID(0)
    package static func < (a: GroupID, b: GroupID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "g\(rawValue)" }
}

/// A file, directory or other object within one file system. The root is 1; 0 is never used.
/// Ids with the top bit set are provisional: a volume session hands them out, and its commit
/// replaces them (see `InodeID.isProvisional`).
package struct InodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static let root = InodeID(1)
    package static let provisionalBit: UInt64 = 1 << 63
    package var isProvisional: Bool { rawValue & Self.provisionalBit != 0 }
    package static func < (a: InodeID, b: InodeID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { isProvisional ? "i~\(rawValue & ~Self.provisionalBit)" : "i\(rawValue)" }
}

/// A request that a front end made at this node; unique within the node's run.
package struct RequestID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: RequestID, b: RequestID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "r\(rawValue)" }
}

/// Bytes that the data plane of this node holds on behalf of the core, which sees only their name.
package struct BufferID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: BufferID, b: BufferID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "b\(rawValue)" }
}

/// A version of a volume: 0 is the empty volume, each commit adds one.
package struct VersionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: VersionID, b: VersionID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "v\(rawValue)" }
}
