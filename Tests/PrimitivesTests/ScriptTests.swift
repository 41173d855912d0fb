import Foundation
import Primitives
import TestSupport
import Testing

@Suite struct PrimitivesScriptTests {
    @Test(arguments: Script.files()) func script(_ file: URL) throws {
        var maps = MapDriver()
        let differences = try Script.run(file) { command in
            if let output = try maps.run(command) { return output }
            if let output = try WireDriver.run(command) { return output }
            throw ScriptError(file: command.file, line: command.line, reason: "unknown command \(command.name)")
        }
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}

/// Maps by name; `in=` says which one a command is about, `m` where it is left out.
private struct MapDriver {
    private var maps: [String: TestMap] = [:]

    mutating func run(_ command: ScriptCommand) throws -> String? {
        let name = command.value("in") ?? "m"
        var map = maps[name] ?? TestMap()
        defer { maps[name] = map }
        switch command.name {
        case "new":
            map = TestMap(salt: UInt64(try command.integer("salt", default: 0)))
            return "empty"
        case "build":
            map = TestMap(sorted: try keys(command).map { (key: TestKey($0), value: TestValue($0)) }, salt: map.salt)
            map.checkInvariants()
            return "\(map.count) keys"
        case "set":
            let history = UInt32(try command.integer("history", default: 0))
            let replaced = try keys(command).count { key in
                map.updateValue(TestValue(value(command) ?? key, history: history), forKey: TestKey(key)) != nil
            }
            map.checkInvariants()
            return "\(map.count) keys, \(replaced) replaced"
        case "remove":
            let removed = try keys(command).count { map.removeValue(forKey: TestKey($0)) != nil }
            map.checkInvariants()
            return "\(map.count) keys, \(removed) removed"
        case "cut":
            let removed = map.removeRange(from: try key(command, "from"), to: try key(command, "to"))
            map.checkInvariants()
            return "\(map.count) keys, \(removed) removed"
        case "copy":
            maps[command.value("to") ?? ""] = map
            return "\(map.count) keys"
        case "get": return try keys(command).map { "\($0)=\(map[TestKey($0)].map { "\($0.content)" } ?? "-")" }.joined(separator: " ")
        case "shape": return shape(map.root)
        case "digest": return "content \(map.digest.content.hex.prefix(16)) volatile \(map.digest.volatile != 0 ? "set" : "0")"
        case "same":
            let other = maps[command.value("as") ?? ""] ?? TestMap()
            let words = [
                shape(map.root) == shape(other.root) ? "shape" : "", map.digest.content == other.digest.content ? "content" : "",
                map.digest.volatile == other.digest.volatile ? "volatile" : "",
            ]
            let same = words.filter { !$0.isEmpty }
            return same.isEmpty ? "nothing is the same" : "same " + same.joined(separator: " ")
        case "differences":
            var changes = map.differences(from: maps[command.value("from") ?? ""] ?? TestMap())
            var lines: [String] = []
            while let change = changes.next() {
                lines.append(
                    "\(change.key.value): \(change.old.map { "\($0.content)" } ?? "-") to \(change.new.map { "\($0.content)" } ?? "-")")
            }
            return lines.isEmpty ? "none, pages opened: \(changes.pagesOpened)" : lines.joined(separator: "\n")
        case "near":
            let key = try key(command, "key")
            let before = map.last(before: key).map { "\($0.key.value)" } ?? "-"
            return "before \(before), from \(map.first(from: key).map { "\($0.key.value)" } ?? "-")"
        case "scan":
            var seen: [String] = []
            map.forEach(from: try key(command, "from"), to: try key(command, "to")) { key, _ in
                seen.append("\(key.value)")
                return true
            }
            return seen.isEmpty ? "nothing" : seen.joined(separator: " ")
        default: return nil
        }
    }

    private func key(_ command: ScriptCommand, _ name: String) throws -> TestKey { TestKey(UInt32(try command.integer(name))) }
    private func value(_ command: ScriptCommand) -> UInt32? { command.value("value").flatMap { UInt32($0) } }

