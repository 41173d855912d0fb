import Foundation
import Primitives
import TestSupport
import Testing

/// Every script under `Scripts`, each with the driver that its name begins with.
@Suite struct PrimitivesScriptTests {
    @Test(arguments: Script.files())
    func script(_ file: URL) throws {
        let differences: [String]
        switch file.lastPathComponent.prefix(while: { $0.isLetter }) {
        case "map":
            let driver = MapDriver()
            differences = try Script.run(file, driver.run)
        case "xdr": differences = try Script.run(file, XDRDriver().run)
        default: differences = try Script.run(file, NameDriver().run)
        }
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test func thereAreScripts() { #expect(Script.files().count >= 4) }
}

/// A sorted map of small numbers, told what to do.
final class MapDriver {
    private var map = TestMap()
    private var kept: [String: TestMap] = [:]

    private func text(_ value: TestValue?) -> String {
        value.map { $0.history == 0 ? "\($0.content)" : "\($0.content)/\($0.history)" } ?? "none"
    }

    private func text(_ entry: (key: TestKey, value: TestValue)?) -> String { entry.map { "\($0.key.value)=\(text($0.value))" } ?? "none" }

    /// `3` or `3/1`: content, and history, which counts for no digest.
    private func value(_ text: String) -> TestValue {
        let parts = text.split(separator: "/").compactMap { UInt32($0) }
        return TestValue(parts.first ?? 0, history: parts.count > 1 ? parts[1] : 0)
    }

    private func keys(_ command: ScriptCommand) -> [TestKey] { command.arguments.compactMap { UInt32($0.key) }.map { TestKey($0) } }

    private func other(_ command: ScriptCommand) throws -> TestMap {
        guard let name = command.arguments.first?.key, let found = kept[name] else {
            throw ScriptError(file: command.file, line: command.line, reason: "no such map is kept")
        }
        return found
    }

    func run(_ command: ScriptCommand) throws -> String {
        defer { map.checkInvariants() }
        switch command.name {
        case "new": map = TestMap(salt: UInt64(try command.integer("salt", default: 0)))
        case "fill":
            for key in stride(from: try command.integer("from"), to: try command.integer("to"), by: try command.integer("step", default: 1))
            {
                map.updateValue(TestValue(UInt32(key)), forKey: TestKey(UInt32(key)))
            }
        case "set":
            return command.arguments.map { key, text in
                "\(key): was \(self.text(map.updateValue(value(text), forKey: TestKey(UInt32(key) ?? 0))))"
            }.joined(separator: "\n")
        case "remove": return keys(command).map { "\($0.value): was \(text(map.removeValue(forKey: $0)))" }.joined(separator: "\n")
        case "remove-range":
            let (from, to) = (try command.integer("from"), try command.integer("to"))
            return "\(map.removeRange(from: TestKey(UInt32(from)), to: TestKey(UInt32(to)))) removed, \(map.count) left"
        case "keep": kept[command.arguments.first?.key ?? ""] = map
        case "restore": map = try other(command)
        default: return try look(command)
        }
        return ""
    }

    private func look(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "show": return "\(map.count):" + map.map { " " + text(($0.key, $0.value)) }.joined()
        case "get": return keys(command).map { "\($0.value)=\(text(map[$0]))" }.joined(separator: "\n")
        case "ends": return "first \(text(map.first)), last \(text(map.last))"
        case "near":
            return keys(command).map { "\($0.value): from \(text(map.first(from: $0))), before \(text(map.last(before: $0)))" }.joined(
                separator: "\n")
        case "scan":
            var seen: [String] = []
            let limit = try command.integer("limit", default: .max)
            map.forEach(from: TestKey(UInt32(try command.integer("from"))), to: TestKey(UInt32(try command.integer("to")))) { key, value in
                seen.append(text((key, value)))
                return seen.count < limit
            }
            return seen.joined(separator: " ")
        case "shape": return shape(map.root)
        case "pages":
            let shape = map.shape
            return "\(map.count) entries, pages by height \(shape.pages), the largest leaf has \(shape.largestLeaf)"
        case "digest": return "\(map.digest.content.hex.prefix(16)) volatile \(map.digest.volatile)"
        case "compare":
            let other = try other(command)
            return "content \(map.digest.content == other.digest.content ? "equal" : "differs"), "
                + "volatile \(map.digest.volatile == other.digest.volatile ? "equal" : "differs"), "
                + "shape \(shape(map.root) == shape(other.root) ? "equal" : "differs")"
        case "diff":
            let differences = map.differences(from: try other(command))
            return differences.map { "\($0.key.value): \(text($0.old)) -> \(text($0.new))" }.joined(separator: "\n")
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
    }
}

/// `write`: a value a line, and the bytes; `read`: bytes, and what lies in them.
struct XDRDriver {
    /// Types of one word; `array` and `optional` have numbers of four bytes in them.
    private struct Number: XDRCodable {
        let value: UInt32
        init(_ value: UInt32) { self.value = value }
        func encode(to writer: inout XDRWriter) { writer.write(value) }
        init(from reader: inout XDRReader) throws(XDRError) { value = try reader.uint32() }
    }

    func run(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "write":
            var writer = XDRWriter()
            for line in command.input.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 1).map(String.init)
                try write(words[0], words.count > 1 ? words[1] : "", command, into: &writer)
            }
            return grouped(writer.bytes)
        case "read":
            guard let bytes = Hex.decode(command.input.filter { $0 != " " && $0 != "\n" }) else {
                throw ScriptError(file: command.file, line: command.line, reason: "no hexadecimal bytes")
            }
            var reader = XDRReader(bytes)
            var out: [String] = []
            do throws(XDRError) {
                for word in command.list("as") { out.append(try read(word, limit: Int(command.value("limit") ?? "") ?? .max, &reader)) }
                try reader.finish()
            } catch { out.append("refused: \(error)") }
            return out.joined(separator: "\n")
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
    }

