import Chunks
import Filesystem
import Foundation
import Primitives
import Storage
import Synchronization
import Testing

@testable import NodeRuntime

/// How the bytes that are written to an open file become chunks.
@Suite struct StageTests {
    private static let block = 64 << 10

    /// A store, and one file in it that stages are written over.
    private final class Desk {
        let path = NSTemporaryDirectory() + "atoll-stage-\(UUID().uuidString)"
        let store: ChunkStore
        var extents: [Extent] = []
        var size: UInt64 = 0
        /// Below the extents.
        var inline: [UInt8] = []

        init() throws { store = try ChunkStore(path, options: ChunkStoreOptions()) }
        deinit {
            try? store.close()
            try? FileManager.default.removeItem(atPath: path)
        }

        /// Writes in order, told as the node tells them, and what the file has then.
        func write(_ writes: [(offset: Int, bytes: [UInt8])], inlineLimit: UInt32 = 0) throws {
            let stage = Stage(store: store)
            var end = size
            for write in writes {
                try stage.write(write.bytes, at: UInt64(write.offset), overwrites: UInt64(write.offset) < end)
                end = max(end, UInt64(write.offset + write.bytes.count))
            }
            switch try stage.finish(inPlace: size > 0, inlineLimit: extents.isEmpty ? inlineLimit : 0) {
            case .inline(let bytes): (inline, size) = (bytes, UInt64(bytes.count))
            case .patches(let patches):
                for patch in patches {
                    let end = Int(patch.offset) + patch.bytes.count
                    inline += [UInt8](repeating: 0, count: max(0, end - inline.count))
                    inline.replaceSubrange(Int(patch.offset)..<end, with: patch.bytes)
                    size = max(size, UInt64(end))
                }
            case .extents(let above, let end):
                extents = ExtentList.lay(above, over: extents)
                size = max(size, end)
            }
        }

        var content: [UInt8] {
            get throws {
                var out = [UInt8](repeating: 0, count: Int(size))
                let missing = try out.withUnsafeMutableBytes { try store.read(extents, at: 0, into: $0) }
                #expect(missing == [])
                for (place, byte) in inline.enumerated() where !extents.contains(where: { $0.offset <= place && place < $0.end }) {
                    out[place] = byte
                }
                return out
            }
        }
        var stored: UInt64 { get throws { try store.statistics().rawBytes } }
    }

    private func bytes(_ seed: UInt64, _ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var out: [UInt8] = []
        out.reserveCapacity(count + 8)
        while out.count < count { withUnsafeBytes(of: generator.next()) { out.append(contentsOf: $0) } }
        return Array(out.prefix(count))
    }

    private func windows(_ bytes: [UInt8], of length: Int = 1 << 20) -> [(offset: Int, bytes: [UInt8])] {
        stride(from: 0, to: bytes.count, by: length).map { ($0, Array(bytes[$0..<min($0 + length, bytes.count)])) }
    }

    /// A disk that was full for a moment: what was taken and not stored must not be forgotten by what comes after.
    @Test func whatCouldNotBeStoredFailsTheWhole() throws {
        let path = NSTemporaryDirectory() + "atoll-stage-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let isFull = Mutex(false)
        let system = FileFaults { operation in
            guard case .write(let path, _, _) = operation, path.hasSuffix(".pack"), isFull.withLock({ $0 }) else { return .proceed }
            return .fail(errno: ENOSPC)
        }
        let store = try ChunkStore(path, options: ChunkStoreOptions(), system: system)
        let stage = Stage(store: store)
        isFull.withLock { $0 = true }
        var refused = 0
        for piece in 0..<24 {
            do { try stage.write(bytes(UInt64(piece), 256 << 10), at: UInt64(piece) * (256 << 10), overwrites: false) } catch {
                refused += 1
            }
        }
        do { try stage.write([1, 2, 3], at: 0, overwrites: false) } catch { refused += 1 }
        #expect(refused > 0)
        isFull.withLock { $0 = false }
        #expect(throws: StorageError.self) { try stage.write([4, 5, 6], at: 0, overwrites: false) }
        #expect(throws: StorageError.self) { try stage.finish(inPlace: false, inlineLimit: 0) }
        stage.cancel()
        try store.close()
    }

    @Test func randomWritesStoreWhatChangedOnly() throws {
        let desk = try Desk()
        let original = bytes(1, 16 << 20)
        try desk.write(windows(original))
        let whole = desk.extents
        var expected = original
        let before = try desk.stored
        var generator = SeededGenerator(seed: 2)
        for round in 0..<4 as Range<UInt64> {
            let writes = (0..<50 as Range<UInt64>).map { number in
                (offset: 4_096 * Int.random(in: 1..<4_095, using: &generator), bytes: bytes(1_000 + round * 100 + number, 4_096))
            }
            try desk.write(writes)
            for write in writes { expected.replaceSubrange(write.offset..<write.offset + 4_096, with: write.bytes) }
            #expect(try desk.content == expected)
        }
        #expect(try desk.stored - before <= 200 * 4_096)
        // Written as a whole again, the first content costs nothing and has its first chunks.
        let between = try desk.stored
        try desk.write(windows(original))
        #expect(try desk.content == original)
        #expect(desk.extents == whole)
        #expect(try desk.stored == between)
    }

