import Primitives
import Storage
import Testing

/// The contract of `ChunkBackend`, kept by every implementation.
@Suite struct ChunkBackendTests {
    enum Kind: CaseIterable { case memory, disk, diskWithCache }

    private func with(_ kind: Kind, _ body: (any ChunkBackend) throws -> Void) throws {
        switch kind {
        case .memory: try body(MemoryChunkStore())
        case .disk, .diskWithCache:
            let scratch = try Scratch()
            var options = Sample.smallStore
            if kind == .diskWithCache { options.cacheBytes = 32 << 10 }
            let store = try ChunkStore(scratch.path, options: options)
            try body(store)
            try store.close()
        }
    }

    @Test(arguments: Kind.allCases) func whatIsPutComesBack(_ kind: Kind) throws {
        try with(kind) { store in
            let samples = [
                [], [7], Sample.text(1, 100), Sample.text(2, 30_000), Sample.random(3, 9_000), Sample.random(4, 70_000),
                Sample.text(5, 80_000),
            ]
            for bytes in samples {
                let reference = try store.put(bytes)
                #expect(reference == ChunkReference(id: SHA256.hash(bytes), length: UInt32(bytes.count)))
            }
            for _ in 0..<2 {
                for bytes in samples { #expect(try store.get(SHA256.hash(bytes)) == bytes) }
            }
            #expect(try store.has(samples.map { SHA256.hash($0) } + [.zero]) == samples.map { _ in true } + [false])
            #expect(try store.length(SHA256.hash(samples[3])) == 30_000)
            #expect(try store.length(.zero) == nil)
        }
    }

    @Test(arguments: Kind.allCases) func duplicatesAreStoredOnce(_ kind: Kind) throws {
        try with(kind) { store in
            let bytes = Sample.random(1, 5_000)
            try store.put([bytes, bytes])
            let before = try store.statistics()
            try store.put(bytes)
            let staged = try bytes.withUnsafeBytes { try store.stage($0) }
            #expect(!staged.isNew)
            let after = try store.statistics()
            #expect(after.packBytes == before.packBytes)
            #expect(after.chunks == 1)
            #expect(after.rawBytes == 5_000)
            #expect(after.duplicateHits == 3)
        }
    }

    @Test(arguments: Kind.allCases) func stagedChunksCanBeReadAtOnce(_ kind: Kind) throws {
        try with(kind) { store in
            let bytes = Sample.text(1, 5_000)
            let staged = try bytes.withUnsafeBytes { try store.stage($0) }
            #expect(staged.isNew)
            #expect(try store.get(staged.reference.id) == bytes)
            #expect(try store.has([staged.reference.id]) == [true])
            try store.sync(through: staged.ticket)
            try store.sync(through: staged.ticket)
            #expect(try store.get(staged.reference.id) == bytes)
        }
    }

    @Test(arguments: Kind.allCases) func whatIsDeletedIsMissing(_ kind: Kind) throws {
        try with(kind) { store in
            let kept = try store.put(Sample.text(1, 500))
            let gone = try store.put(Sample.text(2, 500))
            _ = try store.get(gone.id)
            #expect(try store.delete([gone.id, .zero]) == 1)
            #expect(try store.delete([gone.id]) == 0)
            #expect(throws: StorageError.missingChunk(gone.id)) { try store.get(gone.id) }
            #expect(try store.has([gone.id, kept.id]) == [false, true])
            #expect(try store.statistics().chunks == 1)
            try store.put(Sample.text(2, 500))
            #expect(try store.get(gone.id) == Sample.text(2, 500))
        }
    }

    @Test(arguments: Kind.allCases) func partsAreReadWithinTheChunk(_ kind: Kind) throws {
        try with(kind) { store in
            let bytes = Sample.random(1, 1_000)
            let id = try store.put(bytes).id
            var out = [UInt8](repeating: 0, count: 300)
            try out.withUnsafeMutableBytes { try store.read(id, at: 700, into: $0) }
            #expect(out == Array(bytes[700...]))
            let refused = storageError { try out.withUnsafeMutableBytes { try store.read(id, at: 701, into: $0) } }
            guard case .invalid = refused else { return #expect(Bool(false), "\(String(describing: refused))") }
        }
    }

    @Test(arguments: Kind.allCases) func listsAreInOrderAndPaged(_ kind: Kind) throws {
        try with(kind) { store in
            let all = try store.put((0..<25).map { Sample.text($0, 100) }).sorted { $0.id < $1.id }
            var listed: [ChunkReference] = []
            while true {
                let page = try store.list(after: listed.last?.id, limit: 10)
                if page.isEmpty { break }
                listed += page
            }
            #expect(listed == all)
        }
    }

    @Test(arguments: Kind.allCases) func extentsBecomeFiles(_ kind: Kind) throws {
        try with(kind) { store in
            // Bytes 0-99 chunk a, a hole to 150, 150-199 the end of chunk b, then a missing chunk to 249.
            let a = Sample.random(1, 100)
            let b = Sample.random(2, 80)
            let lost = ChunkReference(id: SHA256.hash([1]), length: 50)
            let extents = [
                Extent(offset: 0, length: 100, chunk: try store.put(a), chunkOffset: 0),
                Extent(offset: 150, length: 50, chunk: try store.put(b), chunkOffset: 30),
                Extent(offset: 200, length: 50, chunk: lost, chunkOffset: 0),
            ]
            let file = a + [UInt8](repeating: 0, count: 50) + b[30...] + [UInt8](repeating: 0, count: 100)
            var generator = SeededGenerator(seed: 1)
            for _ in 0..<300 {
                let start = generator.below(290)
                let count = generator.below(300 - start + 1)
                var out = [UInt8](repeating: 0xEE, count: count)
                let missing = try out.withUnsafeMutableBytes { try store.read(extents, at: UInt64(start), into: $0) }
                #expect(out == Array(file[start..<start + count]))
                #expect(missing == (count > 0 && start < 250 && start + count > 200 ? [lost] : []))
            }
        }
    }

    @Test func memoryFillsUp() throws {
        let store = MemoryChunkStore(capacity: 1_000)
        try store.put(Sample.random(1, 900))
        #expect(storageError { try store.put(Sample.random(2, 200)) } == .noSpace(operation: "put", path: "memory"))
        try store.put(Sample.random(3, 100))
    }
}
