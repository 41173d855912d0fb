import Filesystem
import NFSProtocol
import Primitives
import TestSupport

/// Operations as text: encoded as a client does, by the XDR of the RFCs and not by the server's code. Handles and stateids are kept
/// under names.
struct Names {
    var handles: [String: [UInt8]] = [:]
    var states: [String: [UInt8]] = [:]
    var sessions: [String: [UInt8]] = [:]
    var client: UInt64 = 0
    /// Where the results of this compound go, by the place of the operation.
    var kept: [(number: UInt32, name: String)] = []

    static let attributes: [(name: String, number: Int)] = [
        ("supported", 0), ("type", 1), ("change", 3), ("size", 4), ("fsid", 8), ("lease", 10), ("rdattr_error", 11), ("fileid", 20),
        ("mode", 33), ("links", 35), ("owner", 36), ("group", 37), ("modify", 53), ("mounted", 55),
        ("xattrs", 82),
    ]

    private struct Words {
        let plain: [String]
        let named: [String: String]
        init(_ line: Substring) {
            let words = line.split(separator: " ").map(String.init)
            plain = words.filter { !$0.contains("=") }
            named = Dictionary(
                words.filter { $0.contains("=") }.map { word in
                    let place = word.firstIndex(of: "=")!
                    return (String(word[..<place]), String(word[word.index(after: place)...]))
                }, uniquingKeysWith: { $1 })
        }
        subscript(_ place: Int) -> String { place < plain.count ? plain[place] : "" }
        func number(_ key: String, _ fallback: UInt64) -> UInt64 { named[key].flatMap { $0 == "max" ? .max : UInt64($0) } ?? fallback }
    }

    static func bitmap(_ names: [String], to writer: inout XDRWriter) {
        var words: [UInt32] = [0, 0, 0]
        for name in names {
            let number = Int(name) ?? attributes.first { $0.name == name }?.number ?? (name == "set_modify" ? 54 : 48)
            words[number / 32] |= 1 << UInt32(number % 32)
        }
        writer.write(UInt32(3))
        for word in words { writer.write(word) }
    }

