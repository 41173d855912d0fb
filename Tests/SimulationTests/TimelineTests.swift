import Comparison
import Primitives
import StorageSimulation
import Testing
import Workloads

@testable import Simulation

@Suite struct TimelineTests {
    private static let a = RegionID("a")

    @Test func keepingItChangesNothing() {
        let map = try! SettingsLibrary.map("aws")
        let plain = Simulation.run(.swarm(map, seed: 11), seed: 11, storage: NodeStorage.maker())
        let kept = Simulation.run(.swarm(map, seed: 11), seed: 11, storage: NodeStorage.maker(), keepsTimeline: true)
        #expect(plain.traceHash == kept.traceHash && plain.timeline == nil)
        let timeline = kept.timeline!
        #expect(timeline.series.contains { $0.slices.contains { $0.done > 0 } })
        #expect(timeline.phases.map(\.text).prefix(3) == ["start", "create", "load"])
        #expect(timeline.traffic.allSatisfy { $0.bytes > 0 })
    }

    @Test func aGapIsWhereEverythingFails() {
        var timeline = RunTimeline()
        func second(_ time: Int64) -> Int64 { time * 1_000_000_000 }
        timeline.note(.nfs, Self.a, at: second(1), latency: second(1) / 2, isDone: true)
        // The client rested: no gap but what it waited itself.
        timeline.note(.nfs, Self.a, at: second(50), latency: second(2), isDone: true)
        #expect(timeline.series[0].longestGap == second(2) && timeline.series[0].gapBegan == second(48))
        // Somebody failed in between: all of it counts.
        timeline.note(.nfs, Self.a, at: second(55), latency: second(1), isDone: false)
        timeline.note(.nfs, Self.a, at: second(60), latency: second(1), isDone: true)
        #expect(timeline.series[0].longestGap == second(10) && timeline.series[0].gapBegan == second(50))
        #expect(timeline.series[0].slices[55].failed == 1 && timeline.series[0].slices[60].median == 1_000)
    }

    @Test func slicesAreBounded() {
        var timeline = RunTimeline()
        for time in 0..<10_000 as Range<Int64> {
            timeline.note(.volume, Self.a, at: time * 1_000_000_000, latency: 1_000_000, isDone: true)
        }
        #expect(timeline.series[0].slices.count <= RunTimeline.sliceLimit)
        #expect(timeline.series[0].slices.reduce(0) { $0 + $1.done } == 10_000)
        #expect(timeline.series[0].slices.allSatisfy { $0.latencies.count <= 64 })
    }
}
