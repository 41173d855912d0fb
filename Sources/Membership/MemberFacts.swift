package import Primitives

/// What a member tells all others about itself besides its address: small, bounded, and versioned
/// by its author. Nothing here decides anything; it steers placement and the dashboard.
package struct MemberFacts: Hashable, Sendable, XDRCodable {
    package static let softwareVersionLimit = 32
    package static let labelsMax = 8

    /// Counts the author's changes within one of its incarnations. `SWIMState` sets it.
    package var version: UInt64
    /// Bytes of the node's chunk store in all.
    package var capacityBytes: UInt64
    /// Bytes still free in it.
    package var freeBytes: UInt64
    package var softwareVersion: String
    /// The newest version of the wire between nodes that it speaks.
    package var wireVersion: UInt32
    /// Anything else, sorted by key.
    package var labels: [MemberLabel]

    package init(
        capacityBytes: UInt64 = 0, freeBytes: UInt64 = 0, softwareVersion: String = "", wireVersion: UInt32 = 1,
        labels: [MemberLabel] = [], version: UInt64 = 0
    ) {
        self.version = version
        self.capacityBytes = capacityBytes
        self.freeBytes = freeBytes
        self.softwareVersion = softwareVersion
        self.wireVersion = wireVersion
        self.labels = labels.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(version)
        writer.write(capacityBytes)
        writer.write(freeBytes)
        writer.write(softwareVersion)
        writer.write(wireVersion)
        writer.write(labels)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint64()
        let capacity = try reader.uint64()
        let free = try reader.uint64()
        let software = try reader.string(limit: Self.softwareVersionLimit)
        let wire = try reader.uint32()
        let labels = try reader.array(MemberLabel.self, limit: Self.labelsMax)
        self.init(
            capacityBytes: capacity, freeBytes: free, softwareVersion: software, wireVersion: wire, labels: labels, version: version)
    }
}

/// One further fact about a member, such as `rack=b7`.
package struct MemberLabel: Hashable, Sendable, XDRCodable {
    package static let keyLimit = 16
    package static let valueLimit = 32

    package let key: String
    package let value: String

    package init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(key)
        writer.write(value)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(try reader.string(limit: Self.keyLimit), try reader.string(limit: Self.valueLimit))
    }
}
