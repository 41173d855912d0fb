import Filesystem
import Foundation
import TestSupport
import Testing

/// Every script under `Scripts`, each with the driver that its name begins with.
@Suite struct FilesystemScriptTests {
    @Test(arguments: Script.files())
    func script(_ file: URL) throws {
        let differences: [String]
        switch file.lastPathComponent.prefix(while: { $0.isLetter }) {
        case "paths": differences = try Script.run(file, PathDriver().run)
        case "locks":
            let driver = LockDriver()
            differences = try Script.run(file, driver.run)
        case "caches":
            let driver = CacheDriver()
            differences = try Script.run(file, driver.run)
        default:
            let driver = TreeDriver()
            differences = try Script.run(file, driver.run)
        }
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}

/// `path`: how each line below is read as a path, with its name and parent.
struct PathDriver {
    func run(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "path":
            return command.input.split(separator: "\n", omittingEmptySubsequences: false).map { text in
                guard let path = FilePath(String(text)) else { return "refused" }
                return "\(path) name=\(path.name.map { String(decoding: $0, as: UTF8.self) } ?? "none") parent=\(path.parent)"
            }.joined(separator: "\n")
        case "sort":
            return command.input.split(separator: "\n").compactMap { FilePath(String($0)) }.sorted().map(\.description).joined(
                separator: "\n")
        case "long":
            // `count` components of `length` bytes each.
            let bytes = [UInt8](
                (0..<(try command.integer("count"))).flatMap { _ in
                    [UInt8(ascii: "/")] + [UInt8](repeating: UInt8(ascii: "x"), count: (try? command.integer("length")) ?? 0)
                })
            return FilePath(bytes).map { "\($0.components.count) components, \($0.bytes.count) bytes" } ?? "refused"
        case "bytes":
            let path = FilePath(command.list("of").compactMap { UInt8($0) })
            return path.map { "\($0.components)" } ?? "refused"
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
    }
}