    private func state(_ name: String) -> [UInt8] {
        switch name {
        case "-": [UInt8](repeating: 0, count: 16)
        case "current": [0, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
        default: states[name] ?? [UInt8](repeating: 9, count: 16)
        }
    }

    /// fattr4 of `size=`, `mode=`, `owner=`, `modify=`.
    private static func fattr(_ words: Words, to writer: inout XDRWriter) {
        let order = ["size", "mode", "owner", "set_modify"]
        bitmap(order.filter { words.named[$0] != nil }, to: &writer)
        var values = XDRWriter()
        if words.named["size"] != nil { values.write(words.number("size", 0)) }
        if let mode = words.named["mode"] { values.write(UInt32(mode, radix: 8)!) }
        if let owner = words.named["owner"] { values.write(owner) }
        if words.named["set_modify"] != nil {
            values.write(UInt32(1))
            values.write(words.number("set_modify", 0))
            values.write(UInt32(0))
        }
        writer.write(opaque: values.bytes)
    }

    mutating func operation(_ line: String, minor: UInt32, in command: ScriptCommand) throws -> [UInt8] {
        let parts = line.split(separator: ">").map { $0 }
        let words = Words(parts[0])
        let name = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        guard let number = Self.numbers.first(where: { $0.name == words[0] })?.number ?? UInt32(words[0]) else {
            throw ScriptError(file: command.file, line: command.line, reason: "unknown operation \(words[0])")
        }
        var writer = XDRWriter()
        writer.write(number)
        if !name.isEmpty { kept.append((number, name)) }
        switch words[0] {
        case "putfh": writer.write(opaque: handles[words[1]] ?? [9, 9])
        case "lookup", "remove", "link", "secinfo": writer.write(words[1])
        case "rename":
            writer.write(words[1])
            writer.write(words[2])
        case "getattr": Self.bitmap(Array(words.plain.dropFirst()), to: &writer)
        case "setattr":
            writer.write(fixed: state(words.named["state"] ?? "-"))
            Self.fattr(words, to: &writer)
        case "verify", "nverify": Self.fattr(words, to: &writer)
        case "access": writer.write(UInt32(words[1])!)
        case "readdir":
            writer.write(words.number("cookie", 0))
            writer.write(UInt64(0))
            writer.write(UInt32(words.number("max", 8_192)))
            writer.write(UInt32(words.number("max", 8_192)))
            Self.bitmap(Array(words.plain.dropFirst()), to: &writer)
        case "create":
            writer.write(UInt32(words[1] == "dir" ? 2 : words[1] == "link" ? 5 : 7))
            if words[1] == "link" { writer.write(words[3]) }
            writer.write(words[2])
            Self.fattr(words, to: &writer)
        case "open": open(words, minor, to: &writer)
        case "open_confirm":
            writer.write(fixed: state(words[1]))
            writer.write(UInt32(words.number("seq", 0)))
        case "open_downgrade":
            writer.write(fixed: state(words[1]))
            writer.write(UInt32(words.number("seq", 0)))
            writer.write(UInt32(words.number("access", 1)))
            writer.write(UInt32(words.number("deny", 0)))
        case "close":
            writer.write(UInt32(words.number("seq", 0)))
            writer.write(fixed: state(words[1]))
        case "read":
            writer.write(fixed: state(words[1]))
            writer.write(UInt64(words[2])!)
            writer.write(UInt32(words[3])!)
        case "write":
            writer.write(fixed: state(words[1]))
            writer.write(UInt64(words[2])!)
            writer.write(UInt32(words.number("stable", 0)))
            writer.write(words[3])
        case "commit":
            writer.write(UInt64(0))
            writer.write(UInt32(0))
        case "lock", "locku", "lockt": lock(words, to: &writer)
        case "deallocate":
            writer.write(fixed: state(words[1]))
            writer.write(UInt64(words[2])!)
            writer.write(UInt64(words[3])!)
        case "seek":
            writer.write(fixed: state(words[1]))
            writer.write(UInt64(words[2])!)
            writer.write(UInt32(words[3] == "hole" ? 1 : 0))
        case "getxattr", "removexattr": writer.write(words[1])
        case "setxattr":
            writer.write(UInt32(words.number("how", 0)))
            writer.write(words[1])
            writer.write(words[2])
        case "listxattrs":
            writer.write(words.number("cookie", 0))
            writer.write(UInt32(words.number("max", 4_096)))
        case "free_stateid": writer.write(fixed: state(words[1]))
        case "test_stateid":
            writer.write(UInt32(words.plain.count - 1))
            for name in words.plain.dropFirst() { writer.write(fixed: state(name)) }
        case "secinfo_no_name", "reclaim_complete": writer.write(UInt32(words.number("of", 0)))
        case "destroy_session": writer.write(fixed: sessions[words[1]] ?? [UInt8](repeating: 9, count: 16))
        case "bind":
            writer.write(fixed: sessions[words[1]] ?? [UInt8](repeating: 9, count: 16))
            writer.write(UInt32(words.number("direction", 3)))
            writer.write(UInt32(0))
        case "destroy_clientid", "renew": writer.write(client)
        case "release_lockowner":
            writer.write(client)
            writer.write(words[1])
        default: break
        }
        return writer.bytes
    }

    private func open(_ words: Words, _ minor: UInt32, to writer: inout XDRWriter) {
        writer.write(UInt32(words.number("seq", 0)))
        writer.write(UInt32(words.number("access", 1)))
        writer.write(UInt32(words.number("deny", 0)))
        writer.write(client)
        writer.write(words.named["by"] ?? "o")
        let how = words.named["how"] ?? "none"
        writer.write(UInt32(how == "none" ? 0 : 1))
        switch how {
        case "unchecked", "guarded":
            writer.write(UInt32(how == "unchecked" ? 0 : 1))
            Self.fattr(words, to: &writer)
        case "exclusive":
            writer.write(UInt32(minor == 0 ? 2 : 3))
            writer.write(words.number("verifier", 5))
            if minor > 0 { Self.fattr(words, to: &writer) }
        default: break
        }
        switch words[1] {
        case "": writer.write(UInt32(4))
        case "-previous":
            writer.write(UInt32(1))
            writer.write(UInt32(0))
        default:
            writer.write(UInt32(0))
            writer.write(words[1])
        }
    }

    /// `lock STATE write start=0 length=10 [by=OWNER]`: a new owner where it is named.
    private func lock(_ words: Words, to writer: inout XDRWriter) {
        let type = UInt32(words[2] == "write" ? 2 : 1)
        let (start, length) = (words.number("start", 0), words.number("length", .max))
        switch words[0] {
        case "lock":
            writer.write(type)
            writer.write(UInt32(words.number("reclaim", 0)))
            writer.write(start)
            writer.write(length)
            writer.write(words.named["by"] != nil)
            if words.named["by"] != nil { writer.write(UInt32(words.number("seq", 0))) }
            writer.write(fixed: state(words[1]))
            writer.write(UInt32(words.number("lockseq", 0)))
            if let owner = words.named["by"] {
                writer.write(client)
                writer.write(owner)
            }
        case "locku":
            writer.write(type)
            writer.write(UInt32(words.number("lockseq", 0)))
            writer.write(fixed: state(words[1]))
            writer.write(start)
            writer.write(length)
        default:
            writer.write(type)
            writer.write(start)
            writer.write(length)
            writer.write(client)
            writer.write(words.named["by"] ?? "o")
        }
    }

    static let numbers: [(name: String, number: UInt32)] = [
        ("access", 3), ("close", 4), ("commit", 5), ("create", 6), ("getattr", 9), ("getfh", 10), ("link", 11), ("lock", 12), ("lockt", 13),
        ("locku", 14), ("lookup", 15), ("lookupp", 16), ("nverify", 17), ("open", 18), ("open_confirm", 20), ("open_downgrade", 21),
        ("putfh", 22), ("putrootfh", 24), ("read", 25), ("readdir", 26), ("readlink", 27), ("remove", 28), ("rename", 29), ("renew", 30),
        ("restorefh", 31), ("savefh", 32), ("secinfo", 33), ("setattr", 34), ("verify", 37), ("write", 38), ("release_lockowner", 39),
        ("bind", 41), ("destroy_session", 44), ("free_stateid", 45), ("secinfo_no_name", 52), ("sequence", 53), ("test_stateid", 55),
        ("deallocate", 62), ("seek", 69), ("getxattr", 72), ("setxattr", 73), ("listxattrs", 74), ("removexattr", 75),
        ("destroy_clientid", 57), ("reclaim_complete", 58), ("illegal", 10_044),
    ]
}
