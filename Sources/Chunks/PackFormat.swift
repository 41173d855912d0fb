package import Primitives

/// Why bytes are no pack header or footer.
package enum PackProblem: Error, Hashable, Sendable, CustomStringConvertible {
    case truncated
    case badMagic
    case badChecksum
    case newerVersion(UInt32)
    case badField(String)

    package var description: String {
        switch self {
        case .truncated: "cut short"
        case .badMagic: "not a pack"
        case .badChecksum: "it does not match its checksum"
        case .newerVersion(let version): "it has version \(version), this program knows \(PackHeader.version)"
        case .badField(let name): "its \(name) cannot be"
        }
    }
}

/// The first 64 bytes of a pack. A pack is this header, chunk frames (`ChunkFrame`) one after the
/// other, and, once sealed, a footer (`PackFooter`). Nothing in it ever changes; numbers are
/// big-endian. A pack without a footer is complete too: the footer only saves reading the frames.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 8 | magic `ATOLPACK` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | zero |
/// | 16 | 8 | number of the pack, also in its file name |
/// | 24 | 16 | id of the store that wrote it |
/// | 40 | 20 | zero |
/// | 60 | 4 | CRC-32C of bytes 0 … 59 |
package struct PackHeader: Hashable, Sendable {
    package static let magic: UInt64 = 0x4154_4F4C_5041_434B
    package static let version: UInt32 = 1
    package static let size = 64

    package let number: UInt64
    package let storeHigh: UInt64
    package let storeLow: UInt64

    package init(number: UInt64, storeHigh: UInt64, storeLow: UInt64) {
        self.number = number
        self.storeHigh = storeHigh
        self.storeLow = storeLow
    }

    package var bytes: [UInt8] {
        var out = [UInt8](repeating: 0, count: Self.size)
        out.withUnsafeMutableBytes { out in
            out.put(Self.magic, at: 0)
            out.put(Self.version, at: 8)
            out.put(number, at: 16)
            out.put(storeHigh, at: 24)
            out.put(storeLow, at: 32)
            out.put(CRC32C.checksum(UnsafeRawBufferPointer(out).part(0, 60)), at: 60)
        }
        return out
    }

    package init(_ bytes: UnsafeRawBufferPointer) throws(PackProblem) {
        guard bytes.count >= Self.size else { throw .truncated }
        guard bytes.uint64(at: 0) == Self.magic else { throw .badMagic }
        guard CRC32C.checksum(bytes.part(0, 60)) == bytes.uint32(at: 60) else { throw .badChecksum }
        guard bytes.uint32(at: 8) == Self.version else { throw .newerVersion(bytes.uint32(at: 8)) }
        self.init(number: bytes.uint64(at: 16), storeHigh: bytes.uint64(at: 24), storeLow: bytes.uint64(at: 32))
    }
}

/// One frame in a footer (56 bytes): offset 8, raw length 4, stored length 4, codec 1, zeros 7, id 32.
package struct PackEntry: Hashable, Sendable {
    package static let size = 56
    package let offset: UInt64
    package let rawLength: UInt32
    package let storedLength: UInt32
    package let codec: ChunkCodec
    package let id: ChunkID

    package init(offset: UInt64, rawLength: UInt32, storedLength: UInt32, codec: ChunkCodec, id: ChunkID) {
        self.offset = offset
        self.rawLength = rawLength
        self.storedLength = storedLength
        self.codec = codec
        self.id = id
    }

    package init(offset: UInt64, frame: ChunkFrame) {
        self.init(offset: offset, rawLength: frame.rawLength, storedLength: frame.storedLength, codec: frame.codec, id: frame.id)
    }

    package var frameSize: Int { ChunkFrame.frameSize(storedLength: Int(storedLength)) }
}

