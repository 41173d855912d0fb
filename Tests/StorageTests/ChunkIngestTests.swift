import Chunks
import Foundation
import Primitives
import Storage
import Synchronization
import Testing

@Suite struct ChunkIngestTests {
    private static let policy = ChunkPolicy.contentDefined(minimum: 512, average: 2_048, maximum: 8_192)

    private func ingest(_ store: ChunkStore, _ bytes: [UInt8], pieces: Int, offset: UInt64 = 0) throws -> [Extent] {
        let ingest = ChunkIngest(store, policy: Self.policy, offset: offset)
        var position = 0
        while position < bytes.count {
            let count = min(pieces, bytes.count - position)
            try bytes[position..<position + count].withUnsafeBytes { try ingest.feed($0) }
            position += count
        }
        return try ingest.finish()
    }

    @Test func aFileComesBackFromItsExtents() throws {
        let scratch = try Scratch()
        var options = Sample.smallStore
        options.packSize = 64 << 10
        options.ingestBytes = 20_000
        let store = try ChunkStore(scratch.path, options: options)
        let bytes = Sample.text(1, 60_000) + Sample.random(2, 50_000)
        let extents = try ingest(store, bytes, pieces: 777)
        #expect(extents.reduce(0) { $0 + $1.length } == 110_000)
        #expect(zip(extents, extents.dropFirst()).allSatisfy { $0.end == $1.offset })
        var out = [UInt8](repeating: 1, count: 110_000)
        #expect(try out.withUnsafeMutableBytes { try store.read(extents, at: 0, into: $0) } == [])
        #expect(out == bytes)
        // The same bytes again, in other pieces, cost nothing and are the same chunks.
        let before = try store.statistics().packBytes
        #expect(try ingest(store, bytes, pieces: 100_000) == extents)
        #expect(try store.statistics().packBytes == before)
        #expect(try ingest(store, [], pieces: 1) == [])
        #expect(try ingest(store, [1, 2, 3], pieces: 1, offset: 1_000).map(\.offset) == [1_000])
        try store.close()
        #expect(try StoreCheck.run(scratch.path).isSound)
    }

    @Test func manyIngestsShareSyncs() throws {
        let scratch = try Scratch()
        var options = Sample.smallStore
        options.packSize = 1 << 20
        let store = try ChunkStore(scratch.path, options: options)
        let problems = Mutex<[String]>([])
        concurrently(8) { worker in
            do {
                for round in 0..<5 {
                    // Every second file is one that another worker stores too.
                    let bytes = Sample.random(UInt64(round % 2 == 0 ? round : worker * 100 + round), 20_000)
                    let extents = try self.ingest(store, bytes, pieces: 4_096)
                    var out = [UInt8](repeating: 0, count: bytes.count)
                    let missing = try out.withUnsafeMutableBytes { try store.read(extents, at: 0, into: $0) }
                    if !missing.isEmpty || out != bytes { problems.withLock { $0.append("worker \(worker) round \(round)") } }
                    _ = try store.compact(budget: 10_000)
                }
            } catch { problems.withLock { $0.append("\(error)") } }
        }
        #expect(problems.withLock { $0 } == [])
        let statistics = try store.statistics()
        #expect(statistics.rawBytes == 20_000 * (3 + 8 * 2))
        try store.close()
        #expect(try StoreCheck.run(scratch.path).isSound)
    }

    @Test func aFullDiskFailsTheIngestOnly() throws {
        let scratch = try Scratch()
        let saboteur = Saboteur()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore, system: saboteur.system)
        saboteur.fillDisk(".pack", after: 100)
        guard case .noSpace = storageError({ _ = try self.ingest(store, Sample.random(1, 200_000), pieces: 5_000) }) else {
            return #expect(Bool(false))
        }
        saboteur.set(nil)
        let extents = try ingest(store, Sample.random(1, 200_000), pieces: 5_000)
        #expect(extents.reduce(0) { $0 + $1.length } == 200_000)
        let cancelled = ChunkIngest(store, policy: Self.policy)
        try cancelled.feed(Sample.random(5, 30_000))
        cancelled.cancel()
        try store.close()
        #expect(try StoreCheck.run(scratch.path).isSound)
    }

    /// A real file system that fills up. Needs root and mount(8); says so where it cannot run.
    @Test func aRealDiskFillsUpAndRecovers() throws {
        let scratch = try Scratch()
        let mount = Process()
        mount.executableURL = URL(fileURLWithPath: "/bin/mount")
        mount.arguments = ["-t", "tmpfs", "-o", "size=3m", "tmpfs", scratch.path]
        mount.standardError = FileHandle.nullDevice
        guard getuid() == 0, (try? mount.run()) != nil else { return print("SKIPPED aRealDiskFillsUpAndRecovers: it needs root") }
        mount.waitUntilExit()
        guard mount.terminationStatus == 0 else { return print("SKIPPED aRealDiskFillsUpAndRecovers: tmpfs cannot be mounted here") }
        defer {
            let unmount = Process()
            unmount.executableURL = URL(fileURLWithPath: "/bin/umount")
            unmount.arguments = ["-l", scratch.path]
            try? unmount.run()
            unmount.waitUntilExit()
        }
        var options = Sample.smallStore
        options.packSize = 256 << 10
        // What the index needs to go on when the packs may not.
        options.reserveBytes = 1 << 20
        let store = try ChunkStore(scratch.path, options: options)
        var kept: [[UInt8]] = []
        var failure: StorageError?
        for seed in 0..<200 as Range<UInt64> {
            let bytes = Sample.random(seed, 16_000)
            failure = storageError { try store.put(bytes) }
            if failure != nil { break }
            kept.append(bytes)
        }
        guard case .noSpace? = failure else { return #expect(Bool(false), "\(String(describing: failure))") }
        #expect(kept.count > 10)
        for bytes in kept { #expect(try store.get(SHA256.hash(bytes)) == bytes) }
        // Space returns: a whole pack's chunks go, and with them the pack.
        try store.delete(kept.prefix(15).map { SHA256.hash($0) })
        while !(try store.compact(budget: 1 << 20).isIdle) {}
        for bytes in kept.dropFirst(15) { #expect(try store.get(SHA256.hash(bytes)) == bytes) }
        try store.put(Sample.random(1_000, 16_000))
        try store.close()
    }
}
