package import Primitives

// Fixed layouts are read and written in network order, at byte offsets. The callers have checked
// the bounds; in debug builds the buffers check them again.

extension UnsafeRawBufferPointer {
    package func uint16(at offset: Int) -> UInt16 { UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
    package func uint32(at offset: Int) -> UInt32 { UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    package func uint64(at offset: Int) -> UInt64 { UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    package func digest(at offset: Int) -> Digest {
        Digest(words: (uint64(at: offset), uint64(at: offset + 8), uint64(at: offset + 16), uint64(at: offset + 24)))
    }
    /// The `count` bytes from `offset` on.
    package func part(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[offset..<offset + count])
    }
}

extension UnsafeMutableRawBufferPointer {
    package func put(_ value: UInt16, at offset: Int) { storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self) }
    package func put(_ value: UInt32, at offset: Int) { storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self) }
    package func put(_ value: UInt64, at offset: Int) { storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self) }
    package func put(_ value: Digest, at offset: Int) {
        put(value.words.0, at: offset)
        put(value.words.1, at: offset + 8)
        put(value.words.2, at: offset + 16)
        put(value.words.3, at: offset + 24)
    }
}
