/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 §12.1 and appendix B.4): the
/// checksum of everything that Atoll writes to a disk. It finds torn and decayed bytes cheaply;
/// that a chunk is the right one is proved by its SHA-256.
///
/// Sixteen bytes a step by sixteen tables ("slicing by 16", Kounavis and Berry 2005), in plain
/// Swift: a pure target may use no processor intrinsics.
package enum CRC32C {
    static let polynomial: UInt32 = 0x82F6_3B78
    private static let slices = 16

    /// Table 0 advances the register by one byte, table k by one byte and then k bytes of zeros.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 256 * slices)
        for byte in 0..<256 {
            var register = UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 1 ? register >> 1 ^ polynomial : register >> 1 }
            tables[byte] = register
        }
        for index in 256..<256 * slices {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 255)]
        }
        return tables
    }()

    /// The checksum of `bytes`.
    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { update(0, bytes) }
    package static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { update(0, $0) } }

    /// Continues a checksum: `update(checksum(a), b)` is the checksum of a followed by b.
    package static func update(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let base = bytes.baseAddress else { return checksum }
        return tables.withUnsafeBufferPointer { buffer in
            advance(~checksum, base, bytes.count, buffer.baseAddress!)
        }
    }

    private static func advance(_ start: UInt32, _ base: UnsafeRawPointer, _ count: Int, _ t: UnsafePointer<UInt32>) -> UInt32 {
        var register = start
        var position = 0
        while count &- position >= 16 {
            let a = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(register)
            let b = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position &+ 8, as: UInt64.self))
            let first = t[0xF00 &+ Int(a & 255)] ^ t[0xE00 &+ Int(a >> 8 & 255)] ^ t[0xD00 &+ Int(a >> 16 & 255)]
            let second = t[0xC00 &+ Int(a >> 24 & 255)] ^ t[0xB00 &+ Int(a >> 32 & 255)] ^ t[0xA00 &+ Int(a >> 40 & 255)]
            let third = t[0x900 &+ Int(a >> 48 & 255)] ^ t[0x800 &+ Int(a >> 56)] ^ t[0x700 &+ Int(b & 255)]
            let fourth = t[0x600 &+ Int(b >> 8 & 255)] ^ t[0x500 &+ Int(b >> 16 & 255)] ^ t[0x400 &+ Int(b >> 24 & 255)]
            let fifth = t[0x300 &+ Int(b >> 32 & 255)] ^ t[0x200 &+ Int(b >> 40 & 255)] ^ t[0x100 &+ Int(b >> 48 & 255)]
            register = first ^ second ^ third ^ fourth ^ fifth ^ t[Int(b >> 56)]
            position &+= 16
        }
        while position < count {
            register = register >> 8 ^ t[Int((register ^ UInt32(base.load(fromByteOffset: position, as: UInt8.self))) & 255)]
            position &+= 1
        }
        return ~register
    }
}
