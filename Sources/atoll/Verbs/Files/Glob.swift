/// Shell patterns over the components of a path.
enum Glob {
    static func matches(_ parts: [String], _ pattern: [String]) -> Bool {
        guard let first = pattern.first else { return parts.isEmpty }
        if first == "**" {
            if pattern.count == 1 { return true }
            return (0...parts.count).contains { matches(Array(parts.dropFirst($0)), Array(pattern.dropFirst())) }
        }
        guard let part = parts.first, matches(part[...], first[...]) else { return false }
        return matches(Array(parts.dropFirst()), Array(pattern.dropFirst()))
    }

    static func isWild(_ character: Character) -> Bool { character == "*" || character == "?" }

    /// `*` and `?` within a name, in time proportional to the product of the lengths.
    static func matches(_ text: Substring, _ pattern: Substring) -> Bool {
        var (t, p) = (text.startIndex, pattern.startIndex)
        var star: (pattern: Substring.Index, text: Substring.Index)?
        while t < text.endIndex {
            if p < pattern.endIndex, pattern[p] == "*" {
                star = (p, t)
                p = pattern.index(after: p)
            } else if p < pattern.endIndex, pattern[p] == "?" || pattern[p] == text[t] {
                (t, p) = (text.index(after: t), pattern.index(after: p))
            } else if let last = star {
                t = text.index(after: last.text)
                p = pattern.index(after: last.pattern)
                star = (last.pattern, t)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
