import Chunks
import Foundation
import Primitives
import Storage
import Synchronization
import Testing

@Suite struct ChunkStoreFaultTests {
    @Test(arguments: [nil, 0, 1, 56, 57, 300, 511] as [Int?]) func aFullDiskRefusesPutsAndServesReads(after: Int?) throws {
        let scratch = try Scratch()
        let saboteur = Saboteur()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore, system: saboteur.system)
        let first = Sample.random(1, 500)
        try store.put(first)
        let size = try scratch.bytes("packs/0000000001.pack").count
        saboteur.fillDisk(".pack", after: after)
        for _ in 0..<3 {
            guard case .noSpace = storageError({ try store.put(Sample.random(2, 500)) }) else { return #expect(Bool(false)) }
            #expect(try store.get(SHA256.hash(first)) == first)
            #expect(try scratch.bytes("packs/0000000001.pack").count == size, "the half frame is cut")
        }
        saboteur.set(nil)
        try store.put(Sample.random(2, 500))
        try store.close()
        let check = try StoreCheck.run(scratch.path)
        #expect(check.isSound && check.indexedChunks == 2)
    }

    @Test func theReserveIsLeftAlone() throws {
        let scratch = try Scratch()
        var options = Sample.smallStore
        options.reserveBytes = .max / 2
        let store = try ChunkStore(scratch.path, options: options)
        #expect(storageError { try store.put([1]) } == .noSpace(operation: "put", path: scratch.path))
        try store.close()
    }

