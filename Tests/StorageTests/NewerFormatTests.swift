import Chunks
import Foundation
import Primitives
import Storage
import Testing

/// Files of a program that knows more than this one: each is named with its version, and left as it is.
@Suite struct NewerFormatTests {
    private static let pack = "packs/0000000001.pack"
    private static let segment = "0000000000000001.wal"

    /// A newer version with the right checksum, so that it is no decay: the number at `place`, CRC-32C at `sum` of what lies between.
    private func raise(_ bytes: inout [UInt8], version place: Int, from begin: Int = 0, sum: Int) {
        bytes[place + 3] = 99
        let checksum = bytes[begin..<sum].withUnsafeBytes { CRC32C.checksum($0) }
        for index in 0..<4 { bytes[sum + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * index)) }
    }

    private func contents(_ scratch: Scratch) throws -> [String: [UInt8]] {
        var out: [String: [UInt8]] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: scratch.path) where !path.hasSuffix("lock") {
            if let bytes = try? scratch.bytes(path) { out[path] = bytes }
        }
        return out
    }

    private enum Part: String, CaseIterable { case header, footer, frame, index }

    @Test(arguments: Part.allCases) private func ofAStore(part: Part) throws {
        let scratch = try Scratch()
        var options = Sample.smallStore
        options.packSize = 4 << 10
        let store = try ChunkStore(scratch.path, options: options)
        // The first pack is full and sealed.
        try store.put((0..<8).map { Sample.random($0, 1_000) })
        try store.close()
        var pack = try scratch.bytes(Self.pack)
        var supported: UInt64 = 1
        switch part {
        case .header: raise(&pack, version: 8, sum: 60)
        case .footer:
            let place = pack.count - PackFooter.trailerSize
            let footer = pack[place..<place + 8].reduce(0) { $0 << 8 | Int($1) }
            raise(&pack, version: footer + 4, from: footer, sum: place + 20)
        case .frame:
            pack[PackHeader.size + 4] = 99
            let checksum = pack[PackHeader.size..<PackHeader.size + 48].withUnsafeBytes { CRC32C.checksum($0) }
            for index in 0..<4 { pack[PackHeader.size + 48 + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * index)) }
        case .index:
            // The user version of an SQLite file: bytes 60 to 63 of its header.
            var index = try scratch.bytes("index.sqlite")
            supported = UInt64(index[63])
            index[63] = 99
            try scratch.write(index, to: "index.sqlite")
        }
        try scratch.write(pack, to: Self.pack)
        let path = scratch.path + "/" + (part == .index ? "index.sqlite" : Self.pack)
        let newer = StorageError.newerFormat(path: path, found: 99, supported: supported)
        let before = try contents(scratch)
        for repair in [false, true] {
            #expect(storageError { _ = try StoreCheck.run(scratch.path, repair: repair) } == newer, "repair: \(repair)")
        }
        if part == .header || part == .frame { #expect(storageError { try FileInspection.run(path) { _ in } } == newer) }
        let after = try contents(scratch)
        #expect(
            before.keys.filter { $0.hasSuffix(".pack") || $0 == "index.sqlite" }.allSatisfy { before[$0] == after[$0] }, "it was changed")
    }

    @Test func ofALog() throws {
        let scratch = try Scratch()
        var options = LogOptions()
        options.segmentSize = 1 << 20
        let (log, _) = try WriteAheadLog.open(scratch.path, identity: Sample.identity, options: options, system: .posix)
        try log.append([LogRecord(GroupID(1), .entry(index: 1, term: 1, payload: [1]))])
        log.close()
        var bytes = try scratch.bytes(Self.segment)
        raise(&bytes, version: 8, sum: 60)
        try scratch.write(bytes, to: Self.segment)
        try scratch.write([1], to: "0000000000000002.wal.tmp")
        let path = scratch.path + "/" + Self.segment
        let newer = StorageError.newerFormat(path: path, found: 99, supported: 1)
        let before = try contents(scratch)
        #expect(storageError { _ = try LogCheck.run(scratch.path) } == newer)
        #expect(storageError { _ = try LogCheck.repair(scratch.path, identity: Sample.identity) } == newer)
        #expect(storageError { try FileInspection.run(path) { _ in } } == newer)
        #expect(try contents(scratch) == before)
        #expect(
            storageError { _ = try WriteAheadLog.open(scratch.path, identity: Sample.identity, options: options, system: .posix) } == newer)
    }

    @Test func ofASnapshot() throws {
        let scratch = try Scratch()
        let store = try SnapshotStore(scratch.path)
        let writer = try store.begin(GroupID(5), index: 10, term: 2, meta: [])
        try writer.write([1, 2, 3])
        let info = try writer.finish()
        var bytes = try scratch.bytes("5/10-2.snap")
        raise(&bytes, version: 8, sum: 44)
        try scratch.write(bytes, to: "5/10-2.snap")
        let path = scratch.path + "/5/10-2.snap"
        let newer = StorageError.newerFormat(path: path, found: 99, supported: 1)
        #expect(storageError { try FileInspection.run(path) { _ in } } == newer)
        #expect(storageError { _ = try store.list(info.group) } == newer)
        #expect(try scratch.bytes("5/10-2.snap") == bytes)
    }

    /// A repair says what it did, and what is left of the damage.
    @Test func aRepairTellsWhatIsLeft() throws {
        let scratch = try Scratch()
        let chunks = (0..<3).map { Sample.random($0, 1_000) }
        let store = try ChunkStore(scratch.path, options: Sample.smallStore)
        try store.put(chunks)
        try store.close()
        let whole = try scratch.bytes(Self.pack)
        // An append that was not finished is cut, and nothing is left of it.
        try scratch.write(whole + whole[64..<300], to: Self.pack)
        #expect(try StoreCheck.run(scratch.path).findings.count == 1)
        let cut = try StoreCheck.run(scratch.path, repair: true)
        #expect(cut.isSound && cut.wasRepaired && cut.cutBytes == 236 && cut.lostChunks == [])
        #expect(try scratch.bytes(Self.pack) == whole)
        #expect(try StoreCheck.run(scratch.path).isSound)
        // The last chunk has decayed: to the scan it looks like an unfinished append; the index knows better.
        var decayed = whole
        decayed[whole.count - 100] ^= 1
        try scratch.write(decayed, to: Self.pack)
        let lost = try StoreCheck.run(scratch.path, repair: true)
        #expect(lost.wasRepaired && lost.lostChunks == [SHA256.hash(chunks[2])], "\(lost)")
        #expect(try StoreCheck.run(scratch.path).isSound)
    }
}
