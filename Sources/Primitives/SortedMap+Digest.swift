extension SortedMap where Key: XDRCodable, Value: SortedMapValue {
    /// The Merkle root. Computed when asked for and kept in the pages, so a later call hashes only
    /// what changed since. A page hashes as: height, number of keys, then for a leaf each key and
    /// value, for an inner page each separator and each child's digest.
    package var digest: SortedMapDigest { Self.digest(of: root, salt: salt) }

    private static func digest(of page: Page, salt: UInt64) -> SortedMapDigest {
        if let hash = page.hash { return SortedMapDigest(hash) }
        var writer = XDRWriter(reserving: 64 + page.keys.count * 96)
        writer.write(UInt32(page.height))
        writer.write(UInt32(page.keys.count))
        var volatile: UInt64 = 0
        if page.height == 0 {
            for index in page.keys.indices {
                page.keys[index].encode(to: &writer)
                page.values[index].encodeForDigest(to: &writer)
                volatile = fold(volatile, page.values[index].volatileHash(salt: salt))
            }
        } else {
            for key in page.keys { key.encode(to: &writer) }
            for child in page.children {
                let below = digest(of: child, salt: salt)
                below.content.encode(to: &writer)
                volatile = fold(volatile, below.volatile)
            }
        }
        let digest = SortedMapDigest(content: SHA256.hash(writer.bytes), volatile: volatile)
        page.hash = digest.parts
        return digest
    }

    /// In order, and not linear, so that what moves between entries shows.
    private static func fold(_ sum: UInt64, _ word: UInt64) -> UInt64 {
        SeededGenerator.mix((sum ^ word) &+ 0x9E37_79B9_7F4A_7C15)
    }
}

/// What a page or a map holds, in 40 bytes: `content` is the Merkle hash (SHA-256) over keys and
/// values as they encode for the digest, `volatile` is a 64-bit hash of what they leave out.
package struct SortedMapDigest: Hashable, Sendable {
    package let content: Digest
    package let volatile: UInt64
    package init(content: Digest, volatile: UInt64) {
        self.content = content
        self.volatile = volatile
    }

    init(_ parts: (UInt64, UInt64, UInt64, UInt64, UInt64)) {
        self.init(content: Digest(words: (parts.0, parts.1, parts.2, parts.3)), volatile: parts.4)
    }

    var parts: (UInt64, UInt64, UInt64, UInt64, UInt64) {
        (content.words.0, content.words.1, content.words.2, content.words.3, volatile)
    }
}
