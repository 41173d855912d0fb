// The opaque names that every other module speaks. All are ordered, because the cores may iterate
// only over ordered collections, and all have one wire form (see `Identifiers+XDR.swift`).
//
// They are keys of tables and are compared more often than anything else is done: a `package` type is inlined
// and specialised in other modules only where the type itself, too, is `@usableFromInline`.

/// A node of the cluster. Assigned once, when the node first joins, and never reused.
@usableFromInline package struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64
    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }
    @usableFromInline package var description: String { "n\(rawValue)" }
}

/// A region by its name, such as `us-east-1`.
@usableFromInline package struct RegionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let name: String
    @inlinable package init(_ name: String) { self.name = name }
    /// Byte order, not the locale's: the order must be the same on every machine.
    @inlinable package static func < (a: RegionID, b: RegionID) -> Bool {
        let order = a.name.utf8.withContiguousStorageIfAvailable { x in
            b.name.utf8.withContiguousStorageIfAvailable { y in
                for place in 0..<min(x.count, y.count) where x[place] != y[place] { return x[place] < y[place] }
                return x.count < y.count
            }
        }
        return (order ?? nil) ?? a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }
    @usableFromInline package var description: String { name }
}

/// A replicated log and its state machine. Group 0 is the catalog.
@usableFromInline package struct GroupID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64
    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package static var catalog: GroupID { GroupID(0) }
    @inlinable package static func < (a: GroupID, b: GroupID) -> Bool { a.rawValue < b.rawValue }
    @usableFromInline package var description: String { "g\(rawValue)" }
}

/// A file, directory or other object within one file system. The root is 1; 0 is never used.
/// Ids with the top bit set are provisional: a volume session hands them out, and its commit
/// replaces them (see `InodeID.isProvisional`).
@usableFromInline package struct InodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64
    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package static var root: InodeID { InodeID(1) }
    @inlinable package static var provisionalBit: UInt64 { 1 << 63 }
    @inlinable package var isProvisional: Bool { rawValue & Self.provisionalBit != 0 }
    @inlinable package static func < (a: InodeID, b: InodeID) -> Bool { a.rawValue < b.rawValue }
    @usableFromInline package var description: String { isProvisional ? "i~\(rawValue & ~Self.provisionalBit)" : "i\(rawValue)" }
}

/// A request that a front end made at this node; unique within the node's run.
@usableFromInline package struct RequestID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64
    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package static func < (a: RequestID, b: RequestID) -> Bool { a.rawValue < b.rawValue }
    @usableFromInline package var description: String { "r\(rawValue)" }
}

/// Bytes that the data plane of this node holds on behalf of the core, which sees only their name.
@usableFromInline package struct BufferID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64
    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package static func < (a: BufferID, b: BufferID) -> Bool { a.rawValue < b.rawValue }
    @usableFromInline package var description: String { "b\(rawValue)" }
}

/// A version of a volume: 0 is the empty volume, each commit adds one.
@usableFromInline package struct VersionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt64
    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable package static func < (a: VersionID, b: VersionID) -> Bool { a.rawValue < b.rawValue }
    @usableFromInline package var description: String { "v\(rawValue)" }
}
