/// Why bytes from outside were refused.
package enum XDRError: Error, Hashable, Sendable, CustomStringConvertible {
    case truncated(needed: Int, remaining: Int)
    case tooLong(length: Int, limit: Int)
    case badValue(what: String, value: UInt64)
    case trailing(Int)
    case badPadding
    case badText

    package var description: String {
        switch self {
        case .truncated(let needed, let remaining): "truncated: \(needed) bytes needed, \(remaining) left"
        case .tooLong(let length, let limit): "too long: \(length), at most \(limit) allowed"
        case .badValue(let what, let value): "\(value) is no \(what)"
        case .trailing(let count): "\(count) bytes too many"
        case .badPadding: "padding that is not zero"
        case .badText: "text that is not UTF-8"
        }
    }
}

/// A value with an XDR form. Decoding bounds everything that it allocates: a length is believed
/// only as far as there are bytes behind it.
package protocol XDRCodable {
    func encode(to writer: inout XDRWriter)
    init(from reader: inout XDRReader) throws(XDRError)
}

extension XDRCodable {
    package var xdrBytes: [UInt8] {
        var writer = XDRWriter()
        encode(to: &writer)
        return writer.bytes
    }

    /// Decodes the whole of `bytes`; anything left over is an error.
    package init(xdr bytes: [UInt8]) throws(XDRError) {
        var reader = XDRReader(bytes)
        try self.init(from: &reader)
        try reader.finish()
    }
}

/// Reads XDR (RFC 4506).
package struct XDRReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }
    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package var remaining: Int { bytes.endIndex - position }

    package mutating func finish() throws(XDRError) {
        guard remaining == 0 else { throw .trailing(remaining) }
    }

    private mutating func take(_ count: Int) throws(XDRError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .truncated(needed: count, remaining: remaining) }
        defer { position += count }
        return bytes[position..<position + count]
    }

    package mutating func uint32() throws(XDRError) -> UInt32 {
        let slice = try take(4)
        return slice.withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) }
    }
    package mutating func uint64() throws(XDRError) -> UInt64 {
        let slice = try take(8)
        return slice.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
    package mutating func int64() throws(XDRError) -> Int64 { Int64(bitPattern: try uint64()) }

    package mutating func bool() throws(XDRError) -> Bool {
        switch try uint32() {
        case 0: return false
        case 1: return true
        case let other: throw .badValue(what: "boolean", value: UInt64(other))
        }
    }

    package mutating func double() throws(XDRError) -> Double { Double(bitPattern: try uint64()) }

    /// A count of things that each take at least `minimumSize` bytes: a count that cannot be true
    /// is refused before anything is allocated for it.
    package mutating func count(limit: Int = .max, minimumSize: Int = 4) throws(XDRError) -> Int {
        let value = Int(try uint32())
        guard value <= limit else { throw .tooLong(length: value, limit: limit) }
        guard value * minimumSize <= remaining else { throw .truncated(needed: value * minimumSize, remaining: remaining) }
        return value
    }

    package mutating func opaque(limit: Int = .max) throws(XDRError) -> ArraySlice<UInt8> {
        let length = Int(try uint32())
        guard length <= limit else { throw .tooLong(length: length, limit: limit) }
        return try fixed(length)
    }

    package mutating func fixed(_ length: Int) throws(XDRError) -> ArraySlice<UInt8> {
        let data = try take(length)
        for byte in try take((4 - length % 4) % 4) where byte != 0 { throw .badPadding }
        return data
    }

    package mutating func string(limit: Int = 65_536) throws(XDRError) -> String {
        guard let text = String(validating: try opaque(limit: limit), as: UTF8.self) else { throw .badText }
        return text
    }

    package mutating func value<Value: XDRCodable>(_ type: Value.Type = Value.self) throws(XDRError) -> Value {
        try Value(from: &self)
    }

    package mutating func array<Value: XDRCodable>(_ type: Value.Type = Value.self, limit: Int = .max) throws(XDRError) -> [Value] {
        let count = try count(limit: limit)
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    package mutating func optional<Value: XDRCodable>(_ type: Value.Type = Value.self) throws(XDRError) -> Value? {
        try bool() ? try Value(from: &self) : nil
    }

    /// The rest of the bytes, unpadded.
    package mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }
}