/// The list of a sealed pack's frames, behind the last of them: 8 bytes (magic `ACIX`, version 4),
/// the entries, and a trailer of 32 bytes that ends the file:
///
/// | offset from the trailer | bytes | field |
/// |---|---|---|
/// | 0 | 8 | offset of the footer in the pack |
/// | 8 | 8 | count of entries |
/// | 16 | 4 | zero |
/// | 20 | 4 | CRC-32C of the footer from its magic up to here |
/// | 24 | 8 | magic `ATOLSEAL` |
package struct PackFooter: Sendable {
    package static let magic: UInt32 = 0x4143_4958
    package static let version: UInt32 = 1
    package static let trailerMagic: UInt64 = 0x4154_4F4C_5345_414C
    package static let trailerSize = 32
    /// A pack of the largest size with the smallest chunks has fewer.
    package static let maximumEntries = 1 << 24

    package static func size(entries: Int) -> Int { 8 + entries * PackEntry.size + trailerSize }

    package static func bytes(at offset: UInt64, entries: [PackEntry]) -> [UInt8] {
        precondition(entries.count <= maximumEntries, "too many entries for a footer")
        var out = [UInt8](repeating: 0, count: size(entries: entries.count))
        out.withUnsafeMutableBytes { out in
            out.put(magic, at: 0)
            out.put(version, at: 4)
            for (index, entry) in entries.enumerated() {
                let start = 8 + index * PackEntry.size
                out.put(entry.offset, at: start)
                out.put(entry.rawLength, at: start + 8)
                out.put(entry.storedLength, at: start + 12)
                out[start + 16] = entry.codec.rawValue
                out.put(entry.id, at: start + 24)
            }
            let trailer = out.count - trailerSize
            out.put(offset, at: trailer)
            out.put(UInt64(entries.count), at: trailer + 8)
            out.put(CRC32C.checksum(UnsafeRawBufferPointer(out).part(0, trailer + 20)), at: trailer + 20)
            out.put(trailerMagic, at: trailer + 24)
        }
        return out
    }

    /// Where the footer begins and how many bytes it has, from the last 32 bytes of a pack of
    /// `fileSize` bytes; throws where the pack has no footer.
    package static func locate(trailer: UnsafeRawBufferPointer, fileSize: UInt64) throws(PackProblem) -> (offset: UInt64, size: Int) {
        guard trailer.count == trailerSize else { throw .truncated }
        guard trailer.uint64(at: 24) == trailerMagic else { throw .badMagic }
        let offset = trailer.uint64(at: 0)
        let count = trailer.uint64(at: 8)
        guard count <= UInt64(maximumEntries) else { throw .badField("count of entries") }
        let size = Self.size(entries: Int(count))
        guard offset >= UInt64(PackHeader.size), offset <= fileSize, fileSize - offset == UInt64(size) else { throw .badField("offset") }
        return (offset, size)
    }

    /// Reads a whole footer, found by `locate`.
    package static func entries(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(PackProblem) -> [PackEntry] {
        guard bytes.count >= size(entries: 0) else { throw .truncated }
        let trailer = bytes.count - trailerSize
        guard bytes.uint32(at: 0) == magic, bytes.uint64(at: trailer + 24) == trailerMagic else { throw .badMagic }
        guard CRC32C.checksum(bytes.part(0, trailer + 20)) == bytes.uint32(at: trailer + 20) else { throw .badChecksum }
        guard bytes.uint32(at: 4) == version else { throw .newerVersion(bytes.uint32(at: 4)) }
        guard bytes.uint64(at: trailer) == offset else { throw .badField("offset") }
        let count = bytes.uint64(at: trailer + 8)
        guard count <= UInt64(maximumEntries), size(entries: Int(count)) == bytes.count else { throw .badField("count of entries") }
        var entries: [PackEntry] = []
        entries.reserveCapacity(Int(count))
        var end = UInt64(PackHeader.size)
        for index in 0..<Int(count) {
            let start = 8 + index * PackEntry.size
            guard let codec = ChunkCodec(rawValue: bytes[start + 16]) else { throw .badField("codec") }
            let entry = PackEntry(
                offset: bytes.uint64(at: start), rawLength: bytes.uint32(at: start + 8), storedLength: bytes.uint32(at: start + 12),
                codec: codec, id: bytes.digest(at: start + 24))
            guard entry.offset >= end, entry.offset <= offset, UInt64(entry.frameSize) <= offset - entry.offset,
                entry.storedLength <= entry.rawLength, entry.rawLength <= UInt32(ChunkPolicy.largestChunk)
            else { throw .badField("entry \(index)") }
            end = entry.offset + UInt64(entry.frameSize)
            entries.append(entry)
        }
        return entries
    }
}
