import Filesystem
import NodeCore
import Primitives
import Testing

/// What an NFS client keeps of what it reads, by itself: names of buffers only.
@Suite struct NFSReadCacheTests {
    private let file = NFSReadCache.File(SessionID(1), InodeID(7))
    private let other = NFSReadCache.File(SessionID(1), InodeID(8))
    private let now = Instant(nanoseconds: 1_000_000_000)
    private let lifetime = Duration.seconds(3)

    /// One READ, from begin to end.
    private func read(
        _ cache: inout NFSReadCache, _ file: NFSReadCache.File, _ offset: UInt64, _ length: UInt32, _ buffer: UInt64, change: UInt64 = 1,
        endsFile: Bool = false, _ dropped: inout [BufferID]
    ) -> Bool {
        let ticket = cache.begin(file, change: change)
        defer { cache.end(ticket) }
        return cache.keep(
            ticket, offset: offset, length: length, buffer: BufferID(buffer), endsFile: endsFile, now: now, dropped: &dropped)
    }

    private func find(_ cache: inout NFSReadCache, _ file: NFSReadCache.File, _ offset: UInt64, _ length: UInt32) -> NFSReadCache.Hit? {
        cache.find(file, offset: offset, length: length, now: now, lifetime: lifetime)
    }

    @Test func aRangeGivesWhatLiesInItWholly() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        #expect(read(&cache, file, 100, 50, 1, &dropped))
        #expect(find(&cache, file, 100, 50) == .init(buffer: BufferID(1), offset: 0, length: 50, endOfFile: false))
        #expect(find(&cache, file, 120, 30) == .init(buffer: BufferID(1), offset: 20, length: 30, endOfFile: false))
        #expect(find(&cache, file, 120, 31) == nil, "a short read only at the end of the file")
        #expect(find(&cache, file, 99, 2) == nil)
        #expect(find(&cache, other, 100, 50) == nil)
        #expect(find(&cache, NFSReadCache.File(SessionID(2), InodeID(7)), 100, 50) == nil)
        #expect(dropped == [])
    }

    @Test func theEndOfTheFileIsKnown() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        #expect(read(&cache, file, 100, 50, 1, endsFile: true, &dropped))
        #expect(find(&cache, file, 120, 30) == .init(buffer: BufferID(1), offset: 20, length: 30, endOfFile: true))
        #expect(find(&cache, file, 120, 4_000) == .init(buffer: BufferID(1), offset: 20, length: 30, endOfFile: true))
        #expect(find(&cache, file, 120, 29) == .init(buffer: BufferID(1), offset: 20, length: 29, endOfFile: false))
        #expect(find(&cache, file, 150, 10) == .init(buffer: nil, offset: 0, length: 0, endOfFile: true))
        #expect(find(&cache, file, 900, 10) == .init(buffer: nil, offset: 0, length: 0, endOfFile: true))
    }

    @Test func anEmptyFileIsKeptWithoutABuffer() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        let ticket = cache.begin(file, change: 1)
        #expect(cache.keep(ticket, offset: 0, length: 0, buffer: nil, endsFile: true, now: now, dropped: &dropped))
        cache.end(ticket)
        #expect(find(&cache, file, 0, 10) == .init(buffer: nil, offset: 0, length: 0, endOfFile: true))
        #expect(cache.count == 1 && cache.buffers == 0 && cache.bytes == 0)
    }

    @Test func anotherChangeAttributeEndsWhatIsKept() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        #expect(read(&cache, file, 0, 10, 1, change: 5, &dropped))
        #expect(read(&cache, other, 0, 10, 2, change: 5, &dropped))
        cache.confirm(file, change: 5, now: now, dropped: &dropped)
        cache.confirm(file, change: 4, now: now, dropped: &dropped)
        #expect(dropped == [], "an answer that was overtaken ends nothing")
        cache.confirm(file, change: 6, now: now, dropped: &dropped)
        #expect(dropped == [BufferID(1)])
        #expect(find(&cache, file, 0, 10) == nil)
        #expect(find(&cache, other, 0, 10) != nil)
    }

    /// What was read before a change is not taken for what came after it, whenever its answer comes.
    @Test func aReadUnderWayIsNotKeptAcrossAChange() {
        var dropped: [BufferID] = []
        for isWrite in [false, true] {
            var cache = NFSReadCache()
            let ticket = cache.begin(file, change: 5)
            if isWrite {
                cache.drop(file, dropped: &dropped)
            } else {
                cache.confirm(file, change: 6, now: now, dropped: &dropped)
            }
            #expect(!cache.keep(ticket, offset: 0, length: 10, buffer: BufferID(1), endsFile: true, now: now, dropped: &dropped))
            cache.end(ticket)
            #expect(cache.count == 0 && dropped == [])
            #expect(read(&cache, file, 0, 10, 2, change: 6, &dropped), "what is read afterwards is kept")
        }
    }

    @Test func whatIsKeptIsBelievedForItsTimeAndConfirmedByAnOpen() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        #expect(read(&cache, file, 0, 10, 1, change: 5, &dropped))
        let later = now + .seconds(3)
        #expect(cache.find(file, offset: 0, length: 10, now: later, lifetime: lifetime) == nil)
        cache.confirm(file, change: 5, now: later, dropped: &dropped)
        #expect(cache.find(file, offset: 0, length: 10, now: later, lifetime: lifetime) != nil)
        #expect(cache.find(file, offset: 0, length: 10, now: later, lifetime: .zero) == nil)
    }

    @Test func theLeastRecentlyUsedGoesFirst() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        for number in 0..<UInt64(NFSReadCache.rangeLimit) { #expect(read(&cache, file, number * 10, 10, number, &dropped)) }
        #expect(dropped == [] && cache.count == NFSReadCache.rangeLimit)
        #expect(find(&cache, file, 0, 10) != nil)
        #expect(read(&cache, other, 0, 10, 1_000, &dropped))
        #expect(dropped == [BufferID(1)], "the first was used since")
        #expect(cache.count == NFSReadCache.rangeLimit)
    }

    @Test func bytesAreBounded() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        let piece = UInt64(4 << 20)
        for number in 0..<UInt64(20) { #expect(read(&cache, file, number * piece, UInt32(piece), number, &dropped)) }
        #expect(cache.bytes == NFSReadCache.byteLimit)
        #expect(dropped == (0..<4).map { BufferID($0) })
    }

    @Test func aRangeReplacesThoseThatItCovers() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        #expect(read(&cache, file, 10, 10, 1, &dropped))
        #expect(read(&cache, file, 25, 10, 2, &dropped))
        #expect(read(&cache, file, 0, 30, 3, &dropped))
        #expect(dropped == [BufferID(1)])
        #expect(cache.count == 2 && cache.bytes == 40)
    }

    @Test func aSessionTakesItsRangesAlong() {
        var cache = NFSReadCache()
        var dropped: [BufferID] = []
        #expect(read(&cache, NFSReadCache.File(SessionID(2), InodeID(7)), 0, 10, 1, &dropped))
        #expect(read(&cache, file, 0, 10, 2, &dropped))
        #expect(read(&cache, other, 0, 10, 3, &dropped))
        cache.drop(SessionID(1), dropped: &dropped)
        #expect(dropped == [BufferID(2), BufferID(3)])
        #expect(cache.count == 1 && cache.bytes == 10)
    }
}
