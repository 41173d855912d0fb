/// What is done with a value, from left to right: `.keys.map { … }.sorted()`.
struct Chain {
    struct Call {
        let name: String
        /// Words of the closure or of the arguments; nil where there are neither.
        let words: Set<String>?
    }

    let calls: [Call]
    /// The text before the expression, nearest first.
    private let before: [String]
    private let after: String
    /// Nothing but the path itself stands here.
    var isWhole: Bool { after != "[" && after != "(" && after != "?" }

    /// They give the elements in the order of the hash.
    static let views: Set = ["keys", "values", "lazy", "enumerated"]
    /// They show the order.
    private static let showing: Set = [
        "map", "compactMap", "flatMap", "forEach", "reduce", "first", "prefix", "suffix", "dropFirst", "dropLast", "makeIterator",
        "popFirst",
        "removeFirst", "joined", "randomElement", "firstIndex", "index", "startIndex", "elementsEqual", "min", "max", "description",
    ]
    /// They give the same whatever the order was.
    private static let settling: Set = [
        "sorted", "count", "isEmpty", "contains", "allSatisfy", "isSubset", "isSuperset", "isDisjoint", "min", "max", "sort",
    ]
    /// What comes out of them is hashed again.
    static let staysHashed: Set = [
        "filter", "union", "subtracting", "intersection", "symmetricDifference", "mapValues", "compactMapValues", "merging", "keys",
        "values", "lazy",
    ]
    /// An argument of these may come in any order.
    private static let indifferent: Set = [
        "Set", "Dictionary", "formUnion", "union", "subtract", "subtracting", "formIntersection", "intersection", "isSubset", "isSuperset",
        "isDisjoint", "merge", "merging", "uniqueKeysWithValues", "grouping", "isStrictSubset",
    ]

    init(_ tokens: [SourceToken], from place: Int) {
        var first = place
        while first > 1, tokens[first - 1].text == ".", tokens[first - 2].isWord || ["?", "!"].contains(tokens[first - 2].text) {
            first -= tokens[first - 2].isWord ? 2 : 1
            if !tokens[first].isWord, first > 0 { first -= 1 }
        }
        let before = (1...10).map { first - $0 >= 0 ? tokens[first - $0].text : "" }
        let isHead = before[0] == "in" && before.contains("for")
        func text(_ index: Int) -> String { index < tokens.count ? tokens[index].text : "" }

        var calls: [Call] = []
        var at = place + 1
        // Arguments of the value itself, where it is a function.
        if text(at) == "(", tokens[place].isWord { at = TypeText.closing(tokens, at) + 1 }
        while true {
            if text(at) == "?" || text(at) == "!", text(at + 1) == "." { at += 1 }
            guard text(at) == ".", at + 1 < tokens.count, tokens[at + 1].isWord else { break }
            let name = text(at + 1)
            at += 2
            var words: Set<String>?
            if text(at) == "(" {
                let end = TypeText.closing(tokens, at)
                words = Set(tokens[at..<end].map(\.text))
                at = end + 1
            }
            if text(at) == "{" {
                let end = TypeText.closing(tokens, at)
                // The block after the head of a loop is its body.
                if isHead, text(end + 1) != "." {
                    calls.append(Call(name: name, words: words))
                    break
                }
                words = (words ?? []).union(tokens[at..<end].map(\.text))
                at = end + 1
            }
            calls.append(Call(name: name, words: words))
        }
        self.calls = calls
        self.before = before
        after = text(at)
    }

    /// The last word of `a.b.c`.
    static func lastOfPath(_ tokens: [SourceToken], _ start: Int) -> Int {
        var at = start
        while at + 2 < tokens.count, tokens[at + 1].text == ".", tokens[at + 2].isWord,
            !staysHashed.contains(tokens[at + 2].text), !showing.contains(tokens[at + 2].text), !settling.contains(tokens[at + 2].text)
        {
            at += 2
        }
        return at
    }

    /// How the order of the hash shows; nil where it does not.
    var problem: String? {
        var isArray = false
        for call in calls {
            let hasClosure = call.words?.contains("{") ?? false
            switch call.name {
            case "min", "max":
                // By something of the elements: those that are equal in it come in any order.
                if hasClosure || call.words?.contains("by") ?? false { return "the \(call.name) by something that several may share" }
                return nil
            case "sorted":
                guard hasClosure, let words = call.words, words.contains("value"), !words.contains("key") else { return nil }
                return "sorted by values that several may share"
            case _ where Self.settling.contains(call.name): return nil
            case "keys", "values", "lazy", "enumerated": isArray = true
            case "filter" where isArray: continue
            case _ where Self.showing.contains(call.name):
                return takesAnyOrder || isSettledLater(call) ? nil : "`\(call.name)` shows the order of the hash"
            case _ where Self.staysHashed.contains(call.name): continue
            default: return nil
            }
        }
        if isLoop { return "a loop in the order of the hash" }
        let isViewOnly = calls.allSatisfy { Self.staysHashed.contains($0.name) || Self.views.contains($0.name) }
        guard isViewOnly else { return nil }
        if before[0] == "(" || (before[0] == ":" && before[2] == "(") {
            let callee = before[0] == "(" ? before[1] : before[3]
            if ["Array", "ContiguousArray", "Deque"].contains(callee) { return "an array in the order of the hash" }
            if callee == "append", before[1] == "contentsOf" { return "appended in the order of the hash" }
        }
        if before[0] == "+=", isArray { return "appended in the order of the hash" }
        return nil
    }

    private var isLoop: Bool {
        guard before[0] == "in" else { return false }
        return before.dropFirst().contains("for") && (after == "{" || after == "where")
    }

    /// It is handed to something that does not care.
    private var takesAnyOrder: Bool {
        before[0] == "(" && Self.indifferent.contains(before[1]) || before[0] == ":" && Self.indifferent.contains(before[1])
    }

    /// What follows in the chain makes up for it.
    private func isSettledLater(_ call: Call) -> Bool {
        guard let place = calls.firstIndex(where: { $0.name == call.name }), ["map", "compactMap", "flatMap"].contains(call.name) else {
            return false
        }
        return calls[(place + 1)...].contains { later in
            guard Self.settling.contains(later.name) else { return false }
            return !["min", "max"].contains(later.name) || !(later.words?.contains("{") ?? false)
        }
    }

    /// `\(x)`, `String(x)`, `x.description`
    static func becomesText(_ tokens: [SourceToken], _ place: Int) -> Bool {
        let after = place + 1 < tokens.count ? tokens[place + 1].text : ""
        if after == ".", place + 2 < tokens.count, tokens[place + 2].text == "description" { return true }
        guard after == ")" else { return false }
        var first = place
        while first > 1, tokens[first - 1].text == ".", tokens[first - 2].isWord { first -= 2 }
        guard first > 0 else { return false }
        if tokens[first - 1].text == "\\(" { return true }
        return tokens[first - 1].text == "(" && first > 1 && tokens[first - 2].text == "String"
    }
}
