package import Filesystem
internal import Primitives

/// A JSON value (RFC 8259). Integers up to 64 bits are exact; members keep their order.
package enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Only what does not fit in `integer`.
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([JSONMember])
}

package struct JSONMember: Hashable, Sendable {
    package var name: String
    package var value: JSON
    package init(name: String, value: JSON) {
        self.name = name
        self.value = value
    }
}

extension JSON {
    /// The member of that name; nil where there is none, where it is null, or where this is no object.
    package subscript(_ name: String) -> JSON? {
        guard case .object(let members) = self, let found = members.first(where: { $0.name == name }), found.value != .null
        else { return nil }
        return found.value
    }

    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    package var list: [JSON]? { if case .array(let list) = self { list } else { nil } }

    package var int64: Int64? { if case .integer(let value) = self { value } else { nil } }

    package var uint64: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }

    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}

/// Reading fields of a request or a reply: a missing or mistyped field is an `invalid` failure that names it.
extension JSON {
    package static func invalid(_ field: String, _ cause: String) -> FileFailure {
        FileFailure(.invalid, operation: "decode", object: field, cause: cause, hint: "see /v1/openapi.json")
    }

    private func required(_ name: String, _ wanted: String) throws(FileFailure) -> JSON {
        guard let value = self[name] else { throw Self.invalid(name, "a field \"\(name)\" (\(wanted)) is needed") }
        return value
    }

    package func string(_ name: String) throws(FileFailure) -> String {
        guard let value = try required(name, "string").text else { throw Self.invalid(name, "must be a string") }
        return value
    }

    package func string(_ name: String, default fallback: String) throws(FileFailure) -> String {
        self[name] == nil ? fallback : try string(name)
    }

    package func bool(_ name: String, default fallback: Bool = false) throws(FileFailure) -> Bool {
        guard let value = self[name] else { return fallback }
        guard let flag = value.flag else { throw Self.invalid(name, "must be true or false") }
        return flag
    }

    package func unsigned(_ name: String) throws(FileFailure) -> UInt64 {
        guard let value = try required(name, "whole number").uint64 else { throw Self.invalid(name, "must be a whole number from 0 up") }
        return value
    }

    package func unsigned(_ name: String, default fallback: UInt64) throws(FileFailure) -> UInt64 {
        self[name] == nil ? fallback : try unsigned(name)
    }

    package func small(_ name: String) throws(FileFailure) -> UInt32 {
        guard let value = UInt32(exactly: try unsigned(name)) else { throw Self.invalid(name, "must be below 2^32") }
        return value
    }

    package func small(_ name: String, default fallback: UInt32) throws(FileFailure) -> UInt32 {
        self[name] == nil ? fallback : try small(name)
    }

    package func optionalSmall(_ name: String) throws(FileFailure) -> UInt32? { self[name] == nil ? nil : try small(name) }
    package func optionalUnsigned(_ name: String) throws(FileFailure) -> UInt64? { self[name] == nil ? nil : try unsigned(name) }

    package func signed(_ name: String) throws(FileFailure) -> Int64 {
        guard let value = try required(name, "whole number").int64 else { throw Self.invalid(name, "must be a whole number") }
        return value
    }

    package func real(_ name: String) throws(FileFailure) -> Double {
        guard let value = try required(name, "number").double else { throw Self.invalid(name, "must be a number") }
        return value
    }

    package func array(_ name: String) throws(FileFailure) -> [JSON] {
        guard let value = try required(name, "array").list else { throw Self.invalid(name, "must be an array") }
        return value
    }

    package func strings(_ name: String) throws(FileFailure) -> [String] {
        var out: [String] = []
        for element in try array(name) {
            guard let text = element.text else { throw Self.invalid(name, "must be an array of strings") }
            out.append(text)
        }
        return out
    }

    /// A 64-bit id that travels as a decimal string, because readers that know only doubles would round it.
    package func identifier(_ name: String) throws(FileFailure) -> UInt64 {
        guard let value = UInt64(try string(name)) else { throw Self.invalid(name, "must be a decimal number in a string") }
        return value
    }

    /// Bytes: `name` where they are UTF-8, `name_b64` (RFC 4648) otherwise.
    package func bytes(_ name: String) throws(FileFailure) -> [UInt8] {
        if let encoded = self[name + "_b64"] {
            guard let text = encoded.text, let bytes = Base64.decode(text) else { throw Self.invalid(name + "_b64", "must be base64") }
            return bytes
        }
        return Array(try string(name).utf8)
    }

    package func hasBytes(_ name: String) -> Bool { self[name] != nil || self[name + "_b64"] != nil }

    package func path(_ name: String) throws(FileFailure) -> FilePath {
        guard let path = FilePath(try bytes(name)) else {
            throw FileFailure(.invalid, operation: "decode", object: name, cause: "a path holds no \"..\", no NUL and at most 4,096 bytes")
        }
        if self[name + "_at"] != nil { return FilePath(base: InodeID(try unsigned(name + "_at")), components: path.components) }
        return path
    }
}
