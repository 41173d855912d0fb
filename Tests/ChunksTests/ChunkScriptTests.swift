import Chunks
import Foundation
import Primitives
import TestSupport
import Testing

@Suite struct ChunkScriptTests {
    @Test(arguments: Script.files()) func script(_ file: URL) throws {
        let differences = try Script.run(file, Self.run)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    static func run(_ command: ScriptCommand) throws -> String {
        switch command.name {
        case "crc": return String(CRC32C.checksum(try bytes(command)), radix: 16)
        case "gear": return Gear.words.prefix(try command.integer("count")).map { String($0, radix: 16) }.joined(separator: "\n")
        case "policy":
            guard let policy = ChunkPolicy(command.value("text") ?? "") else { return "refused" }
            return "\(policy) longest=\(policy.maximumLength) xdr=\(Hex.encode(policy.xdrBytes))"
        case "problem":
            let n = command.list("sizes").compactMap { Int($0) }
            let policy: ChunkPolicy = n.count == 1 ? .fixed(n[0]) : .contentDefined(minimum: n[0], average: n[1], maximum: n[2])
            return policy.problem ?? "fine"
        case "cut": return lengths(of: try bytes(command), try policy(command)).map(String.init).joined(separator: " ")
        case "spread": return spread(lengths(of: try bytes(command), try policy(command)))
        case "shared": return try shared(command)
        case "frame":
            let payload = try bytes(command)
            let codec = ChunkCodec(rawValue: UInt8(try command.integer("codec", default: 0))) ?? .stored
            let raw = try command.integer("raw", default: payload.count)
            return Hex.encode(ChunkFrame.bytes(codec: codec, rawLength: raw, id: SHA256.hash(payload), payload: payload))
        case "read-frame": return readFrame(Hex.decode(command.input.filter { !$0.isWhitespace }) ?? [])
        case "pack-header":
            return Hex.encode(PackHeader(number: 7, storeHigh: 0x0102_0304_0506_0708, storeLow: 0x090A_0B0C_0D0E_0F10).bytes)
        case "read-pack-header":
            let bytes = Hex.decode(command.input.filter { !$0.isWhitespace }) ?? []
            let header = try bytes.withUnsafeBytes { try PackHeader($0) }
            return "pack \(header.number) store \(String(header.storeHigh, radix: 16)) \(String(header.storeLow, radix: 16))"
        case "footer": return Hex.encode(PackFooter.bytes(at: 192, entries: entries))
        case "read-footer":
            let bytes = Hex.decode(command.input.filter { !$0.isWhitespace }) ?? []
            return try bytes.withUnsafeBytes { buffer in
                let trailer = UnsafeRawBufferPointer(rebasing: buffer.suffix(PackFooter.trailerSize))
                let place = try PackFooter.locate(trailer: trailer, fileSize: 192 + UInt64(buffer.count))
                return try PackFooter.entries(buffer, at: place.offset).map {
                    "\($0.offset) \($0.rawLength) \($0.storedLength) \($0.codec) \($0.id)"
                }
                .joined(separator: "\n")
            }
        default: throw ScriptError(file: command.file, line: command.line, reason: "unknown command \(command.name)")
        }
    }

    private static let entries = [
        PackEntry(offset: 64, rawLength: 100, storedLength: 8, codec: .zstd, id: SHA256.hash(Array("a".utf8))),
        PackEntry(offset: 128, rawLength: 6, storedLength: 6, codec: .stored, id: SHA256.hash(Array("b".utf8))),
    ]

    private static func readFrame(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { buffer in
            do {
                let frame = try ChunkFrame(verifying: buffer)
                return "codec=\(frame.codec) raw=\(frame.rawLength) stored=\(frame.storedLength) size=\(frame.frameSize) id=\(frame.id)"
            } catch { return "refused: \(error)" }
        }
    }

    private static func policy(_ command: ScriptCommand) throws -> ChunkPolicy {
        guard let policy = ChunkPolicy(command.value("policy") ?? "") else {
            throw ScriptError(file: command.file, line: command.line, reason: "no such policy")
        }
        return policy
    }

    /// `text=…`, `hex=…`, `zeros=N`, or `seed=N length=N` for random bytes.
    private static func bytes(_ command: ScriptCommand) throws -> [UInt8] {
        if let text = command.value("text") { return Array(text.utf8) }
        if let hex = command.value("hex") { return Hex.decode(hex) ?? [] }
        if command.has("zeros") { return [UInt8](repeating: 0, count: try command.integer("zeros")) }
        return random(seed: UInt64(try command.integer("seed")), count: try command.integer("length"))
    }

    static func random(seed: UInt64, count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: generator.next().littleEndian) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }

    static func lengths(of bytes: [UInt8], _ policy: ChunkPolicy) -> [Int] {
        var chunker = Chunker(policy)
        var lengths = bytes.withUnsafeBytes { chunker.feed($0) }
        let last = chunker.finish()
        if last > 0 { lengths.append(last) }
        return lengths
    }

    private static func spread(_ lengths: [Int]) -> String {
        let sum = lengths.reduce(0, +)
        return "chunks=\(lengths.count) mean=\(sum / lengths.count) shortest=\(lengths.dropLast().min() ?? 0) longest=\(lengths.max() ?? 0)"
    }

    /// How many chunks survive an insertion.
    private static func shared(_ command: ScriptCommand) throws -> String {
        let before = try bytes(command)
        let policy = try policy(command)
        var after = before
        after.insert(contentsOf: Array("inserted".utf8), at: try command.integer("insert"))
        func names(_ bytes: [UInt8]) -> [ChunkID] {
            var start = 0
            return lengths(of: bytes, policy).map { length in
                defer { start += length }
                return SHA256.hash(bytes[start..<start + length])
            }
        }
        let old = names(before)
        let known = Set(old)
        let new = names(after)
        return "before=\(old.count) after=\(new.count) kept=\(new.filter { known.contains($0) }.count)"
    }
}
