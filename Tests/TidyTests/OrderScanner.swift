import Foundation

/// Finds places of a pure target where the order of a `Dictionary` or a `Set` shows, which differs from run to run, and
/// where a floating-point number becomes text. It knows names, not types: a name counts as hashed where its declaration says
/// so, or begins with such a value. What passes through functions unseen it does not find.
///
/// A line is let through where it, or the line above, says `any order: ` and why (`fraction: ` for numbers).
struct OrderScanner {
    enum Kind { case hashed, fraction, other }

    struct Finding: Hashable, CustomStringConvertible {
        let file: String
        let line: Int
        let what: String
        var description: String { "\(file):\(line): \(what)" }
    }

    /// Where a name was declared: in a block of code, or in a type, whose extensions see it too.
    private struct Block {
        var type: String?
        var names: [String: Kind] = [:]
    }

    /// What the types of the target declare, by type and name; the empty type stands for code outside of all.
    private(set) var properties: [String: [String: Kind]] = [:]
    /// Kinds of all properties and functions of a name, whatever the type.
    private var kindsByName: [String: Set<Kind>] = [:]

    /// Learns what the files of a target declare.
    mutating func learn(_ tokens: [SourceToken]) {
        var declared: [(type: String, name: String, kind: Kind, isPrivate: Bool)] = []
        walk(tokens, onDeclaration: { declared.append(($0, $1, $2, $3)) }, onUse: { _, _ in })
        for (type, name, kind, isPrivate) in declared {
            properties[type, default: [:]][name] = kind
            // What is private is of no other type's business: `x.name` elsewhere is something else.
            if !isPrivate { kindsByName[name, default: []].insert(kind) }
        }
    }

    /// What is wrong in one of these files.
    func findings(_ source: String, file: String) -> [Finding] {
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        func isAllowed(_ line: Int, _ word: String) -> Bool {
            [line, line - 1].contains { number in
                guard lines.indices.contains(number - 1), let place = lines[number - 1].range(of: "\(word): ", options: .caseInsensitive)
                else { return false }
                let comment = lines[number - 1].range(of: "//")
                return comment.map { $0.lowerBound < place.lowerBound } ?? false && lines[number - 1][place.upperBound...].count >= 10
            }
        }
        let tokens = SourceToken.all(of: source)
        var found: [Finding] = []
        walk(tokens, onDeclaration: { _, _, _, _ in }) { place, kind in
            let token = tokens[place]
            if kind == .hashed, let what = Chain(tokens, from: place).problem, !isAllowed(token.line, "any order") {
                found.append(Finding(file: file, line: token.line, what: "\(token.text): \(what)"))
            }
            if kind == .fraction, Chain.becomesText(tokens, place), !isAllowed(token.line, "fraction") {
                found.append(Finding(file: file, line: token.line, what: "\(token.text): a floating-point number becomes text"))
            }
        }
        return found
    }

    // MARK: Declarations

