/// What the text of a type, or the beginning of a value, says.
enum TypeText {
    static func kind(_ tokens: [SourceToken], _ start: Int) -> OrderScanner.Kind {
        var at = start
        while at < tokens.count, ["inout", "borrowing", "consuming", "sending", "@", "escaping", "("].contains(tokens[at].text) { at += 1 }
        guard at < tokens.count else { return .other }
        switch tokens[at].text {
        case "Dictionary", "Set": return .hashed
        case "Double", "Float", "CGFloat": return .fraction
        case "[": return hasColon(tokens, at) ? .hashed : .other
        default: return .other
        }
    }

    static func kind(ofValue tokens: [SourceToken], _ start: Int) -> OrderScanner.Kind {
        let text = tokens[start].text
        let next = start + 1 < tokens.count ? tokens[start + 1].text : ""
        if text == "[", hasColon(tokens, start) {
            // What is drawn from it at once is something else.
            let end = closing(tokens, start)
            guard end + 1 < tokens.count, tokens[end + 1].text == "[" || tokens[end + 1].text == "." else { return .hashed }
            return .other
        }
        if text == "Set" || text == "Dictionary", next == "(" || next == "<" {
            var at = start + 1
            if next == "<" { while at < tokens.count, tokens[at].text != "(" { at += 1 } }
            guard at < tokens.count else { return .other }
            let chain = Chain(tokens, from: closing(tokens, at))
            return chain.calls.allSatisfy { Chain.staysHashed.contains($0.name) && !Chain.views.contains($0.name) } ? .hashed : .other
        }
        if text == "Double" || text == "Float", next == "(" {
            let end = closing(tokens, start + 1)
            return end + 1 < tokens.count && tokens[end + 1].text == "." ? .other : .fraction
        }
        let isLiteral = text.first?.isNumber == true && text.contains(".") && !text.hasPrefix("0x")
        return isLiteral ? .fraction : .other
    }

    /// Whether the bracket that opens here holds a colon of its own.
    private static func hasColon(_ tokens: [SourceToken], _ bracket: Int) -> Bool {
        var depth = 0
        var questions = 0
        for at in bracket..<min(tokens.count, bracket + 200) {
            switch tokens[at].text {
            case "[", "(", "\\(", "{": depth += 1
            case "]", ")", "}":
                depth -= 1
                if depth == 0 { return false }
            case "?": if depth == 1 { questions += 1 }
            case ":": if depth == 1, questions == 0 { return true }
            default: break
            }
        }
        return false
    }

    /// The place of the bracket that closes the one here.
    static func closing(_ tokens: [SourceToken], _ opening: Int) -> Int {
        var depth = 0
        for at in opening..<tokens.count {
            switch tokens[at].text {
            case "(", "[", "{", "\\(": depth += 1
            case ")", "]", "}":
                depth -= 1
                if depth == 0 { return at }
            default: break
            }
        }
        return tokens.count - 1
    }
}

/// `func name(label name: Type, …) -> Type`
struct Signature {
    let name: String
    let parameters: [(String, OrderScanner.Kind)]
    let result: OrderScanner.Kind

    init?(_ tokens: [SourceToken], _ keyword: Int) {
        var at = keyword + 1
        guard at < tokens.count else { return nil }
        name = tokens[at].text
        while at < tokens.count, at < keyword + 40, tokens[at].text != "(" {
            if tokens[at].text == "{" || tokens[at].text == "=" { return nil }
            at += 1
        }
        guard at < tokens.count, tokens[at].text == "(" else { return nil }
        let end = TypeText.closing(tokens, at)
        var found: [(String, OrderScanner.Kind)] = []
        var depth = 0
        for place in at..<end {
            switch tokens[place].text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case ":" where depth == 1 && tokens[place - 1].isWord: found.append((tokens[place - 1].text, TypeText.kind(tokens, place + 1)))
            default: break
            }
        }
        parameters = found
        var arrow = end + 1
        while arrow < tokens.count, arrow < end + 12, !["->", "{", "}", "func", "var", "let"].contains(tokens[arrow].text) { arrow += 1 }
        result = arrow < tokens.count && tokens[arrow].text == "->" ? TypeText.kind(tokens, arrow + 1) : .other
    }
}