    @Test func patchesAreCutAtBlocksOfTheFile() throws {
        let desk = try Desk()
        try desk.write(windows(bytes(1, 4 << 20)))
        let new = bytes(2, 700_000)
        try desk.write([(1_000_001, new)])
        let patched = desk.extents.filter { $0.offset >= 1_000_001 && $0.end <= 1_700_001 }
        #expect(patched.reduce(0) { $0 + $1.length } == 700_000)
        for extent in patched { #expect(extent.offset / UInt64(Self.block) == (extent.end - 1) / UInt64(Self.block)) }
        // The same bytes in writes that begin elsewhere: only what is cut off at the edges is new.
        let before = try desk.stored
        try desk.write([(1_100_000, Array(new[99_999...])), (1_000_500, Array(new[499..<150_000]))])
        #expect(try desk.stored - before <= 2 * UInt64(Self.block))
        // Small writes in order to one block are one chunk.
        try desk.write((0..<16).map { (2 * Self.block + $0 * 4_096, bytes(UInt64(10 + $0), 4_096)) }.shuffled(seed: 3))
        #expect(desk.extents.count { $0.offset == UInt64(2 * Self.block) && $0.length == UInt64(Self.block) } == 1)
    }

    @Test func appendsAndWholeFilesAreCutByContent() throws {
        let (first, second) = (try Desk(), try Desk())
        let added = bytes(5, 3 << 20)
        try first.write(windows(bytes(1, 100_000)))
        try first.write(windows(added).map { ($0.offset + 100_000, $0.bytes) })
        try second.write(windows(added))
        // The appended bytes have the chunks that they have as a file of their own.
        #expect(first.extents.suffix(second.extents.count).map(\.chunk) == second.extents.map(\.chunk))
        // A header that is written last, as linkers and archivers do, leaves the stream as it is.
        let third = try Desk()
        try third.write(windows(added) + [(8, bytes(6, 24))] + [(3 << 20, bytes(7, 10))])
        #expect(third.extents.dropFirst(3).dropLast().map(\.chunk) == second.extents.dropFirst().dropLast().map(\.chunk))
    }

    @Test func aLaterWriteLiesOverOneThatWasHeldBack() throws {
        let desk = try Desk()
        try desk.write([(4_096, bytes(1, 4_096)), (0, bytes(2, 8_192))])
        #expect(try desk.content == bytes(2, 8_192))
        try desk.write([(100_000, bytes(3, 70_000)), (99_000, bytes(4, 30_000)), (0, bytes(5, 120_000))])
        #expect(try desk.content == bytes(5, 120_000) + bytes(4, 30_000)[21_000...] + bytes(3, 70_000)[29_000...])
    }

    @Test(arguments: 0..<40 as Range<UInt64>) func anyWritesGiveWhatAPlainFileHas(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let desk = try Desk()
        var model: [UInt8] = []
        let limit = [20_000, 300_000, 3_000_000][Int(seed % 3)]
        for round in 0..<3 as Range<UInt64> {
            var writes: [(offset: Int, bytes: [UInt8])] = []
            var position = 0
            for number in 0..<UInt64.random(in: 1...60, using: &generator) {
                let length = Int.random(in: 1...limit / 10, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: position = Int.random(in: 0..<limit, using: &generator)
                case 1: position = model.count
                case 2: position = 0
                default: break
                }
                let piece = bytes(seed << 20 | round << 10 | number, length)
                writes.append((position, piece))
                if model.count < position + length { model += [UInt8](repeating: 0, count: position + length - model.count) }
                model.replaceSubrange(position..<position + length, with: piece)
                position += length
            }
            try desk.write(writes, inlineLimit: desk.extents.isEmpty ? 4_096 : 0)
            #expect(try desk.content == model, "seed \(seed), round \(round)")
            #expect(zip(desk.extents, desk.extents.dropFirst()).allSatisfy { $0.end <= $1.offset })
        }
    }

    @Test func manyPatchesTakeBoundedMemory() throws {
        let desk = try Desk()
        try desk.write(windows(bytes(1, 16 << 20)))
        var expected = try desk.content
        // More than is kept in memory, by bytes and by count, each block several times.
        var writes: [(offset: Int, bytes: [UInt8])] = []
        for number in 0..<12 { writes.append((((number * 5) % 12 + 1) << 20, bytes(UInt64(100 + number), (1 << 20) + 77))) }
        for number in 0..<5_000 { writes.append((1_000 + (number * 3_001) % (15 << 20), bytes(UInt64(1_000 + number), 16))) }
        try desk.write(writes)
        for write in writes { expected.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes) }
        #expect(try desk.content == expected)
    }
}

extension Array {
    /// In another order, the same in every run.
    fileprivate func shuffled(seed: UInt64) -> [Element] {
        var generator = SeededGenerator(seed: seed)
        return shuffled(using: &generator)
    }
}
