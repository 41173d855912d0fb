import Chunks
import Primitives
import Storage
import Testing

/// What is left after the file system was cut, torn or decayed at every interesting place.
@Suite struct ChunkStoreCrashTests {
    private static let pack = "packs/0000000001.pack"

    /// A closed store with these chunks in one pack, and the offsets where frames begin and the last ends.
    private func prepare(_ chunks: [[UInt8]], keepIndex: Bool = true) throws -> (scratch: Scratch, offsets: [Int]) {
        let scratch = try Scratch()
        var options = Sample.smallStore
        options.packSize = 1 << 20
        let store = try ChunkStore(scratch.path, options: options)
        var offsets = [PackHeader.size]
        for bytes in chunks {
            try store.put(bytes)
            offsets.append(try scratch.bytes(Self.pack).count)
        }
        try store.close()
        if !keepIndex { for name in try scratch.names("") where name.hasPrefix("index") { try scratch.remove(name) } }
        return (scratch, offsets)
    }

    private func open(_ scratch: Scratch, packSize: UInt64 = 1 << 20) throws -> ChunkStore {
        var options = Sample.smallStore
        options.packSize = packSize
        return try ChunkStore(scratch.path, options: options)
    }

    @Test func aTailTornAtAnyByteIsCut() throws {
        let chunks = [Sample.random(1, 40), Sample.random(2, 50), Sample.text(3, 200)]
        let (scratch, offsets) = try prepare(chunks, keepIndex: false)
        let whole = try scratch.bytes(Self.pack)
        for length in 0...whole.count {
            for name in try scratch.names("packs") { try scratch.remove("packs/" + name) }
            try scratch.write(Array(whole.prefix(length)), to: Self.pack)
            for name in try scratch.names("") where name.hasPrefix("index") { try scratch.remove(name) }
            let store = try open(scratch)
            let survivors = try store.has(chunks.map { SHA256.hash($0) })
            // A frame needs its padding too, or the next one would not begin at a multiple of eight.
            #expect(survivors == (0..<3).map { length >= offsets[$0 + 1] }, "cut at \(length)")
            let new = Sample.random(9, 64)
            try store.put(new)
            for (position, survives) in survivors.enumerated() where survives {
                #expect(try store.get(SHA256.hash(chunks[position])) == chunks[position])
            }
            try store.close()
            #expect(try StoreCheck.run(scratch.path).findings == [], "cut at \(length)")
        }
    }

