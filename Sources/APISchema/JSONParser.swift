/// Why bytes are not JSON, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package let offset: Int
    package let reason: String
    package var description: String { "\(reason) at byte \(offset)" }
}

/// A strict parser of RFC 8259 with bounds: nesting to 32, a given number of values; the caller bounds the bytes.
package struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0
    private var valuesLeft: Int
    private static let depthLimit = 32

    private init(_ bytes: [UInt8], valueLimit: Int) {
        self.bytes = bytes
        valuesLeft = valueLimit
    }

    package static func parse(_ bytes: [UInt8], valueLimit: Int = 2_000_000) throws(JSONError) -> JSON {
        var parser = JSONParser(bytes, valueLimit: valueLimit)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.error("something follows the value") }
        return value
    }

    private func error(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }
    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while position < bytes.count,
            bytes[position] == 0x20 || bytes[position] == 0x0a || bytes[position] == 0x0d || bytes[position] == 0x09
        {
            position += 1
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        skipSpace()
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw error("too many values") }
        guard depth <= Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit)") }
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let character? where character == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character):
            return try number()
        case nil: throw error("it ends too early")
        default: throw error("no JSON value begins so")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { throw error("it ends too early") }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { throw error("no JSON value begins so") }
        position += count
        return value
    }

    private mutating func expect(_ character: UInt8) throws(JSONError) {
        skipSpace()
        guard current == character else { throw error("expected \"\(Character(UnicodeScalar(character)))\"") }
        position += 1
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSON {
        position += 1
        var members: [JSONMember] = []
        skipSpace()
        if current == UInt8(ascii: "}") {
            position += 1
            return .object([])
        }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw error("expected a member's name") }
            let name = try string()
            try expect(UInt8(ascii: ":"))
            members.append(JSONMember(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            if current == UInt8(ascii: ",") {
                position += 1
                continue
            }
            try expect(UInt8(ascii: "}"))
            return .object(members)
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSON {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if current == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if current == UInt8(ascii: ",") {
                position += 1
                continue
            }
            try expect(UInt8(ascii: "]"))
            return .array(elements)
        }
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        var isWhole = true
        while let character = current {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): break
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isWhole = false
            default: return try finishNumber(from: start, isWhole: isWhole)
            }
            position += 1
        }
        return try finishNumber(from: start, isWhole: isWhole)
    }

    private func finishNumber(from start: Int, isWhole: Bool) throws(JSONError) -> JSON {
        let digits = bytes[start..<position].drop(while: { $0 == UInt8(ascii: "-") })
        let isPadded =
            digits.count > 1 && digits.first == UInt8(ascii: "0")
            && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digits.dropFirst().first!)
        guard position - start <= 64, !isPadded, let last = digits.last, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(last),
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digits.first!)
        else { throw error("no number") }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole {
            if let value = Int64(text) { return .integer(value) }
            if let value = UInt64(text) { return .unsigned(value) }
        }
        guard let value = Double(text), value.isFinite else { throw error("no number") }
        return .number(value)
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        // Nearly all strings hold no escape: find the end, and decode in one step.
        while let character = current, character != UInt8(ascii: "\""), character != UInt8(ascii: "\\"), character >= 0x20 { position += 1 }
        if current == UInt8(ascii: "\"") {
            defer { position += 1 }
            return try utf8(bytes[start..<position])
        }
        return try escapedString(prefix: Array(bytes[start..<position]))
    }

    private func utf8(_ slice: ArraySlice<UInt8>) throws(JSONError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw error("a string is not UTF-8") }
        return text
    }

    private mutating func escapedString(prefix: [UInt8]) throws(JSONError) -> String {
        var out = prefix
        while let character = current {
            position += 1
            switch character {
            case UInt8(ascii: "\""): return try utf8(out[...])
            case UInt8(ascii: "\\"): try escape(into: &out)
            case 0..<0x20: throw error("a control character in a string")
            default: out.append(character)
            }
        }
        throw error("a string does not end")
    }

    private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
        guard let character = current else { throw error("a string does not end") }
        position += 1
        switch character {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(character)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0c)
        case UInt8(ascii: "n"): out.append(0x0a)
        case UInt8(ascii: "r"): out.append(0x0d)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            if (0xd800..<0xdc00).contains(code) {
                guard current == UInt8(ascii: "\\") else { throw error("half a surrogate pair") }
                position += 1
                guard current == UInt8(ascii: "u") else { throw error("half a surrogate pair") }
                position += 1
                let low = UInt32(try hexadecimal())
                guard (0xdc00..<0xe000).contains(low) else { throw error("half a surrogate pair") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = UnicodeScalar(code) else { throw error("half a surrogate pair") }
            out.append(contentsOf: String(Character(scalar)).utf8)
        default: throw error("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt16 {
        guard position + 4 <= bytes.count, let value = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16),
            bytes[position] != UInt8(ascii: "+")
        else { throw error("an unknown escape") }
        position += 4
        return value
    }
}
