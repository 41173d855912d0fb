package import Primitives

/// How a chunk's bytes lie in its frame.
package enum ChunkCodec: UInt8, Sendable, Hashable, CaseIterable {
    /// The raw bytes.
    case stored = 0
    /// One zstd frame (RFC 8878).
    case zstd = 1
}

/// Why bytes are no chunk frame.
package enum FrameProblem: Error, Hashable, Sendable, CustomStringConvertible {
    case truncated
    case badMagic
    case badHeaderChecksum
    case newerVersion(UInt8)
    case badField(String)
    case badPayloadChecksum

    package var description: String {
        switch self {
        case .truncated: "the frame is cut short"
        case .badMagic: "no frame begins here"
        case .badHeaderChecksum: "the frame's header does not match its checksum"
        case .newerVersion(let version): "the frame has version \(version), this program knows \(ChunkFrame.version)"
        case .badField(let name): "the frame's \(name) cannot be"
        case .badPayloadChecksum: "the frame does not match its checksum"
        }
    }
}

/// The header of one chunk in a pack. The frame is the header, the stored bytes, and zeros up to a
/// multiple of eight bytes; frames begin at multiples of eight, so that they can be found again
/// behind a destroyed one. All numbers are big-endian.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `ACHK` |
/// | 4 | 1 | version, 1 |
/// | 5 | 1 | codec: 0 stored, 1 zstd |
/// | 6 | 2 | zero |
/// | 8 | 4 | raw length, at most 64 MiB |
/// | 12 | 4 | stored length, at most the raw length |
/// | 16 | 32 | SHA-256 of the raw bytes: the chunk's name |
/// | 48 | 4 | CRC-32C of bytes 0 … 47 |
/// | 52 | 4 | codec 0: CRC-32C of bytes 0 … 51; codec 1: of bytes 0 … 51 and the stored bytes |
///
/// The header has a checksum of its own, so that its lengths lead past a payload that has decayed:
/// one bad sector costs one chunk. Raw bytes are proved by their SHA-256 and need no second checksum.
package struct ChunkFrame: Hashable, Sendable {
    package static let magic: UInt32 = 0x4143_484B
    package static let version: UInt8 = 1
    package static let headerSize = 56
    package static let alignment = 8

    package let codec: ChunkCodec
    package let rawLength: UInt32
    package let storedLength: UInt32
    package let id: ChunkID
    /// Bytes 52 … 55 of the header.
    package let checksum: UInt32

    /// Bytes of the whole frame, with padding.
    package var frameSize: Int { Self.frameSize(storedLength: Int(storedLength)) }
    package static func frameSize(storedLength: Int) -> Int { headerSize + (storedLength + alignment - 1) & ~(alignment - 1) }

    /// Writes the header of a frame with this payload into the first 56 bytes of `out`.
    package static func writeHeader(
        into out: UnsafeMutableRawBufferPointer, codec: ChunkCodec, rawLength: Int, id: ChunkID, payload: UnsafeRawBufferPointer
    ) {
        precondition(out.count >= headerSize && rawLength <= ChunkPolicy.largestChunk && payload.count <= rawLength, "no such frame")
        out.put(magic, at: 0)
        out[4] = version
        out[5] = codec.rawValue
        out.put(UInt16(0), at: 6)
        out.put(UInt32(rawLength), at: 8)
        out.put(UInt32(payload.count), at: 12)
        out.put(id, at: 16)
        let head = UnsafeRawBufferPointer(out)
        out.put(CRC32C.checksum(head.part(0, 48)), at: 48)
        out.put(checksum(head, payload, codec), at: 52)
    }

    private static func checksum(_ head: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ codec: ChunkCodec) -> UInt32 {
        let ofHeader = CRC32C.checksum(head.part(0, 52))
        return codec == .stored ? ofHeader : CRC32C.update(ofHeader, payload)
    }

    /// The whole frame as bytes (for tests and tools; the store writes without this copy).
    package static func bytes(codec: ChunkCodec, rawLength: Int, id: ChunkID, payload: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: frameSize(storedLength: payload.count))
        out.withUnsafeMutableBytes { out in
            payload.withUnsafeBytes { writeHeader(into: out, codec: codec, rawLength: rawLength, id: id, payload: $0) }
        }
        out.replaceSubrange(headerSize..<headerSize + payload.count, with: payload)
        return out
    }

    /// Reads a header; the payload is not looked at.
    package init(header bytes: UnsafeRawBufferPointer) throws(FrameProblem) {
        guard bytes.count >= Self.headerSize else { throw .truncated }
        guard bytes.uint32(at: 0) == Self.magic else { throw .badMagic }
        guard CRC32C.checksum(bytes.part(0, 48)) == bytes.uint32(at: 48) else { throw .badHeaderChecksum }
        guard bytes[4] == Self.version else { throw .newerVersion(bytes[4]) }
        guard let codec = ChunkCodec(rawValue: bytes[5]) else { throw .badField("codec") }
        guard bytes.uint16(at: 6) == 0 else { throw .badField("reserved field") }
        let raw = bytes.uint32(at: 8)
        let stored = bytes.uint32(at: 12)
        guard raw <= UInt32(ChunkPolicy.largestChunk) else { throw .badField("raw length") }
        guard stored <= raw, codec != .stored || stored == raw else { throw .badField("stored length") }
        self.codec = codec
        rawLength = raw
        storedLength = stored
        id = bytes.digest(at: 16)
        checksum = bytes.uint32(at: 52)
    }

    /// Reads and verifies a whole frame; `bytes` may go on behind it.
    package init(verifying bytes: UnsafeRawBufferPointer) throws(FrameProblem) {
        try self.init(header: bytes)
        guard bytes.count >= Self.headerSize + Int(storedLength) else { throw .truncated }
        let payload = bytes.part(Self.headerSize, Int(storedLength))
        guard Self.checksum(bytes, payload, codec) == checksum else { throw .badPayloadChecksum }
        guard codec != .stored || SHA256.hash(payload) == id else { throw .badPayloadChecksum }
    }
}