    @Test func aLaggingIndexCatchesUp() throws {
        let scratch = try Scratch()
        var copies: [Scratch] = []
        let store = try open(scratch, packSize: 4 << 10)
        let chunks = (0..<12).map { Sample.random($0, 700) }
        try store.put(Array(chunks[..<5]))
        try store.flush()
        copies.append(try scratch.copy())
        try store.put(Array(chunks[5...]))
        try store.close()
        // The packs of the end with the index of the middle.
        for name in try scratch.names("packs") { try copies[0].write(try scratch.bytes("packs/" + name), to: "packs/" + name) }
        let late = try open(copies[0], packSize: 4 << 10)
        for bytes in chunks { #expect(try late.get(SHA256.hash(bytes)) == bytes) }
        #expect(try late.statistics().chunks == 12)
        #expect(late.openFindings == [])
        try late.close()
    }

    /// The index forgets, as after a power failure, that a chunk had decayed and was put again: the new copy counts.
    @Test func aLaterCopyTakesThePlaceOfADecayedOne() throws {
        let chunks = [Sample.random(1, 400), Sample.random(2, 500)]
        let (scratch, offsets) = try prepare(chunks)
        try scratch.flip(Self.pack, at: offsets[0] + ChunkFrame.headerSize + 9)
        let before = try scratch.copy()
        let store = try open(scratch)
        let id = SHA256.hash(chunks[0])
        guard case .corruptChunk = storageError({ _ = try store.get(id) }) else { return #expect(Bool(false)) }
        try store.put(chunks[0])
        try store.close()
        // The packs of the end with the index of the beginning.
        try before.write(try scratch.bytes(Self.pack), to: Self.pack)
        let late = try open(before)
        #expect(try late.get(id) == chunks[0])
        try late.close()
    }

    /// An index whose disk failed within a call is not believed.
    @Test func aSuspectIndexIsMadeAnew() throws {
        let (scratch, _) = try prepare([Sample.random(1, 400)])
        try scratch.write([], to: "index.suspect")
        let store = try open(scratch)
        #expect(store.openFindings.first?.what.contains("rebuilt") == true)
        #expect(try store.get(SHA256.hash(Sample.random(1, 400))) == Sample.random(1, 400))
        try store.close()
        #expect(try !scratch.names("").contains("index.suspect"))
    }

    /// Compressed bytes are sent to other nodes by the checksum of their frame; it finds decay as the name would.
    @Test func decayedBytesAreNotSent() throws {
        let text = Sample.text(4, 9_000)
        let (scratch, offsets) = try prepare([text, Sample.random(2, 500)])
        let id = SHA256.hash(text)
        for place in [20, 50, 56, 90] {
            let copy = try scratch.copy()
            try copy.flip(Self.pack, at: offsets[0] + place)
            let store = try open(copy)
            if place < ChunkFrame.headerSize {
                // The header has decayed, the bytes have not: the index knows where they are, and their name proves them.
                let sent = try store.getStored(id)
                #expect(sent.codec == .stored && sent.payload == text)
            } else {
                guard case .corruptChunk = storageError({ _ = try store.getStored(id) }) else { return #expect(Bool(false)) }
                #expect(try store.quarantined() == [id])
            }
            try store.close()
        }
    }

    @Test func decayCostsOneChunk() throws {
        let chunks = [Sample.random(1, 400), Sample.random(2, 500), Sample.random(3, 300)]
        let (scratch, offsets) = try prepare(chunks)
        for place in [offsets[1], offsets[1] + 5, offsets[1] + 20, offsets[1] + 49, offsets[1] + 56, offsets[1] + 400] {
            for hasIndex in [true, false] {
                let copy = try scratch.copy()
                try copy.flip(Self.pack, at: place)
                if !hasIndex { for name in try copy.names("") where name.hasPrefix("index") { try copy.remove(name) } }
                let store = try open(copy)
                if !hasIndex {
                    #expect(
                        store.openFindings.contains { $0.offset == UInt64(offsets[1]) && $0.path.hasSuffix(Self.pack) }, "byte \(place)")
                }
                #expect(try store.get(SHA256.hash(chunks[0])) == chunks[0])
                #expect(try store.get(SHA256.hash(chunks[2])) == chunks[2])
                let id = SHA256.hash(chunks[1])
                let isPayload = place >= offsets[1] + ChunkFrame.headerSize
                if hasIndex, isPayload {
                    let expected = storageError { _ = try store.get(id) }
                    guard case .corruptChunk(id, let path, UInt64(offsets[1]), _) = expected, path.hasSuffix(Self.pack) else {
                        return #expect(Bool(false), "\(String(describing: expected))")
                    }
                    #expect(try store.has([id]) == [false])
                    #expect(try store.quarantined() == [id])
                    #expect(try store.statistics().quarantined == 1)
                    guard case .corruptChunk = storageError({ _ = try store.get(id) }) else { return #expect(Bool(false)) }
                } else if !hasIndex {
                    #expect(storageError { _ = try store.get(id) } == .missingChunk(id))
                }
                try store.put(chunks[1])
                #expect(try store.get(id) == chunks[1])
                #expect(try store.quarantined() == [])
                try store.close()
            }
        }
    }

    @Test func indexThatIsNoDatabaseIsRebuilt() throws {
        let chunks = (0..<30).map { Sample.random($0, 1_000) }
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore)
        try store.put(chunks)
        try store.close()
        try scratch.write(Sample.random(1, 9_000), to: "index.sqlite")
        let again = try ChunkStore(scratch.path, options: Sample.smallStore)
        #expect(again.openFindings.first?.what.contains("rebuilt") == true)
        for bytes in chunks { #expect(try again.get(SHA256.hash(bytes)) == bytes) }
        #expect(try again.statistics().chunks == 30)
        try again.close()
    }

    @Test func aMissingPackIsReported() throws {
        let chunks = (0..<30).map { Sample.random($0, 1_000) }
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore)
        try store.put(chunks)
        try store.close()
        try scratch.remove("packs/0000000001.pack")
        let again = try ChunkStore(scratch.path, options: Sample.smallStore)
        #expect(again.openFindings.map(\.what) == ["the pack is missing with 15 chunks"])
        #expect(try again.has(chunks.map { SHA256.hash($0) }).filter { $0 }.count == 15)
        try again.put(chunks)
        for bytes in chunks { #expect(try again.get(SHA256.hash(bytes)) == bytes) }
        try again.close()
    }

    @Test func newerFormatsAndForeignDirectoriesAreRefused() throws {
        let (scratch, _) = try prepare([Sample.random(1, 100)])
        let text = String(decoding: try scratch.bytes("store.json"), as: UTF8.self)
        try scratch.write(Array(text.replacing("\"format\": 1", with: "\"format\": 9").utf8), to: "store.json")
        #expect(storageError { _ = try open(scratch) } == .newerFormat(path: scratch.path, found: 9, supported: 1))
        try scratch.remove("store.json")
        guard case .corrupt = storageError({ _ = try open(scratch) }) else { return #expect(Bool(false)) }
    }

    @Test func oneOwnerAtATime() throws {
        let scratch = try Scratch()
        let store = try open(scratch)
        #expect(storageError { _ = try open(scratch) } == .locked(path: scratch.path))
        #expect(storageError { _ = try StoreCheck.run(scratch.path) } == .locked(path: scratch.path))
        try store.close()
        #expect(storageError { try store.put([1]) } == .closed(path: scratch.path))
        try open(scratch).close()
    }

    @Test func checkFindsAndRepairs() throws {
        let chunks = (0..<20).map { Sample.random($0, 1_500) }
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore)
        try store.put(chunks)
        try store.delete([SHA256.hash(chunks[19])])
        try store.close()
        var calls: [UInt64] = []
        let sound = try StoreCheck.run(scratch.path) { done, total in calls.append(total - done) }
        #expect(sound.isSound && sound.indexedChunks == 19 && sound.unindexedChunks == 1 && sound.frames == 20)
        #expect(calls.last == 0)
        try scratch.flip("packs/0000000001.pack", at: 64 + ChunkFrame.headerSize + 100)
        let bad = try StoreCheck.run(scratch.path)
        #expect(bad.lostChunks == [SHA256.hash(chunks[0])])
        #expect(bad.findings.count == 2 && bad.findings.allSatisfy { $0.offset == 64 })
        let repaired = try StoreCheck.run(scratch.path, repair: true)
        #expect(repaired.wasRepaired && repaired.indexedChunks == 19)
        #expect(repaired.lostChunks == [SHA256.hash(chunks[0])] && repaired.findings.map(\.offset) == [64])
        let after = try ChunkStore(scratch.path, options: Sample.smallStore)
        for bytes in chunks.dropFirst() { #expect(try after.get(SHA256.hash(bytes)) == bytes) }
        #expect(try after.has([SHA256.hash(chunks[0])]) == [false])
        try after.close()
    }
}
