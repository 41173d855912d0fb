import Primitives

/// Bytes of a file by what they are, not by their values: pieces of endless streams, each named by a
/// tag, and a few literal bytes (what the core keeps inline). Two contents with equal bytes compare
/// equal once `normalised`.
struct Content: Hashable {
    enum Piece: Hashable {
        /// `length` bytes of the stream `tag`, from `start` on.
        case stream(tag: UInt64, start: UInt64, length: UInt64)
        case bytes([UInt8])

        var length: UInt64 {
            switch self {
            case .stream(_, _, let length): length
            case .bytes(let bytes): UInt64(bytes.count)
            }
        }

        func slice(_ from: UInt64, _ count: UInt64) -> Piece {
            switch self {
            case .stream(let tag, let start, _): .stream(tag: tag, start: start + from, length: count)
            case .bytes(let bytes): .bytes(Array(bytes[Int(from)..<Int(from + count)]))
            }
        }
    }

    /// The stream of zeros, which fills holes.
    static let zeroTag: UInt64 = 0
    private(set) var pieces: [Piece] = []
    private(set) var length: UInt64 = 0

    init() {}
    init(_ bytes: [UInt8]) { append(.bytes(bytes)) }

    /// A value that a client writes once: nobody else writes the same.
    init(tag: UInt64, length: UInt64) { append(.stream(tag: tag, start: 0, length: length)) }

    private mutating func append(_ piece: Piece) {
        guard piece.length > 0 else { return }
        length += piece.length
        if case .stream(let tag, let start, let more) = piece, case .stream(tag, let before, let had)? = pieces.last, before + had == start
        {
            pieces[pieces.count - 1] = .stream(tag: tag, start: before, length: had + more)
        } else if case .bytes(let more) = piece, case .bytes(let had)? = pieces.last {
            pieces[pieces.count - 1] = .bytes(had + more)
        } else {
            pieces.append(piece)
        }
    }

    mutating func append(_ other: Content) { for piece in other.pieces { append(piece) } }

    func slice(_ from: UInt64, _ count: UInt64) -> Content {
        var out = Content()
        var position: UInt64 = 0
        for piece in pieces {
            let low = max(from, position)
            let high = min(from + count, position + piece.length)
            if low < high { out.append(piece.slice(low - position, high - low)) }
            position += piece.length
        }
        return out
    }

    /// This, with `other` laid over it at `offset`; holes are zeros.
    func overlaid(_ other: Content, at offset: UInt64) -> Content {
        var out = slice(0, min(offset, length))
        if offset > length { out.append(.stream(tag: Self.zeroTag, start: 0, length: offset - length)) }
        out.append(other)
        let end = offset + other.length
        if end < length { out.append(slice(end, length - end)) }
        return out
    }

    /// The values of the bytes. For small contents only.
    var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Int(length))
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): out += bytes
            case .stream(Self.zeroTag, _, let length): out += [UInt8](repeating: 0, count: Int(length))
            case .stream(let tag, let start, let length):
                for place in start..<(start + length) {
                    out.append(UInt8(truncatingIfNeeded: SeededGenerator.mix(tag &+ place / 8 &* 0x9E37_79B9) >> (place % 8 * 8)))
                }
            }
        }
        return out
    }

    /// Of which stream these would be the first bytes; nil where they are too few to tell.
    static func tag(beginning bytes: [UInt8]) -> UInt64? {
        guard bytes.count >= 8 else { return nil }
        return unmixed(bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Of what `SeededGenerator.mix` makes this: no two values have the same mix.
    static func unmixed(_ mixed: UInt64) -> UInt64 {
        // Inverses of its factors modulo 2^64, and of its shifts.
        var z = (mixed ^ (mixed >> 31) ^ (mixed >> 62)) &* 0x3196_42B2_D24D_8EC3
        z = (z ^ (z >> 27) ^ (z >> 54)) &* 0x96DE_1B17_3F11_9089
        return z ^ (z >> 30) ^ (z >> 60)
    }

    /// Whether the bytes are those of another content.
    func isSame(as other: Content) -> Bool {
        guard length == other.length else { return false }
        if pieces == other.pieces { return true }
        // Literal bytes against a stream: what was kept inline.
        return length <= 65_536 && bytes == other.bytes
    }

    /// The name of a chunk with this content: equal contents have equal names.
    var chunkID: ChunkID { SHA256.hash(encoded) }

    /// What it is, as bytes: what the storage's own code keeps in the place of the content itself.
    var encoded: [UInt8] {
        var writer = XDRWriter(reserving: 64)
        for piece in pieces {
            switch piece {
            case .stream(let tag, let start, let length):
                writer.write(tag)
                writer.write(start)
                writer.write(length)
            case .bytes(let bytes): writer.write(opaque: bytes)
            }
        }
        return writer.bytes
    }

    /// What it is, for messages of checkers.
    var description: String {
        let words = pieces.map { piece in
            switch piece {
            case .stream(let tag, let start, let length): "\(tag)[\(start)+\(length)]"
            case .bytes(let bytes): "\(bytes.count) bytes"
            }
        }
        return words.isEmpty ? "nothing" : words.joined(separator: " ")
    }
}