    @Test func aFailedSyncLosesWhatWasNotAcknowledged() throws {
        let scratch = try Scratch()
        let saboteur = Saboteur()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore, system: saboteur.system)
        let kept = Sample.random(1, 500)
        let lost = Sample.random(2, 500)
        try store.put(kept)
        let staged = try lost.withUnsafeBytes { try store.stage($0) }
        saboteur.failSyncs("1.pack")
        guard case .io = storageError({ try store.sync(through: staged.ticket) }) else { return #expect(Bool(false)) }
        saboteur.set(nil)
        // A later sync that succeeds must not bring it back.
        guard case .lostBeforeSync = storageError({ try store.sync(through: staged.ticket) }) else { return #expect(Bool(false)) }
        #expect(try store.has([SHA256.hash(lost), SHA256.hash(kept)]) == [false, true])
        try store.put(lost)
        #expect(try store.get(SHA256.hash(lost)) == lost)
        #expect(try scratch.names("packs").count == 2, "the pack of the failed sync is left")
        try store.close()
        let check = try StoreCheck.run(scratch.path)
        #expect(check.isSound && check.indexedChunks == 2)
    }

    @Test func anAppendUnderWayWhenASyncFailsIsLostToo() throws {
        let scratch = try Scratch()
        let saboteur = Saboteur()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore, system: saboteur.system)
        let staged = try Sample.random(1, 500).withUnsafeBytes { try store.stage($0) }
        let (isWriting, mayWrite, isOver) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        saboteur.set { operation in
            if case .sync = operation { return .fail(errno: EIO) }
            if case .write = operation {
                isWriting.signal()
                mayWrite.wait()
            }
            return .proceed
        }
        let outcome = Mutex<StorageError?>(nil)
        Thread {
            let error = storageError { _ = try Sample.random(2, 500).withUnsafeBytes { try store.stage($0) } }
            outcome.withLock { $0 = error }
            isOver.signal()
        }.start()
        isWriting.wait()
        guard case .io = storageError({ try store.sync(through: staged.ticket) }) else { return #expect(Bool(false)) }
        saboteur.set(nil)
        mayWrite.signal()
        isOver.wait()
        guard case .lostBeforeSync = outcome.withLock({ $0 }) else { return #expect(Bool(false)) }
        #expect(try store.has([SHA256.hash(Sample.random(1, 500)), SHA256.hash(Sample.random(2, 500))]) == [false, false])
        try store.put([Sample.random(1, 500), Sample.random(2, 500)])
        try store.close()
        #expect(try StoreCheck.run(scratch.path).indexedChunks == 2)
    }

    /// Threads put; the power fails. Of what no sync covered any part may be left, with garbage in it.
    @Test(arguments: 1...10 as ClosedRange<UInt64>) func aPowerFailureTakesNothingAcknowledged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let scratch = try Scratch()
        let saboteur = Saboteur()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore, system: saboteur.system)
        let calls = Atomic<Int>(0)
        let crashAt = 20 + generator.below(150)
        let synced = Mutex<[String: UInt64]>([:])
        let tails = Mutex<[String: UInt64]>([:])
        saboteur.set { operation in
            if case .read = operation { return .proceed }
            if calls.add(1, ordering: .sequentiallyConsistent).oldValue >= crashAt { return .fail(errno: EIO) }
            switch operation {
            case .write(let path, let offset, let count): tails.withLock { $0[path] = offset + UInt64(count) }
            case .sync(let path): synced.withLock { $0[path] = tails.withLock { $0[path] ?? 0 } }
            default: break
            }
            return .proceed
        }
        let acknowledged = Mutex<[UInt64]>([])
        concurrently(4) { worker in
            for round in 0..<40 {
                let key = UInt64(worker * 1_000 + round)
                guard (try? store.put(Sample.random(key, 700))) != nil else { return }
                acknowledged.withLock { $0.append(key) }
            }
        }
        try? store.close()
        for name in try scratch.names("packs") {
            let pack = "packs/" + name
            let bytes = try scratch.bytes(pack)
            // A tail is noted before its write and a sync before it runs: what lies before this was surely covered.
            let safe = min(Int(synced.withLock { $0[scratch.path + "/" + pack] ?? 0 }), bytes.count)
            let kept = safe + generator.below(bytes.count - safe + 1)
            try scratch.write(Array(bytes.prefix(kept)) + (kept < bytes.count ? Sample.random(seed, generator.below(100)) : []), to: pack)
        }
        let isIndexLost = generator.below(2) == 0
        if isIndexLost { for name in try scratch.names("") where name.hasPrefix("index") { try scratch.remove(name) } }
        let again = try ChunkStore(scratch.path, options: Sample.smallStore)
        let keys = acknowledged.withLock { $0 }
        #expect(!keys.isEmpty)
        for key in keys { #expect(try again.get(SHA256.hash(Sample.random(key, 700))) == Sample.random(key, 700)) }
        try again.put(Sample.random(9_999, 700))
        try again.close()
    }

    @Test func storedBytesTravelAsTheyAre() throws {
        let (one, other) = (try Scratch(), try Scratch())
        let from = try ChunkStore(one.path, options: Sample.smallStore)
        let to = try ChunkStore(other.path, options: Sample.smallStore)
        for bytes in [Sample.text(1, 9_000), Sample.random(2, 500), []] {
            let reference = try from.put(bytes)
            let stored = try from.getStored(reference.id)
            #expect(stored.reference == reference && stored.payload.count <= bytes.count)
            let received = try StoredChunk(xdr: stored.xdrBytes)
            let staged = try to.stage(received)
            #expect(staged.isNew)
            try to.sync(through: staged.ticket)
            #expect(try to.get(reference.id) == bytes)
            #expect(try !to.stage(received).isNew)
        }
        let stored = try from.getStored(try from.put(Sample.text(7, 9_000)).id)
        #expect(stored.codec == .zstd && stored.payload.count < 4_500)
        var bad = stored
        bad.payload[20] ^= 1
        guard case .invalid = storageError({ _ = try to.stage(bad) }) else { return #expect(Bool(false)) }
        bad = StoredChunk(reference: ChunkReference(id: .zero, length: 9_000), codec: .zstd, payload: stored.payload)
        guard case .invalid = storageError({ _ = try to.stage(bad) }) else { return #expect(Bool(false)) }
        try from.close()
        try to.close()
    }

    @Test func compactionFreesDeadSpaceAndKeepsTheRest() throws {
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore)
        let chunks = (0..<60).map { Sample.random($0, 1_000) }
        try store.put(chunks)
        let before = try store.statistics()
        #expect(before.packs == 4)
        try store.delete(chunks.indices.filter { $0 % 4 != 0 }.map { SHA256.hash(chunks[$0]) })
        var calls = 0
        while true {
            let step = try store.compact(budget: 2_000)
            #expect(step.copiedBytes <= 2_000 + 1_064)
            if step.isIdle { break }
            calls += 1
            try #require(calls < 100)
        }
        let after = try store.statistics()
        #expect(after.packBytes < before.packBytes / 2)
        #expect(after.chunks == 15)
        for (position, bytes) in chunks.enumerated() {
            if position % 4 == 0 {
                #expect(try store.get(SHA256.hash(bytes)) == bytes)
            } else {
                #expect(try store.has([SHA256.hash(bytes)]) == [false])
            }
        }
        try store.close()
        let check = try StoreCheck.run(scratch.path)
        #expect(check.isSound && check.indexedChunks == 15)
    }

    /// Stops the world before each call that compaction makes on the file system, and opens again.
    @Test func compactionSurvivesACrashAtAnyCall() throws {
        let chunks = (0..<20).map { Sample.random($0, 1_000) }
        let alive = chunks.indices.filter { $0 % 4 == 0 }
        var crashAt = 0
        while true {
            let scratch = try Scratch()
            let saboteur = Saboteur()
            let store = try ChunkStore(scratch.path, options: Sample.smallStore, system: saboteur.system)
            try store.put(chunks)
            try store.delete(chunks.indices.filter { $0 % 4 != 0 }.map { SHA256.hash(chunks[$0]) })
            let calls = Atomic<Int>(0)
            let limit = crashAt
            saboteur.set { operation in
                if case .read = operation { return .proceed }
                return calls.add(1, ordering: .relaxed).oldValue >= limit ? .fail(errno: EIO) : .proceed
            }
            var isComplete = true
            do { while !(try store.compact(budget: 1 << 20).isIdle) {} } catch { isComplete = false }
            try? store.close()
            let again = try ChunkStore(scratch.path, options: Sample.smallStore)
            for position in alive { #expect(try again.get(SHA256.hash(chunks[position])) == chunks[position], "call \(crashAt)") }
            #expect(try again.statistics().chunks == alive.count)
            #expect(again.openFindings == [])
            try again.close()
            #expect(try StoreCheck.run(scratch.path).isSound)
            if isComplete { break }
            crashAt += 1
            try #require(crashAt < 50)
        }
        #expect(crashAt > 3, "compaction makes more calls than that")
    }

    @Test func scrubFindsDecayAtItsRate() throws {
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: Sample.smallStore)
        let chunks = (0..<40).map { Sample.random($0, 1_000) }
        try store.put(chunks)
        try store.close()
        try scratch.flip("packs/0000000002.pack", at: 64 + ChunkFrame.headerSize + 3)
        let again = try ChunkStore(scratch.path, options: Sample.smallStore)
        var corrupt: [ChunkID] = []
        var steps = 0
        while true {
            let step = try again.scrub(budget: 8_000)
            #expect(step.bytes <= 9_000)
            corrupt += step.corrupt
            steps += 1
            if step.isRoundComplete { break }
        }
        #expect(steps >= 5)
        #expect(corrupt == [SHA256.hash(chunks[15])])
        #expect(try again.quarantined() == corrupt)
        try again.put(chunks[15])
        #expect(try again.scrub(budget: 1 << 20).corrupt == [])
        try again.close()
    }

    /// Random puts, deletions, compactions, faults and reopenings against a set.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func agreesWithAModel(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let scratch = try Scratch()
        let saboteur = Saboteur()
        var options = Sample.smallStore
        options.packSize = 6 << 10
        options.cacheBytes = generator.below(2) * 8_000
        var store = try ChunkStore(scratch.path, options: options, system: saboteur.system)
        var model: [UInt64: [UInt8]] = [:]
        for _ in 0..<150 {
            switch generator.below(12) {
            case 0...5:
                let key = generator.next() % 60
                let bytes = key % 2 == 0 ? Sample.random(key, 100 + Int(key) * 20) : Sample.text(key, 100 + Int(key) * 30)
                if generator.below(10) == 0 { saboteur.fillDisk(".pack", after: generator.below(200)) }
                do {
                    try store.put(bytes)
                    model[key] = bytes
                } catch { #expect(error.isRetryable) }
                saboteur.set(nil)
            case 6, 7:
                let key = generator.next() % 60
                if let bytes = model.removeValue(forKey: key) { #expect(try store.delete([SHA256.hash(bytes)]) == 1) }
            case 8: _ = try store.compact(budget: generator.below(6_000))
            case 9:
                try store.close()
                store = try ChunkStore(scratch.path, options: options, system: saboteur.system)
                #expect(store.openFindings == [])
            default:
                let key = generator.next() % 60
                if let bytes = model[key] { #expect(try store.get(SHA256.hash(bytes)) == bytes) }
            }
        }
        #expect(try store.statistics().chunks == model.count)
        for bytes in model.values { #expect(try store.get(SHA256.hash(bytes)) == bytes) }
        try store.close()
        #expect(try StoreCheck.run(scratch.path).isSound)
    }
}
