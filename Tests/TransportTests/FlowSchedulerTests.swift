import Primitives
import Testing

@testable import Transport

/// The arithmetic of shaping, exact to the nanosecond: time is a number here.
@Suite struct FlowSchedulerTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1_000_000)) }

    private func path(
        _ delay: Double, jitter: Double = 0, loss: Double = 0, window: Int? = nil, capacity: Int? = nil
    ) -> LinkPath {
        let rule = LinkRule(
            delay: .nanoseconds(Int64(delay * 1e6)), jitter: .nanoseconds(Int64(jitter * 1e6)), loss: loss, window: window,
            capacity: capacity)
        return LinkPath(forward: rule, backward: rule)
    }

    /// Lets virtual time run from wake to wake; returns (payload, arrival in ms).
    private func run(
        _ flow: inout FlowScheduler<Int>, link: inout LinkCapacity, from start: Instant, until end: Instant = .distantFuture
    ) -> [(Int, Double)] {
        var now = start
        var out: [(Int, Double)] = []
        var steps = 0
        while now <= end, steps < 1_000_000 {
            steps += 1
            flow.advance(now: now, link: &link)
            while let payload = flow.popDue(now: now) { out.append((payload, Double(now.nanoseconds) / 1e6)) }
            guard let wake = flow.nextWake(now: now) else { break }
            #expect(wake > now, "a wake-up that lies in the past would spin")
            now = wake
        }
        return out
    }

    private func run(_ flow: inout FlowScheduler<Int>, from start: Instant, until end: Instant = .distantFuture) -> [(Int, Double)] {
        var link = LinkCapacity()
        return run(&flow, link: &link, from: start, until: end)
    }

    @Test func delayIsExact() {
        var flow = FlowScheduler<Int>(path: path(40), seed: 1)
        flow.enqueue(1, bytes: 100)
        #expect(run(&flow, from: at(5)).map(\.1) == [45])
    }

    @Test func withoutRulesNothingIsHeldBack() {
        var flow = FlowScheduler<Int>(path: .none, seed: 1)
        #expect(flow.isTransparent)
        flow.enqueue(1, bytes: 100)
        #expect(!flow.isTransparent)
        #expect(run(&flow, from: at(5)).map(\.1) == [5])
        #expect(flow.isTransparent)
    }

    /// One window per round trip, not a byte more: throughput = window ÷ round trip.
    @Test func windowBoundsThroughput() {
        let window = 64 << 10
        var flow = FlowScheduler<Int>(path: path(50, window: window), seed: 1)
        #expect(flow.pieceSize == 4_096)
        for index in 0..<160 { flow.enqueue(index, bytes: 4_096) }
        let out = run(&flow, from: at(0))
        #expect(out.map(\.0) == Array(0..<160))
        // 16 pieces of 4 KiB fill the window; ten windows leave at 0, 100, … 900 ms and arrive 50 ms later.
        for (index, arrival) in out { #expect(arrival == Double(index / 16) * 100 + 50) }
    }

    @Test func aPieceLargerThanTheWindowStillPasses() {
        var flow = FlowScheduler<Int>(path: path(10, window: 100), seed: 1)
        flow.enqueue(1, bytes: 4_096)
        flow.enqueue(2, bytes: 4_096)
        #expect(run(&flow, from: at(0)).map(\.1) == [10, 30])
    }

    @Test func capacitySerialises() {
        // 1 MB/s: 10,000 bytes take 10 ms. The first 2 ms are the burst that an idle link has saved up.
        var flow = FlowScheduler<Int>(path: path(5, capacity: 1_000_000), seed: 1)
        for index in 0..<5 { flow.enqueue(index, bytes: 10_000) }
        let arrivals = run(&flow, from: at(100)).map(\.1)
        #expect(arrivals == [113, 123, 133, 143, 153])
    }

    /// Two flows share a link piece by piece: a small message does not wait for the other flow's queue.
    @Test func flowsShareALinkFairly() {
        let path = path(0.001, capacity: 1_000_000)
        var bulk = FlowScheduler<Int>(path: path, seed: 1)
        var control = FlowScheduler<Int>(path: path, seed: 2)
        var link = LinkCapacity()
        for index in 0..<100 { bulk.enqueue(index, bytes: 10_000) }
        bulk.advance(now: at(100), link: &link)
        control.enqueue(7, bytes: 100)
        control.advance(now: at(100), link: &link)
        // One piece of bulk (10 ms, less the burst) is in front, not a hundred.
        var wake = control.nextWake(now: at(100))!
        #expect(wake > at(108) && wake < at(109))
        while control.popDue(now: wake) == nil {
            control.advance(now: wake, link: &link)
            wake = control.nextWake(now: wake) ?? wake
        }
        #expect(bulk.nextWake(now: at(100))! < at(109))
    }

    @Test(arguments: 0..<20) func orderIsKeptUnderJitter(seed: UInt64) {
        var flow = FlowScheduler<Int>(path: path(40, jitter: 5), seed: seed)
        var arrivals: [(Int, Double)] = []
        for index in 0..<200 {
            flow.enqueue(index, bytes: 100)
            arrivals += run(&flow, from: at(Double(index)), until: at(Double(index + 1) - 0.000001))
        }
        arrivals += run(&flow, from: at(200))
        #expect(arrivals.map(\.0) == Array(0..<200))
        // 3.46 deviations, plus what the order adds.
        for (index, arrival) in arrivals { #expect(arrival - Double(index) > 40 - 17.4 && arrival - Double(index) < 40 + 17.4) }
    }

    @Test func jitterHasItsDeviation() {
        var random = SeededGenerator(seed: 3)
        let draws = (0..<20_000).map { _ in drawJitter(deviation: .milliseconds(2), random: &random).inMilliseconds }
        let mean = draws.reduce(0, +) / 20_000
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean) < 0.05)
        #expect(abs(variance - 4) < 0.15)
    }

    @Test func aSeedRepeats() {
        func arrivals(_ seed: UInt64) -> [Double] {
            var flow = FlowScheduler<Int>(path: path(40, jitter: 5, loss: 0.02), seed: seed)
            for index in 0..<50 { flow.enqueue(index, bytes: 5_000) }
            return run(&flow, from: at(0)).map(\.1)
        }
        #expect(arrivals(1) == arrivals(1))
        #expect(arrivals(1) != arrivals(2))
    }

    /// A lost segment comes a round trip later, and holds up what is behind it.
    @Test func lossCostsRoundTrips() {
        var flow = FlowScheduler<Int>(path: path(50, loss: 1), seed: 1)
        flow.enqueue(1, bytes: 100)
        // Alone in flight: a tail loss probe after two round trips.
        #expect(run(&flow, from: at(0)).map(\.1) == [250])
        // 1.22 segments is what Mathis leaves of the window at p = 1.
        #expect(flow.window == 1_766)
        var large = FlowScheduler<Int>(path: path(50, loss: 0.0001), seed: 1)
        #expect(large.window == 176_656)
        for index in 0..<2_000 { large.enqueue(index, bytes: large.pieceSize) }
        let out = run(&large, from: at(0))
        #expect(out.count == 2_000)
        let bytesPerSecond = 2_000 * Double(large.pieceSize) / (out.last!.1 / 1_000)
        // Within the bound of the formula (and the first window, which waits for nothing), not far below it.
        let bound: Double = 176_656 / 0.1
        #expect(bytesPerSecond < bound * 1.02)
        #expect(bytesPerSecond > bound / 3)
    }

    @Test func connectingPaysARoundTrip() {
        var random = SeededGenerator(seed: 1)
        #expect(connectDelay(path(40), random: &random) == .milliseconds(80))
        #expect(connectDelay(path(40, loss: 1), random: &random) == .milliseconds(2_080))
        #expect(connectDelay(.none, random: &random) == .zero)
    }

    private func blocked(_ path: LinkPath, forward: Bool = true, backward: Bool = true) -> LinkPath {
        var path = path
        path.forward.isBlocked = forward
        path.backward.isBlocked = backward
        return path
    }

    @Test func aPartitionStallsAndHealingSendsAgain() {
        let open = path(50)
        var flow = FlowScheduler<Int>(path: open, seed: 1)
        var link = LinkCapacity()
        flow.enqueue(1, bytes: 10)
        flow.advance(now: at(0), link: &link)
        flow.update(path: blocked(open), now: at(20))  // 1 is in the air and is lost
        flow.enqueue(2, bytes: 10)
        #expect(run(&flow, link: &link, from: at(30), until: at(5_000)).isEmpty)
        #expect(!flow.isBroken(now: at(5_000)))
        flow.update(path: open, now: at(6_000))
        let out = run(&flow, link: &link, from: at(6_000))
        #expect(out.map(\.0) == [1, 2])
        #expect(out.map(\.1) == [6_050, 6_050])
        #expect(run(&flow, link: &link, from: at(6_200)).isEmpty && flow.nextWake(now: at(6_200)) == nil)
    }

    @Test func aLongPartitionBreaksTheFlow() {
        let open = path(50)
        var flow = FlowScheduler<Int>(path: blocked(open), seed: 1, stallLimit: .seconds(15))
        var link = LinkCapacity()
        flow.advance(now: at(0), link: &link)
        // Nothing is outstanding: an idle connection survives any partition.
        #expect(flow.nextWake(now: at(0)) == nil && !flow.isBroken(now: at(100_000)))
        flow.enqueue(1, bytes: 10)
        flow.advance(now: at(1_000), link: &link)
        #expect(flow.nextWake(now: at(1_000)) == at(16_000))
        #expect(!flow.isBroken(now: at(15_999)) && flow.isBroken(now: at(16_000)))
        #expect(flow.removeAll() == [1])
        #expect(!flow.isBroken(now: at(16_000)) && flow.isEmpty)
    }

    /// Data passes, acknowledgements do not: the window closes, then the flow breaks.
    @Test func aOneWayPartitionBreaksTheOtherWayToo() {
        let half = blocked(path(50, window: 100), forward: false)
        var flow = FlowScheduler<Int>(path: half, seed: 1, stallLimit: .seconds(15))
        var link = LinkCapacity()
        flow.enqueue(1, bytes: 100)
        flow.enqueue(2, bytes: 100)
        flow.advance(now: at(0), link: &link)
        #expect(flow.nextWake(now: at(0)) == at(50))
        #expect(flow.popDue(now: at(50)) == 1)
        flow.advance(now: at(1_000), link: &link)
        #expect(flow.popDue(now: at(1_000)) == nil)
        #expect(flow.isBroken(now: at(15_000)))
        // Healed before that, it goes on.
        flow.update(path: path(50, window: 100), now: at(10_000))
        #expect(run(&flow, link: &link, from: at(10_000)).map(\.0) == [2])
    }

    @Test func aPauseHoldsButDoesNotBreak() {
        var paused = path(50)
        paused.forward.isPaused = true
        paused.backward.isPaused = true
        var flow = FlowScheduler<Int>(path: paused, seed: 1, stallLimit: .seconds(1))
        var link = LinkCapacity()
        flow.enqueue(1, bytes: 10)
        flow.advance(now: at(0), link: &link)
        #expect(flow.nextWake(now: at(0)) == nil && !flow.isBroken(now: at(60_000)))
        flow.update(path: path(50), now: at(60_000))
        #expect(run(&flow, link: &link, from: at(60_000)).map(\.1) == [60_050])
        // Unless it is being closed: nothing waits for ever.
        flow.update(path: paused, now: at(61_000))
        flow.isClosing = true
        flow.enqueue(2, bytes: 0)
        flow.advance(now: at(61_000), link: &link)
        #expect(flow.isBroken(now: at(62_000)))
    }

    @Test func removingTheRulesLetsEverythingGo() {
        var flow = FlowScheduler<Int>(path: path(5_000, window: 100), seed: 1)
        var link = LinkCapacity()
        for index in 0..<10 { flow.enqueue(index, bytes: 100) }
        flow.advance(now: at(0), link: &link)
        flow.update(path: .none, now: at(1))
        #expect(run(&flow, link: &link, from: at(1)).map(\.0) == Array(0..<10))
        #expect(flow.isTransparent)
    }

    /// The real thing under arbitrary times, sizes and rule changes: nothing is lost, doubled or turned
    /// round, and the window is never exceeded by more than one piece.
    @Test(arguments: 0..<60) func nothingIsLostUnderAnything(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var flow = FlowScheduler<Int>(
            path: path(10, jitter: 1, window: 20_000, capacity: 5_000_000), seed: seed, stallLimit: .seconds(3_600))
        var link = LinkCapacity()
        var now = at(0)
        var sent = 0
        var seen: [Int] = []
        for _ in 0..<400 {
            switch random.below(10) {
            case 0:
                var new = path(
                    Double(random.below(40)), jitter: Double(random.below(3)), loss: random.below(2) == 0 ? 0.01 : 0,
                    window: 1_000 + random.below(60_000))
                new.forward.isBlocked = random.below(4) == 0
                new.backward.isBlocked = random.below(6) == 0
                new.forward.isPaused = random.below(6) == 0
                flow.update(path: new, now: now)
            case 1...4:
                flow.enqueue(sent, bytes: random.below(5_000))
                sent += 1
            default:
                now = random.below(3) == 0 ? now + .milliseconds(random.below(50)) : max(flow.nextWake(now: now) ?? now, now)
            }
            flow.advance(now: now, link: &link)
            while let payload = flow.popDue(now: now) { seen.append(payload) }
            #expect(flow.inFlight >= 0)
        }
        flow.update(path: path(10), now: now)
        seen += run(&flow, link: &link, from: now).map(\.0)
        #expect(seen == Array(0..<sent))
    }
}

