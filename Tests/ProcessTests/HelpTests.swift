import Foundation
import Testing

extension Processes {
    /// The page of the command line (docs/reference/cli.md) has every option that the program has, and no other.
    @Suite struct HelpTests {
        /// What `--experimental-dump-help` of the argument parser says of a command.
        private struct Dump: Decodable { let command: Command }
        private struct Command: Decodable {
            struct Argument: Decodable {
                struct Name: Decodable {
                    let kind: String
                    let name: String
                }
                let kind: String
                let names: [Name]?
            }
            let commandName: String
            let shouldDisplay: Bool
            let arguments: [Argument]?
            let subcommands: [Command]?
        }

        /// The options of each verb, hidden ones too; the parser's own are left out.
        private func program() throws -> [String: Set<String>] {
            let help = LocalCluster.run(["--experimental-dump-help"])
            #expect(help.status == 0, "\(help.errors)")
            let root = try JSONDecoder().decode(Dump.self, from: Data(help.output.utf8)).command
            var out: [String: Set<String>] = [:]
            func add(_ command: Command, _ path: [String]) {
                guard command.shouldDisplay, command.commandName != "help" else { return }
                guard (command.subcommands ?? []).allSatisfy({ $0.commandName == "help" }) else {
                    for inner in command.subcommands ?? [] { add(inner, path + [inner.commandName]) }
                    return
                }
                let names = (command.arguments ?? []).filter { $0.kind != "positional" }.flatMap { $0.names ?? [] }
                out[path.joined(separator: " ")] = Set(names.map { ($0.kind == "long" ? "--" : "-") + $0.name })
                    .subtracting(["-h", "--help", "--version"])
            }
            for command in root.subcommands ?? [] { add(command, [command.commandName]) }
            return out
        }

        /// The options named in a piece of the page: what stands in backticks and begins with a hyphen.
        private func options(_ text: Substring) -> Set<String> {
            Set(text.matches(of: /`(-[^` ]+)/).map { String($0.1) })
        }

        private func page() throws -> [String: Set<String>] {
            let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/reference/cli.md")
            let text = try String(contentsOf: path, encoding: .utf8)
            let begin = try #require(text.range(of: "\n## Every option\n"))
            let section = text[begin.upperBound...].prefix(upTo: text[begin.upperBound...].range(of: "\n## ")?.lowerBound ?? text.endIndex)
            var shared: [Substring: Set<String>] = [:]
            var out: [String: Set<String>] = [:]
            for line in section.split(separator: "\n") {
                if let found = line.firstMatch(of: /^- \*(\w+)\*: (?:what \*(\w+)\* has, )?/) {
                    shared[found.1] = options(line).union(found.2.flatMap { shared[$0] } ?? [])
                } else if line.hasPrefix("| `") {
                    let cells = line.split(separator: "|").map { $0 }
                    try #require(cells.count >= 2, "\(line)")
                    let taken = cells[1].matches(of: /\*(\w+)\*/).reduce(into: Set<String>()) {
                        $0.formUnion(shared[$1.1] ?? ["no \($1.1)"])
                    }
                    let own = cells.count > 2 ? options(cells[2]) : []
                    for verb in cells[0].matches(of: /`([^`]+)`/) { out[String(verb.1)] = taken.union(own) }
                }
            }
            return out
        }

        @Test func thePageHasEveryOptionAndNoOther() throws {
            let (program, page) = (try program(), try page())
            #expect(program.count > 40, "\(program.keys.sorted())")
            #expect(Set(program.keys) == Set(page.keys), "\(Set(program.keys).symmetricDifference(page.keys).sorted())")
            for (verb, options) in program.sorted(by: { $0.key < $1.key }) {
                let known = page[verb] ?? []
                #expect(options.subtracting(known).isEmpty, "\(verb): the page lacks \(options.subtracting(known).sorted())")
                #expect(
                    known.subtracting(options).isEmpty, "\(verb): the page has \(known.subtracting(options).sorted()), the program has not")
            }
        }
    }
}