    /// `keys=(5 1 7)`, or a range `keys=1..9`; `order=down` turns them round.
    private func keys(_ command: ScriptCommand) throws -> [UInt32] {
        let words = command.list("keys")
        var keys: [UInt32] = []
        for word in words {
            let ends = word.split(separator: ".", omittingEmptySubsequences: true).compactMap { UInt32($0) }
            guard let first = ends.first, let last = ends.last else {
                throw ScriptError(file: command.file, line: command.line, reason: "\(word) is no key")
            }
            keys += Array(first...last)
        }
        return command.value("order") == "down" ? keys.reversed() : keys
    }
}

/// XDR, hexadecimal, hashes and ids: texts and bytes, there and back.
private enum WireDriver {
    static func run(_ command: ScriptCommand) throws -> String? {
        switch command.name {
        case "encode": return try encode(command)
        case "decode":
            let bytes = Hex.decode(command.input.filter { !$0.isWhitespace }) ?? []
            return decode(bytes, command.list("as"))
        case "hex": return Hex.decode(command.value("text") ?? "").map { "\($0)" } ?? "refused"
        case "sha256":
            let unit = Array((command.value("text") ?? "").utf8)
            return SHA256.hash(Array(repeatElement(unit, count: try command.integer("times", default: 1)).joined())).hex
        case "filesystem":
            guard let id = FilesystemID(command.value("text") ?? "") else { return "refused" }
            return "\(id.kind.word) high=\(id.high) low=\(id.low) text=\(id) xdr=\(Hex.encode(id.xdrBytes))"
        case "app":
            guard let id = AppID(command.value("text") ?? "") else { return "refused" }
            return "high=\(id.high) low=\(id.low) text=\(id)"
        case "order":
            let ids = command.list("ids").compactMap { FilesystemID($0) }
            return ids.sorted().map(\.description).joined(separator: "\n")
        default: return nil
        }
    }

    /// Lines of a form and a value, as one message.
    private static func encode(_ command: ScriptCommand) throws -> String {
        var writer = XDRWriter()
        for line in command.input.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            let text = parts.count > 1 ? parts[1] : ""
            switch parts[0] {
            case "uint32": writer.write(UInt32(text) ?? 0)
            case "uint64": writer.write(UInt64(text) ?? 0)
            case "int64": writer.write(Int64(text) ?? 0)
            case "bool": writer.write(text == "true")
            case "string": writer.write(text)
            case "opaque": writer.write(opaque: Hex.decode(text) ?? [])
            case "fixed": writer.write(fixed: Hex.decode(text) ?? [])
            case "node": writer.write(NodeID(UInt64(text) ?? 0))
            case "nodes": writer.write(text.split(separator: " ").compactMap { UInt64($0) }.map { NodeID($0) })
            case "optional": writer.write(UInt64(text).map { NodeID($0) })
            default: throw ScriptError(file: command.file, line: command.line, reason: "unknown form \(parts[0])")
            }
        }
        return Hex.encode(writer.bytes)
    }

    /// The values in the order of the forms, or the first refusal. `string:8` bounds a length.
    private static func decode(_ bytes: [UInt8], _ forms: [String]) -> String {
        var reader = XDRReader(bytes)
        var out: [String] = []
        do {
            for form in forms {
                let words = form.split(separator: ":")
                let limit = words.count > 1 ? Int(words[1]) ?? 0 : Int.max
                switch words[0] {
                case "uint32": out.append("\(try reader.uint32())")
                case "uint64": out.append("\(try reader.uint64())")
                case "int64": out.append("\(try reader.int64())")
                case "bool": out.append("\(try reader.bool())")
                case "string": out.append("'\(try reader.string(limit: limit))'")
                case "opaque": out.append(Hex.encode(try reader.opaque(limit: limit)))
                case "fixed": out.append(Hex.encode(try reader.fixed(limit)))
                case "nodes": out.append("\(try reader.array(NodeID.self, limit: limit))")
                case "optional": out.append(try reader.optional(NodeID.self).map { "\($0)" } ?? "nil")
                case "region": out.append("\(try reader.value(RegionID.self))")
                case "filesystem": out.append("\(try reader.value(FilesystemID.self))")
                case "rest": out.append(Hex.encode(reader.rest()))
                default: return "unknown form \(form)"
                }
            }
            try reader.finish()
        } catch { out.append("refused: \(error)") }
        return out.joined(separator: "\n")
    }
}
