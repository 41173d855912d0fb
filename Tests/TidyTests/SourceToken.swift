/// A word or a mark of Swift source, with its line. Comments are left out, and so is the text of strings, except for
/// what is interpolated: that stands between the marks `\(` and `)`.
struct SourceToken: Hashable {
    let text: String
    /// From 1.
    let line: Int

    var isWord: Bool { text.first.map { $0.isLetter || $0 == "_" || $0 == "$" } ?? false }
    var isTypeName: Bool { text.first?.isUppercase ?? false }

    static func all(of source: String) -> [SourceToken] {
        var reader = Reader(Array(source.utf8))
        reader.code(until: nil)
        return reader.tokens
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0
        var line = 1
        var tokens: [SourceToken] = []

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        private func looksAt(_ text: StaticString) -> Bool {
            guard place + text.utf8CodeUnitCount <= bytes.count else { return false }
            return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[place + $0] == text.utf8Start[$0] }
        }

        private mutating func put(_ text: String) { tokens.append(SourceToken(text: text, line: line)) }

        private mutating func skip(_ count: Int = 1) {
            for _ in 0..<count where place < bytes.count {
                if bytes[place] == 0x0a { line += 1 }
                place += 1
            }
        }

        /// Reads code; with `end` up to the mark that closes an interpolation.
        mutating func code(until end: UInt8?) {
            var depth = 0
            while place < bytes.count {
                let byte = bytes[place]
                if looksAt("//") {
                    while place < bytes.count, bytes[place] != 0x0a { place += 1 }
                } else if looksAt("/*") {
                    while place < bytes.count, !looksAt("*/") { skip() }
                    skip(2)
                } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#"), let pounds = poundsOfString() {
                    string(pounds)
                } else if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || isLetter(byte) {
                    word()
                } else if (0x30...0x39).contains(byte) {
                    number()
                } else if byte == 0x20 || byte == 0x0a || byte == 0x09 || byte == 0x0d || byte == UInt8(ascii: "`") {
                    skip()
                } else if looksAt("->") || looksAt("..") || looksAt("+=") || looksAt("==") || looksAt("!=") {
                    put(String(decoding: bytes[place..<place + 2], as: UTF8.self))
                    skip(2)
                } else {
                    if byte == end, depth == 0 {
                        put(")")
                        return skip()
                    }
                    if byte == UInt8(ascii: "(") { depth += 1 }
                    if byte == UInt8(ascii: ")") { depth -= 1 }
                    put(String(decoding: [byte], as: UTF8.self))
                    skip()
                }
            }
        }

        private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a) || byte >= 0x80 }

        private mutating func word() {
            let start = place
            while place < bytes.count,
                isLetter(bytes[place]) || (0x30...0x39).contains(bytes[place]) || bytes[place] == 0x5f || bytes[place] == 0x24
            {
                place += 1
            }
            put(String(decoding: bytes[start..<place], as: UTF8.self))
        }

        /// `1.5` is one token, `0..<3` and `$0.0` are several.
        private mutating func number() {
            let start = place
            while place < bytes.count, isLetter(bytes[place]) || (0x30...0x39).contains(bytes[place]) || bytes[place] == 0x5f { place += 1 }
            let isAfterDot = tokens.last?.text == "."
            if !isAfterDot, place + 1 < bytes.count, bytes[place] == UInt8(ascii: "."), (0x30...0x39).contains(bytes[place + 1]) {
                place += 1
                while place < bytes.count, (0x30...0x39).contains(bytes[place]) || bytes[place] == 0x5f { place += 1 }
            }
            put(String(decoding: bytes[start..<place], as: UTF8.self))
        }

        /// How many `#` begin the string here; nil where none begins.
        private func poundsOfString() -> Int? {
            var at = place
            while at < bytes.count, bytes[at] == UInt8(ascii: "#") { at += 1 }
            return at < bytes.count && bytes[at] == UInt8(ascii: "\"") ? at - place : nil
        }

        private mutating func string(_ pounds: Int) {
            skip(pounds)
            let isLong = looksAt("\"\"\"")
            skip(isLong ? 3 : 1)
            put("\"\"")
            while place < bytes.count {
                if bytes[place] == UInt8(ascii: "\\"), hasPounds(pounds, at: place + 1) {
                    skip(1 + pounds)
                    guard place < bytes.count, bytes[place] == UInt8(ascii: "(") else {
                        skip()
                        continue
                    }
                    put("\\(")
                    skip()
                    code(until: UInt8(ascii: ")"))
                } else if isLong ? looksAt("\"\"\"") : bytes[place] == UInt8(ascii: "\""), hasPounds(pounds, at: place + (isLong ? 3 : 1)) {
                    return skip((isLong ? 3 : 1) + pounds)
                } else {
                    skip()
                }
            }
        }

        private func hasPounds(_ count: Int, at start: Int) -> Bool {
            (0..<count).allSatisfy { start + $0 < bytes.count && bytes[start + $0] == UInt8(ascii: "#") }
        }
    }
}
