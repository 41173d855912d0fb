import Primitives
import Testing
import Workloads

@testable import Simulation

/// The parts of the world, each against something simpler.
@Suite struct ModelTests {
    @Test func theHeapGivesEventsInOrderOfTimeThenOfPushing() {
        var heap = EventHeap<Int>()
        var chance = SeededGenerator(seed: 1)
        var expected: [(at: Int64, number: Int)] = []
        var seen: [(at: Int64, action: Int)] = []
        for number in 0..<5_000 {
            let at = Int64(chance.below(300))
            heap.push(number, at: at)
            expected.append((at, number))
            // Slots are used again.
            if chance.below(3) == 0,
                let least = expected.enumerated().min(by: { ($0.element.at, $0.element.number) < ($1.element.at, $1.element.number) })
            {
                expected.remove(at: least.offset)
                let popped = heap.pop()
                #expect(popped?.at == least.element.at && popped?.action == least.element.number)
            }
        }
        while let next = heap.pop() { seen.append(next) }
        expected.sort { ($0.at, $0.number) < ($1.at, $1.number) }
        #expect(seen.map(\.action) == expected.map(\.number))
        #expect(heap.count == 0 && heap.nextAt == nil)
    }

    @Test(arguments: [0, 50, -50, 45_000, -45_000] as [Int64])
    func aClockShowsAReadingFirstAtItsTime(drift: Int64) {
        var clock = Clock(origin: 123_456_789, driftPPM: drift, at: 1_000)
        var chance = SeededGenerator(seed: UInt64(bitPattern: drift))
        for round in 0..<200 {
            let reading = clock.local(Int64(round) * 1_000_000_000) + Int64(chance.below(1_000_000_000_000))
            let time = clock.time(of: reading)
            #expect(clock.local(time) >= reading && clock.local(time - 2) <= reading)
            if round == 100 { clock.setDrift(-drift, at: 100_000_000_000) }
        }
    }

    @Test func contentIsWhatItsBytesAre() {
        var chance = SeededGenerator(seed: 5)
        for _ in 0..<300 {
            var content = Content(tag: 7, length: UInt64(chance.below(60)))
            var bytes = content.bytes
            for tag in 1...4 as ClosedRange<UInt64> {
                let piece = Content(tag: tag, length: UInt64(1 + chance.below(40)))
                let offset = chance.below(90)
                content = content.overlaid(piece, at: UInt64(offset))
                if bytes.count < offset { bytes += [UInt8](repeating: 0, count: offset - bytes.count) }
                let end = min(bytes.count, offset + Int(piece.length))
                bytes.replaceSubrange(offset..<end, with: piece.bytes)
            }
            #expect(content.bytes == bytes)
            #expect(content.isSame(as: Content(bytes)))
            let start = UInt64(chance.below(bytes.count))
            let count = UInt64(chance.below(bytes.count - Int(start) + 1))
            #expect(content.slice(start, count).bytes == Array(bytes[Int(start)..<Int(start + count)]))
        }
    }

    private func path(roundTrip: Int, window: UInt64, bytesPerSecond: UInt64) -> Path {
        Path(
            RegionMap.Link(
                from: RegionID("a"), to: RegionID("b"), roundTrip: .milliseconds(roundTrip), jitter: .zero, bytesPerSecond: bytesPerSecond,
                flowWindow: window, dollarsPerGigabyte: 0))
    }

    /// One flow carries a window a round trip; before that it starts slowly.
    @Test func aFlowCarriesItsWindowEachRoundTrip() {
        var path = path(roundTrip: 100, window: 1 << 20, bytesPerSecond: 10_000_000_000)
        var flow = Flow()
        var chance = SeededGenerator(seed: 1)
        let weather = NetworkWeather()
        // A short message takes half a round trip.
        #expect(flow.send(100, &path, now: 0, weather, &chance) / 1_000_000 == 50)
        let first = flow.send(64 << 20, &path, now: 1_000_000, weather, &chance)
        // 64 windows, and about six round trips to come to speed.
        #expect((6_400_000_000...7_400_000_000).contains(first), "\(first)")
        // What comes behind waits for it.
        let next = flow.send(100, &path, now: 2_000_000, weather, &chance)
        #expect(next > first)
    }

    @Test func flowsShareTheirLink() {
        var path = path(roundTrip: 10, window: 1 << 30, bytesPerSecond: 1_000_000)
        var chance = SeededGenerator(seed: 1)
        var flows = [Flow(), Flow(), Flow(), Flow()]
        var last: Int64 = 0
        for index in flows.indices { last = max(last, flows[index].send(1_000_000, &path, now: 0, NetworkWeather(), &chance)) }
        // Four megabytes at one megabyte a second.
        #expect((3_900_000_000...4_300_000_000).contains(last), "\(last)")
    }
}
