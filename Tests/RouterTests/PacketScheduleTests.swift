import Primitives
import Testing
import Transport

@testable import Router

@Suite struct PacketScheduleTests {
    static let a = RegionID("a")
    static let b = RegionID("b")
    static let c = RegionID("c")

    static func schedule(_ change: (inout LinkRules) -> Void) -> PacketSchedule<Int> {
        var rules = LinkRules()
        change(&rules)
        return PacketSchedule(regions: [a, b, c], rules: rules)
    }

    static func at(_ microseconds: Int64) -> Instant { Instant(nanoseconds: 1_000_000_000 + microseconds * 1_000) }

    static func delay(_ verdict: PacketSchedule<Int>.Verdict, since start: Instant) -> Duration? {
        if case .leaves(let time) = verdict { return time - start }
        return nil
    }

    /// All that has come out by `now`.
    static func drain(_ schedule: inout PacketSchedule<Int>, now: Instant) -> [(packet: Int, to: Int?)] {
        var out: [(packet: Int, to: Int?)] = []
        while let next = schedule.popDue(now: now) { out.append(next) }
        return out
    }

    @Test func eachDirectionHasItsOwnDelay() {
        var schedule = Self.schedule {
            $0[Self.a, Self.b] = LinkRule(delay: .milliseconds(30))
            $0[Self.b, Self.a] = LinkRule(delay: .milliseconds(5))
        }
        let start = Self.at(0)
        #expect(Self.delay(schedule.admit(1, bytes: 100, from: 0, to: 1, flow: 1, now: start), since: start) == .milliseconds(30))
        #expect(Self.delay(schedule.admit(2, bytes: 100, from: 1, to: 0, flow: 1, now: start), since: start) == .milliseconds(5))
        // A pair that the rules do not name is not shaped.
        #expect(Self.delay(schedule.admit(3, bytes: 100, from: 1, to: 2, flow: 1, now: start), since: start) == .zero)
        #expect(Self.drain(&schedule, now: start).map(\.packet) == [3])
        #expect(schedule.nextWake == start + .milliseconds(5))
        #expect(Self.drain(&schedule, now: start + .milliseconds(4)).isEmpty)
        #expect(Self.drain(&schedule, now: start + .milliseconds(5)).map(\.to) == [0])
        #expect(Self.drain(&schedule, now: start + .milliseconds(30)).map(\.to) == [1])
        #expect(schedule.count == 0 && schedule.nextWake == nil)
    }

    @Test func theRateOfALinkIsSharedByItsFlows() {
        var schedule = Self.schedule { $0[Self.a, Self.b] = LinkRule(capacity: 1_000_000) }
        // 1,500 bytes take 1.5 ms; the first two milliseconds of an idle link are credit.
        var last = Instant.zero
        for number in 0..<100 {
            guard case .leaves(let time) = schedule.admit(number, bytes: 1_500, from: 0, to: 1, flow: UInt32(number), now: Self.at(0))
            else {
                Issue.record("packet \(number) was dropped")
                return
            }
            #expect(time >= last)
            last = time
        }
        #expect(last - Self.at(0) == .microseconds(148_000))
        // The other direction and other links are as free as before.
        #expect(schedule.admit(100, bytes: 1_500, from: 1, to: 0, flow: 1, now: Self.at(0)) == .leaves(Self.at(0)))
    }

    @Test func aFullQueueDropsItsTail() {
        var schedule = Self.schedule { $0[Self.a, Self.b] = LinkRule(capacity: 1_000_000) }
        var verdicts: [PacketSchedule<Int>.Verdict] = []
        for number in 0..<200 { verdicts.append(schedule.admit(number, bytes: 1_500, from: 0, to: 1, flow: 7, now: Self.at(0))) }
        let taken = verdicts.prefix { $0 != .dropped(.full) }.count
        // 200 ms of backlog are 133 packets, one more begins within, one and a third are the credit.
        #expect(taken == 135)
        #expect(verdicts.dropFirst(taken).allSatisfy { $0 == .dropped(.full) })
        // Room comes back as the link drains.
        #expect(Self.delay(schedule.admit(200, bytes: 1_500, from: 0, to: 1, flow: 7, now: Self.at(10_000)), since: Self.at(0)) != nil)
    }

    @Test func aLinkHoldsSoManyPacketsAndNoMore() {
        var schedule = Self.schedule { $0[Self.a, Self.b] = LinkRule(delay: .seconds(1)) }
        for number in 0..<PacketSchedule<Int>.linkLimit {
            #expect(schedule.admit(number, bytes: 40, from: 0, to: 1, flow: 1, now: Self.at(0)) != .dropped(.full))
        }
        #expect(schedule.admit(-1, bytes: 40, from: 0, to: 1, flow: 1, now: Self.at(0)) == .dropped(.full))
        #expect(schedule.admit(-2, bytes: 40, from: 1, to: 0, flow: 1, now: Self.at(0)) != .dropped(.full))
        #expect(Self.drain(&schedule, now: Self.at(1_000_000)).count == PacketSchedule<Int>.linkLimit + 1)
        #expect(schedule.admit(-3, bytes: 40, from: 0, to: 1, flow: 1, now: Self.at(1_000_000)) != .dropped(.full))
    }

