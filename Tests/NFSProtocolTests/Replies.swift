import Filesystem
import NFSProtocol
import Primitives

// Replies as text.

extension Names {
    func word(_ status: UInt32) -> String { NFSStatus(rawValue: status).map { "\($0)" } ?? "status \(status)" }

    /// The results of the one reply among effects.
    func results(_ effects: [NFSEffect]) -> XDRReader? {
        guard case .reply(_, let parts)? = effects.first else { return nil }
        var reader = XDRReader(Array(parts.joined()))
        // The head of the reply, the status and the tag.
        guard (try? reader.fixed(24)) != nil, (try? reader.uint32()) != nil, (try? reader.opaque()) != nil, (try? reader.uint32()) != nil
        else { return nil }
        return reader
    }

    mutating func reply(_ bytes: [UInt8]) -> String {
        var reader = XDRReader(bytes)
        defer { kept = [] }
        do {
            let head = try (0..<6).map { _ throws(XDRError) in try reader.uint32() }
            guard head[2] == 0, head[5] == 0 else { return "rpc " + head.dropFirst().map { "\($0)" }.joined(separator: " ") }
            let status = try reader.uint32()
            _ = try reader.opaque()
            let count = try reader.count()
            var lines: [String] = []
            for _ in 0..<count { lines.append(try result(&reader)) }
            if lines.isEmpty { lines.append(word(status)) }
            try reader.finish()
            return lines.filter { $0 != "sequence ok" }.joined(separator: "\n")
        } catch {
            return "a reply that can not be read: \(error)"
        }
    }

    private mutating func keep(_ number: UInt32, _ bytes: [UInt8]) {
        guard let place = kept.firstIndex(where: { $0.number == number }) else { return }
        let name = kept.remove(at: place).name
        if number == 10 { handles[name] = bytes } else { states[name] = bytes }
    }

    private mutating func result(_ reader: inout XDRReader) throws -> String {
        let number = try reader.uint32()
        let status = try reader.uint32()
        let name = Self.numbers.first { $0.number == number }?.name ?? "\(number)"
        guard status == 0 else {
            if number == 34 { _ = try bits(&reader) }
            guard status == NFSStatus.denied.rawValue else { return "\(name) \(word(status))" }
            let (start, length, type) = (try reader.uint64(), try reader.uint64(), try reader.uint32())
            _ = try reader.uint64()
            _ = try reader.opaque()
            return "\(name) denied \(type == 2 ? "write" : "read") start=\(start) length=\(length == .max ? "max" : "\(length)")"
        }
        let rest = try body(number, &reader)
        return "\(name) ok" + (rest.isEmpty ? "" : " " + rest)
    }

    private mutating func stateID(_ number: UInt32, _ reader: inout XDRReader) throws -> String {
        let bytes = Array(try reader.fixed(16))
        keep(number, bytes)
        return "seq=\(bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) })"
    }

    private mutating func body(_ number: UInt32, _ reader: inout XDRReader) throws -> String {
        switch number {
        case 3: return "supported=\(try reader.uint32()) granted=\(try reader.uint32())"
        case 4, 12, 14, 20, 21: return try stateID(number, &reader)
        case 5: return "verifier=\(try reader.uint64() & 0xffff_ffff)"
        case 6:
            _ = try reader.fixed(20)
            return "set=\(try bits(&reader))"
        case 9: return try fattr(&reader)
        case 10:
            let bytes = Array(try reader.opaque())
            keep(10, bytes)
            return "\(bytes.count) bytes"
        case 11, 28: _ = try reader.fixed(20)
        case 18:
            let state = try stateID(18, &reader)
            _ = try reader.fixed(20)
            let flags = try reader.uint32()
            let set = try bits(&reader)
            return "\(state) flags=\(flags) set=\(set) delegation=\(try reader.uint32())"
        case 25:
            let isEnd = try reader.bool()
            let data = try reader.opaque()
            guard data.count <= 64 else { return "\(isEnd ? "end " : "")\(data.count) bytes" }
            return "\(isEnd ? "end " : "")\"\(String(decoding: data, as: UTF8.self))\""
        case 26:
            _ = try reader.uint64()
            var lines: [String] = []
            while try reader.bool() {
                let cookie = try reader.uint64()
                lines.append("\n  \(String(decoding: try reader.opaque(), as: UTF8.self))\(cookie < 1_000 ? " cookie=\(cookie)" : "") ")
                lines[lines.count - 1] += try fattr(&reader)
            }
            return (try reader.bool() ? "end" : "more") + lines.sorted().joined()
        case 27: return String(decoding: try reader.opaque(), as: UTF8.self)
        case 29: _ = try reader.fixed(40)
        case 33, 52: return "flavors=\(try reader.count() == 1 ? try reader.uint32() : 0)"
        case 34: return "set=\(try bits(&reader))"
        case 38:
            return "\(try reader.uint32()) committed=\(try reader.uint32()) verifier=\(try reader.uint64() & 0xffff_ffff)"
        case 41:
            _ = try reader.fixed(16)
            return "direction=\(try reader.uint32()) rdma=\(try reader.bool())"
        case 53: _ = try reader.fixed(36)
        case 69: return "\(try reader.bool() ? "end " : "")\(try reader.uint64())"
        case 72: return "\"\(String(decoding: try reader.opaque(), as: UTF8.self))\""
        case 73, 75: _ = try reader.fixed(20)
        case 74:
            let cookie = try reader.uint64()
            let names = try (0..<(try reader.count())).map { _ in String(decoding: try reader.opaque(), as: UTF8.self) }
            return "(\(names.joined(separator: " "))) cookie=\(cookie)\(try reader.bool() ? " end" : "")"
        case 55: return try (0..<(try reader.count())).map { _ in word(try reader.uint32()) }.joined(separator: " ")
        default: break
        }
        return ""
    }

    private func bits(_ reader: inout XDRReader) throws -> String {
        var found: [String] = []
        for place in 0..<(try reader.count()) {
            let word = try reader.uint32()
            for bit in 0..<32 where word >> UInt32(bit) & 1 == 1 {
                let number = place * 32 + bit
                found.append(Self.attributes.first { $0.number == number }?.name ?? "\(number)")
            }
        }
        return "(\(found.joined(separator: " ")))"
    }

    private func fattr(_ reader: inout XDRReader) throws -> String {
        let names = String(try bits(&reader).dropFirst().dropLast()).split(separator: " ").map(String.init)
        var values = XDRReader(try reader.opaque())
        var out: [String] = []
        for name in names {
            let value: String =
                switch name {
                case "supported": "\(try bits(&values))"
                case "xattrs": "\(try values.bool())"
                case "type", "lease", "links": "\(try values.uint32())"
                case "rdattr_error": word(try values.uint32())
                case "mode": String(try values.uint32(), radix: 8)
                case "owner", "group": try values.string()
                case "fsid": "\(try values.uint64())/\(try values.uint64())"
                case "modify": "\(try values.uint64()).\(try values.uint32())"
                case "size", "change", "fileid", "mounted": "\(try values.uint64())"
                default: "?"
                }
            out.append("\(name)=\(value)")
        }
        return out.joined(separator: " ")
    }
}
