import Foundation
import Testing

/// What the compiler does not see and two runs of the same seed would: the order of hashed collections, chance that
/// nobody seeded, numbers that become text (docs/internals/determinism.md).
@Suite struct PurityTests {
    private static func read(_ target: String) throws -> [(name: String, text: String)] {
        try ImportTests.sources(target).map { ("\(target)/\($0.lastPathComponent)", try String(contentsOf: $0, encoding: .utf8)) }
    }

    private static func findings(_ files: [(name: String, text: String)]) -> [OrderScanner.Finding] {
        var scanner = OrderScanner()
        for file in files { scanner.learn(SourceToken.all(of: file.text)) }
        return files.flatMap { scanner.findings($0.text, file: $0.name) + BannedCalls.findings($0.text, file: $0.name) }
    }

    @Test(arguments: ImportTests.pure.sorted())
    func noOrderOfAHashShows(target: String) throws {
        for finding in Self.findings(try Self.read(target)) { Issue.record("\(finding)") }
    }

    private static let frame = """
        struct Table {
            var rows: [Int: String] = [:]
            var names: Set<Int> = []
            var list: [Int] = []
            var share = 0.5
            func found() -> [Int: Int] { [:] }
            func f(_ given: [String: Int], other: [String]) {
                BODY
            }
        }
        extension Table {
            var copies: [Int] {
                OTHER
            }
        }
        """

    private static func judge(_ body: String, other: String = "[]") -> [OrderScanner.Finding] {
        findings([("t", frame.replacingOccurrences(of: "BODY", with: body).replacingOccurrences(of: "OTHER", with: other))])
    }

    @Test(arguments: [
        "for row in rows { use(row) }", "for (key, value) in self.rows where key > 1 { use(value) }", "for key in rows.keys { use(key) }",
        "for name in names { use(name) }", "for key in given.keys { use(key) }", "for x in table.rows.values { use(x) }",
        "let local = Set(list)\n for x in local { use(x) }", "var local: [Int: Int] = [:]\n local.forEach { use($0) }",
        "let local = [1: 2, 3: 4]\n return local.map { $0.key }", "use(rows.values.map { $0 })", "use(rows.keys.first!)",
        "use(names.first)", "use(rows.first { $0.value == x })", "use(rows.values.reduce(0) { $0 + $1.count })",
        "use(rows.min { $0.value < $1.value })", "use(names.max(by: less))", "use(rows.sorted { $0.value < $1.value })",
        "use(Array(names))", "list.append(contentsOf: rows.keys)", "list += names.lazy", "for x in found() { use(x) }",
        "let both = names.union(list)\n for x in both { use(x) }", "let same = rows\n for x in same { use(x) }",
        "if let rest = optional { for x in rest { use(x) } }; for x in names { use(x) }", "use(names.popFirst())",
        "use(names.filter { $0 > 1 }.map { $0 })", "for x in names.subtracting(list) { use(x) }",
        "use(list.randomElement())", "list.shuffle()", "use(list.shuffled())", "var hasher = Hasher()", "use(x.hashValue)",
        "use(ObjectIdentifier(x))", #"use(String(format: "%d", 1))"#, #"use("half: \(share)")"#, "use(String(share))",
        "use(share.description)", #"let ratio = Double(1) / 3; use("\(ratio)")"#,
        // Reasons that are none.
        "for x in names { use(x) } // any order: ok", "for x in names { use(x) } // looked up only",
    ])
    func whatShowsIsFound(body: String) {
        #expect(Self.judge(body).count == 1, "\(body): \(Self.judge(body))")
    }

    @Test(arguments: [
        "for key in rows.keys.sorted() { use(key) }", "for x in list { use(x) }", "for x in other { use(x) }", "use(rows[3])",
        "use(rows.count, names.isEmpty, names.contains(3))", "use(rows.values.contains { $0 == x })", "use(rows.keys.max())",
        "use(rows.sorted { $0.key < $1.key })", "use(rows.map { $0.key }.sorted())", "use(Set(rows.values.map { $0 }))",
        "use(rows.keys.filter { $0 > 1 }.sorted())", "let less = rows.filter { $0.key > 1 }\n use(less.count)",
        "names.formUnion(rows.keys)", "use(names.isSubset(of: rows.keys))", "use(rows.mapValues { $0 })",
        "let rows = list\n for x in rows { use(x) }", "let sorted = names.sorted()\n for x in sorted { use(x) }",
        "let one = rows[3]\n for x in one { use(x) }", "let x = [1: 2][1]\n for y in x { use(y) }",
        "use { names in for x in names { use(x) } }",
        "for names in lists { for x in names { use(x) } }", "use(list.shuffled(using: &random), list.randomElement(using: &random))",
        #"use("a text of for x in names { and Hasher() }")"#, #"use("\(list.count) of \(Int(share))")"#, "use(share < 0.3)",
        "// any order: the sum is the same in each\n for x in names { sum += x }",
        "for x in names { sum += x }  // any order: a sum of integers",
        "let (a, b) = (1...3, 2)\n for x in a { use(x) }", "let kept = names.filter { $0 > 1 }.count\n use(kept)",
    ])
    func whatDoesNotShowIsLetThrough(body: String) {
        #expect(Self.judge(body) == [], "\(body)")
    }

    /// Properties are known in extensions, wherever those are; a name that two types use otherwise is not guessed at.
    @Test func propertiesAreKnownInOtherFiles() {
        #expect(Self.judge("use()", other: "rows.map { $0.key }").count == 1)
        let one = ("one", "struct A { var rows: [Int: Int] = [:] }\nstruct B { var rows: [Int] = [] }")
        let two = ("two", "extension A { var all: [Int] { rows.map { $0.key } } }\nextension B { var all: [Int] { rows.map { $0 } } }")
        let three = ("three", "func all(_ a: A) { for x in a.rows { use(x) } }")
        #expect(Self.findings([one, two, three]).map(\.description) == ["two:1: rows: `map` shows the order of the hash"])
    }

    @Test func tokens() {
        let text = #"""
            let a = "x \(b + "y\(c)") z" // no
            /* nor
            this */ let d = 1.5..<e.0
            """#
        #expect(
            SourceToken.all(of: text).map { "\($0.line)\($0.text)" } == [
                "1let", "1a", "1=", "1\"\"", "1\\(", "1b", "1+", "1\"\"", "1\\(", "1c", "1)", "1)", "3let", "3d", "3=", "31.5", "3..", "3<",
                "3e", "3.", "30",
            ])
    }
}

/// Calls that bring in chance, a hash that differs between runs, or numbers as text.
enum BannedCalls {
    static func findings(_ source: String, file: String) -> [OrderScanner.Finding] {
        let tokens = SourceToken.all(of: source)
        func text(_ place: Int) -> String { tokens.indices.contains(place) ? tokens[place].text : "" }
        var found: [OrderScanner.Finding] = []
        for place in tokens.indices {
            let word = text(place)
            let what: String? =
                switch word {
                case "hashValue", "ObjectIdentifier", "SystemRandomNumberGenerator": "differs between runs"
                case "Hasher" where text(place + 1) == "(": "its seed differs between runs"
                case "shuffle", "shuffled", "randomElement":
                    text(place - 1) == "." && text(place + 1) == "(" && text(place + 2) != "using" ? "chance that nobody seeded" : nil
                case "String" where text(place + 1) == "(" && text(place + 2) == "format": "numbers as the C library writes them"
                default: nil
                }
            if let what { found.append(OrderScanner.Finding(file: file, line: tokens[place].line, what: "\(word): \(what)")) }
        }
        return found
    }
}
