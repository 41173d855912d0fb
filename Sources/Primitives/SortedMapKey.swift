/// A key of a `SortedMap`: ordered, and able to feed a keyed hash that decides where pages begin.
/// With a byte form too (`XDRCodable`) its maps have digests.
///
/// The attributes `@usableFromInline` and `@inlinable` here and in the files of `SortedMap` let the
/// compiler specialise the map for the keys of another module: without them lookups cost three times
/// as much (measured with Swift 6.3.1 in release).
@usableFromInline package protocol SortedMapKey: Comparable, Sendable {
    /// Feeds what tells this key from every other one. Equal keys must feed equal words.
    func feed(_ hasher: inout KeyHasher)
}

/// A value whose map has a digest.
package protocol SortedMapValue: Equatable, Sendable, XDRCodable {
    /// Writes what the digest of the map covers: by default the whole wire form. A value that holds
    /// something of its history only (a change counter, a time of last change) leaves it out here
    /// and folds it into `volatileHash`.
    func encodeForDigest(to writer: inout XDRWriter)
    /// A hash of what `encodeForDigest` leaves out; 0 where nothing is left out. Pages with equal
    /// digests and equal volatile hashes are taken for equal.
    func volatileHash(salt: UInt64) -> UInt64
}

extension SortedMapValue {
    package func encodeForDigest(to writer: inout XDRWriter) { encode(to: &writer) }
    package func volatileHash(salt: UInt64) -> UInt64 { 0 }
}

/// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) over a sequence of
/// 64-bit words, keyed by a salt. The same in every process, unlike `Hasher`. Byte strings are fed
/// as their length and little-endian words, zero-filled at the end.
@usableFromInline package struct KeyHasher: Sendable {
    @usableFromInline var v0: UInt64
    @usableFromInline var v1: UInt64
    @usableFromInline var v2: UInt64
    @usableFromInline var v3: UInt64

    @inlinable package init(salt: UInt64) {
        let second = (salt &<< 32 | salt &>> 32) &* 0x9E37_79B9_7F4A_7C15 ^ 0xBF58_476D_1CE4_E5B9
        v0 = salt ^ 0x736f_6d65_7073_6575
        v1 = second ^ 0x646f_7261_6e64_6f6d
        v2 = salt ^ 0x6c79_6765_6e65_7261
        v3 = second ^ 0x7465_6462_7974_6573
    }

    @inlinable @inline(__always) mutating func round() {
        v0 = v0 &+ v1
        v1 = (v1 &<< 13 | v1 &>> 51) ^ v0
        v0 = v0 &<< 32 | v0 &>> 32
        v2 = v2 &+ v3
        v3 = (v3 &<< 16 | v3 &>> 48) ^ v2
        v0 = v0 &+ v3
        v3 = (v3 &<< 21 | v3 &>> 43) ^ v0
        v2 = v2 &+ v1
        v1 = (v1 &<< 17 | v1 &>> 47) ^ v2
        v2 = v2 &<< 32 | v2 &>> 32
    }

    @inlinable package mutating func combine(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    @inlinable package mutating func combine(_ bytes: [UInt8]) {
        combine(UInt64(bytes.count))
        var word: UInt64 = 0
        var filled: UInt64 = 0
        for byte in bytes {
            word |= UInt64(byte) &<< (8 &* filled)
            filled &+= 1
            if filled == 8 {
                combine(word)
                word = 0
                filled = 0
            }
        }
        if filled > 0 { combine(word) }
    }

    @inlinable package func finish() -> UInt64 {
        var end = self
        end.v2 ^= 0xff
        end.round()
        end.round()
        end.round()
        return end.v0 ^ end.v1 ^ end.v2 ^ end.v3
    }
}
