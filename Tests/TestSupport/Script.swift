public import Foundation

/// One command of a script: a name, `key=value` arguments, the lines of input below it, and the
/// output that it must give.
public struct ScriptCommand: Sendable {
    public let name: String
    /// Words after the name, in order: `a=1` is ("a", "1"), `a` is ("a", ""). A value in
    /// parentheses may hold spaces: `voters=(1 2 3)` is ("voters", "1 2 3").
    public let arguments: [(key: String, value: String)]
    /// The lines between the command and `----`, joined by newlines.
    public let input: String
    public let expected: String
    public let file: String
    public let line: Int

    public func value(_ key: String) -> String? { arguments.first { $0.key == key }?.value }
    public func has(_ key: String) -> Bool { arguments.contains { $0.key == key } }

    /// The integer of that name, or `fallback`.
    public func integer(_ key: String, default fallback: Int? = nil) throws -> Int {
        guard let text = value(key) else {
            if let fallback { return fallback }
            throw ScriptError(file: file, line: line, reason: "\(name) needs \(key)=")
        }
        guard let number = Int(text) else { throw ScriptError(file: file, line: line, reason: "\(key)=\(text) is no number") }
        return number
    }

    /// The words of a value, split at spaces and commas.
    public func list(_ key: String) -> [String] {
        (value(key) ?? "").split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
    }
}

public struct ScriptError: Error, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let reason: String
    public init(file: String, line: Int, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }
    public var description: String { "\(file):\(line): \(reason)" }
}

/// A data-driven test in the manner of cockroachdb/datadriven: a prose header of `#` lines, then
/// blocks of a command line, optional input lines, `----` and the full expected output, each
/// closed by a blank line. Output that holds blank lines is fenced by `----` twice, above and below.
/// With ATOLL_REWRITE=1 in the environment the files are rewritten to what was seen.
public enum Script {
    /// Every `.txt` of the folder `Scripts` beside the calling test, sorted by name.
    public static func files(beside test: String = #filePath) -> [URL] {
        let folder = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent("Scripts")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().map { folder.appendingPathComponent($0) }
    }

    /// Runs one file against `handler`, which keeps the state from command to command; returns the
    /// differences found, each ready to print. An error thrown by the handler is output too:
    /// `error: …`.
    public static func run(_ file: URL, _ handler: (ScriptCommand) throws -> String) throws -> [String] {
        let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
        let rewrite = ProcessInfo.processInfo.environment["ATOLL_REWRITE"] == "1"
        var out: [String] = []
        var differences: [String] = []
        var index = 0
        while index < lines.count {
            let head = lines[index]
            if head.isEmpty || head.hasPrefix("#") {
                out.append(head)
                index += 1
                continue
            }
            let start = index
            var input: [String] = []
            index += 1
            while index < lines.count, lines[index] != "----" {
                input.append(lines[index])
                index += 1
            }
            guard index < lines.count else {
                throw ScriptError(file: file.lastPathComponent, line: start + 1, reason: "no ---- after the command")
            }
            index += 1
            var expected: [String] = []
            if index < lines.count, lines[index] == "----" {
                index += 1
                while index + 1 < lines.count, !(lines[index] == "----" && lines[index + 1] == "----") {
                    expected.append(lines[index])
                    index += 1
                }
                index += 2
            } else {
                while index < lines.count, !lines[index].isEmpty {
                    expected.append(lines[index])
                    index += 1
                }
            }
            let words = try parse(head, file: file.lastPathComponent, line: start + 1)
            let command = ScriptCommand(
                name: words.first?.key ?? "", arguments: Array(words.dropFirst()), input: input.joined(separator: "\n"),
                expected: expected.joined(separator: "\n"), file: file.lastPathComponent, line: start + 1)
            var actual: String
            do { actual = try handler(command) } catch { actual = "error: \(error)" }
            while actual.hasSuffix("\n") { actual.removeLast() }
            if actual != command.expected {
                differences.append(
                    "\(file.lastPathComponent):\(start + 1): \(head)\n--- expected\n\(command.expected)\n--- actual\n\(actual)\n")
            }
            out.append(head)
            out.append(contentsOf: input)
            out.append("----")
            if actual.contains("\n\n") || actual.hasPrefix("\n") {
                out.append("----")
                out.append(actual)
                out.append("----")
                out.append("----")
            } else if !actual.isEmpty {
                out.append(actual)
            }
        }
        if rewrite, !differences.isEmpty {
            try out.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
            return []
        }
        return differences
    }

    static func parse(_ line: String, file: String, line number: Int) throws -> [(key: String, value: String)] {
        var words: [(String, String)] = []
        var rest = Substring(line)
        while let first = rest.first {
            if first == " " {
                rest.removeFirst()
                continue
            }
            let key = rest.prefix { $0 != " " && $0 != "=" }
            rest = rest.dropFirst(key.count)
            guard rest.first == "=" else {
                words.append((String(key), ""))
                continue
            }
            rest.removeFirst()
            if rest.first == "(" {
                guard let close = rest.firstIndex(of: ")") else {
                    throw ScriptError(file: file, line: number, reason: "( without )")
                }
                words.append((String(key), String(rest[rest.index(after: rest.startIndex)..<close])))
                rest = rest[rest.index(after: close)...]
            } else {
                let value = rest.prefix { $0 != " " }
                words.append((String(key), String(value)))
                rest = rest.dropFirst(value.count)
            }
        }
        return words
    }
}
