import Primitives

/// Unsigned numbers in as few bytes as they need, seven bits to a byte, lowest first (LEB128).
struct VarintWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: value))
    }
}

struct VarintReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    mutating func next() throws(XDRError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < bytes.endIndex else { throw .truncated(needed: 1, remaining: 0) }
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { throw .badValue(what: "variable-length number", value: UInt64(byte)) }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }

    mutating func next32() throws(XDRError) -> UInt32 {
        let value = try next()
        guard let small = UInt32(exactly: value) else { throw .badValue(what: "32-bit number", value: value) }
        return small
    }
}
