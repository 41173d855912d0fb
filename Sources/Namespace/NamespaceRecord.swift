package import Primitives

/// The value of a record in the map of a file system.
package enum NamespaceRecord: Hashable, Sendable {
    /// Boxed: most records are smaller, and pages move their records about.
    indirect case attributes(Inode)
    case entry(InodeID, InodeType)
    case extent(length: UInt64, chunk: ChunkReference, chunkOffset: UInt32)
    /// Inline content, the target of a symlink, the value of an extended attribute.
    case bytes([UInt8])
    /// One of several names of an inode.
    case link
}

extension NamespaceRecord: SortedMapValue {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .attributes(let inode):
            writer.write(UInt32(0))
            inode.encode(to: &writer)
        default: encodeForDigest(to: &writer)
        }
    }

    package func encodeForDigest(to writer: inout XDRWriter) {
        switch self {
        case .attributes(let inode):
            writer.write(UInt32(0))
            inode.encodeContent(to: &writer)
        case .entry(let inode, let type):
            writer.write(UInt32(1))
            writer.write(inode)
            writer.write(type.rawValue)
        case .extent(let length, let chunk, let chunkOffset):
            writer.write(UInt32(2))
            writer.write(length)
            writer.write(chunk)
            writer.write(chunkOffset)
        case .bytes(let bytes):
            writer.write(UInt32(3))
            writer.write(opaque: bytes)
        case .link: writer.write(UInt32(4))
        }
    }

    package func volatileHash(salt: UInt64) -> UInt64 {
        if case .attributes(let inode) = self { return inode.volatileHash(salt: salt) }
        return 0
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let tag = try reader.uint32()
        switch tag {
        case 0: self = .attributes(try reader.value())
        case 1: self = .entry(try reader.value(), try reader.value())
        case 2: self = .extent(length: try reader.uint64(), chunk: try reader.value(), chunkOffset: try reader.uint32())
        case 3: self = .bytes(Array(try reader.opaque(limit: NamespaceLimits.xattrBytes)))
        case 4: self = .link
        default: throw .badValue(what: "record", value: UInt64(tag))
        }
    }
}