@Suite struct DatagramSchedulerTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1_000_000)) }

    @Test func delayLossAndOrder() {
        var link = LinkCapacity()
        var scheduler = DatagramScheduler<Int>(seed: 1)
        let rule = LinkRule(delay: .milliseconds(40))
        for index in 0..<10 { #expect(scheduler.enqueue(index, bytes: 100, rule: rule, now: at(0), link: &link)) }
        #expect(scheduler.nextWake == at(40))
        #expect(scheduler.popDue(now: at(39.999)) == nil)
        // Sent at one moment, they arrive in order where nothing shakes them.
        #expect((0..<10).map { _ in scheduler.popDue(now: at(40)) } == Array(0..<10))

        var lost = 0
        let lossy = LinkRule(loss: 0.3)
        for index in 0..<2_000 {
            if !scheduler.enqueue(index, bytes: 100, rule: lossy, now: at(50), link: &link) { lost += 1 }
            while scheduler.popDue(now: at(50)) != nil {}
        }
        #expect((500...700).contains(lost))
        #expect(!scheduler.enqueue(1, bytes: 1, rule: LinkRule(isBlocked: true), now: at(50), link: &link))
    }

    @Test func jitterTurnsDatagramsRound() {
        var link = LinkCapacity()
        var scheduler = DatagramScheduler<Int>(seed: 1)
        let rule = LinkRule(delay: .milliseconds(40), jitter: .milliseconds(5))
        for index in 0..<100 { _ = scheduler.enqueue(index, bytes: 100, rule: rule, now: at(Double(index)), link: &link) }
        var seen: [Int] = []
        while let wake = scheduler.nextWake { while let payload = scheduler.popDue(now: wake) { seen.append(payload) } }
        #expect(seen.count == 100 && seen != Array(0..<100) && seen.sorted() == Array(0..<100))
    }

    @Test func queuesAreBounded() {
        var link = LinkCapacity()
        var scheduler = DatagramScheduler<Int>(seed: 1)
        // 1,000 bytes at 10 kB/s: 100 ms each; the third would wait more than 200 ms and is dropped.
        let slow = LinkRule(capacity: 10_000)
        #expect((0..<4).map { scheduler.enqueue($0, bytes: 1_000, rule: slow, now: at(1_000), link: &link) } == [true, true, true, false])
        let rule = LinkRule(delay: .seconds(1))
        var taken = 0
        for index in 0..<5_000 where scheduler.enqueue(index, bytes: 1, rule: rule, now: at(1_000), link: &link) { taken += 1 }
        #expect(taken + 3 == DatagramScheduler<Int>.limit)
    }
}
