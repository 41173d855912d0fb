import Dispatch
import Primitives
import Storage
import Synchronization
import Testing

/// A clock that a test moves.
private final class TestClock: Sendable {
    private let seconds = Atomic<Int64>(1_000)
    var now: Instant { Instant(nanoseconds: seconds.load(ordering: .relaxed) * 1_000_000_000) }
    func advance(_ count: Int64) { seconds.add(count, ordering: .relaxed) }
}

@Suite struct SweepTests {
    private let clock = TestClock()

    private func options(packSize: UInt64 = 16 << 10) -> ChunkStoreOptions {
        var options = Sample.smallStore
        options.packSize = packSize
        options.touchSpan = .seconds(10)
        options.hollowBytes = 8_000
        options.now = { [clock] in clock.now }
        return options
    }

    private func idle(_ store: ChunkStore, _ seconds: Int64) throws -> Set<ChunkID> {
        var found: Set<ChunkID> = []
        var after: ChunkID?
        while true {
            let page = try store.listIdle(after: after, limit: 7, idle: .seconds(seconds))
            found.formUnion(page.ids)
            guard let next = page.next else { return found }
            after = next
        }
    }

    @Test func onlyWhatNobodyTouchedIsSwept() throws {
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: options())
        let chunks = (0..<30).map { Sample.random($0, 500) }
        let ids = chunks.map { SHA256.hash($0) }
        clock.advance(1)
        try store.put(chunks)
        clock.advance(30)
        #expect(try idle(store, 40) == [])
        #expect(try idle(store, 15) == Set(ids))
        // Stored again, and vouched for: both count.
        try store.put(chunks[3])
        #expect(try store.vouch([ids[4], Digest.zero]) == [true, false])
        #expect(try idle(store, 15) == Set(ids).subtracting([ids[3], ids[4]]))
        let step = try store.sweep(Array(ids[0..<10]), idle: .seconds(15))
        #expect(step.chunks == 8 && step.bytes > 8 * 500)
        #expect(try store.has(Array(ids[0..<10])).count { $0 } == 2)
        #expect(try store.statistics().sweptChunks == 8)
        // What was swept can be stored anew.
        try store.put(chunks[0])
        #expect(try store.get(ids[0]) == chunks[0])
        try store.close()

        // Whatever lies there when a store opens counts as touched then.
        let again = try ChunkStore(scratch.path, options: options())
        #expect(try idle(again, 0) == [])
        clock.advance(20)
        #expect(try idle(again, 25) == [])
        #expect(try idle(again, 15).count == 23)
        // Far beyond what is remembered, what is old is still known to be old.
        for index in 0..<40 {
            clock.advance(10)
            try again.put(Sample.random(UInt64(100 + index), 500))
        }
        #expect(try idle(again, 15).isSuperset(of: ids[10...]))
        try again.close()
    }

    /// A store that says "I have it" while another thread sweeps: what was acknowledged is there.
    @Test func whatIsAcknowledgedOutlivesARacingSweep() throws {
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: options())
        let chunks = (0..<40).map { Sample.random($0, 300) }
        let ids = chunks.map { SHA256.hash($0) }
        let lost = Atomic<Int>(0)
        let swept = Atomic<Int>(0)
        for _ in 0..<25 {
            try store.put(chunks)
            clock.advance(100)
            let group = DispatchGroup()
            DispatchQueue.global().async(group: group) {
                for id in ids { swept.add((try? store.sweep([id], idle: .seconds(50)).chunks) ?? 0, ordering: .relaxed) }
            }
            DispatchQueue.global().async(group: group) {
                for (index, bytes) in chunks.enumerated() {
                    guard (try? store.put(bytes)) != nil, (try? store.get(ids[index])) == bytes else {
                        lost.add(1, ordering: .relaxed)
                        continue
                    }
                }
            }
            group.wait()
            #expect(try store.has(ids).allSatisfy { $0 })
        }
        #expect(lost.load(ordering: .relaxed) == 0)
        #expect(swept.load(ordering: .relaxed) > 0, "the sweep never came first")
        try store.close()
        #expect(try StoreCheck.run(scratch.path).isSound)
    }

    /// Most of the pack that is being written is dead: its space comes back all the same.
    @Test func theActivePackGivesItsSpaceBack() throws {
        let scratch = try Scratch()
        let store = try ChunkStore(scratch.path, options: options(packSize: 1 << 20))
        let chunks = (0..<60).map { Sample.random($0, 1_000) }
        try store.put(chunks)
        clock.advance(100)
        _ = try store.sweep(chunks[2...].map { SHA256.hash($0) }, idle: .seconds(50))
        // Stopped here, nothing is lost: what was swept may come back, what was not is there.
        let crashed = try scratch.copy()
        while !(try store.compact(budget: 1 << 20).isIdle) {}
        let after = try store.statistics()
        #expect(after.chunks == 2 && after.packBytes < 8_000 && after.freedBytes > 50_000, "\(after)")
        for bytes in chunks[..<2] { #expect(try store.get(SHA256.hash(bytes)) == bytes) }
        try store.close()
        #expect(try StoreCheck.run(scratch.path).isSound)
        try crashed.remove("lock")
        let again = try ChunkStore(crashed.path, options: options(packSize: 1 << 20))
        for bytes in chunks[..<2] { #expect(try again.get(SHA256.hash(bytes)) == bytes) }
        try again.close()
    }
}
