internal import COpenSSL

/// 32 bytes of SHA-256 (FIPS 180-4), ordered as a big-endian number.
@usableFromInline package struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    @usableFromInline package let words: (UInt64, UInt64, UInt64, UInt64)
    package static let byteCount = 32
    package static let zero = Digest(words: (0, 0, 0, 0))

    @inlinable package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// From exactly 32 bytes.
    package init(_ bytes: some Collection<UInt8>) {
        precondition(bytes.count == Self.byteCount, "a digest has 32 bytes, not \(bytes.count)")
        var parts: [UInt64] = [0, 0, 0, 0]
        for (offset, byte) in bytes.enumerated() {
            parts[offset / 8] = parts[offset / 8] << 8 | UInt64(byte)
        }
        words = (parts[0], parts[1], parts[2], parts[3])
    }

    /// From 64 hexadecimal characters; nil where it is not that.
    package init?(hex: String) {
        guard let bytes = Hex.decode(hex), bytes.count == Self.byteCount else { return nil }
        self.init(bytes)
    }

    @inlinable package static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }
    @inlinable package static func < (a: Digest, b: Digest) -> Bool { a.words < b.words }
    @inlinable package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

    package var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Self.byteCount)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: 56, through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
        return out
    }

    package var hex: String { Hex.encode(bytes) }
    @usableFromInline package var description: String { String(hex.prefix(12)) }
}

/// The name of a chunk: the SHA-256 of its raw bytes.
package typealias ChunkID = Digest

/// SHA-256 by libcrypto: 1.5 GB/s a core with SHA-NI. A pure function, hence allowed in the cores
/// (docs/rfcs/2026-11-21-sha256-in-primitives.md).
package enum SHA256 {
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { out in
            let empty: UInt8 = 0
            withUnsafePointer(to: empty) { nothing in
                let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nothing
                _ = COpenSSL.SHA256(base, bytes.count, out.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
            func word(_ index: Int) -> UInt64 { UInt64(bigEndian: out.load(fromByteOffset: index * 8, as: UInt64.self)) }
            return Digest(words: (word(0), word(1), word(2), word(3)))
        }
    }

    package static func hash(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { hash($0) } }
    package static func hash(_ bytes: ArraySlice<UInt8>) -> Digest { bytes.withUnsafeBytes { hash($0) } }
}
