/// One JSON object of numbers and strings without escapes: all that the small description files need.
/// People read them; nothing else in Storage is text.
struct FlatJSON: Equatable {
    enum Value: Equatable {
        case number(UInt64)
        case text(String)
    }

    var members: [(key: String, value: Value)]

    init(_ members: [(key: String, value: Value)]) { self.members = members }

    static func == (a: FlatJSON, b: FlatJSON) -> Bool {
        a.members.count == b.members.count && zip(a.members, b.members).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    }

    func number(_ key: String) -> UInt64? {
        guard case .number(let value)? = members.first(where: { $0.key == key })?.value else { return nil }
        return value
    }

    func text(_ key: String) -> String? {
        guard case .text(let value)? = members.first(where: { $0.key == key })?.value else { return nil }
        return value
    }

    var bytes: [UInt8] {
        let lines = members.map { member in
            switch member.value {
            case .number(let value): "  \"\(member.key)\": \(value)"
            case .text(let value): "  \"\(member.key)\": \"\(value)\""
            }
        }
        return Array(("{\n" + lines.joined(separator: ",\n") + "\n}\n").utf8)
    }

    /// Nil where the bytes are anything else.
    init?(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var rest = Substring(text)
        func skipSpace() { rest = rest.drop(while: \.isWhitespace) }
        func take(_ character: Character) -> Bool {
            skipSpace()
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }
        func string() -> String? {
            guard take("\"") else { return nil }
            let content = rest.prefix { $0 != "\"" && $0 != "\\" }
            rest = rest.dropFirst(content.count)
            guard rest.first == "\"" else { return nil }
            rest.removeFirst()
            return String(content)
        }
        var members: [(String, Value)] = []
        guard take("{") else { return nil }
        if !take("}") {
            repeat {
                guard let key = string(), take(":") else { return nil }
                skipSpace()
                if rest.first == "\"" {
                    guard let value = string() else { return nil }
                    members.append((key, .text(value)))
                } else {
                    let digits = rest.prefix { ("0"..."9").contains($0) }
                    guard let value = UInt64(digits) else { return nil }
                    rest = rest.dropFirst(digits.count)
                    members.append((key, .number(value)))
                }
            } while take(",")
            guard take("}") else { return nil }
        }
        skipSpace()
        guard rest.isEmpty else { return nil }
        self.members = members
    }
}
