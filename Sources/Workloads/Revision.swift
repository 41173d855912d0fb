internal import Primitives

/// The second version of a file: a few insertions, deletions and changes at places drawn from a
/// seed, described as pieces that are copied from the first version or are new. A function of its
/// arguments, so that any part of the new version can be made without holding either whole.
package struct Revision: Hashable, Sendable {
    package enum Piece: Hashable, Sendable {
        case copy(from: UInt64, length: UInt64)
        case fresh(seed: UInt64, length: UInt64)

        package var length: UInt64 {
            switch self {
            case .copy(_, let length), .fresh(_, let length): length
            }
        }

        func part(from offset: UInt64, length: UInt64) -> Piece {
            switch self {
            case .copy(let start, _): .copy(from: start + offset, length: length)
            // The new bytes of a part must not depend on where the part was cut.
            case .fresh(let seed, _): .fresh(seed: seed &+ offset &* 0x9E37_79B9_7F4A_7C15, length: length)
            }
        }
    }

    package let pieces: [Piece]
    package let size: UInt64
    /// Bytes that the first version does not have.
    package let freshBytes: UInt64

    package init(of size: UInt64, edits: Int, editSize: UInt32, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var places: [UInt64] = []
        if size > 0 { for _ in 0..<edits { places.append(generator.next(upperBound: size)) } }
        places.sort()
        var pieces: [Piece] = []
        var position: UInt64 = 0
        for place in places where place >= position {
            if place > position { pieces.append(.copy(from: position, length: place - position)) }
            position = place
            let length = 1 + generator.next(upperBound: UInt64(editSize))
            switch generator.below(3) {
            case 0: pieces.append(.fresh(seed: generator.next(), length: length))
            case 1: position = min(size, position + length)
            default:
                let changed = min(length, size - position)
                pieces.append(.fresh(seed: generator.next(), length: changed))
                position += changed
            }
        }
        if position < size { pieces.append(.copy(from: position, length: size - position)) }
        self.pieces = pieces
        self.size = pieces.reduce(0) { $0 + $1.length }
        freshBytes = pieces.reduce(0) { sum, piece in
            if case .fresh(_, let length) = piece { sum + length } else { sum }
        }
    }

    /// The pieces that make up `length` bytes at `offset` of the second version (fewer at its end).
    package func pieces(at offset: UInt64, length: UInt64) -> [Piece] {
        var out: [Piece] = []
        var start: UInt64 = 0
        let end = min(size, offset + length)
        for piece in pieces {
            let low = max(start, offset)
            let high = min(start + piece.length, end)
            if low < high { out.append(piece.part(from: low - start, length: high - low)) }
            start += piece.length
            if start >= end { break }
        }
        return out
    }

    /// New bytes for a piece: byte `n` depends on the seed and `n` only.
    package static func freshBytes(seed: UInt64, length: UInt64) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Int(length))
        for index in 0..<length {
            out.append(UInt8(truncatingIfNeeded: SeededGenerator.mix(seed &+ index &* 0x9E37_79B9_7F4A_7C15) >> 32))
        }
        return out
    }
}
