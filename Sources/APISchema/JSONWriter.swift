/// What writes itself as one JSON value.
package protocol JSONEncodable {
    func write(to writer: inout JSONWriter)
}

/// Writes JSON in the order of the calls; commas are its own affair.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init() {}

    package static func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func nest(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }

    package mutating func object(_ body: (inout JSONWriter) -> Void) { nest(UInt8(ascii: "{"), UInt8(ascii: "}"), body) }
    package mutating func array(_ body: (inout JSONWriter) -> Void) { nest(UInt8(ascii: "["), UInt8(ascii: "]"), body) }

    package mutating func null() { raw("null") }
    package mutating func value(_ value: Bool) { raw(value ? "true" : "false") }
    package mutating func value(_ value: some BinaryInteger) { raw(String(value)) }
    package mutating func value(_ value: Double) { raw(value.isFinite ? "\(value)" : "null") }

    package mutating func value(_ text: String) {
        separate()
        quote(text)
    }

    package mutating func value(_ value: JSON) {
        switch value {
        case .null: null()
        case .bool(let flag): self.value(flag)
        case .integer(let number): self.value(number)
        case .unsigned(let number): self.value(number)
        case .number(let number): self.value(number)
        case .string(let text): self.value(text)
        case .array(let elements): array { for element in elements { $0.value(element) } }
        case .object(let members): object { for member in members { $0.field(member.name, member.value) } }
        }
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0a: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0..<0x20, 0x7f:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    // MARK: Members of an object

    package mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func field(_ name: String, _ value: Bool) {
        key(name)
        self.value(value)
    }
    package mutating func field(_ name: String, _ value: some BinaryInteger) {
        key(name)
        self.value(value)
    }
    package mutating func field(_ name: String, _ value: Double) {
        key(name)
        self.value(value)
    }
    package mutating func field(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }
    package mutating func field(_ name: String, _ value: JSON) {
        key(name)
        self.value(value)
    }
    /// Null where there is none.
    package mutating func field(_ name: String, _ value: String?) {
        key(name)
        if let value { self.value(value) } else { null() }
    }
    package mutating func field(_ name: String, _ value: (some BinaryInteger)?) {
        key(name)
        if let value { self.value(value) } else { null() }
    }
    package mutating func field(_ name: String, _ value: Double?) {
        key(name)
        if let value { self.value(value) } else { null() }
    }
    package mutating func field(_ name: String, _ value: some JSONEncodable) {
        key(name)
        value.write(to: &self)
    }
    package mutating func field<Row: JSONEncodable>(_ name: String, _ rows: [Row]) {
        key(name)
        array { for row in rows { row.write(to: &$0) } }
    }
    package mutating func field(_ name: String, strings: [String]) {
        key(name)
        array { for text in strings { $0.value(text) } }
    }
    /// A 64-bit id as a decimal string: see `JSON.identifier`.
    package mutating func field(_ name: String, identifier: UInt64) { field(name, String(identifier)) }

    /// Bytes: `name` where they are UTF-8, `name_b64` otherwise.
    package mutating func field(_ name: String, bytes value: [UInt8]) {
        if let text = String(validating: value, as: UTF8.self) {
            field(name, text)
        } else {
            field(name + "_b64", Base64.encode(value))
        }
    }
}
