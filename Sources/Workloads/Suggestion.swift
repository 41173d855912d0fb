/// "Did you mean …" for names that are not known.
package enum Suggestion {
    /// The known names nearest to `name` by edit distance, nearest first, at most `limit`; none that
    /// would need more than a third of its letters changed (and always those that contain it).
    package static func names(for name: String, among known: [String], limit: Int = 3) -> [String] {
        let wanted = Array(name.utf8.prefix(64))
        var scored: [(distance: Int, name: String)] = []
        for candidate in known {
            let letters = Array(candidate.utf8.prefix(64))
            let distance = editDistance(wanted, letters)
            let contains = wanted.count >= 3 && (candidate.contains(name) || name.contains(candidate))
            if distance <= max(2, letters.count / 3) || contains { scored.append((contains ? min(distance, 1) : distance, candidate)) }
        }
        scored.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return scored.prefix(limit).map(\.name)
    }

    /// `did you mean a, b or c?`, or the list of what is known where nothing is near.
    package static func sentence(for name: String, among known: [String]) -> String {
        let near = names(for: name, among: known)
        if near.isEmpty {
            let shown = known.prefix(12).joined(separator: ", ")
            return known.isEmpty ? "" : "known: \(shown)\(known.count > 12 ? ", …" : "")"
        }
        return "did you mean \(joined(near))?"
    }

    private static func joined(_ names: [String]) -> String {
        guard names.count > 1, let last = names.last else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }

    /// Levenshtein's distance, two rows at a time.
    static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var previous = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var current = [i + 1]
            for (j, other) in b.enumerated() {
                current.append(min(previous[j] + (letter == other ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
            }
            previous = current
        }
        return previous[b.count]
    }
}