    private func grouped(_ bytes: [UInt8]) -> String {
        stride(from: 0, to: bytes.count, by: 4).map { Hex.encode(bytes[$0..<min($0 + 4, bytes.count)]) }.joined(separator: " ")
    }

    private func write(_ type: String, _ text: String, _ command: ScriptCommand, into writer: inout XDRWriter) throws {
        let numbers = text.split(separator: " ").compactMap { UInt32($0) }
        switch type {
        case "uint32": writer.write(numbers.first ?? 0)
        case "uint64": writer.write(UInt64(text) ?? 0)
        case "int64": writer.write(Int64(text) ?? 0)
        case "bool": writer.write(text == "true")
        case "double": writer.write(Double(text) ?? 0)
        case "string": writer.write(text)
        case "opaque": writer.write(opaque: Hex.decode(text) ?? [])
        case "fixed": writer.write(fixed: Hex.decode(text) ?? [])
        case "array": writer.write(numbers.map { Number($0) })
        case "optional": writer.write(numbers.first.map { Number($0) })
        default: throw ScriptError(file: command.file, line: command.line, reason: "no type \(type)")
        }
    }

    private func read(_ type: String, limit: Int, _ reader: inout XDRReader) throws(XDRError) -> String {
        switch type {
        case "uint32": "\(try reader.uint32())"
        case "uint64": "\(try reader.uint64())"
        case "int64": "\(try reader.int64())"
        case "bool": "\(try reader.bool())"
        case "double": "\(try reader.double())"
        case "string": "\"\(try reader.string(limit: min(limit, 65_536)))\""
        case "opaque": "<\(Hex.encode(try reader.opaque(limit: limit)))>"
        case "array": "\(try reader.array(Number.self, limit: limit).map(\.value))"
        case "optional": "\(try reader.optional(Number.self)?.value as UInt32?)"
        default: "<\(Hex.encode(try reader.fixed(Int(type) ?? 0)))>"
        }
    }
}

/// How names are written, read and ordered.
struct NameDriver {
    func run(_ command: ScriptCommand) throws -> String {
        let lines = command.input.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        switch command.name {
        case "filesystem":
            return lines.map { FilesystemID($0).map { "\($0.kind.noun) \($0.high) \($0.low)" } ?? "refused" }.joined(separator: "\n")
        case "app": return lines.map { AppID($0).map { "\($0.high) \($0.low)" } ?? "refused" }.joined(separator: "\n")
        case "write":
            return lines.map { line in
                let words = line.split(separator: " ").map(String.init)
                let numbers = words.dropFirst().compactMap { UInt64($0) }
                return switch words.first {
                case "nfs": "\(FilesystemID(kind: .nfs, high: numbers[0], low: numbers[1]))"
                case "volume": "\(FilesystemID(kind: .volume, high: numbers[0], low: numbers[1]))"
                case "app": "\(AppID(high: numbers[0], low: numbers[1]))"
                case "node": "\(NodeID(numbers[0]))"
                case "group": "\(GroupID(numbers[0]))"
                case "inode": "\(InodeID(numbers[0]))"
                case "provisional": "\(InodeID(numbers[0] | InodeID.provisionalBit))"
                case "version": "\(VersionID(numbers[0]))"
                default: "none"
                }
            }.joined(separator: "\n")
        case "sort-filesystems": return lines.compactMap { FilesystemID($0) }.sorted().map(\.description).joined(separator: "\n")
        case "sort-regions": return lines.map { RegionID($0) }.sorted().map(\.description).joined(separator: "\n")
        case "hex": return lines.map { Hex.decode($0).map { "<\(Hex.encode($0))>" } ?? "refused" }.joined(separator: "\n")
        default: throw ScriptError(file: command.file, line: command.line, reason: "no command \(command.name)")
        }
    }
}