    /// Tells of every declaration in a type, and of every other use of a name whose kind is known.
    private func walk(
        _ tokens: [SourceToken], onDeclaration: (String, String, Kind, Bool) -> Void, onUse: (Int, Kind) -> Void
    ) {
        var blocks: [Block] = [Block(type: "")]
        var pending = Block()
        var parentheses = 0
        var place = 0
        while place < tokens.count {
            let text = tokens[place].text
            let next = place + 1 < tokens.count ? tokens[place + 1] : nil
            switch text {
            case "{":
                if pending.type == nil { Self.closureParameters(tokens, place).forEach { pending.names[$0] = .other } }
                blocks.append(pending)
                pending = Block()
            case "}": if blocks.count > 1 { blocks.removeLast() }
            case "(", "\\(", "[": parentheses += 1
            case ")", "]": parentheses -= 1
            case "struct", "class", "enum", "extension", "actor", "protocol":
                if let next, next.isWord, tokens[max(0, place - 1)].text != "." {
                    var name = place + 1
                    while name + 2 < tokens.count, tokens[name + 1].text == "." { name += 2 }
                    pending = Block(type: tokens[name].text)
                }
            case "func", "init", "subscript":
                if let signature = Signature(tokens, place) {
                    for (name, kind) in signature.parameters { pending.names[name] = kind }
                    if text == "func", let type = blocks.last?.type {
                        onDeclaration(type, signature.name, signature.result, Self.isPrivate(tokens, place))
                    }
                }
            case "for":
                // The names of a loop's elements.
                var at = place + 1
                while at < tokens.count, at < place + 12, tokens[at].text != "in" {
                    if tokens[at].isWord { pending.names[tokens[at].text] = .other }
                    at += 1
                }
            case "var", "let":
                if let next, next.isWord {
                    let kind = self.kind(declaredAt: place, tokens, blocks)
                    let after = place + 2 < tokens.count ? tokens[place + 2].text : ""
                    // `if let x {` declares what was there before.
                    let isShorthand = parentheses == 0 && (after == "{" || after == "else" || after == ",")
                    if let type = blocks.last?.type {
                        onDeclaration(type, next.text, kind, Self.isPrivate(tokens, place))
                    } else if !isShorthand {
                        let isCondition = ["if", "guard", "while", ","].contains(tokens[max(0, place - 1)].text)
                        if isCondition, tokens[max(0, place - 1)].text != "guard" { pending.names[next.text] = kind }
                        blocks[blocks.count - 1].names[next.text] = kind
                    }
                    place += 1
                }
            default:
                if tokens[place].isWord, next?.text != ":", let kind = resolve(place, tokens, blocks) { onUse(place, kind) }
            }
            place += 1
        }
    }

    /// `private(set)` can be read by all.
    private static func isPrivate(_ tokens: [SourceToken], _ keyword: Int) -> Bool {
        tokens[max(0, keyword - 3)..<keyword].contains { $0.line == tokens[keyword].line && $0.text.hasSuffix("private") }
            && tokens[max(0, keyword - 1)].text != ")"
    }

    /// `{ a, b in`, `{ (a, b) in`, `{ [x] a in`.
    private static func closureParameters(_ tokens: [SourceToken], _ brace: Int) -> [String] {
        var names: [String] = []
        var at = brace + 1
        while at < tokens.count, tokens[at].line == tokens[brace].line || at < brace + 3 {
            if tokens[at].text == "in" { return names }
            guard tokens[at].isWord || ["(", ")", ",", "[", "]"].contains(tokens[at].text), tokens[at].text != "for" else { return [] }
            if tokens[at].isWord { names.append(tokens[at].text) }
            at += 1
        }
        return []
    }

    private func kind(declaredAt place: Int, _ tokens: [SourceToken], _ blocks: [Block]) -> Kind {
        guard place + 3 < tokens.count else { return .other }
        if tokens[place + 2].text == ":" { return TypeText.kind(tokens, place + 3) }
        guard tokens[place + 2].text == "=" else { return .other }
        let begins = TypeText.kind(ofValue: tokens, place + 3)
        if begins != .other { return begins }
        // Another name for something hashed, or what algebra of sets gives.
        guard tokens[place + 3].isWord else { return .other }
        let chain = Chain(tokens, from: Chain.lastOfPath(tokens, place + 3))
        let root = resolve(Chain.lastOfPath(tokens, place + 3), tokens, blocks)
        if chain.calls.isEmpty { return chain.isWhole ? root ?? .other : .other }
        if root == .hashed, let last = chain.calls.last, Chain.staysHashed.contains(last.name) {
            return chain.calls.contains { Chain.views.contains($0.name) } ? .other : .hashed
        }
        return .other
    }

    private func resolve(_ place: Int, _ tokens: [SourceToken], _ blocks: [Block]) -> Kind? {
        let name = tokens[place].text
        let isMember = place > 1 && tokens[place - 1].text == "."
        if isMember, tokens[place - 2].text != "self" {
            guard let kinds = kindsByName[name], kinds.count == 1 else { return nil }
            return kinds.first
        }
        if !isMember {
            for block in blocks.reversed() {
                if block.type != nil { break }
                if let kind = block.names[name] { return kind }
            }
        }
        guard let type = blocks.last(where: { $0.type != nil })?.type else { return nil }
        return properties[type]?[name] ?? (type.isEmpty ? nil : properties[""]?[name])
    }
}