    @Test(arguments: [1 as UInt64, 2, 3])
    func jitterNeverReordersAFlowAndReordersOthers(seed: UInt64) {
        var schedule = Self.schedule {
            $0.seed = seed
            $0[Self.a, Self.b] = LinkRule(delay: .milliseconds(20), jitter: .milliseconds(2))
        }
        for number in 0..<4_000 {
            let time = Self.at(Int64(number) * 50)
            _ = schedule.admit(number, bytes: 100, from: 0, to: 1, flow: UInt32(number % 4), now: time)
        }
        let order = Self.drain(&schedule, now: .distantFuture).map(\.packet)
        #expect(order.count == 4_000)
        for flow in 0..<4 { #expect(order.filter { $0 % 4 == flow } == Array(stride(from: flow, to: 4_000, by: 4))) }
        #expect(order != Array(0..<4_000))
    }

    @Test func jitterOfPacketsFarApartHasTheRulesDeviation() {
        var schedule = Self.schedule { $0[Self.a, Self.b] = LinkRule(delay: .milliseconds(20), jitter: .milliseconds(2)) }
        var sum = 0.0
        var squares = 0.0
        for number in 0..<10_000 {
            let start = Self.at(Int64(number) * 100_000)
            let delay = Self.delay(schedule.admit(number, bytes: 100, from: 0, to: 1, flow: 1, now: start), since: start)!.inMilliseconds
            #expect(delay > 13 && delay < 27)
            sum += delay
            squares += delay * delay
            _ = Self.drain(&schedule, now: .distantFuture)
        }
        let mean = sum / 10_000
        #expect(abs(mean - 20) < 0.1)
        #expect(abs((squares / 10_000 - mean * mean).squareRoot() - 2) < 0.1)
    }

    @Test func lossIsAsOftenAsTheRuleSays() {
        var schedule = Self.schedule { $0[Self.a, Self.b] = LinkRule(loss: 0.1) }
        var lost = 0
        for number in 0..<10_000 {
            if schedule.admit(number, bytes: 100, from: 0, to: 1, flow: 1, now: Self.at(Int64(number))) == .dropped(.loss) { lost += 1 }
            _ = Self.drain(&schedule, now: .distantFuture)
        }
        #expect((900...1_100).contains(lost))
    }

    @Test func aCutTakesWhatIsOnItsWayAndHealingLetsTheNextPass() {
        var rules = LinkRules()
        for (x, y) in [(Self.a, Self.b), (Self.b, Self.c)] { rules.set(x, y, roundTrip: .milliseconds(20)) }
        var schedule = PacketSchedule<Int>(regions: [Self.a, Self.b, Self.c], rules: rules)
        _ = schedule.admit(1, bytes: 100, from: 0, to: 1, flow: 1, now: Self.at(0))
        _ = schedule.admit(2, bytes: 100, from: 1, to: 2, flow: 1, now: Self.at(0))
        var cut = rules
        cut.partition(Self.a, Self.b)
        schedule.update(regions: [Self.a, Self.b, Self.c], rules: cut)
        #expect(schedule.admit(3, bytes: 100, from: 0, to: 1, flow: 1, now: Self.at(1)) == .dropped(.cut))
        #expect(schedule.admit(4, bytes: 100, from: 1, to: 0, flow: 1, now: Self.at(1)) == .dropped(.cut))
        let out = Self.drain(&schedule, now: Self.at(10_000))
        #expect(out.map(\.packet) == [1, 2] && out.map(\.to) == [nil, 2])
        schedule.update(regions: [Self.a, Self.b, Self.c], rules: rules)
        #expect(schedule.admit(5, bytes: 100, from: 0, to: 1, flow: 1, now: Self.at(20_000)) == .leaves(Self.at(30_000)))
    }

    @Test func regionsThatComeLaterFollowAndTheRestStays() {
        var rules = LinkRules()
        rules.set(Self.a, Self.b, roundTrip: .milliseconds(20))
        var schedule = PacketSchedule<Int>(regions: [Self.a, Self.b], rules: rules)
        _ = schedule.admit(1, bytes: 100, from: 0, to: 1, flow: 1, now: Self.at(0))
        rules.set(Self.a, Self.c, roundTrip: .milliseconds(4))
        schedule.update(regions: [Self.a, Self.b, Self.c], rules: rules)
        #expect(schedule.admit(2, bytes: 100, from: 2, to: 0, flow: 1, now: Self.at(0)) == .leaves(Self.at(2_000)))
        #expect(Self.drain(&schedule, now: Self.at(10_000)).map(\.packet) == [2, 1])
    }

    /// The same seed gives the same times and losses; another one others.
    @Test func chanceIsAFunctionOfTheSeed() {
        func run(_ seed: UInt64) -> [PacketSchedule<Int>.Verdict] {
            var schedule = Self.schedule {
                $0.seed = seed
                $0[Self.a, Self.b] = LinkRule(delay: .milliseconds(10), jitter: .milliseconds(1), loss: 0.05, capacity: 1_000_000)
            }
            return (0..<1_000).map {
                schedule.admit($0, bytes: 700, from: 0, to: 1, flow: UInt32($0 % 3), now: Self.at(Int64($0) * 800))
            }
        }
        #expect(run(1) == run(1))
        #expect(run(1) != run(2))
    }
}
